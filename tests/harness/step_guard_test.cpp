// Methods that break the rules of a step, each in one way, trained on a real (tiny) suite: each ends as a failed row
// that names the method and what it did, and the runs beside it finish.
#include "catch.h"
//
#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

#include <map>

#include "../baselines/tiny.h"
#include "cmkd/core/file.h"
#include "cmkd/harness/run_one.h"
#include "cmkd/harness/step_guard.h"
#include "cmkd/methods/losses.h"
#include "paths.h"
#include "tiny_suite.h"

using namespace cmkd;

namespace {

at::Tensor distance_of(const MethodInput& input) { return at::mse_loss(input.student.logits, input.teacher.logits); }

StepResult result_of(const at::Tensor& value, std::vector<std::string> trains = {"student"}) {
  return {{{"bad", value, 1.0, std::move(trains)}}, {}};
}

// A method whose loss is a function.
class FromFunction : public Method {
 public:
  using Loss = std::function<StepResult(const MethodInput&)>;
  explicit FromFunction(Loss loss) : loss_(std::move(loss)) {}
  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override { return loss_(input); }

 private:
  Loss loss_;
};

// Keeps a layer without registering it.
class ForgetsToRegister final : public Method {
 public:
  StepResult loss(const MethodInput& input, const StepContext& /*context*/) override {
    if (layer_.is_empty()) layer_ = torch::nn::Linear(input.student.logits.size(1), 7);
    return result_of(layer_->forward(input.student.logits).square().mean(), {"student", "method"});
  }

 private:
  torch::nn::Linear layer_{nullptr};
};

using Factory = std::function<std::shared_ptr<Method>()>;

void add(const std::string& id, const Factory& factory) {
  MethodInfo info;
  info.id = id;
  info.title = id;
  info.presets = {{"paper", {}}, {"suite", {}}};
  info.source_hash = "of a test";
  info.make = [needs = info.needs, factory](const TrainingSetup& setup) {
    return make_distillation(setup, needs, factory());
  };
  MethodRegistration registration(std::move(info));
}

void add_loss(const std::string& id, const FromFunction::Loss& loss) {
  add(id, [loss] { return std::make_shared<FromFunction>(loss); });
}

// By method: the words that its row's reason must hold.
std::map<std::string, std::vector<std::string>> add_bad_methods() {
  add("bad_unregistered", [] { return std::make_shared<ForgetsToRegister>(); });
  add("bad_constructor", []() -> std::shared_ptr<Method> { throw std::invalid_argument("no such grid"); });
  add_loss("bad_throws", [](const MethodInput&) -> StepResult { throw std::out_of_range("third stage of two"); });
  add_loss("bad_shapes", [](const MethodInput& input) {
    return result_of(at::mm(input.student.logits, input.teacher.embedding).mean());
  });
  add_loss("bad_nan", [](const MethodInput& input) { return result_of((distance_of(input) - 1e6).sqrt()); });
  add_loss("bad_teacher", [](const MethodInput& input) {
    (void)at::Tensor(input.teacher.logits).mul_(2);
    return result_of(distance_of(input));
  });
  add_loss("bad_labels", [](const MethodInput& input) {
    (void)at::Tensor(input.labels).clamp_(0);
    return result_of(distance_of(input));
  });
  add_loss("bad_view", [](const MethodInput& input) {
    (void)input.teacher.embedding.select(0, 0).zero_();
    return result_of(distance_of(input));
  });
  add_loss("bad_group", [](const MethodInput& input) { return result_of(distance_of(input), {"studnet"}); });
  add_loss("bad_vector", [](const MethodInput& input) {
    return result_of((input.student.logits - input.teacher.logits).square().mean(1));
  });
  add_loss("bad_undefined", [](const MethodInput&) { return result_of(at::Tensor()); });
  return {{"bad_unregistered", {"term 'bad'", "no group", "[7, ", "[7])", "register_module"}},
          {"bad_constructor", {"cannot be built", "no such grid"}},
          {"bad_throws", {"phase 'main', epoch 0, step 0", "third stage of two"}},
          {"bad_shapes", {"phase 'main', epoch 0, step 0", "shapes cannot be multiplied"}},
          {"bad_nan", {"not finite", "term 'bad'", "nan"}},
          {"bad_teacher", {"changes the teacher's logits in place"}},
          {"bad_labels", {"changes the batch's labels in place"}},
          {"bad_view", {"changes the teacher's embedding in place"}},
          {"bad_group", {"term 'bad'", "'studnet', which does not exist", "allowed: student"}},
          {"bad_vector", {"term 'bad'", "of shape [", "mean()"}},
          {"bad_undefined", {"term 'bad' has no value"}}};
}

}  // namespace

