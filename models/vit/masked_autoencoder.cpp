#include "cmkd/models/masked_autoencoder.h"

#include <ATen/Functions.h>
#include <fmt/format.h>
#include <torch/nn.h>

#include <algorithm>
#include <cmath>

#include "cmkd/core/error.h"
#include "cmkd/models/vit.h"

namespace cmkd {

namespace nn = torch::nn;

PatchMask mask_patches(const at::Tensor& noise, double ratio) {
  const std::int64_t patches = noise.size(1);
  const double wanted = std::nearbyint(static_cast<double>(patches) * (1.0 - ratio));
  const std::int64_t count = std::clamp<std::int64_t>(static_cast<std::int64_t>(wanted), 1, patches);
  const at::Tensor order = at::argsort(noise, /*stable=*/true, /*dim=*/1, /*descending=*/false);
  PatchMask mask;
  mask.kept = order.narrow(1, 0, count);
  mask.restore = at::argsort(order, /*stable=*/true, /*dim=*/1, /*descending=*/false);
  mask.masked = mask.restore.ge(count).to(noise.scalar_type());
  return mask;
}

MaskedDecoder::MaskedDecoder(const MaskedDecoderOptions& options) : options_(options) {
  const std::int64_t width = options.decoder.width;
  dec_pos_embed_ = register_parameter("dec_pos_embed", at::empty({1, 1 + options.patches, width}));
  mask_token_ = register_parameter("mask_token", at::empty({1, 1, width}));
  decoder_ = register_module("decoder", std::make_shared<Transformer>(options.decoder));
  if (options.encoder_width != width) mid_proj_ = register_module("mid_proj", nn::Linear(options.encoder_width, width));
  if (options.patch_values != width) out_proj_ = register_module("out_proj", nn::Linear(width, options.patch_values));
  initialise_transformer(*this);
  nn::init::normal_(dec_pos_embed_, 0.0, 0.02);
  nn::init::normal_(mask_token_, 0.0, 0.02);
}

at::Tensor MaskedDecoder::forward(const at::Tensor& encoded, const at::Tensor& restore) {
  if (restore.size(1) != options_.patches) {
    throw Error(ErrorKind::kUsage,
                {fmt::format("the decoder rebuilds {} patches, not {}", options_.patches, restore.size(1)), "",
                 "the size that its positions are for", ""});
  }
  const at::Tensor seen = mid_proj_.is_empty() ? encoded : mid_proj_->forward(encoded);
  const at::Tensor kept = without_class_token(seen);
  const at::Tensor absent = mask_token_.expand({seen.size(0), options_.patches - kept.size(1), -1});
  const at::Tensor patches = take_rows(at::cat({kept, absent}, 1), restore);
  const at::Tensor decoded = decoder_->forward(at::cat({seen.narrow(1, 0, 1), patches}, 1) + dec_pos_embed_);
  const at::Tensor rebuilt = without_class_token(decoded);
  return out_proj_.is_empty() ? rebuilt : out_proj_->forward(rebuilt);
}

}  // namespace cmkd
