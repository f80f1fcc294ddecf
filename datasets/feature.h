// Published features of a clip's sound.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "cmkd/media/media.h"

namespace cmkd {

// The one array of a file (.npy, .pt, safetensors), row after row. A failure for a file that is not there or is broken,
// that holds no array or several, that has not `values` values, or one that is not finite.
[[nodiscard]] media::Outcome<std::vector<float>> read_feature(const std::filesystem::path& path, std::int64_t values);

}  // namespace cmkd
