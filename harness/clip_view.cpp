#include "cmkd/harness/clip_view.h"

#include <torch/nn/module.h>

#include <algorithm>
#include <utility>

#include "cmkd/harness/suite_models.h"
#include "cmkd/runtime/determinism.h"

namespace cmkd {

namespace {

SeenClip read_clip(const WindowReader& reader, const ClipDraw& draw, ModalitySet modalities) {
  SeenClip seen;
  if (modalities.video) seen.frames = reader.gather_video({draw})[0];
  if (modalities.audio) seen.samples = reader.gather_audio({draw})[0];
  return seen;
}

}  // namespace

std::vector<SuiteCell> suite_cells(const Suite& suite, const SuiteData& data) {
  std::vector<SuiteCell> cells;
  for (const Suite* one : suite.cases()) {
    for (const std::string& fold : data.folds(*one)) {
      for (const std::int64_t seed : one->seeds()) {
        BatchSourceOptions options;
        options.seed = seed;
        options.fold = fold;
        options.teacher_beside = true;
        SuiteCell cell{one, fold, seed, std::make_unique<BatchSource>(*one, data, options), nullptr};
        options.teacher_beside = false;
        options.of_teacher = true;
        cell.teacher = std::make_unique<BatchSource>(*one, data, options);
        cells.push_back(std::move(cell));
      }
    }
  }
  return cells;
}

std::vector<std::string> roles_of(const Roles& roles, std::int64_t clip) {
  std::vector<std::string> names;
  const auto add = [&](const char* name, const std::vector<std::int64_t>& clips) {
    if (std::ranges::binary_search(clips, clip)) names.emplace_back(name);
  };
  add("teacher", roles.teacher);
  add("transfer", roles.transfer);
  add("labelled", roles.labelled);
  add("validation", roles.validation);
  add("test", roles.test);
  return names;
}

std::shared_ptr<LogMel> log_mel_of(const Suite& suite, const ModelEntry& entry, const SuiteData& data) {
  if (entry.modality != Modality::kAudio) return nullptr;
  const WindowReader reader = data.reader(suite.clip.values);
  const ScopedSeed seed(0);  // the weights are not looked at
  const auto model = model_registry().get(entry.id).make(model_config(suite, entry, data, reader));
  for (const auto& module : model->modules()) {
    if (auto found = std::dynamic_pointer_cast<LogMel>(module)) return found;
  }
  return nullptr;
}

ClipView view_clip(const SuiteCell& cell, const SuiteData& data, std::int64_t clip, const ClipWindow& window) {
  const WindowReader& reader = cell.student->reader();
  ClipView view;
  view.draw = window.test ? reader.draw_test_view(clip, window.index) : reader.draw_window(clip, window.index);
  view.place = reader.place_of(view.draw);
  const IngestSettings& stored = data.cache.settings();
  view.clip = read_clip(reader, view.draw, {stored.video, stored.audio});
  const CorruptionPlan* plan = cell.student->corruption();
  // Views at test are never damaged.
  const bool damaged =
      plan != nullptr && !window.test && plan->active() && plan->entries[static_cast<std::size_t>(clip)].corrupted;
  if (damaged) {
    view.of_teacher = read_clip(cell.student->teacher_reader(), view.draw, only(cell.suite->teacher.modality));
  }
  return view;
}

}  // namespace cmkd
