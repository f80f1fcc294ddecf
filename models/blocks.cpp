#include "blocks.h"

#include <torch/nn/init.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>

namespace cmkd::models {

namespace nn = torch::nn;

void initialise(nn::Module& module) {
  for (const auto& child : module.modules(/*include_self=*/false)) {
    if (auto* conv3d = child->as<nn::Conv3d>()) {
      nn::init::kaiming_normal_(conv3d->weight, 0.0, torch::kFanOut, torch::kReLU);
    } else if (auto* conv2d = child->as<nn::Conv2d>()) {
      nn::init::kaiming_normal_(conv2d->weight, 0.0, torch::kFanOut, torch::kReLU);
    } else if (auto* linear = child->as<nn::Linear>()) {
      nn::init::normal_(linear->weight, 0.0, 0.01);
      nn::init::zeros_(linear->bias);
    }
  }
}

nn::Sequential conv3d_bn_relu(std::int64_t in, std::int64_t out, std::array<std::int64_t, 3> kernel,
                              std::array<std::int64_t, 3> stride) {
  const std::array<std::int64_t, 3> padding{kernel[0] / 2, kernel[1] / 2, kernel[2] / 2};
  return nn::Sequential(nn::Conv3d(nn::Conv3dOptions(in, out, kernel).stride(stride).padding(padding).bias(false)),
                        nn::BatchNorm3d(out), nn::ReLU(true));
}

nn::Sequential conv2d_bn_relu(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
  return nn::Sequential(nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false)),
                        nn::BatchNorm2d(out), nn::ReLU(true));
}

ParameterPlace place_in_stages(const std::string& parameter, const std::string& stage, std::int64_t stages) {
  const std::int64_t layers = stages + 2;
  if (parameter.starts_with("fc.")) return {layers - 1, layers};
  if (parameter.starts_with(stage)) return {std::stoll(parameter.substr(stage.size())), layers};
  return {0, layers};
}

at::Tensor tokens_of(const at::Tensor& map) { return map.flatten(2).transpose(1, 2); }

at::Tensor pooled(const at::Tensor& map) { return map.flatten(2).mean(2); }

}  // namespace cmkd::models
