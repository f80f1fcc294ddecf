// Modality-general features, after "The Modality Focusing Hypothesis" (Xue et al. 2023, ICLR, arXiv 2206.06487), in the
// form of its later public implementation: the family of `mfh` and its two controls.
//
// B clips, D the teacher's width, C classes; x [B, D] teacher embedding, z [B, C] student logits.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>

#include "cmkd/methods/method.h"

namespace cmkd {

using EmbeddingClassifier = std::function<at::Tensor(const at::Tensor&)>;  // [n, D] -> [n, C]

// For each dimension d, Σ over clips i of mean_c (t(x with dimension d as `order` has it)_ic − z_ic)²: [D] float64. The
// more general a dimension, that is, the more of what teacher and student agree on it carries, the larger.
// order [B] int64: clip i has the value of clip order_i. Memory: B · D values for as many dimensions at once as 2²²
// hold.
[[nodiscard]] at::Tensor permutation_salience(const EmbeddingClassifier& classify, const at::Tensor& embedding,
                                              const at::Tensor& student, const at::Tensor& order);

// [D] scaled to 0 … 1; all zero where all are equal.
[[nodiscard]] at::Tensor scaled_salience(const at::Tensor& salience);

// Which dimensions the student is taught by; the others are replaced by their batch mean.
enum class TaughtShare {
  kGeneral,       // of the highest salience: mfh
  kLeastGeneral,  // of the lowest: a control
  kRandom,        // any: a control
};

// [D] bool: the ⌊ratio · D⌋ dimensions that are replaced, the first of equals. order [D] int64: a permutation, read by
// kRandom alone.
[[nodiscard]] at::Tensor replaced_dimensions(const at::Tensor& salience, double ratio, TaughtShare taught,
                                             const at::Tensor& order);

// x with the replaced dimensions at their mean over the batch.
[[nodiscard]] at::Tensor with_batch_means(const at::Tensor& embedding, const at::Tensor& replaced);

// The method but for id, title and formula, which its three registrations fill.
[[nodiscard]] MethodInfo mfh_method(TaughtShare taught);

}  // namespace cmkd
