// Trainings of both modalities without labels, and classifiers on what they learned.
#include "catch.h"
//
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/harness/check_suite.h"
#include "cmkd/harness/clip_view.h"
#include "cmkd/harness/run_one.h"
#include "cmkd/harness/trainer.h"
#include "paths.h"
#include "tiny_suite.h"

using namespace cmkd;

namespace {

struct Pretraining {
  explicit Pretraining(const std::vector<std::string>& methods, const std::vector<std::string>& overrides = {},
                       const std::string& removed = "") {
    std::string text = test::pretraining_suite(methods);
    if (!removed.empty()) text.erase(text.find(removed), removed.size());
    write_file_atomically(folder / "tiny.toml", text);
    suite = load_suite(folder / "tiny.toml", overrides);
    data.emplace(open_data(suite, folder / "cache", 1));
    plan = make_plan(suite, data->listed.source_fingerprint);
  }

  [[nodiscard]] const PlannedTraining& of(const std::string& method) const {
    return *std::ranges::find(plan.trainings, method, &PlannedTraining::method);
  }

  [[nodiscard]] RunResult run(const std::string& method) {
    const RunFolder runs{folder / "out"};
    std::filesystem::create_directories(runs.run(of(method).key));
    RunResult result = run_one(suite, of(method), *data, runs, {});
    INFO(method << ": " << result.training.reason);
    REQUIRE((result.training.status == results::RunStatus::kDone));
    return result;
  }

  test::TemporaryFolder folder;
  Suite suite;
  std::optional<SuiteData> data;
  Plan plan;
};

double metric_of(const RunResult& result, const std::string& name) {
  for (const results::MetricValue& metric : result.evaluations.front().metrics) {
    if (metric.name == name) return metric.value;
  }
  return std::nan("");
}

struct Stopped {};

// Trains from the checkpoint, if there is one, and stops after `steps`; nothing: to the end, and gives the weights.
std::string train(Pretraining& suite, const std::string& method, const std::filesystem::path& checkpoint,
                  std::optional<int> steps) {
  TrainerOptions options;
  options.checkpoint_file = checkpoint;
  options.checkpoint_seconds = 0;
  int done = 0;
  options.progress = [&](const TrainerProgress&) {
    if (steps && ++done > *steps) throw Stopped{};
  };
  Trainer trainer(suite.suite, suite.of(method), *suite.data, nullptr, options);
  try {
    trainer.run();
  } catch (const Stopped&) {
    return "";
  }
  return fingerprint(trainer.weights());
}

}  // namespace

TEST_CASE("A pretraining stopped at any step and taken up again ends with the bytes of one that was not stopped") {
  for (const std::string method : {"xkd", "xkd_mas", "xkd_mats", "mae"}) {
    INFO(method);
    Pretraining suite({method}, {"training.epochs=1"});
    const std::string whole = train(suite, method, suite.folder / "whole", std::nullopt);
    CHECK(train(suite, method, suite.folder / "parts", 1).empty());
    CHECK(train(suite, method, suite.folder / "parts", 2).empty());
    CHECK(train(suite, method, suite.folder / "parts", std::nullopt) == whole);
  }
}

TEST_CASE("Pretrainings, a random network and supervised training are judged by one probe and are paired") {
  Pretraining suite({"student", "untrained", "mae", "xkd"});
  std::vector<results::TrainingRecord> records;
  for (const std::string method : {"student", "untrained", "mae", "xkd"}) {
    INFO(method);
    const RunResult result = suite.run(method);
    records.push_back(result.training);
    const results::ClipOutputs& outputs = result.evaluations.front().outputs;
    REQUIRE(outputs.clip_ids.size() == 20);
    for (std::size_t clip = 0; clip < 20; ++clip) {
      const auto first = outputs.scores.begin() + static_cast<std::ptrdiff_t>(clip) * outputs.width;
      CHECK(std::accumulate(first, first + outputs.width, 0.0) == Approx(1.0).margin(1e-5));
    }
    CHECK(metric_of(result, "regularisation") == 1e-4);  // no validation clips: the default
    CHECK(metric_of(result, "top1") >= 0);
  }
  for (const results::TrainingRecord& record : records) {
    CHECK(record.batch_order_fingerprint == records[0].batch_order_fingerprint);
    CHECK(record.augmentation_fingerprint == records[0].augmentation_fingerprint);
    CHECK(record.initial_weights_fingerprint == records[0].initial_weights_fingerprint);
  }
}

TEST_CASE("The curves of a pretraining hold its terms and what shows a collapse") {
  Pretraining suite({"xkd"});
  std::set<std::string> names;
  for (const results::EpochValue& value : suite.run("xkd").training.epochs) names.insert(value.name);
  for (const std::string name : {"vid_recon_loss", "aud_recon_loss", "as2vs_align_loss", "vt2at_align_loss",
                                 "vt2as_kd_loss", "at2vs_kd_loss", "video_entropy", "audio_mean_entropy",
                                 "video_spread", "audio_center_norm", "video_attention_mass", "alignment_unrefined"}) {
    INFO(name);
    CHECK(names.contains(name));
  }
}

