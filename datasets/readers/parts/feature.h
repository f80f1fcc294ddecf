// Published features of a clip's sound.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "cmkd/media/media.h"

namespace cmkd {

// The one array of a file (.npy, .pt, safetensors), as float. A failure for a file that is not there or is broken, that
// holds no array or several, or values that are not real, and for such as are not finite or beyond
// media::kLargestSample (kUnusableSamples, with their number).
[[nodiscard]] media::Outcome<at::Tensor> read_feature_array(const std::filesystem::path& path);

// Its values, row after row. A failure also where they are not `values`.
[[nodiscard]] media::Outcome<std::vector<float>> read_feature(const std::filesystem::path& path, std::int64_t values);

}  // namespace cmkd
