#include <algorithm>
#include <iterator>
#include <utility>

#include "cmkd/batches/batch_plan.h"
#include "cmkd/core/error.h"

namespace cmkd {

BatchPlan::BatchPlan(std::vector<std::int64_t> transfer, std::vector<std::int64_t> labelled, const Settings& settings,
                     RandomStreams streams)
    : labelled_(std::move(labelled)), settings_(settings), streams_(streams) {
  std::ranges::set_difference(transfer, labelled_, std::back_inserter(unlabelled_));
  if (unlabelled_.empty()) {
    // Everything is labelled: one shuffle an epoch over all clips, in batches of the full size.
    unlabelled_ = std::exchange(labelled_, {});
    settings_.unlabelled_per_batch += std::exchange(settings_.labelled_per_batch, 0);
  }
  const auto clips = static_cast<std::int64_t>(unlabelled_.size());
  settings_.unlabelled_per_batch = std::min(settings_.unlabelled_per_batch, clips);
  if (settings_.unlabelled_per_batch < 1) {
    throw Error(ErrorKind::kUsage,
                {.what = "a batch has no clip: training.batch_unlabelled is 0", .allowed = "1 or more"});
  }
  steps_per_epoch_ = clips / settings_.unlabelled_per_batch;
}

std::int64_t BatchPlan::clip_at(const std::vector<std::int64_t>& clips, const char* purpose, std::int64_t index,
                                Pass& pass, std::int64_t* pass_number) const {
  const auto count = static_cast<std::int64_t>(clips.size());
  *pass_number = index / count;
  if (pass.number != *pass_number) {
    pass.number = *pass_number;
    pass.order = streams_.stream(purpose, *pass_number).permutation(count);
  }
  return clips[static_cast<std::size_t>(pass.order[static_cast<std::size_t>(index % count)])];
}

std::vector<ClipDraw> BatchPlan::step(std::int64_t epoch, std::int64_t step, const WindowReader& reader) const {
  std::vector<ClipDraw> draws;
  draws.reserve(static_cast<std::size_t>(settings_.labelled_per_batch + settings_.unlabelled_per_batch));
  const std::int64_t position = epoch * steps_per_epoch_ + step;
  std::int64_t pass_number = 0;
  const std::lock_guard lock(passes_);
  for (std::int64_t i = 0; i < settings_.labelled_per_batch; ++i) {
    const std::int64_t index = position * settings_.labelled_per_batch + i;
    const std::int64_t clip = clip_at(labelled_, "order-labelled", index, labelled_pass_, &pass_number);
    draws.push_back(reader.draw_training(clip, streams_.stream("augment-labelled", pass_number, clip)));
  }
  for (std::int64_t i = 0; i < settings_.unlabelled_per_batch; ++i) {
    // The remainder of an epoch that fills no batch is dropped; every epoch has a shuffle of its own.
    const std::int64_t index =
        epoch * static_cast<std::int64_t>(unlabelled_.size()) + step * settings_.unlabelled_per_batch + i;
    const std::int64_t clip = clip_at(unlabelled_, "order-unlabelled", index, unlabelled_pass_, &pass_number);
    draws.push_back(reader.draw_training(clip, streams_.stream("augment-unlabelled", pass_number, clip)));
  }
  return draws;
}

}  // namespace cmkd
