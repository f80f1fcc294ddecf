// Every setting of a suite file, changed in turn: keys change exactly when a result may.
#include "catch.h"
//
#include <map>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/harness/keys.h"
#include "cmkd/harness/plan.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/methods/method.h"
#include "cmkd/methods/source_code.h"
#include "paths.h"
#include "tiny_suite.h"

using namespace cmkd;

namespace {

// The keys of a suite of four rows, by letter: the Teacher, a method without a teacher (Student), one that reads its
// logits (Kd), one that compares feature maps (At), and the student's Evaluation.
using KeysByLetter = std::map<char, std::string>;

class KeySuite {
 public:
  KeySuite() { write_file_atomically(folder_ / "keys.toml", test::tiny_suite("Keys", {"student", "kd", "at"})); }

  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }

  [[nodiscard]] KeysByLetter keys(const std::vector<std::string>& overrides, const std::string& data = "source") const {
    const Suite suite = load_suite(folder_ / "keys.toml", overrides);
    KeysByLetter keys;
    for (const PlannedTraining& planned : make_plan(suite, PlanSource(data)).trainings) {
      if (planned.seed != suite.seeds().front()) continue;
      const std::map<std::string, char> letters{{"teacher", 'T'}, {"student", 'S'}, {"kd", 'K'}, {"at", 'A'}};
      keys[letters.at(planned.method)] = planned.key;
      if (planned.method == "student") keys['E'] = planned.evaluation().key;
    }
    return keys;
  }

  // Which keys `setting` changes when the others are `base`: "TKA".
  [[nodiscard]] std::string changed_by(const std::string& setting, std::vector<std::string> base) const {
    const KeysByLetter before = keys(base);
    base.push_back(setting);
    const KeysByLetter after = keys(base);
    std::string changed;
    for (const char letter : {'T', 'S', 'K', 'A', 'E'}) {
      if (before.at(letter) != after.at(letter)) changed += letter;
    }
    return changed;
  }

  [[nodiscard]] std::string data_fingerprint(const std::vector<std::string>& overrides) const {
    return list_data(load_suite(folder_ / "keys.toml", overrides), folder_ / "cache").source_fingerprint;
  }

 private:
  test::TemporaryFolder folder_;
};

std::string toml_text(const ParameterValue& value) {
  return std::holds_alternative<std::string>(value) ? "\"" + std::get<std::string>(value) + "\"" : to_text(value);
}

// Values of a setting that are allowed and not `now`.
std::vector<ParameterValue> other_values(const ParameterSpec& spec, const ParameterValue& now) {
  std::vector<ParameterValue> values;
  if (spec.type == ParameterType::kBool) return {!std::get<bool>(now)};
  if (spec.type == ParameterType::kText) return {"another"};
  if (spec.type == ParameterType::kChoice) {
    for (const std::string& choice : spec.choices) values.emplace_back(choice);
  } else if (spec.type == ParameterType::kInteger) {
    const std::int64_t integer = std::get<std::int64_t>(now);
    values = {integer + 1, integer - 1};
  } else {
    const double number = std::get<double>(now);
    values = {number + 0.25, number / 2};
  }
  std::erase_if(values, [&](const ParameterValue& value) {
    if (value == now) return true;
    const double* number = std::get_if<double>(&value);
    const auto* integer = std::get_if<std::int64_t>(&value);
    const double size = number != nullptr ? *number : integer != nullptr ? static_cast<double>(*integer) : spec.minimum;
    return size < spec.minimum || size > spec.maximum;
  });
  return values;
}

