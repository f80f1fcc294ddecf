// What a training keeps of its epochs: the log, the chosen weights, the phases, the fingerprints that pair runs.
#include "catch.h"
//
#include <ATen/Functions.h>

#include <limits>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/harness/checkpoint.h"
#include "cmkd/harness/epoch_log.h"
#include "cmkd/harness/pairing.h"
#include "cmkd/harness/phase_spans.h"
#include "cmkd/harness/training_failed.h"
#include "cmkd/harness/weight_selection.h"
#include "paths.h"

using namespace cmkd;

namespace {

StepResult step_of(double loss, double gate) {
  StepResult result;
  result.terms.push_back({"kd", at::scalar_tensor(loss), 1.0, {"student"}});
  result.diagnostics.push_back({"gate", at::scalar_tensor(gate)});
  return result;
}

double value_of(const EpochLog& log, const std::string& kind, const std::string& name, std::int64_t epoch) {
  for (const results::EpochValue& value : log.values()) {
    if (value.kind == kind && value.name == name && value.epoch == epoch) return value.value;
  }
  throw std::runtime_error("no such value");
}

TensorMap weights_of(double value) { return {{"student.w", at::full({2}, value)}}; }

}  // namespace

TEST_CASE("an epoch's values are the means over its steps, and the next begins anew") {
  EpochLog log("kd");
  log.add(step_of(1.0, 0.25));
  log.add(step_of(4.0, 0.75));
  log.finish_epoch("main", 0, 2);
  log.add(step_of(7.0, 1.0));
  log.finish_epoch("main", 1, 1);
  CHECK(value_of(log, "term", "kd", 0) == 2.5);
  CHECK(value_of(log, "diagnostic", "gate", 0) == 0.5);
  CHECK(value_of(log, "term", "kd", 1) == 7.0);
  CHECK(log.values().size() == 4);
  CHECK(log.last_validation() == -1);
  log.add_validation("main", 1, "top1", 0.75);
  CHECK(log.last_validation() == 0.75);
}

TEST_CASE("a loss that is not finite or diverges ends the run with its term's name; a diagnostic does not") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EpochLog broken("kd");
  broken.add(step_of(nan, 0));
  CHECK_THROWS_WITH(broken.finish_epoch("main", 3, 1),
                    message_contains("not finite") && message_contains("'kd'") && message_contains("epoch 3"));
  EpochLog diverging("kd");
  diverging.add(step_of(-2e8, 0));
  CHECK_THROWS_AS(diverging.finish_epoch("main", 0, 1), TrainingFailed);
  EpochLog fine("kd");
  fine.add(step_of(1, nan));
  fine.finish_epoch("main", 0, 1);
  CHECK(fine.values().size() == 1);
}

TEST_CASE("a log that is saved in mid-epoch goes on as if it had not been") {
  EpochLog whole("kd");
  EpochLog first("kd");
  for (EpochLog* log : {&whole, &first}) {
    log->add(step_of(0.1, 0.3));
    log->finish_epoch("main", 0, 1);
    log->add(step_of(0.7, 0.2));
  }
  Checkpoint checkpoint;
  first.save(checkpoint);
  EpochLog second("kd");
  second.restore(checkpoint, at::kCPU);
  for (EpochLog* log : {&whole, &second}) {
    log->add(step_of(0.9, 0.1));
    log->finish_epoch("main", 1, 2);
  }
  REQUIRE(second.values().size() == whole.values().size());
  CHECK(value_of(second, "term", "kd", 1) == value_of(whole, "term", "kd", 1));
  CHECK(value_of(second, "diagnostic", "gate", 1) == value_of(whole, "diagnostic", "gate", 1));
}

TEST_CASE("without a rule the last epoch's weights stand") {
  WeightSelection selection("");
  CHECK_FALSE(selection.chooses());
  selection.consider(0.9, 0, weights_of(1));
  const TensorMap weights = weights_of(5);
  selection.apply(weights, 4);
  CHECK(selection.epoch() == 3);
  CHECK(selection.rule() == results::kLastEpochRule);
  CHECK(at::equal(weights.at("student.w"), at::full({2}, 5.0)));
}

TEST_CASE("the best epoch's weights are restored, the earlier of two equal ones, over a checkpoint too") {
  WeightSelection selection("best top1 on the validation clips");
  selection.consider(0.5, 0, weights_of(1));
  selection.consider(0.8, 1, weights_of(2));
  selection.consider(0.8, 2, weights_of(3));
  Checkpoint checkpoint;
  selection.save(checkpoint);
  WeightSelection resumed("best top1 on the validation clips");
  resumed.restore(checkpoint, at::kCPU);
  resumed.consider(0.7, 3, weights_of(4));
  const TensorMap weights = weights_of(9);
  resumed.apply(weights, 4);
  CHECK(resumed.epoch() == 1);
  CHECK(resumed.rule() == "best top1 on the validation clips");
  CHECK(at::equal(weights.at("student.w"), at::full({2}, 2.0)));
}

