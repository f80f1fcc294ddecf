// MNIST's files: IDX, gzip or plain.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace cmkd {

struct IdxBytes {
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> values;
};

// Reads an IDX file of unsigned bytes. Throws Error(kData) when it is cut off, longer than its header
// states, or of another kind, and when its compression is damaged.
[[nodiscard]] IdxBytes read_idx(const std::filesystem::path& path);
// The shape that its header states; the values are not looked at. Throws as above for a header that is none.
[[nodiscard]] std::vector<std::int64_t> read_idx_shape(const std::filesystem::path& path);

}  // namespace cmkd