const std::map<std::string, std::string>& expected_changes() {
  static const std::map<std::string, std::string> changes{
      // Words, and what is only wanted.
      {"suite.title", ""},
      {"suite.description", ""},
      {"suite.seeds", ""},
      {"suite.task", "E"},
      {"suite.protocol", "TSKAE"},  // paper chooses the epoch
      {"suite.first_seed", "TSKAE"},
      {"clip.frames", "TSKAE"},
      {"clip.frame_step", "TSKAE"},
      {"clip.crop", "TSKAE"},
      {"clip.flip", "TSKAE"},
      {"clip.windows", "TSKAE"},
      {"clip.test_views", "E"},
      {"clip.test_crops", "E"},
      {"clip.audio_seconds", "TKA"},  // the teacher hears
      {"clip.normalise", "SKAE"},     // the student sees
      {"labels.labelled", "SKAE"},
      {"labels.label_selection", "SKAE"},
      {"labels.label_draw", "SKAE"},
      {"labels.validation_clips", "TSKAE"},
      {"labels.teacher_train", "TSKAE"},
      {"labels.teacher_share", "TSKAE"},
      {"training.epochs", "SKAE"},
      {"training.batch_labelled", "SKAE"},
      {"training.batch_unlabelled", "SKAE"},
      {"training.optimizer", "SKAE"},
      {"training.learning_rate", "SKAE"},
      {"training.weight_decay", "SKAE"},
      {"training.momentum", ""},  // of sgd
      {"training.schedule", "SKAE"},
      {"training.warmup_epochs", "SKAE"},
      {"training.clip_gradient_norm", "SKAE"},
      {"training.select", "SKAE"},
      {"training.teacher_maps_mib", "A"},
      {"training.keep_weights", ""},
      {"training.precision", "SKAE"},
      {"training.memory_format", "SKAE"},
      {"training.graphs", "SKAE"},
      {"teacher.training.epochs", "TKA"},
      {"teacher.training.batch_labelled", "TKA"},
      {"teacher.training.batch_unlabelled", "TKA"},
      {"teacher.training.optimizer", "TKA"},
      {"teacher.training.learning_rate", "TKA"},
      {"teacher.training.weight_decay", "TKA"},
      {"teacher.training.momentum", ""},
      {"teacher.training.schedule", "TKA"},
      {"teacher.training.warmup_epochs", "TKA"},
      {"teacher.training.clip_gradient_norm", "TKA"},
      {"teacher.training.select", "TKA"},
      {"teacher.training.teacher_maps_mib", ""},
      {"teacher.training.keep_weights", ""},
      {"teacher.training.precision", "TKA"},
      {"teacher.training.memory_format", "TKA"},
      {"teacher.training.graphs", "TKA"},
      {"runtime.threads", "TSKAE"},
      {"runtime.deterministic", "TSKAE"},
      {"loading.threads", ""},
      {"loading.ahead", ""},
      {"loading.device_cache_mib", ""},
      {"evaluation.batch", "TKAE"},  // the teacher's outputs are made in such batches
      {"evaluation.average", "E"},
      {"evaluation.gallery", ""},  // of retrieval
      {"evaluation.truncate_at", ""},
      {"evaluation.classifier", "E"},
      {"evaluation.features", "E"},
      {"evaluation.feature_windows", ""},  // of a classifier on features
      {"evaluation.neighbours", ""},       // of nearest neighbours
      {"corruption.kind", "KA"},
      {"corruption.share", ""},  // of nothing
      {"corruption.snr_db", ""},
      {"corruption.shift_s", ""},
      {"corruption.area", ""},
      {"tune.trials", ""},
      {"tune.seeds", ""},
      {"tune.first_seed", ""},
      {"tune.validation_clips", ""},
      {"tune.learning_rate_factor", ""},
      {"tune.weight_decay_low", ""},
      {"tune.weight_decay_high", ""},
  };
  return changes;
}

// "" for one that is reached in another way: [weights] through [student], ingest and dataset through the data.
std::vector<std::string> tables_of_keys() {
  return {"suite",   "clip",    "labels",     "training",   "teacher.training",
          "runtime", "loading", "evaluation", "corruption", "tune"};
}

}  // namespace