TEST_CASE("Validation clips choose the probe's regularisation; under paper the reported clips do") {
  Pretraining strict({"untrained"}, {"labels.validation_clips=12"});
  CHECK(metric_of(strict.run("untrained"), "chosen_on_clips") == 1);
  Pretraining paper({"untrained"}, {"suite.protocol=paper", "evaluation.classifier=linear_svm"});
  CHECK(metric_of(paper.run("untrained"), "chosen_on_clips") == 1);
  Pretraining neighbours({"untrained"}, {"evaluation.classifier=knn", "evaluation.neighbours=3"});
  CHECK(metric_of(neighbours.run("untrained"), "regularisation") == 3);
}

TEST_CASE("Features of the other modality and of both are other rows of one training") {
  const Pretraining own({"xkd"});
  const Pretraining other({"xkd"}, {"evaluation.features=other"});
  Pretraining both({"xkd"}, {"evaluation.features=both"});
  CHECK(own.of("xkd").key == other.of("xkd").key);
  CHECK(own.of("xkd").evaluation().key != other.of("xkd").evaluation().key);
  CHECK(other.of("xkd").evaluation().key != both.of("xkd").evaluation().key);
  CHECK(metric_of(both.run("xkd"), "top1") >= 0);
}

TEST_CASE("The frozen encoders search one another: sound finds video and video sound") {
  const std::vector<std::string> retrieval{"suite.task=retrieval", "evaluation.classifier=network"};
  std::vector<std::string> both = retrieval;
  both.emplace_back("evaluation.features=both");
  Pretraining joined({"xkd"}, both);
  CHECK_NOTHROW(check_suite(joined.suite, *joined.data));
  const RunResult result = joined.run("xkd");
  for (const std::string name : {"map", "audio_to_video_map", "video_to_audio_map"}) {
    INFO(name);
    CHECK(metric_of(result, name) > 0);
    CHECK(metric_of(result, name) <= 1);
  }
  const auto across = [](const RunResult& run) {
    const auto& metrics = run.evaluations.front().metrics;
    return std::ranges::any_of(metrics, [](const auto& metric) { return metric.name == "audio_to_video_map"; });
  };
  CHECK(across(result));
  Pretraining own({"xkd"}, retrieval);
  CHECK_FALSE(across(own.run("xkd")));
}

TEST_CASE("The key of a training of both modalities holds both networks and both windows; that of others does not") {
  const Pretraining first({"student", "xkd"});
  const Pretraining deeper({"student", "xkd"}, {"teacher.depth=2"});
  const Pretraining longer({"student", "xkd"}, {"clip.audio_seconds=0.5"});
  CHECK(first.of("xkd").key != deeper.of("xkd").key);
  CHECK(first.of("xkd").key != longer.of("xkd").key);
  CHECK(first.of("student").key == deeper.of("student").key);
  CHECK(first.of("student").key == longer.of("student").key);
}

TEST_CASE("What cannot be judged or trained is refused before anything runs, with what to change") {
  const auto refused = [](const std::vector<std::string>& methods, const std::vector<std::string>& overrides,
                          const std::string& word, const std::string& removed = "") {
    const Pretraining suite(methods, overrides, removed);
    CHECK_THROWS_WITH(check_suite(suite.suite, *suite.data), message_contains(word));
  };
  refused({"xkd"}, {"evaluation.classifier=network"}, "trains no classifier");
  refused({"student"}, {"evaluation.features=both"}, "student's modality alone");
  refused({"xkd"},
          {"suite.task=retrieval", "evaluation.classifier=network", "evaluation.features=both",
           "student.model=video_vit_small"},
          "are 384 and 192 wide");
  refused({"xkd"}, {"student.model=r2plus1d_small"}, "vision transformers",
          "depth = 1\npatch_frames = 2\npatch_size = 8\n");
  refused({"xkd"}, {"clip.frames=4"}, "local view");
}

TEST_CASE("What a kept pretraining rebuilds is the input where it was seen, and the same picture at each call") {
  Pretraining suite({"mae"}, {"training.keep_weights=true"});
  const RunResult result = suite.run("mae");
  const std::filesystem::path weights = RunFolder{suite.folder / "out"}.weights(suite.of("mae").key);
  const RebuiltClip first = rebuild_clip(suite.suite, *suite.data, suite.of("mae"), weights, 3, {});
  const RebuiltClip second = rebuild_clip(suite.suite, *suite.data, suite.of("mae"), weights, 3, {});
  CHECK(at::equal(first.rebuilt_frames, second.rebuilt_frames));
  CHECK(at::equal(first.masked_spectrogram, second.masked_spectrogram));
  CHECK(first.hidden_error > 0);
  const WindowReader reader(suite.data->cache, suite.suite.clip.values);
  const at::Tensor frames = reader.gather_video({reader.draw_window(3, 0)})[0];
  const at::Tensor seen = first.masked_frames.ne(128);  // hidden: grey, 0.5 · 255 rounded
  CHECK(at::equal(first.rebuilt_frames.masked_select(seen), frames.masked_select(seen)));
  // 85 % of 16 patches are hidden, of which a few pixels are grey by themselves.
  CHECK(seen.to(at::kFloat).mean().item<double>() < 0.3);
}
