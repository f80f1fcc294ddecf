// Masking of patches and the light decoder of a masked autoencoder (He et al. 2022, arXiv 2111.06377), as XKD has them.
#pragma once

#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <memory>

#include "cmkd/models/transformer.h"

namespace cmkd {

struct PatchMask {
  at::Tensor kept;     // [B, K] int64: patches that the encoder sees, in the order of their noise
  at::Tensor restore;  // [B, L] int64: where each patch lies in (kept patches, masked patches)
  at::Tensor masked;   // [B, L] 1 where masked, else 0, in the noise's type
};

// noise [B, L]: the K = round(L (1 − ratio)) patches of the least noise are kept (ties to even, as Python rounds; 1 at
// least).
[[nodiscard]] PatchMask mask_patches(const at::Tensor& noise, double ratio);

struct MaskedDecoderOptions {
  std::int64_t encoder_width = 768;
  std::int64_t patches = 0;       // L
  std::int64_t patch_values = 0;  // P
  TransformerOptions decoder{384, 4, 12};
};

// The encoder's tokens and a learned token for each masked patch, with positions, through a small transformer to the
// patches' values. No norm at the end. Named dec_pos_embed, mask_token, decoder.blocks.…, mid_proj, out_proj; the
// projections are left out where widths are equal.
class MaskedDecoder : public torch::nn::Module {
 public:
  explicit MaskedDecoder(const MaskedDecoderOptions& options);
  // encoded [B, 1 + K, De], class token first; restore [B, L] -> [B, L, P].
  [[nodiscard]] at::Tensor forward(const at::Tensor& encoded, const at::Tensor& restore);
  [[nodiscard]] const MaskedDecoderOptions& options() const { return options_; }

 private:
  MaskedDecoderOptions options_;
  at::Tensor dec_pos_embed_;  // [1, 1 + L, Dd]
  at::Tensor mask_token_;     // [1, 1, Dd]
  std::shared_ptr<Transformer> decoder_;
  torch::nn::Linear mid_proj_{nullptr};
  torch::nn::Linear out_proj_{nullptr};
};

}  // namespace cmkd
