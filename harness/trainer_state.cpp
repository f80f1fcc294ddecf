// Saving and restoring a training in mid-epoch.
#include "cmkd/core/clock.h"
#include "cmkd/core/error.h"
#include "cmkd/harness/trainer.h"

namespace cmkd {

void Trainer::save() {
  if (options_.checkpoint_file.empty()) return;
  Checkpoint checkpoint = position_;
  checkpoint.seconds += steady_seconds() - session_start_;
  checkpoint.batch_order = seen_.batch_order;
  checkpoint.augmentation = seen_.augmentation;
  log_.save(checkpoint);
  selection_.save(checkpoint);
  add_with_prefix(checkpoint.tensors, "weights.", weights());
  add_with_prefix(checkpoint.tensors, "method.", built_.training->state());
  checkpoint.tensors.merge(optimizers_.state());
  save_checkpoint(options_.checkpoint_file, checkpoint);
  last_save_ = steady_seconds();
}

void Trainer::restore() {
  if (options_.checkpoint_file.empty()) return;
  std::optional<Checkpoint> found = load_checkpoint(options_.checkpoint_file, planned_.key);
  if (!found) return;
  // Half of a training by other code is no half of this one.
  if (found->shared_code != position_.shared_code) return;
  if (found->initial_weights_fingerprint != position_.initial_weights_fingerprint) {
    throw Error(ErrorKind::kData, {.what = "the checkpoint began with other weights than this build makes",
                                   .where = options_.checkpoint_file.string(),
                                   .fix = "delete the checkpoint: the training then starts again with this build"});
  }
  const TensorMap& tensors = found->tensors;
  copy_state(with_prefix(tensors, "weights."), weights(), options_.checkpoint_file.string());
  built_.training->load_state(with_prefix(tensors, "method."));
  optimizers_.load_state(tensors);
  selection_.restore(*found, options_.device);
  log_.restore(*found, options_.device);
  seen_ = {found->batch_order, found->augmentation};
  position_ = *std::move(found);
  position_.tensors.clear();
}

}  // namespace cmkd