TEST_CASE("every setting is in the keys of exactly the results that may depend on it") {
  const KeySuite suite;
  const std::vector<std::string> base{"labels.validation_clips=4"};
  Suite loaded = load_suite(suite.path("keys.toml"), base);
  std::set<std::string> seen;
  for (const std::string& table : tables_of_keys()) {
    const Section& section = *loaded.section(table);
    for (const ParameterSpec& spec : section.specs()) {
      const std::string name = table + "." + spec.name;
      if (name == "labels.folds") continue;  // only of a set that has several
      INFO(name);
      REQUIRE(expected_changes().contains(name));
      seen.insert(name);
      int tried = 0;
      for (const ParameterValue& value : other_values(spec, section.by_name().at(spec.name))) {
        const std::string setting = name + "=" + toml_text(value);
        // A student that sees is no audio tagger, and sound cannot be occluded.
        if (setting == "suite.task=\"audio_tagging\"" || setting == "corruption.kind=\"occlude\"" ||
            setting == "corruption.kind=\"freeze\"")
          continue;
        INFO(setting);
        CHECK(suite.changed_by(setting, base) == expected_changes().at(name));
        ++tried;
      }
      CHECK(tried > 0);
    }
  }
  CHECK(seen.size() == expected_changes().size());
}

TEST_CASE("a setting that only some choice of another obeys is in the key with that choice") {
  const KeySuite suite;
  CHECK(suite.changed_by("training.momentum=0.5", {"training.optimizer=sgd"}) == "SKAE");
  CHECK(suite.changed_by("teacher.training.momentum=0.5", {"teacher.training.optimizer=sgd"}) == "TKA");
  CHECK(suite.changed_by("labels.teacher_share=0.25", {"labels.teacher_train=same"}).empty());
  CHECK(suite.changed_by("labels.label_selection=balanced", {"labels.labelled=0"}).empty());
  CHECK(suite.changed_by("labels.label_draw=fixed", {"labels.labelled=0"}).empty());
  CHECK(suite.changed_by("corruption.share=0.5", {"corruption.kind=noise"}) == "KA");
  CHECK(suite.changed_by("corruption.snr_db=3.0", {"corruption.kind=noise"}) == "KA");
  CHECK(suite.changed_by("corruption.shift_s=3.0", {"corruption.kind=noise"}).empty());
  CHECK(suite.changed_by("corruption.shift_s=3.0", {"corruption.kind=shift"}) == "KA");
  CHECK(suite.changed_by("corruption.snr_db=3.0", {"corruption.kind=swap"}).empty());
  CHECK(suite.changed_by("methods.kd.weight=0.125", {}) == "K");
  CHECK(suite.changed_by("methods.at.weight=0.125", {}) == "A");
  const std::vector<std::string> probe{"evaluation.classifier=linear_probe"};
  CHECK(suite.changed_by("evaluation.feature_windows=5", probe) == "E");
  CHECK(suite.changed_by("evaluation.neighbours=5", probe).empty());
  CHECK(suite.changed_by("evaluation.average=logits", probe).empty());  // decision values are averaged
  CHECK(suite.changed_by("evaluation.neighbours=5", {"evaluation.classifier=knn"}) == "E");
  const std::vector<std::string> retrieval{"suite.task=retrieval"};
  CHECK(suite.changed_by("evaluation.classifier=knn", retrieval).empty());
  CHECK(suite.changed_by("evaluation.gallery=leave_one_out", retrieval) == "E");
  CHECK(suite.changed_by("evaluation.average=logits", retrieval).empty());  // embeddings are averaged as they are
  CHECK(suite.changed_by("evaluation.truncate_at=5", retrieval).empty());
  CHECK(suite.changed_by("evaluation.truncate_at=5", {"suite.task=retrieval", "suite.protocol=paper"}) == "TSKAE");
}

