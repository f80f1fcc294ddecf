// The backbones and the log-mel front end against vectors of torchvision and librosa: for `cmkd conformance` and the
// tests.
#pragma once

#include <filesystem>
#include <string>

namespace cmkd {

// Largest error over everything that the file expects, relative to the largest magnitude of the tensor it occurs in.
struct VectorCheck {
  double error = 0;
  std::string worst;    // "layer3"
  std::string problem;  // a difference that is no number: a missing name, another shape; "" when none
};

// `file`: one of vectors/backbones/*.json: names and shapes of the state dict, parameter count, every stage, the
// logits.
[[nodiscard]] VectorCheck check_backbone_vector(const std::filesystem::path& file);

// `file`: one of vectors/log_mel/*.pt: filter bank, power mel, log-mel.
[[nodiscard]] VectorCheck check_log_mel_vector(const std::filesystem::path& file);

}  // namespace cmkd
