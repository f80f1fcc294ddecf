// Saving and restoring a training in mid-epoch.
#include <ATen/Functions.h>

#include "cmkd/core/clock.h"
#include "cmkd/core/error.h"
#include "cmkd/harness/trainer.h"

namespace cmkd {

void Trainer::save() {
  if (options_.checkpoint_file.empty()) return;
  Checkpoint checkpoint = state_;
  checkpoint.seconds += steady_seconds() - session_start_;
  add_with_prefix(checkpoint.tensors, "weights.", weights());
  for (const auto& [name, optimizer] : optimizers_) {
    add_with_prefix(checkpoint.tensors, "optimizer." + name + ".", optimizer.state());
  }
  add_with_prefix(checkpoint.tensors, "method.", training_->state());
  add_with_prefix(checkpoint.tensors, "best.", best_);
  if (!sums_.empty()) checkpoint.tensors.emplace("sums", at::stack(sums_));
  save_checkpoint(options_.checkpoint_file, checkpoint);
  last_save_ = steady_seconds();
}

void Trainer::restore() {
  if (options_.checkpoint_file.empty()) return;
  const std::optional<Checkpoint> found = load_checkpoint(options_.checkpoint_file, planned_.key);
  if (!found) return;
  // Half of a training by other code is no half of this one.
  if (found->shared_code != state_.shared_code) return;
  if (found->initial_weights_fingerprint != state_.initial_weights_fingerprint) {
    throw Error(ErrorKind::kData,
                {"the checkpoint began with other weights than this build makes", options_.checkpoint_file.string(), "",
                 "delete the checkpoint: the training then starts again with this build"});
  }
  const TensorMap& tensors = found->tensors;
  copy_state(with_prefix(tensors, "weights."), weights(), options_.checkpoint_file.string());
  for (auto& [name, optimizer] : optimizers_) optimizer.load_state(with_prefix(tensors, "optimizer." + name + "."));
  training_->load_state(with_prefix(tensors, "method."));
  for (const auto& [name, tensor] : with_prefix(tensors, "best.")) best_.emplace(name, tensor.to(options_.device));
  if (const auto sums = tensors.find("sums"); sums != tensors.end()) {
    for (const at::Tensor& sum : sums->second.to(options_.device).unbind(0)) sums_.push_back(sum.clone());
  }
  state_ = *found;
  state_.tensors.clear();
}

}  // namespace cmkd
