#include "cmkd/harness/batch_source.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <utility>

namespace cmkd {

namespace {

// Of which clips a training may see the label or the tags.
std::vector<bool> visible_clips(const ClipList& list, const Roles& roles, const BatchSourceOptions& options) {
  std::vector<bool> visible(list.clips.size(), false);
  const std::vector<std::int64_t>& of_student = options.all_labels ? roles.transfer : roles.labelled;
  for (const std::int64_t clip : options.of_teacher ? roles.teacher : of_student) {
    visible[static_cast<std::size_t>(clip)] = true;
  }
  return visible;
}

std::shared_ptr<const CorruptionPlan> corruption_of_pairs(const Suite& suite, const ClipList& list, const Roles& roles,
                                                          const RandomStreams& streams,
                                                          const BatchSourceOptions& options) {
  const CorruptionSettings& settings = suite.corruption.values;
  if (!options.teacher_beside || settings.kind == CorruptionKind::kNone) return nullptr;
  return std::make_shared<CorruptionPlan>(
      plan_corruption(settings, list, roles.transfer, streams.stream("corruption")));
}

}  // namespace

RandomStreams training_streams(const Suite& suite, std::int64_t seed) { return {"cmkd", suite.dataset, seed}; }

BatchSource::BatchSource(const Suite& suite, const SuiteData& data, const BatchSourceOptions& options)
    : data_(data),
      options_(options),
      modality_(options.of_teacher ? suite.teacher.modality : suite.student.modality),
      roles_(data.roles(suite, options.seed, options.fold)),
      streams_(training_streams(suite, options.seed)),
      clips_(options.of_teacher ? roles_.teacher : roles_.transfer),
      visible_(visible_clips(data.listed.list, roles_, options)),
      reader_(data.reader(suite.clip.values)),
      corruption_(corruption_of_pairs(suite, data.listed.list, roles_, streams_, options)),
      teacher_reader_(corruption_ ? reader_.corrupted(corruption_) : reader_) {}

std::int64_t BatchSource::visible_label(std::int64_t clip) const {
  return visible_[static_cast<std::size_t>(clip)] ? data_.listed.list.clips[static_cast<std::size_t>(clip)].label : -1;
}

std::vector<std::int64_t> BatchSource::known_clips() const {
  std::vector<std::int64_t> known;
  for (std::size_t clip = 0; clip < visible_.size(); ++clip) {
    if (visible_[clip]) known.push_back(static_cast<std::int64_t>(clip));
  }
  return known;
}

void BatchSource::fill_labels(const std::vector<ClipDraw>& draws, Batch& batch) const {
  const ClipList& list = data_.listed.list;
  const auto size = static_cast<std::int64_t>(draws.size());
  const auto classes = static_cast<std::int64_t>(list.classes.size());
  batch.label_known = at::empty({size}, at::kBool);
  batch.labels = list.multi_label ? at::full({size, classes}, -1.0, at::kFloat) : at::empty({size}, at::kLong);
  for (std::int64_t i = 0; i < size; ++i) {
    const std::int64_t clip = draws[static_cast<std::size_t>(i)].clip;
    const bool known = visible_[static_cast<std::size_t>(clip)];
    batch.label_known.mutable_data_ptr<bool>()[i] = known;
    if (!list.multi_label) batch.labels.mutable_data_ptr<std::int64_t>()[i] = visible_label(clip);
    if (!list.multi_label || !known) continue;
    float* row = batch.labels.mutable_data_ptr<float>() + i * classes;
    std::fill_n(row, classes, 0.0F);
    for (const std::int64_t tag : list.clips[static_cast<std::size_t>(clip)].tags) row[tag] = 1.0F;
  }
}

Batch BatchSource::make(const std::vector<ClipDraw>& draws) const {
  Batch batch = reader_.make_batch(draws, options_.both_inputs ? kBothModalities : only(modality_), options_.device);
  fill_labels(draws, batch);
  batch.transfer_index = at::empty({static_cast<std::int64_t>(draws.size())}, at::kLong);
  for (std::size_t i = 0; i < draws.size(); ++i) {
    batch.transfer_index.mutable_data_ptr<std::int64_t>()[i] =
        std::ranges::lower_bound(clips_, draws[i].clip) - clips_.begin();
  }
  batch.labels = batch.labels.to(options_.device);
  batch.label_known = batch.label_known.to(options_.device);
  batch.transfer_index = batch.transfer_index.to(options_.device);
  if (teacher_) teacher_->attach(batch, draws);
  return batch;
}

}  // namespace cmkd
