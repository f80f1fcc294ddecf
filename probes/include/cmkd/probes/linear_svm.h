// Linear support vector machines, one for each class against the rest, by liblinear (Fan et al., JMLR 9, 2008).
//
// Per class, with y = ±1 and a constant feature 1 appended to x (its weight is the bias, regularised like the others):
//   min_w  P(w) = ½ |w|² + C Σ_i max(0, 1 − y_i w·x_i)²
// by coordinate descent on the dual (Hsieh et al., ICML 2008), stopped at a violation of 1e-4 or after 1000 passes:
// what scikit-learn's LinearSVC(C, max_iter=1000) computes, which XKD's scripts call. They agree up to that tolerance,
// not in bytes: the order of the coordinates is random.
//
// liblinear draws that order from rand(). Each class begins at the same state of rand(), which is put back afterwards:
// no earlier call changes a result, no other class does, and no other user of rand() notices. Fits wait for each other;
// a thread of the host program that calls rand() meanwhile would change results. The solver calls no BLAS.
// Another order of the rows gives another result within the tolerance.
#pragma once

#include <cstdint>
#include <memory>

#include "cmkd/probes/features.h"
#include "cmkd/probes/linear_weights.h"

namespace cmkd::probes {

// Rows in liblinear's form (16 bytes a value), for fits with several C.
class SvmProblem {
 public:
  // `rows` are scaled; both have been checked, and `targets` must outlive this object.
  SvmProblem(const FeatureMatrix& rows, const Targets& targets);
  ~SvmProblem();
  SvmProblem(const SvmProblem&) = delete;
  SvmProblem& operator=(const SvmProblem&) = delete;

  // A tag of no training row gets the constant −1, one of all training rows +1. `convergence.residual` is the largest
  // over the classes of (P(w) − D(α)) / P(w), D the dual at α_i = 2C max(0, 1 − y_i w·x_i): the optimum is no further
  // below P(w) than that. `reached`: it is at most 1e-3.
  // Throws Error(kUsage) unless 0 < c and finite, Error(kEnvironment) when liblinear refuses, Error(kInterrupted).
  [[nodiscard]] LinearWeights solve(double c) const;

 private:
  struct Rows;
  std::unique_ptr<Rows> rows_;
  Targets targets_;
};

}  // namespace cmkd::probes
