#include <nlohmann/json.hpp>

#include "catch.h"
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"
#include "cmkd/reports/export_folder.h"
#include "cmkd/results/store.h"
#include "paths.h"

namespace cmkd::reports {
namespace {

namespace fs = std::filesystem;

bool has_text(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

results::TrainingRecord exported_training(const std::string& label, std::int64_t seed, const std::string& teacher) {
  results::TrainingRecord training;
  training.config_json = nlohmann::json{{"method", {{"id", label}}}, {"seed", seed}}.dump();
  training.key = hash_hex(training.config_json);
  training.cell_key = "cell";
  training.dataset_fingerprint = "source1";
  training.decoded_fingerprint = "decoded1";
  training.method = training.label = label;
  training.verified = "loss";
  training.direction = "audio->video";
  training.student_model = "r2plus1d_small";
  training.teacher_key = teacher;
  training.seed = seed;
  training.initial_weights_fingerprint = "initial";
  training.final_weights_fingerprint = "final";
  training.selection_rule = "last epoch";
  training.environment.values = {{"libtorch", "2.13.0"}};
  return training;
}

results::EvaluationRecord exported_evaluation(const results::TrainingRecord& training) {
  results::EvaluationRecord evaluation;
  evaluation.config_json = nlohmann::json{{"training", training.key}}.dump();
  evaluation.key = hash_hex(evaluation.config_json);
  evaluation.training_key = training.key;
  evaluation.task = "action_recognition";
  evaluation.protocol = "strict";
  evaluation.split = "test";
  evaluation.metrics = {{"top1", "test", 0.5, 2}};
  evaluation.outputs = {{"a,b \"c\".mp4", "c2"}, {"g1", "g1"}, {0, 1}, 2, {0.75F, 0.25F, 0.5F, 0.5F}};
  return evaluation;
}

struct ExportedStore {
  ExportedStore() {
    store.put_dataset({"source1", "synthetic", "{}", "decoded1", 3, 2, {{"c3", "c3.mp4", "test", "silent"}}});
    store.commit_run(teacher, {exported_evaluation(teacher)});
    const std::string bytes = "the bytes of some weights";
    student.weights_file = store.write_artifact(std::as_bytes(std::span(bytes)), "safetensors");
    store.commit_run(student, {exported_evaluation(student)});
    store.commit_run(other, {});
    store.put_recipe({"quick", "[suite]\ntitle = \"x\"\n", {"training.epochs=2"}, results::Recipe::Kind::kRun, {}},
                     {teacher.key, student.key});
  }

  test::TemporaryFolder folder;
  results::Store store = results::Store::open(folder / "results.db", results::OpenMode::kReadWriteCreate);
  results::TrainingRecord teacher = exported_training("teacher", 1, "");
  results::TrainingRecord student = exported_training("kd (shuffled/teacher)", 1, teacher.key);
  results::TrainingRecord other = exported_training("rkd", 2, "");
};

TEST_CASE("a run is exported with its teacher, suite file, settings, clips, fingerprints, provenance and weights") {
  const ExportedStore made;
  const fs::path out = made.folder / "out";
  const ExportReport report = export_folder(made.store, {made.student.key}, out, {.weights = true});
  CHECK(report.trainings == 2);
  CHECK(report.weights == 1);
  REQUIRE(report.missing.size() == 1);  // the teacher's weights
  CHECK(has_text(report.missing[0], "teacher seed 1: its weights were not kept"));
  const results::Store part = results::Store::open(out / "results.db", results::OpenMode::kReadOnly);
  CHECK(part.trainings().size() == 2);
  CHECK(part.recipes(made.student.key).size() == 1);
  CHECK(part.check().empty());
  CHECK(read_file(out / "suites/quick.toml") == "[suite]\ntitle = \"x\"\n");
  CHECK(read_file(out / "clips/synthetic-test.csv") ==
        "clip,group,role,class\n\"a,b \"\"c\"\".mp4\",g1,test,0\nc2,g1,test,1\n");
  const nlohmann::json exported = nlohmann::json::parse(read_file(out / "export.json"));
  REQUIRE(exported.at("trainings").size() == 2);
  for (const nlohmann::json& training : exported.at("trainings")) {
    CHECK(training.at("made_by").at(0).at("suite") == "suites/quick.toml");
    CHECK(training.at("made_by").at(0).at("set").at(0) == "training.epochs=2");
    CHECK(training.at("fingerprints").at("source") == "source1");
    CHECK(training.at("fingerprints").at("final_weights") == "final");
    CHECK(training.at("environment").at("libtorch") == "2.13.0");
    CHECK(training.at("direction") == "audio->video");
    CHECK(training.at("student_model") == "r2plus1d_small");
    CHECK(training.at("training_clips").is_null());
    CHECK(training.at("evaluations").at(0).at("clips") == "clips/synthetic-test.csv");
  }
  CHECK(exported.at("datasets").at(0).at("excluded").at(0).at("reason") == "silent");
  const std::string name = "kd-shuffled-teacher-seed-1-" + made.student.key.substr(0, 12);
  CHECK(read_file(out / "weights" / (name + ".safetensors")) == "the bytes of some weights");
  const std::string card = read_file(out / "weights" / (name + ".md"));
  CHECK(card.starts_with("---\nlibrary_name: cmkd\n"));
  CHECK(has_text(card, "- {type: \"top1\", value: 0.500000}"));
  CHECK(has_text(read_file(out / "README.md"), "cmkd rerun " + made.student.key.substr(0, 12)));
}

TEST_CASE("an exported run says what it is in its suites, and which clip it had for what where that is known") {
  ExportedStore made;
  results::SuiteLink link;
  link.suite = "quick";
  link.task = "action_recognition";
  link.dataset = "synthetic";
  link.direction = "audio->video";
  link.protocol = "strict";
  link.primary_metric = "top1";
  link.method = "kd";
  link.control = "shuffled-teacher";
  link.label = made.student.label;
  link.role = results::RowRole::kControl;
  link.seed = 1;
  link.training_key = made.student.key;
  link.evaluation_key = exported_evaluation(made.student).key;
  link.rerun_command = "cmkd run quick.toml --only kd --seed 1";
  made.store.set_suite_links("quick", {link});
  const std::string roles = "clip,group,roles\nc2,g1,transfer+labelled\n";
  (void)export_folder(made.store, {made.student.key}, made.folder / "out",
                      {.weights = false, .training_clips = {{made.student.key, roles}}});
  const nlohmann::json exported = nlohmann::json::parse(read_file(made.folder / "out/export.json"));
  REQUIRE(exported.at("trainings").size() == 2);  // the teacher comes along
  for (const nlohmann::json& training : exported.at("trainings")) {
    if (training.at("key") != made.student.key) {
      CHECK(training.at("rows").empty());  // the teacher: no row of a suite
      continue;
    }
    CHECK(training.at("training_clips") == "clips/synthetic-roles-seed-1.csv");
    const nlohmann::json& row = training.at("rows").at(0);
    CHECK(row.at("suite") == "quick");
    CHECK(row.at("role") == "control");
    CHECK(row.at("command") == "cmkd run quick.toml --only kd --seed 1");
  }
  CHECK(read_file(made.folder / "out/clips/synthetic-roles-seed-1.csv") == roles);
  CHECK(has_text(read_file(made.folder / "out/README.md"), "which clip the teacher"));
}

TEST_CASE("two exports of one store have the same bytes in every text") {
  const ExportedStore made;
  const std::vector<std::string> keys{made.student.key, made.other.key};
  (void)export_folder(made.store, keys, made.folder / "one");
  (void)export_folder(made.store, {keys[1], keys[0]}, made.folder / "two");
  for (const char* file : {"export.json", "README.md", "suites/quick.toml", "clips/synthetic-test.csv"}) {
    INFO(file);
    CHECK(read_file(made.folder / "one" / file) == read_file(made.folder / "two" / file));
  }
  CHECK_FALSE(fs::exists(made.folder / "one/weights"));
}

TEST_CASE("a run whose recipe is not stored says so, in the folder too") {
  const ExportedStore made;
  const ExportReport report = export_folder(made.store, {made.other.key}, made.folder / "out");
  REQUIRE(report.missing.size() == 1);
  CHECK(has_text(report.missing[0], "rkd seed 2"));
  CHECK(has_text(read_file(made.folder / "out/README.md"), report.missing[0]));
}

TEST_CASE("a folder with something in it is left alone, and an unknown run leaves none") {
  const ExportedStore made;
  write_file_atomically(made.folder / "full/file", std::string_view("x"));
  CHECK_THROWS_AS(export_folder(made.store, {made.other.key}, made.folder / "full"), Error);
  CHECK(read_file(made.folder / "full/file") == "x");
  CHECK_THROWS_AS(export_folder(made.store, {"unknown"}, made.folder / "none"), Error);
  CHECK_FALSE(fs::exists(made.folder / "none"));
  CHECK_FALSE(fs::exists(made.folder / "none.partial"));
}

}  // namespace
}  // namespace cmkd::reports
