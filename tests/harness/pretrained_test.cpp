#include "catch.h"
// Catch first: c10 and Catch2 both define CHECK.
#include <ATen/Functions.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"
#include "cmkd/harness/check_suite.h"
#include "cmkd/harness/pretrained.h"
#include "cmkd/harness/run_one.h"
#include "cmkd/runtime/determinism.h"
#include "paths.h"

namespace {

using namespace cmkd;
namespace fs = std::filesystem;

std::string suite_text(const std::string& student, const std::string& methods = "") {
  return R"([suite]
seeds = 1
[dataset]
id = "synthetic"
train_clips = 24
test_clips = 10
[ingest]
height = 32
width = 32
sample_rate = 8000
[clip]
frames = 4
[labels]
labelled = 8
[teacher]
modality = "audio"
model = "audio_cnn"
n_fft = 256
hop_length = 80
n_mels = 16
width = 8
[teacher.training]
epochs = 1
batch_labelled = 0
batch_unlabelled = 8
[student]
model = "r2plus1d_small"
width = 8
)" + student +
         R"(
[training]
epochs = 1
batch_labelled = 4
batch_unlabelled = 4
[[methods]]
id = "student"
[[methods]]
id = "kd"
)" + methods;
}

Suite load_pretrained_suite(const test::TemporaryFolder& folder, const std::string& student) {
  write_file_atomically(folder / "test.toml", suite_text(student));
  return load_suite(folder / "test.toml", {});
}

// Weights of the suite's student for a number of classes, drawn with a seed of their own.
TensorMap student_weights(std::int64_t classes, std::uint64_t seed) {
  const ModelInfo& info = model_registry().get("r2plus1d_small");
  ModelConfig config;
  config.classes = classes;
  config.frames = 4;
  config.parameters = Parameters(info.parameters);
  config.parameters.set("width", std::int64_t{8});
  const ScopedSeed guard(seed);
  TensorMap weights;
  for (const auto& [name, tensor] : state_of(*info.make(config))) weights.emplace(name, tensor.clone());
  return weights;
}

std::string weights_line(const fs::path& file) { return "weights = \"" + file.string() + "\"\n"; }

std::string student_key(const Suite& suite) { return make_plan(suite, "source").trainings.back().key; }

std::int64_t classes_of(const Suite& suite, const fs::path& cache) {
  return static_cast<std::int64_t>(list_data(suite, cache).list.classes.size());
}

}  // namespace

TEST_CASE("a suite without weights has the configuration that it had before there were any") {
  const test::TemporaryFolder folder;
  const Plan plan = make_plan(load_pretrained_suite(folder, ""), "source");
  for (const PlannedTraining& planned : plan.trainings) {
    INFO(planned.config);
    CHECK(planned.config.find("weights") == std::string::npos);
    CHECK(planned.weights_hash.empty());
  }
}

TEST_CASE("a training's key holds the content of its weights, not their path, and the teacher's does not change") {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "a.safetensors", {student_weights(4, 1), {}});
  fs::copy_file(folder / "a.safetensors", folder / "b.safetensors");
  write_safetensors(folder / "c.safetensors", {student_weights(4, 2), {}});
  const Suite none = load_pretrained_suite(folder, "");
  const Suite a = load_pretrained_suite(folder, weights_line(folder / "a.safetensors"));
  const Suite b = load_pretrained_suite(folder, weights_line(folder / "b.safetensors"));
  const Suite c = load_pretrained_suite(folder, weights_line(folder / "c.safetensors"));
  CHECK(student_key(a) == student_key(b));
  CHECK(student_key(a) != student_key(c));
  CHECK(student_key(a) != student_key(none));
  const Plan with = make_plan(a, "source");
  const Plan without = make_plan(none, "source");
  CHECK(with.trainings.front().is_teacher);
  CHECK(with.trainings.front().key == without.trainings.front().key);
  CHECK(with.trainings.back().config.find(hash_file(folder / "a.safetensors")) != std::string::npos);
  CHECK(with.trainings.back().config.find("a.safetensors") == std::string::npos);
  CHECK(student_key(load_pretrained_suite(
            folder, weights_line(folder / "a.safetensors") + "weights_partial = true\n")) != student_key(a));
}

TEST_CASE("all methods of a cell start from the file's weights, whatever the seed") {
  const test::TemporaryFolder folder;
  const Suite plain = load_pretrained_suite(folder, "");
  const std::int64_t classes = classes_of(plain, folder / "cache");
  const TensorMap weights = student_weights(classes, 77);
  write_safetensors(folder / "w.safetensors", {weights, {}});
  const Suite suite = load_pretrained_suite(folder, weights_line(folder / "w.safetensors"));
  const SuiteData data = open_data(suite, folder / "cache", 1);
  check_suite(suite, data);
  const Plan plan = make_plan(suite, data.listed.source_fingerprint);
  const RunFolder runs{folder / "out"};
  int students = 0;
  for (const PlannedTraining& planned : plan.trainings) {
    fs::create_directories(runs.run(planned.key));
    const RunResult result = run_one(suite, planned, data, runs, {});
    INFO(planned.method << " " << result.training.reason);
    REQUIRE(result.training.status == results::RunStatus::kDone);
    const bool from_file = result.training.initial_weights_fingerprint == fingerprint(weights);
    CHECK(from_file == !planned.is_teacher);
    if (!planned.is_teacher) ++students;
  }
  CHECK(students == 2);
}

