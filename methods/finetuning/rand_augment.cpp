#include "cmkd/methods/rand_augment.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace cmkd {

namespace {

struct DrawnOp {
  PictureOp op = PictureOp::kIdentity;
  double amount = 0;
};

std::vector<PictureOp> ops_to_draw_from(bool geometry) {
  std::vector<PictureOp> ops;
  for (const EnumName<PictureOp>& known : enum_names(PictureOp{})) {
    if (geometry || !is_geometric(known.value)) ops.push_back(known.value);
  }
  return ops;
}

DrawnOp draw_op(const std::vector<PictureOp>& ops, const RandAugmentOptions& options, RandomStream& stream) {
  DrawnOp drawn;
  const bool done = stream.bernoulli(options.chance);
  const PictureOp op = ops[stream.below(ops.size())];
  const double magnitude = std::clamp(options.magnitude + options.deviation * stream.normal(), 0.0, 10.0);
  const bool negative = stream.bernoulli(0.5);
  if (done) drawn = {op, amount_of(op, magnitude, negative)};
  return drawn;
}

at::Tensor rows_on(const std::vector<std::int64_t>& rows, const at::Tensor& like) {
  return at::tensor(rows, at::kLong).to(like.device());
}

// The clips of each operation together, then every clip back in its place.
at::Tensor apply_each(const at::Tensor& pixels, const std::vector<DrawnOp>& drawn, const std::array<float, 3>& fill) {
  std::vector<at::Tensor> parts;
  std::vector<std::int64_t> place(drawn.size());  // of each clip among the parts
  std::int64_t placed = 0;
  for (const EnumName<PictureOp>& known : enum_names(PictureOp{})) {
    std::vector<std::int64_t> rows;
    std::vector<double> amounts;
    for (std::size_t clip = 0; clip < drawn.size(); ++clip) {
      if (drawn[clip].op != known.value) continue;
      rows.push_back(static_cast<std::int64_t>(clip));
      amounts.push_back(drawn[clip].amount);
      place[clip] = placed++;
    }
    if (rows.empty()) continue;
    parts.push_back(apply_picture_op(pixels.index_select(0, rows_on(rows, pixels)), known.value, amounts, fill));
  }
  return at::cat(parts).index_select(0, rows_on(place, pixels));
}

at::Tensor channel_row(const std::array<float, 3>& values, const at::Tensor& like) {
  return at::tensor({values[0], values[1], values[2]}, at::kFloat).view({1, 3, 1, 1, 1}).to(like.options());
}

}  // namespace

at::Tensor rand_augment(const at::Tensor& video, const PixelScale& scale, const RandAugmentOptions& options,
                        RandomStream& stream) {
  const std::vector<PictureOp> ops = ops_to_draw_from(options.geometry);
  const auto clips = static_cast<std::size_t>(video.size(0));
  std::vector<std::vector<DrawnOp>> rounds(static_cast<std::size_t>(options.operations), std::vector<DrawnOp>(clips));
  std::vector<std::int64_t> changed;
  for (std::size_t clip = 0; clip < clips; ++clip) {
    bool any = false;
    for (std::vector<DrawnOp>& round : rounds) {
      round[clip] = draw_op(ops, options, stream);
      any = any || round[clip].op != PictureOp::kIdentity;
    }
    if (any) changed.push_back(static_cast<std::int64_t>(clip));
  }
  if (changed.empty()) return video;
  const at::Tensor mean = channel_row(scale.mean, video);
  const at::Tensor deviation = channel_row(scale.deviation, video);
  const at::Tensor rows = rows_on(changed, video);
  at::Tensor pixels = (video.index_select(0, rows) * deviation + mean).clamp(0, 1);
  for (const std::vector<DrawnOp>& round : rounds) {
    std::vector<DrawnOp> drawn;
    for (const std::int64_t clip : changed) drawn.push_back(round[static_cast<std::size_t>(clip)]);
    pixels = apply_each(pixels, drawn, scale.mean);
  }
  return video.index_copy(0, rows, (pixels - mean) / deviation);
}

}  // namespace cmkd