TEST_CASE("a chosen epoch's weights are a copy: training on does not change them") {
  WeightSelection selection("best top1 on the validation clips");
  const TensorMap weights = weights_of(1);
  selection.consider(0.5, 0, weights);
  weights.at("student.w").fill_(7);
  selection.apply(weights, 2);
  CHECK(at::equal(weights.at("student.w"), at::ones({2})));
}

TEST_CASE("the last of several phases has the random streams of a method of one") {
  const std::vector<PhaseSpan> spans = phase_spans({{"teacher", 2}, {"masks", 3}, {"main", 0}}, 5);
  REQUIRE(spans.size() == 3);
  CHECK(total_epochs(spans) == 10);
  CHECK(spans[0].first_epoch == 0);
  CHECK(spans[0].stream_epoch == 5);
  CHECK(spans[1].first_epoch == 2);
  CHECK(spans[1].stream_epoch == 7);
  CHECK_FALSE(spans[1].is_last);
  CHECK(spans[2].phase.epochs == 5);
  CHECK(spans[2].first_epoch == 5);
  CHECK(spans[2].stream_epoch == 0);
  CHECK(spans[2].is_last);
  const std::vector<PhaseSpan> one = phase_spans({{"main", 0}}, 4);
  CHECK(one.front().stream_epoch == 0);
  CHECK(one.front().is_last);
}

TEST_CASE("order and augmentation have fingerprints of their own") {
  const std::vector<ClipDraw> draws{{.clip = 3, .window = 1}, {.clip = 5, .window = 0, .top = 2}};
  std::vector<ClipDraw> mirrored = draws;
  mirrored[1].mirrored = true;
  std::vector<ClipDraw> turned{draws[1], draws[0]};
  const auto of = [](const std::vector<std::vector<ClipDraw>>& steps) {
    PairingFingerprints seen;
    for (const std::vector<ClipDraw>& step : steps) seen.add_step(step);
    return seen;
  };
  CHECK(of({draws}).batch_order == of({mirrored}).batch_order);
  CHECK(of({draws}).augmentation != of({mirrored}).augmentation);
  CHECK(of({draws}).batch_order != of({turned}).batch_order);
  CHECK(of({draws, turned}).batch_order != of({turned, draws}).batch_order);
}

TEST_CASE("a checkpoint reads back whole; a broken one and one of another training are refused") {
  const test::TemporaryFolder folder;
  const std::filesystem::path file = folder / "checkpoint";
  CHECK_FALSE(load_checkpoint(file, "key"));
  Checkpoint written;
  written.key = "key";
  written.shared_code = "code";
  written.phase = 1;
  written.epoch = 2;
  written.step = 3;
  written.initial_weights_fingerprint = "initial";
  written.batch_order = "order";
  written.augmentation = "augmentation";
  written.epochs.push_back({1, "main", "term", "kd", 0.1});
  written.best_validation = 0.875;
  written.selected_epoch = 1;
  written.seconds = 12.5;
  written.validation_seconds = 2.5;
  written.sum_names = {"term.kd"};
  written.tensors = {{"weights.student.w", at::arange(4, at::kFloat)}, {"sums", at::ones({1}, at::kDouble)}};
  save_checkpoint(file, written);
  const std::optional<Checkpoint> read = load_checkpoint(file, "key");
  REQUIRE(read);
  CHECK(read->shared_code == "code");
  CHECK(std::tuple(read->phase, read->epoch, read->step) == std::tuple(1, 2, 3));
  CHECK(read->initial_weights_fingerprint == "initial");
  CHECK(read->batch_order == "order");
  CHECK(read->augmentation == "augmentation");
  REQUIRE(read->epochs.size() == 1);
  CHECK(read->epochs.front().name == "kd");
  CHECK(read->epochs.front().value == 0.1);
  CHECK(read->best_validation == 0.875);
  CHECK(read->selected_epoch == 1);
  CHECK(read->seconds == 12.5);
  CHECK(read->validation_seconds == 2.5);
  CHECK(read->sum_names == written.sum_names);
  CHECK(at::equal(read->tensors.at("weights.student.w"), at::arange(4, at::kFloat)));
  CHECK(read->tensors.at("sums").scalar_type() == at::kDouble);
  CHECK_THROWS_WITH(load_checkpoint(file, "another"), message_contains("another training"));
  std::string bytes = read_file(file);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file_atomically(file, bytes);
  CHECK_THROWS_AS(load_checkpoint(file, "key"), Error);
  write_file_atomically(file, bytes.substr(0, bytes.size() / 2));
  CHECK_THROWS_AS(load_checkpoint(file, "key"), Error);
}