TEST_CASE("where an epoch is chosen on validation clips, what judges it is in the keys of those who choose") {
  const KeySuite suite;
  const std::vector<std::string> student{"labels.validation_clips=4", "training.select=best_validation"};
  CHECK(suite.changed_by("clip.test_views=5", student) == "SKAE");
  CHECK(suite.changed_by("suite.task=retrieval", student) == "SKAE");
  CHECK(suite.changed_by("evaluation.average=logits", student) == "SKAE");
  CHECK(suite.changed_by("evaluation.batch=7", student) == "TSKAE");
  const std::vector<std::string> teacher{"labels.validation_clips=4", "teacher.training.select=best_validation"};
  CHECK(suite.changed_by("clip.test_views=5", teacher) == "TKAE");
}

TEST_CASE("a file of first weights is in the key by its bytes and by how it is read, not by its name") {
  const KeySuite suite;
  write_file_atomically(suite.path("a.pth"), std::string_view("these bytes"));
  write_file_atomically(suite.path("b.pth"), std::string_view("these bytes"));
  write_file_atomically(suite.path("c.pth"), std::string_view("other bytes"));
  const auto of = [&](const std::string& side, const std::string& file) {
    return side + ".weights=\"" + suite.path(file) + "\"";
  };
  CHECK(suite.changed_by(of("student", "a.pth"), {}) == "SKAE");
  CHECK(suite.changed_by(of("teacher", "a.pth"), {}) == "TKA");
  CHECK(suite.changed_by(of("student", "b.pth"), {of("student", "a.pth")}).empty());
  CHECK(suite.changed_by(of("student", "c.pth"), {of("student", "a.pth")}) == "SKAE");
  for (const ParameterSpec& spec : section_specs("weights")) {
    if (spec.name == "weights") continue;
    const std::string setting =
        "student." + spec.name + "=" + toml_text(other_values(spec, spec.default_value).front());
    INFO(setting);
    CHECK(suite.changed_by(setting, {}).empty());  // there is no file
    const bool only_told = spec.name == "weights_pretrained_on";
    CHECK(suite.changed_by(setting, {of("student", "a.pth")}) == (only_told ? "" : "SKAE"));
  }
}

TEST_CASE("the data's fingerprint is in every key, and changes with every setting of what is ingested") {
  const KeySuite suite;
  const KeysByLetter one = suite.keys({}, "one");
  for (const auto& [letter, key] : suite.keys({}, "other")) CHECK(key != one.at(letter));
  const std::string before = suite.data_fingerprint({});
  const Suite loaded = load_suite(suite.path("keys.toml"), {});
  for (const ParameterSpec& spec : section_specs("ingest")) {
    // One that is refused without others, and one that means nothing without it.
    if (spec.name == "audio_form" || spec.name == "feature_values") continue;
    for (const ParameterValue& value : other_values(spec, loaded.ingest.by_name().at(spec.name))) {
      const std::string setting = "ingest." + spec.name + "=" + toml_text(value);
      INFO(setting);
      CHECK(suite.data_fingerprint({setting}) != before);
    }
  }
  CHECK(suite.data_fingerprint({"dataset.train_clips=61"}) != before);
}

TEST_CASE("threads and determinism are settings of the process: in a training they are refused, with their new place") {
  const KeySuite suite;
  for (const char* old : {"training.threads_per_run=2", "teacher.training.deterministic=false"}) {
    CHECK_THROWS_WITH(suite.keys({old}), message_contains("process") && message_contains("[runtime]"));
  }
}

TEST_CASE("a method's source is in the keys of its own trainings, the teacher's in those that learn from it") {
  const KeySuite suite;
  const Plan plan = make_plan(load_suite(suite.path("keys.toml"), {}), "source");
  for (const PlannedTraining& planned : plan.trainings) {
    INFO(planned.label);
    const std::string source = source_hash_of(method_registry().get(planned.method));
    CHECK(source.size() == 32);
    CHECK(planned.config.find(source) != std::string::npos);
    CHECK(planned.config.find(shared_code_hash()) == std::string::npos);
  }
}
