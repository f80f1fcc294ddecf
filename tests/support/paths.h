// Where tests find their material and put their files.
#pragma once

#include <filesystem>
#include <string>

namespace cmkd::test {

// The root of the source tree.
[[nodiscard]] std::filesystem::path source_dir();

// The project's copy of the vectors, tests/vectors/.
[[nodiscard]] std::filesystem::path vectors_dir();

// The real recordings beside the repository (../shared/data, or $CMKD_SHARED_DATA); empty where a machine has none, and
// then the test says that it skips.
[[nodiscard]] std::filesystem::path shared_data_dir();

// A fresh folder under the system's temporary folder, removed with everything in it on destruction.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace cmkd::test
