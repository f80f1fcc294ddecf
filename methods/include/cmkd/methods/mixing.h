// Mixup (Zhang et al. 2018, arXiv 1710.09412) and CutMix (Yun et al. 2019, arXiv 1905.04899) of the labelled clips of a
// batch, and the soft targets that they and label smoothing make.
//
// One of both a batch, one share for all its clips. A labelled clip is mixed with another labelled clip, never with one
// whose label is hidden: that one stays as it is, bit by bit. B clips, C classes.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "cmkd/core/random.h"

namespace cmkd {

struct MixOptions {
  double mixup = 0.0;          // alpha of Beta(alpha, alpha), at most kLargestAlpha; 0: no mixup
  double cutmix = 0.0;         // likewise
  double chance = 1.0;         // that a batch is mixed at all
  double cutmix_chance = 0.5;  // that a mixed batch is cut, where both are on
};

inline constexpr double kLargestAlpha = 4.0;

// What was drawn for a batch. The default mixes nothing.
struct Mix {
  double share = 1.0;  // of each clip and label that is its own
  bool cut = false;    // a piece of the partner in the place of the clip's own; else the weighted sum of both
  // Of the piece. Video: pixels, in all frames. Sound: samples from left to right.
  std::int64_t top = 0;
  std::int64_t bottom = 0;
  std::int64_t left = 0;
  std::int64_t right = 0;
};

// Beta(alpha, alpha), 0 < alpha <= kLargestAlpha, by Jöhnk's method in logarithms.
[[nodiscard]] double draw_beta(double alpha, RandomStream& stream);

// `input`: sizes of video [B, 3, T, H, W] or sound [B, n]. The share of a cut is that of what is left, after the piece
// was cut off at the border.
[[nodiscard]] Mix draw_mix(const MixOptions& options, at::IntArrayRef input, RandomStream& stream);

// known [B] bool -> [B] int64: the first labelled clip's partner is the last one, and so on; the others are their own.
// No transfer between devices.
[[nodiscard]] at::Tensor mixing_partners(const at::Tensor& known);

// input as above; a new tensor.
[[nodiscard]] at::Tensor mix_inputs(const at::Tensor& input, const at::Tensor& known, const at::Tensor& partners,
                                    const Mix& mix);

// t = (1 − smoothing) y + smoothing / C, in float: [B, C] of labels [B] int64, or of tags [B, C]. Rows of clips whose
// label is hidden are 0, whatever stands there.
[[nodiscard]] at::Tensor soft_targets(const at::Tensor& labels, const at::Tensor& known, std::int64_t classes,
                                      double smoothing);
// share · t + (1 − share) · t of the partner.
[[nodiscard]] at::Tensor mix_targets(const at::Tensor& targets, const at::Tensor& partners, double share);

// −Σ_c t_c log softmax(z)_c of each labelled clip, averaged over them; of tags the binary cross-entropy with t,
// averaged over the classes first. Zero, and still part of the graph, when no clip has a label. All [B, C].
[[nodiscard]] at::Tensor soft_classification_term(const at::Tensor& logits, const at::Tensor& targets,
                                                  const at::Tensor& known, bool tags);

}  // namespace cmkd
