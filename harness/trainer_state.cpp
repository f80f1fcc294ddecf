// Saving and restoring a training in mid-epoch.
#include <ATen/Functions.h>

#include <chrono>

#include "cmkd/core/error.h"
#include "cmkd/harness/trainer.h"

namespace cmkd {

namespace {

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void add_with_prefix(TensorMap& target, const std::string& prefix, const TensorMap& source) {
  for (const auto& [name, tensor] : source) target.emplace(prefix + name, tensor);
}

TensorMap with_prefix(const TensorMap& source, const std::string& prefix) {
  TensorMap found;
  for (const auto& [name, tensor] : source) {
    if (name.starts_with(prefix)) found.emplace(name.substr(prefix.size()), tensor);
  }
  return found;
}

}  // namespace

void Trainer::save() {
  if (options_.checkpoint_file.empty()) return;
  Checkpoint checkpoint = state_;
  checkpoint.seconds += now_s() - session_start_;
  add_with_prefix(checkpoint.tensors, "weights.", weights());
  for (const auto& [name, optimizer] : optimizers_) {
    add_with_prefix(checkpoint.tensors, "optimizer." + name + ".", optimizer.state());
  }
  add_with_prefix(checkpoint.tensors, "method.", training_->state());
  add_with_prefix(checkpoint.tensors, "best.", best_);
  if (!sums_.empty()) checkpoint.tensors.emplace("sums", at::stack(sums_));
  save_checkpoint(options_.checkpoint_file, checkpoint);
  last_save_ = now_s();
}

void Trainer::restore() {
  if (options_.checkpoint_file.empty()) return;
  const std::optional<Checkpoint> found = load_checkpoint(options_.checkpoint_file, planned_.key);
  if (!found) return;
  if (found->initial_weights_fingerprint != state_.initial_weights_fingerprint) {
    throw Error(ErrorKind::kData,
                {"the checkpoint began with other weights than this build makes", options_.checkpoint_file.string(), "",
                 "delete the checkpoint: the training then starts again with this build"});
  }
  const TensorMap& tensors = found->tensors;
  const at::NoGradGuard no_grad;
  const TensorMap saved = with_prefix(tensors, "weights.");
  for (auto& [name, tensor] : weights()) {
    const auto given = saved.find(name);
    if (given == saved.end()) {
      throw Error(ErrorKind::kData, {"the checkpoint lacks '" + name + "'", options_.checkpoint_file.string(), "",
                                     "delete the checkpoint"});
    }
    at::Tensor(tensor).copy_(given->second);
  }
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
