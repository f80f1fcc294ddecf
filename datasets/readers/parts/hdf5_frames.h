// A clip's frames in an HDF5 file: the dataset "video" holds the JPEG file of each frame as a row of bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "cmkd/media/media.h"

namespace cmkd {

// Whether this build reads HDF5 (CMKD_HDF5).
[[nodiscard]] bool has_hdf5() noexcept;
// What to do about a build that does not.
[[nodiscard]] const char* hdf5_remedy() noexcept;

// An open file. Calls of all threads are taken one by one: the library as distributions build it allows no more.
class Hdf5Frames {
 public:
  [[nodiscard]] static media::Outcome<Hdf5Frames> open(const std::filesystem::path& path);
  ~Hdf5Frames();
  Hdf5Frames(Hdf5Frames&&) noexcept;
  Hdf5Frames& operator=(Hdf5Frames&&) noexcept;

  [[nodiscard]] std::int64_t count() const noexcept;
  // The bytes of frame k, 0 <= k < count().
  [[nodiscard]] media::Outcome<std::vector<std::uint8_t>> frame(std::int64_t k) const;

 private:
  struct State;
  explicit Hdf5Frames(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cmkd
