// The weights of linear classifiers, and how decision values come of them.
#pragma once

#include <cstdint>
#include <vector>

#include "cmkd/probes/probe.h"

namespace cmkd::probes {

struct LinearWeights {
  std::vector<double> weights;     // [width, classes]
  std::vector<double> biases;      // [classes]
  std::vector<bool> without_rows;  // [classes]; of one label a row: classes that may not be named
  Convergence convergence;
};

// Each class' number of rows that show it, [classes].
[[nodiscard]] std::vector<std::int64_t> rows_of_classes(const Targets& targets, std::int64_t rows);

class LinearClassifier final : public Probe {
 public:
  LinearClassifier(FeatureScaler scaler, LinearWeights fitted, int threads)
      : scaler_(std::move(scaler)), fitted_(std::move(fitted)), threads_(threads) {}

  // x · weights + bias; of a class without rows the lowest of the others' values, less 1.
  [[nodiscard]] std::vector<float> decision_values(const FeatureMatrix& rows) const override;
  [[nodiscard]] Convergence convergence() const override { return fitted_.convergence; }
  [[nodiscard]] const LinearWeights& weights() const noexcept { return fitted_; }

 private:
  FeatureScaler scaler_;
  LinearWeights fitted_;
  int threads_;
};

}  // namespace cmkd::probes
