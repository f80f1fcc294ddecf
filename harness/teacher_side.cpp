#include "cmkd/harness/teacher_side.h"

#include <ATen/Functions.h>

#include <utility>

#include "cmkd/harness/evaluator.h"

namespace cmkd {

namespace {

// What the teacher says of damaged pairs replaces what it says of the clips as they are.
TeacherOutputs outputs_of_damaged_pairs(const TeacherOutputs& clean, const WindowReader& reader, Model& network,
                                        const TeacherSideOptions& options) {
  const Modality modality = clean.shape.modality;
  // The teacher stays in eval mode: its modules are not the predictor's.
  const Predictor teacher{{modality}, {}, [&](const Batch& batch) { return network.forward(batch.input(modality)); }};
  TeacherOutputs outputs = compute_teacher_outputs(teacher, clean.shape, clean.clips, reader, clean.windows,
                                                   options.batch_size, options.device);
  outputs.logits = outputs.logits.to(options.device);
  outputs.embedding = outputs.embedding.to(options.device);
  outputs.weights = clean.weights;
  outputs.test_scores = clean.test_scores;
  return outputs;
}

}  // namespace

TeacherSide::TeacherSide(const TeacherOutputs& outputs, const WindowReader& reader, bool damaged,
                         MakeNetwork make_network, const RandomStreams& streams, TeacherSideOptions options)
    : outputs_(outputs), reader_(reader), make_network_(std::move(make_network)), options_(std::move(options)) {
  if (damaged) damaged_ = outputs_of_damaged_pairs(outputs, reader, *make_network_(), options_);
  if (options_.control.empty()) return;
  shuffled_ = shuffle_teacher(this->outputs(), options_.control, streams.stream("control-" + options_.control));
}

void TeacherSide::add_maps(const OutputRequest& request, TeacherMaps::View view) {
  maps_.emplace(make_network_(), request, std::move(view), outputs(), reader_, options_.device);
}

void TeacherSide::keep_maps(std::int64_t budget_bytes) {
  if (maps_) maps_->keep(options_.batch_size, budget_bytes);
}

void TeacherSide::attach(Batch& batch, const std::vector<ClipDraw>& draws) const {
  if (!options_.outputs) return;
  const TeacherOutputs& own = outputs();
  const at::Tensor rows = own.rows(batch);
  const TeacherOutputs& seen = shuffled_ ? *shuffled_ : own;
  batch.teacher.logits = seen.logits.index_select(0, rows);
  batch.teacher.embedding = seen.embedding.index_select(0, rows);
  batch.pseudo_labels = own.logits.index_select(0, rows).argmax(1);
  if (!maps_ && !options_.input) return;
  // The same windows as in the cached outputs: centre crop, not mirrored; under a control, the other clip's.
  std::vector<ClipDraw> views;
  views.reserve(draws.size());
  for (const ClipDraw& draw : draws) views.push_back(reader_.draw_window(seen.source_of(draw.clip), draw.window));
  if (options_.input) {
    const Modality modality = own.shape.modality;
    const Batch sensed = reader_.make_batch(views, only(modality), options_.device);
    (modality == Modality::kVideo ? batch.video : batch.audio) = sensed.input(modality);
  }
  if (!maps_) return;
  const ModelOutput maps = maps_->of(views);
  batch.teacher.tokens = maps.tokens;
  batch.teacher.stages = maps.stages;
}

}  // namespace cmkd