TEST_CASE("a method that breaks a rule of the step ends as a failed row that names it, and the other runs finish") {
  const auto expected = add_bad_methods();
  std::vector<std::string> methods{"student", "kd"};
  for (const auto& [id, words] : expected) methods.push_back(id);
  methods.emplace_back("fitnet");
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "bad.toml", test::tiny_suite("Bad methods", methods));
  const Suite suite = load_suite(folder / "bad.toml", {});
  const SuiteData data = open_data(suite, folder / "cache", 1);
  const Plan plan = make_plan(suite, data.listed.source_fingerprint);
  const RunFolder runs{folder / "out"};
  std::size_t failed = 0;
  for (const PlannedTraining& planned : plan.trainings) {
    std::filesystem::create_directories(runs.run(planned.key));
    const RunResult result = run_one(suite, planned, data, runs, {});
    const std::string& reason = result.training.reason;
    INFO(planned.method << ": " << reason);
    if (!expected.contains(planned.method)) {
      CHECK(result.training.status == results::RunStatus::kDone);
      CHECK(result.evaluations.size() == 1);
      continue;
    }
    ++failed;
    CHECK(result.training.status == results::RunStatus::kFailed);
    CHECK(result.evaluations.empty());
    CHECK(reason.find("method '" + planned.method + "'") != std::string::npos);
    CHECK(reason.find('\n') == std::string::npos);
    for (const std::string& words : expected.at(planned.method)) {
      INFO(words);
      CHECK(reason.find(words) != std::string::npos);
    }
  }
  CHECK(failed == expected.size());
}

TEST_CASE("a leaf that a frozen part detaches, and one that a group owns in another phase, are in order") {
  const auto owned = std::make_shared<torch::nn::LinearImpl>(2, 1);
  const auto stray = std::make_shared<torch::nn::LinearImpl>(2, 1);
  const at::Tensor input = at::ones({3, 2});
  const std::vector<ModuleGroup> groups{{"method", owned, 1.0, std::nullopt, {"other phase"}}};
  const at::Tensor frozen = stray->forward(input).detach();
  CHECK_NOTHROW(require_owned({{"a", (owned->forward(input) - frozen).sum(), 1.0, {"method"}}}, groups));
  CHECK_NOTHROW(require_owned({{"constant", at::ones({}), 1.0, {"method"}}}, groups));
  // A leaf that is itself the value; one that an earlier term, which does not name the group, reaches too.
  const at::Tensor leaf = at::ones({}).requires_grad_(true);
  CHECK_THROWS_WITH(require_owned({{"leaf", leaf, 1.0, {"method"}}}, groups), message_contains("'leaf'"));
  CHECK_THROWS_WITH(require_owned({{"late", stray->forward(input).sum(), 0.0, {}}}, groups),
                    message_contains("'late'") && message_contains("[1, 2]"));
}

TEST_CASE("every registered method keeps the rules, in the first step of each of its phases") {
  for (const std::string& id : method_registry().names()) {
    if (id.starts_with("bad_")) continue;
    const MethodInfo& info = method_registry().get(id);
    const auto training = test::make_tiny(info);
    for (const Phase& phase : training->phases()) {
      INFO(id << ", phase " << phase.name);
      StepContext context;
      context.phase = phase.name;
      context.epochs = 1;
      context.steps_per_epoch = 1;
      const Batch batch = test::tiny_batch(info, 0);
      const BatchGuard guard(batch);
      const StepResult result = training->step(context, batch);
      CHECK_NOTHROW(require_scalar_terms(result.terms));
      CHECK_NOTHROW(require_owned(result.terms, training->groups()));
      route_gradients(result.terms, training->groups(), phase.name);
      training->after_step(context, batch);
      CHECK_NOTHROW(guard.require_unchanged());
    }
  }
}
