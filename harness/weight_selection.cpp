#include "cmkd/harness/weight_selection.h"

#include "cmkd/results/records.h"

namespace cmkd {

namespace {

constexpr const char* kBestPrefix = "best.";  // within a checkpoint's tensors

}  // namespace

void WeightSelection::consider(double value, std::int64_t epoch, const TensorMap& weights) {
  if (!chooses() || value <= best_) return;
  best_ = value;
  epoch_ = epoch;
  weights_.clear();
  for (const auto& [name, tensor] : weights) weights_.emplace(name, tensor.clone());
}

void WeightSelection::apply(const TensorMap& weights, std::int64_t epochs) {
  if (weights_.empty()) {
    epoch_ = epochs - 1;
    return;
  }
  copy_state(weights_, weights, "best weights");
}

std::string WeightSelection::rule() const { return weights_.empty() ? results::kLastEpochRule : rule_; }

void WeightSelection::save(Checkpoint& checkpoint) const {
  checkpoint.best_validation = best_;
  checkpoint.selected_epoch = epoch_;
  add_with_prefix(checkpoint.tensors, kBestPrefix, weights_);
}

void WeightSelection::restore(const Checkpoint& checkpoint, c10::Device device) {
  best_ = checkpoint.best_validation;
  epoch_ = checkpoint.selected_epoch;
  weights_.clear();
  for (const auto& [name, tensor] : with_prefix(checkpoint.tensors, kBestPrefix)) {
    weights_.emplace(name, tensor.to(device));
  }
}

}  // namespace cmkd
