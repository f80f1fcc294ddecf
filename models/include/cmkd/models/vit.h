// Vision transformers on video cuboids and on spectrogram patches, as XKD has them (Sarkar and Etemad 2022,
// arXiv 2211.13929): a class token, learned positions, blocks, a norm. B batch, L patches, D width, P values a patch.
#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cmkd/models/transformer.h"
#include "cmkd/runtime/batch.h"

namespace cmkd {

struct VitOptions {
  Modality modality = Modality::kVideo;
  std::vector<std::int64_t> size{32, 112, 112};  // of the input whose patches the learned positions are for: frames,
                                                 // height, width; audio: mel bands, frames
  std::vector<std::int64_t> patch{4, 16, 16};
  TransformerOptions encoder;

  [[nodiscard]] std::int64_t channels() const { return modality == Modality::kVideo ? 3 : 1; }
  [[nodiscard]] std::int64_t patch_values() const;                                            // P
  [[nodiscard]] std::int64_t patches() const;                                                 // L at `size`
  [[nodiscard]] std::vector<std::int64_t> patch_grid() const;                                 // at `size`
  [[nodiscard]] static VitOptions xkd(Modality modality, const TransformerOptions& encoder);  // the paper's setting
};

// Encoder of the paper: "tiny" 192 wide with 3 heads, "small" 384 with 6, "base" 768 with 12; 12 blocks each.
[[nodiscard]] TransformerOptions vit_encoder(const std::string& size);

// Patches in row-major order of the grid, each flattened as (time, height, width, channel) or (band, frame):
// [B, C, …] -> [B, L, P]. Throws Error(kUsage) when patches do not tile the input.
[[nodiscard]] at::Tensor split_patches(const at::Tensor& input, const std::vector<std::int64_t>& patch);
// The reverse: [B, Π grid, P] -> [B, channels, …]. Throws Error(kUsage) where sizes do not fit.
[[nodiscard]] at::Tensor join_patches(const at::Tensor& patches, const std::vector<std::int64_t>& grid,
                                      const std::vector<std::int64_t>& patch, std::int64_t channels);
// The grid that this gives, e.g. {8, 7, 7}.
[[nodiscard]] std::vector<std::int64_t> patch_grid_of(const at::Tensor& input, const std::vector<std::int64_t>& patch);

// [B, 1 + L, D] -> [B, L, D], a view.
[[nodiscard]] at::Tensor without_class_token(const at::Tensor& tokens);

// Rows of each clip: x [B, N, D], index [B, K] int64 -> [B, K, D].
[[nodiscard]] at::Tensor take_rows(const at::Tensor& x, const at::Tensor& index);

struct AttendedFeatures {
  at::Tensor features;   // [B, 1 + L, D], normalised
  at::Tensor attention;  // [B, heads, L]: of the class token to the patches in the last block; sums to less than 1
};

// The layers of the network, registered in a module of somebody else under the official names: cls_token,
// enc_pos_embed, cuboid_embed.proj or patch_embed.proj, encoder.blocks.…, encoder_norm.
class VitLayers {
 public:
  // `encoder`: blocks that another network has, too; null: own ones. Draws the first weights.
  VitLayers(torch::nn::Module& owner, VitOptions options, std::shared_ptr<Transformer> encoder = nullptr);

  // Class token and patches with their positions, [B, 1 + L, D]. With `kept` [B, K] int64, these patches alone, in that
  // order: [B, 1 + K, D].
  [[nodiscard]] at::Tensor embed(const at::Tensor& input, const at::Tensor& kept = {}) const;
  [[nodiscard]] at::Tensor normalise(const at::Tensor& tokens) const;
  // enc_pos_embed for another grid, [1, 1 + Π grid, D].
  [[nodiscard]] at::Tensor positions(const std::vector<std::int64_t>& grid) const;

  [[nodiscard]] const VitOptions& options() const { return options_; }
  [[nodiscard]] const std::shared_ptr<Transformer>& encoder() const { return encoder_; }

 private:
  VitOptions options_;
  at::Tensor cls_token_;      // [1, 1, D]
  at::Tensor enc_pos_embed_;  // [1, 1 + L, D]
  torch::nn::Linear proj_{nullptr};
  std::shared_ptr<Transformer> encoder_;
  torch::nn::LayerNorm encoder_norm_{nullptr};
  mutable std::map<std::vector<std::int64_t>, at::Tensor> matrices_;  // of position_matrix, in the positions' type
};

class VitBackbone : public torch::nn::Module {
 public:
  explicit VitBackbone(const VitOptions& options, std::shared_ptr<Transformer> encoder = nullptr);

  // video [B, 3, T, H, W] or audio [B, 1, F, T] of any size that patches tile -> [B, 1 + L, D], class token first.
  [[nodiscard]] at::Tensor forward(const at::Tensor& input);
  // As MAE's encoder: the other patches are not computed at all. kept [B, K] int64 -> [B, 1 + K, D].
  [[nodiscard]] at::Tensor forward_kept(const at::Tensor& input, const at::Tensor& kept);
  [[nodiscard]] AttendedFeatures forward_attended(const at::Tensor& input);

  [[nodiscard]] at::Tensor patches(const at::Tensor& input) const { return split_patches(input, options().patch); }
  [[nodiscard]] const VitOptions& options() const { return layers_.options(); }
  [[nodiscard]] const std::shared_ptr<Transformer>& encoder() const { return layers_.encoder(); }

 private:
  VitLayers layers_;
};

}  // namespace cmkd
