// Which epoch's weights a training gives: its last's, or its best's.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string>

#include "cmkd/harness/checkpoint.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd {

class WeightSelection {
 public:
  // `rule` names where the best is sought: "best top1 on the validation clips"; "" takes the last epoch.
  explicit WeightSelection(std::string rule) : rule_(std::move(rule)) {}

  [[nodiscard]] bool chooses() const noexcept { return !rule_.empty(); }
  // Keeps a copy of `weights` when `value` is above all before; `epoch` counts over all phases. A tie keeps the earlier
  // epoch. Does nothing without a rule.
  void consider(double value, std::int64_t epoch, const TensorMap& weights);
  // At the end of `epochs` epochs: writes the chosen epoch's weights into `weights`; the last epoch's stand when none
  // was considered.
  void apply(const TensorMap& weights, std::int64_t epochs);

  [[nodiscard]] std::int64_t epoch() const noexcept { return epoch_; }  // −1 before anything is chosen
  [[nodiscard]] std::string rule() const;                               // as a result states it

  void save(Checkpoint& checkpoint) const;
  void restore(const Checkpoint& checkpoint, c10::Device device);

 private:
  std::string rule_;
  double best_ = -1;
  std::int64_t epoch_ = -1;
  TensorMap weights_;
};

}  // namespace cmkd
