// DINO's projector (Caron et al. 2021, arXiv 2104.14294), in the form that XKD gives it.
#pragma once

#include <torch/nn/modules/container/sequential.h>

#include <cstdint>

namespace cmkd {

struct ProjectorHeadOptions {
  std::int64_t in = 768;
  std::int64_t hidden = 2048;
  std::int64_t bottleneck = 256;
  std::int64_t out = 8192;
};

// Linear, LayerNorm, GELU twice, Linear to the bottleneck, its l2 norm set to 1, a weight-normed layer whose magnitude
// stays at 1, LayerNorm without affine: [B, in] -> [B, out]. *One* LayerNorm serves both hidden layers, as in XKD's
// official code: mlp.1 and mlp.4 are the same tensors.
class ProjectorHead : public torch::nn::Module {
 public:
  explicit ProjectorHead(const ProjectorHeadOptions& options);
  [[nodiscard]] at::Tensor forward(const at::Tensor& x);
  [[nodiscard]] const ProjectorHeadOptions& options() const { return options_; }

 private:
  ProjectorHeadOptions options_;
  torch::nn::Sequential mlp_{nullptr};
  at::Tensor weight_g_;  // [out, 1], ones, not trained
  at::Tensor weight_v_;  // [out, bottleneck]
};

}  // namespace cmkd
