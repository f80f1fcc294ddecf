// Pre-norm transformer blocks as in Dosovitskiy et al. 2021 (arXiv 2010.11929), without a bias in the qkv projection.
// Parameters are named as in timm's Block ("blocks.0.norm1.weight", "blocks.0.attn.qkv.weight", …).
#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace cmkd {

struct TransformerOptions {
  std::int64_t width = 768;
  std::int64_t depth = 12;
  std::int64_t heads = 12;     // divides width
  std::int64_t expansion = 4;  // hidden width of the feed-forward layers over `width`
};

// softmax(q kᵀ / √d) v with d = D / heads, then a projection.
class SelfAttention : public torch::nn::Module {
 public:
  SelfAttention(std::int64_t width, std::int64_t heads);
  // x [B, N, D] -> [B, N, D]. With `first_row`: it receives the attention of token 0 to all tokens, [B, heads, N].
  [[nodiscard]] at::Tensor forward(const at::Tensor& x, at::Tensor* first_row = nullptr);

 private:
  std::int64_t heads_;
  torch::nn::Linear qkv_{nullptr};
  torch::nn::Linear proj_{nullptr};
};

// fc2(GELU(fc1(x))), GELU in its exact form.
class FeedForward : public torch::nn::Module {
 public:
  FeedForward(std::int64_t width, std::int64_t hidden);
  [[nodiscard]] at::Tensor forward(const at::Tensor& x);

 private:
  torch::nn::Linear fc1_{nullptr};
  torch::nn::Linear fc2_{nullptr};
};

// x + attn(norm1(x)), then x + mlp(norm2(x)); LayerNorm with ε = 1e-5.
class TransformerBlock : public torch::nn::Module {
 public:
  explicit TransformerBlock(const TransformerOptions& options);
  [[nodiscard]] at::Tensor forward(const at::Tensor& x, at::Tensor* first_row = nullptr);

 private:
  torch::nn::LayerNorm norm1_{nullptr};
  std::shared_ptr<SelfAttention> attn_;
  torch::nn::LayerNorm norm2_{nullptr};
  std::shared_ptr<FeedForward> mlp_;
};

// Blocks one after another, without a norm at the end: that belongs to whoever shares the blocks.
class Transformer : public torch::nn::Module {
 public:
  explicit Transformer(const TransformerOptions& options);

  [[nodiscard]] at::Tensor forward(const at::Tensor& x);  // [B, N, D] -> [B, N, D]
  // The output of every block, [B, N, D] each.
  [[nodiscard]] std::vector<at::Tensor> outputs(const at::Tensor& x);
  // Forward, and the attention of token 0 in the last block alone, [B, heads, N].
  [[nodiscard]] at::Tensor forward(const at::Tensor& x, at::Tensor& last_first_row);

  [[nodiscard]] const TransformerOptions& options() const { return options_; }

 private:
  TransformerOptions options_;
  std::vector<std::shared_ptr<TransformerBlock>> blocks_;
};

// Xavier's uniform initialisation of every linear layer below `module`, zero biases (as in JAX's ViT and in MAE).
void initialise_transformer(torch::nn::Module& module);

}  // namespace cmkd
