// The backbones and the log-mel front end against vectors of torchvision and librosa: for `cmkd conformance` and the
// tests.
#pragma once

#include <filesystem>

#include "cmkd/core/vector_check.h"

namespace cmkd {

// `file`: one of vectors/backbones/*.json: names and shapes of the state dict, parameter count, every stage, the
// logits. Errors are relative to the largest magnitude of the tensor in which they occur.
[[nodiscard]] VectorCheck check_backbone_vector(const std::filesystem::path& file);

// `file`: one of vectors/log_mel/*.pt: filter bank, power mel, log-mel.
[[nodiscard]] VectorCheck check_log_mel_vector(const std::filesystem::path& file);

}  // namespace cmkd