TEST_CASE("weights that do not fit are refused before anything is trained, with the setting that helps") {
  const test::TemporaryFolder folder;
  const Suite plain = load_pretrained_suite(folder, "");
  const SuiteData data = open_data(plain, folder / "cache", 1);
  const std::int64_t classes = classes_of(plain, folder / "cache");
  write_safetensors(folder / "wide.safetensors", {student_weights(classes + 3, 1), {}});
  const Suite wide = load_pretrained_suite(folder, weights_line(folder / "wide.safetensors"));
  CHECK_THROWS_WITH(check_suite(wide, data), message_contains("weights_classifier") && message_contains("test.toml:"));
  CHECK_THROWS_AS(check_weights(wide, data), Error);
  const Suite skipped =
      load_pretrained_suite(folder, weights_line(folder / "wide.safetensors") + "weights_classifier = \"skip\"\n" +
                                        "weights_pretrained_on = [\"kinetics400\", \"ucf101\"]\n");
  const auto lines = check_weights(skipped, data);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].role == "student");
  CHECK(lines[0].report.skipped.size() == 2);
  CHECK(lines[0].pretrained_on == "kinetics400, ucf101");
  CHECK_NOTHROW(check_suite(skipped, data));
}

TEST_CASE("weights that are not there, or change while the suite runs, are an error and no random start") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_WITH(make_plan(load_pretrained_suite(folder, weights_line(folder / "none.pth")), "source"),
                    message_contains("none.pth") && message_contains("test.toml:"));
  const Suite plain = load_pretrained_suite(folder, "");
  const SuiteData data = open_data(plain, folder / "cache", 1);
  const std::int64_t classes = classes_of(plain, folder / "cache");
  write_safetensors(folder / "w.safetensors", {student_weights(classes, 1), {}});
  const Suite suite = load_pretrained_suite(folder, weights_line(folder / "w.safetensors"));
  const Plan plan = make_plan(suite, data.listed.source_fingerprint);
  write_safetensors(folder / "w.safetensors", {student_weights(classes, 2), {}});
  const auto student = std::ranges::find(plan.trainings, "student", &PlannedTraining::method);
  REQUIRE(student != plan.trainings.end());
  CHECK_THROWS_WITH(Trainer(suite, *student, data, nullptr, {}), message_contains("changed while the suite ran"));
}

TEST_CASE("weights behind a prefix load by themselves, and with a wrong one the setting that helps is named") {
  const test::TemporaryFolder folder;
  const Suite plain = load_pretrained_suite(folder, "");
  const SuiteData data = open_data(plain, folder / "cache", 1);
  TensorMap tensors;
  add_with_prefix(tensors, "model.student.", student_weights(classes_of(plain, folder / "cache"), 1));
  tensors.emplace("model.projector.weight", at::zeros({2}));
  write_safetensors(folder / "w.safetensors", {tensors, {}});
  const std::string line = weights_line(folder / "w.safetensors");
  const Suite suite = load_pretrained_suite(folder, line);
  const auto lines = check_weights(suite, data);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].report.prefix == "model.student.");
  CHECK(lines[0].report.summary().find("1 left out, prefix 'model.student.' removed") != std::string::npos);
  CHECK_NOTHROW(check_suite(suite, data));
  const Suite wrong = load_pretrained_suite(folder, line + "weights_prefix = \"backbone\"\n");
  CHECK_THROWS_WITH(check_suite(wrong, data), message_contains("name the prefix: 'model.student.'") &&
                                                  message_contains("weights_prefix = \"auto\""));
}

TEST_CASE("weights with values that are not finite are refused before anything is trained, running statistics too") {
  const test::TemporaryFolder folder;
  const Suite plain = load_pretrained_suite(folder, "");
  const SuiteData data = open_data(plain, folder / "cache", 1);
  TensorMap tensors = student_weights(classes_of(plain, folder / "cache"), 1);
  const auto variance =
      std::ranges::find_if(tensors, [](const auto& item) { return item.first.ends_with("running_var"); });
  REQUIRE(variance != tensors.end());
  variance->second[0] = std::numeric_limits<float>::infinity();
  write_safetensors(folder / "w.safetensors", {tensors, {}});
  for (const std::string more : {"", "weights_partial = true\n"}) {
    const Suite suite = load_pretrained_suite(folder, weights_line(folder / "w.safetensors") + more);
    CHECK_THROWS_WITH(check_suite(suite, data), message_contains("not finite: 1 NaN or infinite value, in 1 tensor") &&
                                                    message_contains(variance->first) &&
                                                    message_contains("test.toml:"));
  }
}
