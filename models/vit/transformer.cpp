#include "cmkd/models/transformer.h"

#include <ATen/Functions.h>
#include <fmt/format.h>
#include <torch/nn.h>

#include <cmath>

#include "cmkd/core/error.h"

namespace cmkd {

namespace nn = torch::nn;

SelfAttention::SelfAttention(std::int64_t width, std::int64_t heads) : heads_(heads) {
  if (heads < 1 || width % heads != 0) {
    throw Error(ErrorKind::kUsage, {fmt::format("{} heads do not divide a width of {}", heads, width), "", "", ""});
  }
  qkv_ = register_module("qkv", nn::Linear(nn::LinearOptions(width, 3 * width).bias(false)));
  proj_ = register_module("proj", nn::Linear(width, width));
}

at::Tensor SelfAttention::forward(const at::Tensor& x, at::Tensor* first_row) {
  const std::int64_t head = x.size(2) / heads_;
  const std::vector<at::Tensor> parts =  // q, k, v [B, heads, N, head]
      qkv_->forward(x).unflatten(2, {3, heads_, head}).permute({2, 0, 3, 1, 4}).unbind(0);
  if (first_row != nullptr) {
    const at::Tensor query = parts[0].narrow(2, 0, 1) / std::sqrt(static_cast<double>(head));
    *first_row = at::softmax(at::matmul(query, parts[1].transpose(2, 3)), 3).squeeze(2);
  }
  const at::Tensor attended = at::scaled_dot_product_attention(parts[0], parts[1], parts[2]);
  return proj_->forward(attended.transpose(1, 2).flatten(2));
}

FeedForward::FeedForward(std::int64_t width, std::int64_t hidden) {
  fc1_ = register_module("fc1", nn::Linear(width, hidden));
  fc2_ = register_module("fc2", nn::Linear(hidden, width));
}

at::Tensor FeedForward::forward(const at::Tensor& x) { return fc2_->forward(at::gelu(fc1_->forward(x))); }

TransformerBlock::TransformerBlock(const TransformerOptions& options) {
  const nn::LayerNormOptions norm({options.width});
  norm1_ = register_module("norm1", nn::LayerNorm(norm));
  attn_ = register_module("attn", std::make_shared<SelfAttention>(options.width, options.heads));
  norm2_ = register_module("norm2", nn::LayerNorm(norm));
  mlp_ = register_module("mlp", std::make_shared<FeedForward>(options.width, options.expansion * options.width));
}

at::Tensor TransformerBlock::forward(const at::Tensor& x, at::Tensor* first_row) {
  const at::Tensor attended = x + attn_->forward(norm1_->forward(x), first_row);
  return attended + mlp_->forward(norm2_->forward(attended));
}

Transformer::Transformer(const TransformerOptions& options) : options_(options) {
  nn::ModuleList blocks;
  for (std::int64_t i = 0; i < options.depth; ++i) {
    blocks_.push_back(std::make_shared<TransformerBlock>(options));
    blocks->push_back(blocks_.back());
  }
  register_module("blocks", blocks);
}

at::Tensor Transformer::forward(const at::Tensor& x) {
  at::Tensor output = x;
  for (const auto& block : blocks_) output = block->forward(output);
  return output;
}

std::vector<at::Tensor> Transformer::outputs(const at::Tensor& x) {
  std::vector<at::Tensor> outputs;
  for (const auto& block : blocks_) outputs.push_back(block->forward(outputs.empty() ? x : outputs.back()));
  return outputs;
}

at::Tensor Transformer::forward(const at::Tensor& x, at::Tensor& last_first_row) {
  at::Tensor output = x;
  for (const auto& block : blocks_)
    output = block->forward(output, block == blocks_.back() ? &last_first_row : nullptr);
  return output;
}

void initialise_transformer(nn::Module& module) {
  for (const auto& child : module.modules(/*include_self=*/false)) {
    auto* linear = child->as<nn::Linear>();
    if (linear == nullptr) continue;
    nn::init::xavier_uniform_(linear->weight);
    if (linear->bias.defined()) nn::init::zeros_(linear->bias);
  }
}

}  // namespace cmkd
