#include <ATen/Functions.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/nn.h>

#include <functional>
#include <numeric>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/models/position_grid.h"
#include "cmkd/models/vit.h"

namespace cmkd {

namespace nn = torch::nn;

namespace {

std::int64_t product_of(const std::vector<std::int64_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), std::int64_t{1}, std::multiplies<>());
}

std::vector<std::int64_t> tiled(const std::vector<std::int64_t>& size, const std::vector<std::int64_t>& patch) {
  std::vector<std::int64_t> grid;
  bool fits = size.size() == patch.size();
  for (std::size_t axis = 0; fits && axis < size.size(); ++axis) {
    fits = size[axis] >= patch[axis] && size[axis] % patch[axis] == 0;
    if (fits) grid.push_back(size[axis] / patch[axis]);
  }
  if (fits) return grid;
  throw Error(ErrorKind::kUsage,
              {fmt::format("patches of {} do not tile an input of {}", fmt::join(patch, " x "), fmt::join(size, " x ")),
               "", "", "choose patches that divide each length"});
}

}  // namespace

std::int64_t VitOptions::patch_values() const { return channels() * product_of(patch); }
std::int64_t VitOptions::patches() const { return product_of(patch_grid()); }
std::vector<std::int64_t> VitOptions::patch_grid() const { return tiled(size, patch); }

VitOptions VitOptions::xkd(Modality modality, const TransformerOptions& encoder) {
  if (modality == Modality::kVideo) return {modality, {32, 112, 112}, {4, 16, 16}, encoder};
  return {modality, {80, 448}, {4, 16}, encoder};
}

TransformerOptions vit_encoder(const std::string& size) {
  if (size == "tiny") return {192, 12, 3};
  if (size == "small") return {384, 12, 6};
  if (size == "base") return {768, 12, 12};
  throw Error(ErrorKind::kUsage, {"no encoder is called '" + size + "'", "", "tiny, small, base", ""});
}

std::vector<std::int64_t> patch_grid_of(const at::Tensor& input, const std::vector<std::int64_t>& patch) {
  return tiled(input.sizes().slice(2).vec(), patch);
}

at::Tensor split_patches(const at::Tensor& input, const std::vector<std::int64_t>& patch) {
  const std::vector<std::int64_t> grid = patch_grid_of(input, patch);
  // [B, C, g0, p0, g1, p1, …] -> [B, g0, g1, …, p0, p1, …, C]
  std::vector<std::int64_t> sizes{input.size(0), input.size(1)};
  std::vector<std::int64_t> order{0};
  const auto axes = static_cast<std::int64_t>(patch.size());
  for (std::size_t axis = 0; axis < patch.size(); ++axis) sizes.insert(sizes.end(), {grid[axis], patch[axis]});
  for (std::int64_t axis = 0; axis < axes; ++axis) order.push_back(2 + 2 * axis);
  for (std::int64_t axis = 0; axis < axes; ++axis) order.push_back(3 + 2 * axis);
  order.push_back(1);
  return input.reshape(sizes).permute(order).reshape({input.size(0), product_of(grid), -1});
}

at::Tensor join_patches(const at::Tensor& patches, const std::vector<std::int64_t>& grid,
                        const std::vector<std::int64_t>& patch, std::int64_t channels) {
  if (patches.size(1) != product_of(grid) || patches.size(2) != product_of(patch) * channels) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("{} patches of {} values are no grid of {} patches of {} values", patches.size(1),
                                     patches.size(2), product_of(grid), product_of(patch) * channels)});
  }
  // [B, g0, g1, …, p0, p1, …, C] -> [B, C, g0, p0, g1, p1, …]
  const auto axes = static_cast<std::int64_t>(patch.size());
  std::vector<std::int64_t> sizes{patches.size(0)};
  sizes.insert(sizes.end(), grid.begin(), grid.end());
  sizes.insert(sizes.end(), patch.begin(), patch.end());
  sizes.push_back(channels);
  std::vector<std::int64_t> order{0, 1 + 2 * axes};
  std::vector<std::int64_t> joined{patches.size(0), channels};
  for (std::int64_t axis = 0; axis < axes; ++axis) {
    order.insert(order.end(), {1 + axis, 1 + axes + axis});
    joined.push_back(grid[static_cast<std::size_t>(axis)] * patch[static_cast<std::size_t>(axis)]);
  }
  return patches.reshape(sizes).permute(order).reshape(joined);
}

