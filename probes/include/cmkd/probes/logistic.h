// Logistic regression on scaled features: multinomial for one label a row, independent for each tag.
//
//   min_{W,b}  F = 1/N Σ_i ℓ(W x_i + b, y_i) + λ/2 (|W|² + |b|²)
// ℓ is the cross-entropy of the softmax over the classes, or the sum over the tags of the binary cross-entropy; the
// weight decay λ takes the bias too, as PyTorch's optimisers do. Minimised over all rows at once by L-BFGS from zero,
// until |∇F|² / (2λ) ≤ 1e-7 F, or for 1000 steps. F is λ-strongly convex: its minimum is no further below than that.
// A bound on the gradient alone would stop far from the minimum where λ is small.
//
// liblinear's own solver (L2R_LR) knows no multinomial model, keeps each value in 16 bytes and calls BLAS, so that its
// bytes would depend on which BLAS a process has. Sums run over fixed parts of the rows, so that results do not depend
// on the number of threads; another order of the rows changes the last digits.
//
// XKD's scripts train their linear layer by AdamW for 100 epochs on augmented clips without weight decay instead.
#pragma once

#include "cmkd/probes/features.h"
#include "cmkd/probes/linear_weights.h"

namespace cmkd::probes {

// Both have been checked. Of one label a row, classes without rows are left out of the model. A tag of no or of all N
// rows is not fitted: its value is the constant ∓ln(N + 1), the log-odds by Laplace's rule of succession.
// `convergence.residual` is |∇F|² / (2λ F).
// Throws Error(kUsage) unless weight_decay > 0 and finite, Error(kInterrupted).
[[nodiscard]] LinearWeights fit_logistic(const FeatureMatrix& rows, const Targets& targets, double weight_decay,
                                         int threads);

}  // namespace cmkd::probes
