// Pieces that several backbones are made of.
#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include <array>
#include <cstdint>
#include <string>

#include "cmkd/models/model.h"

namespace cmkd::models {

// Kaiming's normal initialisation for ReLU networks (He et al. 2015, arXiv 1502.01852), fan-out mode, for every
// convolution; batch norms start as the identity; linear layers N(0, 0.01) with zero bias, as torchvision's video
// models do.
void initialise(torch::nn::Module& module);

// Convolution without bias, batch norm, ReLU. kernel and stride are (time, height, width); "same" padding.
torch::nn::Sequential conv3d_bn_relu(std::int64_t in, std::int64_t out, std::array<std::int64_t, 3> kernel,
                                     std::array<std::int64_t, 3> stride);
// The same in two dimensions.
torch::nn::Sequential conv2d_bn_relu(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride);

// Place in a network of `stages` stages whose modules are called `stage` and a number from 1 on ("layer1.…"): what
// comes before them is layer 0, the classifier "fc." the last.
[[nodiscard]] ParameterPlace place_in_stages(const std::string& parameter, const std::string& stage,
                                             std::int64_t stages);

// [B, C, ...] -> [B, K, C]: the map flattened over time and space.
[[nodiscard]] at::Tensor tokens_of(const at::Tensor& map);
// [B, C, ...] -> [B, C]: the mean over time and space, as a mean over a flattened axis: deterministic on CUDA, where
// adaptive pooling is not.
[[nodiscard]] at::Tensor pooled(const at::Tensor& map);

}  // namespace cmkd::models