at::Tensor without_class_token(const at::Tensor& tokens) { return tokens.narrow(1, 1, tokens.size(1) - 1); }

at::Tensor take_rows(const at::Tensor& x, const at::Tensor& index) {
  const at::Tensor first = at::arange(x.size(0), index.options()).unsqueeze(1) * x.size(1);
  return x.flatten(0, 1).index_select(0, (index + first).flatten()).view({x.size(0), index.size(1), x.size(2)});
}

VitLayers::VitLayers(nn::Module& owner, VitOptions options, std::shared_ptr<Transformer> encoder)
    : options_(std::move(options)), encoder_(std::move(encoder)) {
  const std::int64_t width = options_.encoder.width;
  cls_token_ = owner.register_parameter("cls_token", at::empty({1, 1, width}));
  enc_pos_embed_ = owner.register_parameter("enc_pos_embed", at::empty({1, 1 + options_.patches(), width}));
  const auto embed = std::make_shared<nn::Module>(options_.modality == Modality::kVideo ? "Cuboids" : "Patches");
  proj_ = embed->register_module("proj", nn::Linear(options_.patch_values(), width));
  owner.register_module(options_.modality == Modality::kVideo ? "cuboid_embed" : "patch_embed", embed);
  initialise_transformer(*embed);
  if (!encoder_) {
    encoder_ = std::make_shared<Transformer>(options_.encoder);
    initialise_transformer(*encoder_);
  }
  owner.register_module("encoder", encoder_);
  encoder_norm_ = owner.register_module("encoder_norm", nn::LayerNorm(nn::LayerNormOptions({width})));
  // N(0, 0.02²). The official initialiser truncates at ±2: at a hundred standard deviations.
  nn::init::normal_(cls_token_, 0.0, 0.02);
  nn::init::normal_(enc_pos_embed_, 0.0, 0.02);
}

at::Tensor VitLayers::positions(const std::vector<std::int64_t>& grid) const {
  const std::vector<std::int64_t> own = options_.patch_grid();
  if (grid == own) return enc_pos_embed_;
  at::Tensor& matrix = matrices_[grid];
  if (!matrix.defined() || matrix.scalar_type() != enc_pos_embed_.scalar_type() ||
      matrix.device() != enc_pos_embed_.device()) {
    const GridInterpolation how =
        options_.modality == Modality::kVideo ? GridInterpolation::kLinear : GridInterpolation::kCubic;
    matrix = position_matrix(own, grid, how).to(enc_pos_embed_.device(), enc_pos_embed_.scalar_type());
  }
  return at::cat({enc_pos_embed_.narrow(1, 0, 1), at::matmul(matrix, without_class_token(enc_pos_embed_))}, 1);
}

at::Tensor VitLayers::embed(const at::Tensor& input, const at::Tensor& kept) const {
  const at::Tensor positions = this->positions(patch_grid_of(input, options_.patch));
  at::Tensor patches = split_patches(input, options_.patch);
  at::Tensor places = without_class_token(positions);
  if (kept.defined()) {
    patches = take_rows(patches, kept);
    places = take_rows(places.expand({input.size(0), -1, -1}), kept);
  }
  const at::Tensor first = (cls_token_ + positions.narrow(1, 0, 1)).expand({input.size(0), -1, -1});
  return at::cat({first, at::linear(patches, proj_->weight, proj_->bias) + places}, 1);
}

at::Tensor VitLayers::normalise(const at::Tensor& tokens) const {
  return at::layer_norm(tokens, {tokens.size(2)}, encoder_norm_->weight, encoder_norm_->bias,
                        encoder_norm_->options.eps());
}

VitBackbone::VitBackbone(const VitOptions& options, std::shared_ptr<Transformer> encoder)
    : layers_(*this, options, std::move(encoder)) {}

at::Tensor VitBackbone::forward(const at::Tensor& input) {
  return layers_.normalise(encoder()->forward(layers_.embed(input)));
}

at::Tensor VitBackbone::forward_kept(const at::Tensor& input, const at::Tensor& kept) {
  return layers_.normalise(encoder()->forward(layers_.embed(input, kept)));
}

AttendedFeatures VitBackbone::forward_attended(const at::Tensor& input) {
  AttendedFeatures output;
  at::Tensor row;
  output.features = layers_.normalise(encoder()->forward(layers_.embed(input), row));
  output.attention = row.narrow(2, 1, row.size(2) - 1);
  return output;
}

}  // namespace cmkd
