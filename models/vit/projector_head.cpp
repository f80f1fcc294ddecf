#include "cmkd/models/projector_head.h"

#include <ATen/Functions.h>
#include <torch/nn.h>

#include <cmath>

namespace cmkd {

namespace nn = torch::nn;

ProjectorHead::ProjectorHead(const ProjectorHeadOptions& options) : options_(options) {
  const nn::LayerNorm norm{nn::LayerNormOptions({options.hidden})};
  // Made one after the other: the order of a call's arguments is the compiler's. The last first, as GCC has had it.
  const nn::Linear third(options.hidden, options.bottleneck);
  const nn::Linear second(options.hidden, options.hidden);
  const nn::Linear first(options.in, options.hidden);
  mlp_ = register_module("mlp", nn::Sequential(first, norm, nn::GELU(), second, norm, nn::GELU(), third));
  for (const auto& child : mlp_->children()) {
    auto* linear = child->as<nn::Linear>();
    if (linear == nullptr) continue;
    nn::init::normal_(linear->weight, 0.0, 0.02);
    nn::init::zeros_(linear->bias);
  }
  const auto last = register_module("last_layer", std::make_shared<nn::Module>("WeightNormed"));
  weight_g_ = last->register_parameter("weight_g", at::ones({options.out, 1}), /*requires_grad=*/false);
  weight_v_ = last->register_parameter("weight_v", at::empty({options.out, options.bottleneck}));
  const double bound = 1.0 / std::sqrt(static_cast<double>(options.bottleneck));  // as torch.nn.Linear begins
  nn::init::uniform_(weight_v_, -bound, bound);
}

at::Tensor ProjectorHead::forward(const at::Tensor& x) {
  const at::Tensor narrow = mlp_->forward(x);
  const at::Tensor unit = narrow / narrow.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12);
  const at::Tensor weight = weight_v_ * (weight_g_ / weight_v_.norm(2, {1}, /*keepdim=*/true));
  return at::layer_norm(at::linear(unit, weight), {options_.out});
}

}  // namespace cmkd
