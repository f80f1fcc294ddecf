#include "cmkd/suites/suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "cmkd/core/error.h"

namespace cmkd {

std::string Section::origin(const std::string& name) const {
  const auto found = origins.find(name);
  return found == origins.end() ? "default" : found->second;
}

std::vector<std::int64_t> Suite::seeds() const {
  std::vector<std::int64_t> seeds;
  for (std::int64_t i = 0; i < general.values.integer("seeds"); ++i)
    seeds.push_back(general.values.integer("first_seed") + i);
  return seeds;
}

std::string Suite::direction() const {
  return std::string(to_string(teacher.modality)) + "->" + to_string(student.modality);
}

IngestSettings Suite::ingest_settings() const {
  const Parameters& values = ingest.values;
  IngestSettings settings;
  settings.video = values.boolean("video");
  settings.audio = values.boolean("audio");
  settings.height = static_cast<int>(values.integer("height"));
  settings.width = static_cast<int>(values.integer("width"));
  settings.fps = values.number("fps");
  settings.sample_rate = static_cast<int>(values.integer("sample_rate"));
  settings.max_duration_s = values.number("max_duration_s");
  settings.frame_storage = values.text("frame_storage");
  settings.audio_storage = values.text("audio_storage");
  settings.audio_form = values.text("audio_form");
  settings.feature_values = values.integer("feature_values");
  return settings;
}

WindowSettings Suite::window_settings() const {
  const Parameters& values = clip.values;
  WindowSettings settings;
  settings.frames = values.integer("frames");
  settings.frame_step = values.integer("frame_step");
  settings.crop = values.integer("crop");
  settings.flip = values.boolean("flip");
  settings.windows = values.integer("windows");
  settings.test_views = values.integer("test_views");
  settings.test_crops = values.text("test_crops") == "three" ? 3 : 1;
  settings.audio_seconds = values.number("audio_seconds");
  settings.normalise = values.text("normalise");
  return settings;
}

SplitSettings Suite::split_settings() const {
  const Parameters& values = labels.values;
  SplitSettings settings;
  settings.labelled = values.integer("labelled");
  settings.label_selection = values.text("label_selection");
  settings.label_draw = values.text("label_draw");
  settings.validation_clips = values.integer("validation_clips");
  settings.teacher_train = values.text("teacher_train");
  settings.teacher_share = values.number("teacher_share");
  return settings;
}

CorruptionSettings Suite::corruption_settings() const {
  const Parameters& values = corruption.values;
  CorruptionSettings settings;
  settings.kind = parse_corruption(values.text("kind"));
  settings.share = values.number("share");
  settings.snr_db = values.number("snr_db");
  settings.shift_s = values.number("shift_s");
  settings.area = values.number("area");
  return settings;
}

RuntimeOptions Suite::runtime_options() const {
  RuntimeOptions options;
  options.threads = static_cast<int>(runtime.values.integer("threads"));
  options.mode = runtime.values.boolean("deterministic") ? ExecutionMode::kDeterministic : ExecutionMode::kFast;
  return options;
}

std::vector<std::string> Suite::folds(const std::vector<std::string>& of_dataset) const {
  const std::string wanted = labels.values.text("folds");
  if (of_dataset.empty()) {
    if (wanted == "all") return {""};
    throw Error(ErrorKind::kUsage,
                {fmt::format("labels.folds = \"{}\", and dataset '{}' has one split", wanted, dataset),
                 labels.origin("folds"), "all", "remove the setting"});
  }
  if (wanted == "all") return of_dataset;
  std::vector<std::string> chosen;
  std::istringstream names(wanted);
  for (std::string fold; std::getline(names, fold, ',');) {
    const std::size_t first = fold.find_first_not_of(' ');
    fold = first == std::string::npos ? "" : fold.substr(first, fold.find_last_not_of(' ') - first + 1);
    if (std::ranges::find(of_dataset, fold) == of_dataset.end() || std::ranges::find(chosen, fold) != chosen.end()) {
      throw Error(
          ErrorKind::kUsage,
          {fmt::format("labels.folds = \"{}\": '{}' is not one of the dataset's splits, or stands twice", wanted, fold),
           labels.origin("folds"), fmt::format("all, or some of {}, with commas", join(of_dataset)), ""});
    }
    chosen.push_back(fold);
  }
  if (chosen.empty()) {
    throw Error(ErrorKind::kUsage, {"labels.folds names no split", labels.origin("folds"),
                                    fmt::format("all, or some of {}, with commas", join(of_dataset)), ""});
  }
  return chosen;
}

std::vector<const Suite*> Suite::cases() const {
  std::vector<const Suite*> all;
  for (const Suite& variant : variants) all.push_back(&variant);
  if (all.empty()) all.push_back(this);
  return all;
}

namespace {

std::string toml_value(const ParameterValue& value) {
  if (std::holds_alternative<std::string>(value)) {
    std::string quoted = "\"";
    for (const char c : std::get<std::string>(value)) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    return quoted + "\"";
  }
  std::string text = to_text(value);
  if (std::holds_alternative<double>(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

void show_values(std::string& text, const Section& section) {
  for (const auto& [name, value] : section.values.values()) {
    const std::string line = fmt::format("{} = {}", name, toml_value(value));
    text += fmt::format("{:<44} # {}\n", line, section.origin(name));
  }
}

void show_section(std::string& text, const std::string& name, const Section& section) {
  text += fmt::format("\n[{}]\n", name);
  show_values(text, section);
}

void show_model(std::string& text, const std::string& name, const ModelEntry& entry) {
  text += fmt::format("\n[{}]\nmodality = \"{}\"\nmodel = \"{}\"\n", name, to_string(entry.modality), entry.id);
  show_values(text, entry.section);
  show_values(text, entry.weights);
}

}  // namespace

std::string show_config(const Suite& suite) {
  std::string text = fmt::format("# {}: every setting with its origin\n[suite]\nname = \"{}\"\n",
                                 suite.file.filename().string(), suite.name);
  show_values(text, suite.general);
  text += fmt::format("\n[dataset]\nid = \"{}\"\n", suite.dataset);
  show_values(text, suite.dataset_values);
  show_section(text, "ingest", suite.ingest);
  show_section(text, "clip", suite.clip);
  show_section(text, "labels", suite.labels);
  show_model(text, "student", suite.student);
  show_section(text, "training", suite.training);
  show_model(text, "teacher", suite.teacher);
  show_section(text, "teacher.training", suite.teacher.training);
  show_section(text, "evaluation", suite.evaluation);
  show_section(text, "tune", suite.tune);
  show_section(text, "corruption", suite.corruption);
  show_section(text, "runtime", suite.runtime);
  for (const MethodEntry& method : suite.methods) {
    text += fmt::format("\n[[methods]]\nid = \"{}\"\n", method.id);
    if (!method.controls.empty()) text += fmt::format("controls = [\"{}\"]\n", join(method.controls, "\", \""));
    show_values(text, method.section);
  }
  return text;
}

}  // namespace cmkd
