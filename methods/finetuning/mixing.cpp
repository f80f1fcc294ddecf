#include "cmkd/methods/mixing.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "cmkd/core/error.h"
#include "cmkd/methods/losses.h"

namespace cmkd {

namespace {

// [B] -> [B, 1, …], to choose between clips of `like`.
at::Tensor choosing_clips(const at::Tensor& known, const at::Tensor& like) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(like.dim()), 1);
  shape.front() = known.size(0);
  return known.view(shape);
}

struct CutStretch {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

// `extent` places around one of `length` places that was drawn, as far as they lie on the line.
CutStretch draw_cut_stretch(std::int64_t length, double extent, RandomStream& stream) {
  const auto half = static_cast<std::int64_t>(extent) / 2;
  const auto centre = static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(length)));
  return {std::max<std::int64_t>(0, centre - half), std::min(length, centre + half)};
}

void draw_cut_of_picture(Mix& mix, std::int64_t height, std::int64_t width, RandomStream& stream) {
  const double side = std::sqrt(1 - mix.share);
  const CutStretch rows = draw_cut_stretch(height, side * static_cast<double>(height), stream);
  const CutStretch columns = draw_cut_stretch(width, side * static_cast<double>(width), stream);
  mix.top = rows.from;
  mix.bottom = rows.to;
  mix.left = columns.from;
  mix.right = columns.to;
  const std::int64_t area = (rows.to - rows.from) * (columns.to - columns.from);
  mix.share = 1 - static_cast<double>(area) / static_cast<double>(height * width);
}

void draw_cut_of_sound(Mix& mix, std::int64_t samples, RandomStream& stream) {
  const CutStretch stretch = draw_cut_stretch(samples, (1 - mix.share) * static_cast<double>(samples), stream);
  mix.left = stretch.from;
  mix.right = stretch.to;
  mix.share = 1 - static_cast<double>(stretch.to - stretch.from) / static_cast<double>(samples);
}

}  // namespace

double draw_beta(double alpha, RandomStream& stream) {
  if (!(alpha > 0) || alpha > kLargestAlpha) {
    throw Error(ErrorKind::kInternal, {.what = "a Beta distribution whose parameter is out of range"});
  }
  // u^(1/α) / (u^(1/α) + v^(1/α)), of pairs whose sum is at most 1. In logarithms: a small α underflows.
  for (;;) {
    const double u = std::log(1 - stream.uniform()) / alpha;
    const double v = std::log(1 - stream.uniform()) / alpha;
    if (std::exp(u) + std::exp(v) <= 1) return 1 / (1 + std::exp(v - u));
  }
}

Mix draw_mix(const MixOptions& options, at::IntArrayRef input, RandomStream& stream) {
  Mix mix;
  const bool both = options.mixup > 0 && options.cutmix > 0;
  if ((options.mixup <= 0 && options.cutmix <= 0) || !stream.bernoulli(options.chance)) return mix;
  mix.cut = both ? stream.bernoulli(options.cutmix_chance) : options.cutmix > 0;
  mix.share = draw_beta(mix.cut ? options.cutmix : options.mixup, stream);
  if (!mix.cut) return mix;
  if (input.size() == 5) {
    draw_cut_of_picture(mix, input[3], input[4], stream);
  } else {
    draw_cut_of_sound(mix, input[1], stream);
  }
  return mix;
}

at::Tensor mixing_partners(const at::Tensor& known) {
  const at::Tensor order = known.to(at::kLong).argsort(/*stable=*/true, 0, /*descending=*/true);  // labelled first
  const at::Tensor place = known.cumsum(0) - 1;
  const at::Tensor opposite_place = (known.sum() - 1 - place).clamp_min(0);
  return at::where(known, order.index_select(0, opposite_place), at::arange(known.size(0), order.options()));
}

at::Tensor mix_inputs(const at::Tensor& input, const at::Tensor& known, const at::Tensor& partners, const Mix& mix) {
  if (mix.share >= 1) return input;
  const at::Tensor others = input.index_select(0, partners);
  if (!mix.cut) {
    return at::where(choosing_clips(known, input), input * mix.share + others * (1 - mix.share), input);
  }
  at::Tensor mixed = input.clone();
  // A clip without a label is its own partner.
  const auto piece = [&mix](const at::Tensor& clips) {
    const at::Tensor columns = clips.narrow(-1, mix.left, mix.right - mix.left);
    return clips.dim() == 5 ? columns.narrow(3, mix.top, mix.bottom - mix.top) : columns;
  };
  piece(mixed).copy_(piece(others));
  return mixed;
}

at::Tensor soft_targets(const at::Tensor& labels, const at::Tensor& known, std::int64_t classes, double smoothing) {
  const at::Tensor hard = labels.dim() == 2 ? labels : label_mask(labels, classes);
  const at::Tensor targets = hard.to(at::kFloat) * (1 - smoothing) + smoothing / static_cast<double>(classes);
  return targets.masked_fill(known.logical_not().unsqueeze(1), 0);
}

at::Tensor mix_targets(const at::Tensor& targets, const at::Tensor& partners, double share) {
  return share >= 1 ? targets : targets * share + targets.index_select(0, partners) * (1 - share);
}

at::Tensor soft_classification_term(const at::Tensor& logits, const at::Tensor& targets, const at::Tensor& known,
                                    bool tags) {
  const at::Tensor wanted = targets.to(logits.scalar_type());
  if (tags) {
    const at::Tensor all = at::binary_cross_entropy_with_logits(logits, wanted, {}, {}, at::Reduction::None);
    return mean_where(all.mean(1), known);
  }
  return mean_where(-(wanted * at::log_softmax(logits, 1)).sum(1), known);
}

}  // namespace cmkd
