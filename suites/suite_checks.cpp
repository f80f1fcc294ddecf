#include <fmt/format.h>

#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/models/model.h"
#include "suite_reader.h"

namespace cmkd::suite_file {

namespace {

// A feature is the input of models for features, a waveform that of all others.
void check_audio_form(const Suite& suite, const std::string& side, const ModelEntry& entry) {
  const bool features = suite.ingest.values.sound_is_features();
  if (entry.modality != Modality::kAudio || model_registry().get(entry.id).takes_features == features) return;
  std::vector<std::string> fitting;
  for (const std::string& id : model_registry().names()) {
    const ModelInfo& info = model_registry().get(id);
    if (info.modality == Modality::kAudio && info.takes_features == features) fitting.push_back(id);
  }
  refuse_suite(
      fmt::format("{}.model = \"{}\" does not take {}", side, entry.id,
                  features ? "features of the sound" : "sound as it was recorded"),
      suite.ingest.origin("audio_form"),
      fmt::format("with ingest.audio_form = \"{}\": {}", to_string(suite.ingest.values.audio_form), join(fitting)),
      "choose another model, or set ingest.audio_form");
}

void check_features(const Suite& suite) {
  const IngestSettings& settings = suite.ingest.values;
  if (!settings.sound_is_features()) return;
  if (settings.feature_values == 0) {
    refuse_suite("ingest.feature_values is not given, and the sound is features", suite.ingest.origin("audio_form"),
                 "the number of values of a clip's array: 512 for an array of [512]",
                 "cmkd weights FILE tells its shape");
  }
  if (settings.audio_storage != AudioStorage::kFloat32) {
    refuse_suite("features are stored as they are, not as int16", suite.ingest.origin("audio_storage"),
                 "ingest.audio_storage = \"float32\"", "");
  }
  const CorruptionKind kind = suite.corruption.values.kind;
  if (kind == CorruptionKind::kNoise || kind == CorruptionKind::kShift) {
    refuse_suite(fmt::format("corruption '{}' needs the sound itself, and the suite takes features", to_string(kind)),
                 suite.corruption.origin("kind"), "none, swap, missing", "");
  }
}

}  // namespace

void check_suite_tables(const Suite& suite, const Document& document) {
  if (suite.general.values.task == Task::kAudioTagging && suite.student.modality != Modality::kAudio) {
    refuse_suite("the task 'audio_tagging' wants a student that hears", document.name, "[student] modality = \"audio\"",
                 "set student.modality and student.model, or another task");
  }
  check_audio_form(suite, "student", suite.student);
  check_audio_form(suite, "teacher", suite.teacher);
  for (const Suite* one : suite.cases()) {
    check_features(*one);
    const CorruptionKind kind = one->corruption.values.kind;
    if (!possible(kind, suite.teacher.modality)) {
      refuse_suite(
          fmt::format("corruption '{}' cannot be done to {}", to_string(kind), to_string(suite.teacher.modality)),
          one->corruption.origin("kind"), "", "choose a kind for the teacher's modality: cmkd describe corruption");
    }
  }
}

}  // namespace cmkd::suite_file
