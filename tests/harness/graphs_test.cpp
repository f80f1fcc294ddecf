// Steps that are recorded and repeated: the same bytes as steps that are computed, whatever the method.
#include "catch.h"
//
#include <ATen/Functions.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>

#include "cmkd/core/error.h"
#include "cmkd/harness/runner.h"
#include "cmkd/harness/step_graphs.h"
#include "cmkd/methods/method.h"
#include "operator_graph.h"
#include "trained.h"

using namespace cmkd;
using cmkd::test::OperatorGraph;
using cmkd::test::Trained;

namespace {

// Two epochs; the rate is a float32, which it is anyway where graphs read it.
std::vector<std::string> settings_of_both(const std::vector<std::string>& settings) {
  std::vector<std::string> all;
  for (const std::string& setting : settings) {
    all.push_back("training." + setting);
    all.push_back("teacher.training." + setting);
  }
  return all;
}

const std::vector<std::string> kSteps{"epochs=2", "learning_rate=0.0009765625", "schedule=constant"};

// A layer whose loss is of a kind that `kind` names; counts how often it was computed.
class Counted final : public Training {
 public:
  explicit Counted(std::string kind) : kind_(std::move(kind)), layer_(std::make_shared<torch::nn::LinearImpl>(3, 1)) {}

  std::vector<ModuleGroup> groups() override {
    return {{.name = "student", .module = layer_, .weight_decay = {}, .phases = {}}};
  }
  StepResult step(const StepContext& context, const Batch& batch) override {
    ++computed;
    at::Tensor loss = layer_->forward(batch.audio).square().mean();
    if (kind_ == "epoch") loss = loss * static_cast<double>(context.epoch + 1);
    if (kind_ == "step") loss = loss * static_cast<double>(context.step + 1);
    if (kind_ == "reading") loss = loss * batch.audio.sum().item<double>();
    return {{{"loss", loss, 1.0, {"student"}}}, {{"twice", loss * 2}}};
  }
  void after_step(const StepContext& /*context*/, const Batch& /*batch*/) override { ++after; }
  Predictor predictor() override { return {}; }

  [[nodiscard]] at::Tensor weight() const { return layer_->weight.detach().clone(); }
  void begin_as(const Counted& other) {
    const at::NoGradGuard no_grad;
    layer_->weight.copy_(other.layer_->weight);
    layer_->bias.copy_(other.layer_->bias);
  }

  int computed = 0;
  int after = 0;

 private:
  std::string kind_;
  std::shared_ptr<torch::nn::LinearImpl> layer_;
};

Batch batch_of(std::int64_t step, std::int64_t clips = 4) {
  Batch batch;
  batch.audio = (at::arange(clips * 3, at::kFloat) * static_cast<double>(step + 1)).sin().view({clips, 3});
  batch.labels = at::zeros({clips}, at::kLong);
  return batch;
}

struct Side {
  explicit Side(const std::string& kind, bool graphs) : training(kind), optimizers(training.groups(), {}) {
    if (graphs) {
      steps = std::make_unique<StepGraphs>(training, optimizers, c10::kCPU, test::make_operator_graph);
    } else {
      steps = std::make_unique<StepTaker>(training, optimizers);
    }
  }
  StepResult step(std::int64_t step, const Batch& batch) {
    const StepContext context{.epoch = step / 6, .epochs = 3, .step = step, .steps_per_epoch = 6};
    StepRules rules;
    rules.rate = {0.125, 1.0 / static_cast<double>(std::int64_t{1} << step)};
    rules.clip_gradient_norm = 0.5;
    return steps->take(context, batch, rules);
  }
  Counted training;
  GroupOptimizers optimizers;
  std::unique_ptr<StepTaker> steps;
};

// Step by step: weights, terms and diagnostics are the same. Gives how often the graph's side computed its step.
int computed_beside(const std::string& kind, const std::function<std::int64_t(std::int64_t)>& clips) {
  Side plain(kind, /*graphs=*/false);
  Side graphs(kind, /*graphs=*/true);
  graphs.training.begin_as(plain.training);
  for (std::int64_t step = 0; step < 18; ++step) {
    const StepResult expected = plain.step(step, batch_of(step, clips(step)));
    const StepResult got = graphs.step(step, batch_of(step, clips(step)));
    CAPTURE(kind, step);
    REQUIRE(at::equal(graphs.training.weight(), plain.training.weight()));
    CHECK(at::equal(got.terms.at(0).value, expected.terms.at(0).value));
    CHECK(at::equal(got.diagnostics.at(0).value, expected.diagnostics.at(0).value));
    CHECK_FALSE(got.terms.at(0).value.requires_grad());
  }
  CHECK(graphs.training.after == 18);
  return graphs.training.computed;
}

std::int64_t always_four(std::int64_t /*step*/) { return 4; }

}  // namespace

TEST_CASE("a step is computed three times, recorded, and then repeated with each batch and each rate") {
  CHECK(computed_beside("plain", always_four) == 4);
}

TEST_CASE("a step that reads the epoch is recorded in each, one that reads the count of steps never is") {
  CHECK(computed_beside("epoch", always_four) == 3 + 3);  // epochs of six steps: recorded at steps 3, 6 and 12
  CHECK(computed_beside("step", always_four) == 18);
}

TEST_CASE("batches of another shape are recorded anew") {
  const auto seven_clips_later = [](std::int64_t step) -> std::int64_t { return step < 9 ? 4 : 7; };
  CHECK(computed_beside("plain", seven_clips_later) == 8);
}

TEST_CASE("a step that reads a value back cannot be recorded, and says so") {
  Side graphs("reading", /*graphs=*/true);
  for (std::int64_t step = 0; step < 3; ++step) (void)graphs.step(step, batch_of(step));
  CHECK_THROWS_WITH(graphs.step(3, batch_of(3)),
                    message_contains("recorded as a graph") && message_contains("_local_scalar_dense"));
}

TEST_CASE("a device without graphs is refused before anything is trained") {
  CHECK_THROWS_WITH(require_graphs(c10::kCPU, "training.graphs"),
                    message_contains("cpu") && message_contains("training.graphs = true"));
  CHECK_THROWS_AS(make_device_graph(c10::kCPU), Error);
}

TEST_CASE("every method whose step can be repeated ends with the same bytes") {
  std::vector<std::string> ids;
  for (const std::string& id : method_registry().names()) {
    const MethodInfo& info = method_registry().get(id);
    if (info.classifies && info.role != MethodRole::kTeacher) ids.push_back(id);
  }
  const Trained plain(ids, settings_of_both(kSteps));
  const int before = OperatorGraph::recordings();
  std::vector<std::string> repeated = kSteps;
  repeated.emplace_back("graphs=true");
  const Trained graphs(ids, settings_of_both(repeated), test::make_operator_graph);
  int repeatable = 0;
  for (const auto& [label, record] : plain.records) {
    const results::TrainingRecord& other = graphs.records.at(label);
    INFO(label << ": " << other.reason);
    REQUIRE(other.status == record.status);  // other tests register methods that fail
    if (record.status != results::RunStatus::kDone) continue;
    CHECK(other.final_weights_fingerprint == record.final_weights_fingerprint);
    REQUIRE(other.epochs.size() == record.epochs.size());
    for (std::size_t i = 0; i < record.epochs.size(); ++i) CHECK(other.epochs[i].value == record.epochs[i].value);
    if (method_registry().get(record.method).repeatable_step) ++repeatable;
  }
  CHECK(repeatable > 20);
  CHECK(OperatorGraph::recordings() - before >= repeatable);
}
