// Hand-derived cases of the losses on logits: dkd, dist, logit_standardization, mlld, ofa.
#include "catch.h"
//
#include <cmath>

#include "cmkd/core/error.h"
#include "cmkd/methods/losses.h"
#include "tiny.h"

using namespace cmkd;

namespace {

// A student whose logits are its parameters; a second forward pass within a step gives the strong view's.
class FixedLogits final : public Model {
 public:
  explicit FixedLogits(const at::Tensor& plain, const at::Tensor& strong = {}) : strong_(strong) {
    logits_ = register_parameter("logits", plain);
  }
  ModelOutput forward(const at::Tensor& /*input*/, const OutputRequest& /*request*/) override {
    const bool second = strong_.defined() && calls_++ % 2 == 1;
    const at::Tensor map = at::ones({logits_.size(0), 2, 1, 1, 1}, logits_.options().requires_grad(false));
    return {second ? strong_ : logits_, map.flatten(1), {}, {map}};
  }
  [[nodiscard]] ModelShape shape() const override { return {Modality::kVideo, logits_.size(1), 2, 2, {2}}; }
  [[nodiscard]] const at::Tensor& logits() const { return logits_; }

 private:
  at::Tensor logits_;
  at::Tensor strong_;
  int calls_ = 0;
};

struct Case {
  std::string method;
  std::shared_ptr<FixedLogits> student;
  at::Tensor teacher;
  std::vector<std::int64_t> labels;  // −1: hidden
  std::map<std::string, ParameterValue> values;
  std::int64_t epoch = 0;
};

// The term of that name; the student's gradient of all of them stands in its parameter afterwards.
LossTerm term_of(const Case& given, const std::string& name) {
  const MethodInfo& info = method_registry().get(given.method);
  TrainingSetup setup = test::tiny_setup(info, given.student);
  setup.classes = given.teacher.size(1);
  for (const auto& [key, value] : given.values) setup.parameters.set(key, value);
  const auto training = info.make(setup);
  Batch batch = test::tiny_batch(info, 0, given.teacher.size(0));
  batch.teacher.logits = given.teacher;
  batch.pseudo_labels = given.teacher.argmax(1);
  batch.labels = at::tensor(given.labels, at::kLong);
  batch.label_known = batch.labels.ge(0);
  StepContext context;
  context.epoch = given.epoch;
  for (const ModuleGroup& group : training->groups()) {
    if (group.name == "method") group.module->to(given.teacher.scalar_type());
  }
  const StepResult result = training->step(context, batch);
  route_gradients(result.terms, training->groups(), "main");
  for (const LossTerm& term : result.terms) {
    if (term.name == name) return term;
  }
  throw std::runtime_error("no term " + name);
}

double value_of(const Case& given, const std::string& name) { return term_of(given, name).value.item<double>(); }

std::shared_ptr<FixedLogits> student_of(const at::Tensor& plain, const at::Tensor& strong = {}) {
  return std::make_shared<FixedLogits>(plain.clone(), strong);
}

const at::Tensor kHalf = at::tensor({std::log(2.0), 0.0, 0.0}, at::kDouble).view({1, 3});  // p = (1/2, 1/4, 1/4)

}  // namespace

TEST_CASE("dkd: the two parts and the policies give the values worked out by hand") {
  // Uniform student, T = 1, y = 0: TCKD = 1/2 ln((1/2) / (1/3)) + 1/2 ln((1/2) / (2/3)) = 1/2 ln 1.125; NCKD = 0.
  const double half_log = 0.5 * std::log(1.125);
  const auto student = student_of(at::zeros({1, 3}, at::kDouble));
  Case given{"dkd", student, kHalf, {0}, {{"temperature", 1.0}}, 0};
  CHECK(value_of(given, "dkd") == Approx(half_log));
  // y = 1: b(t) = (1/4, 3/4) against (1/3, 2/3); others (2/3, 1/3) against (1/2, 1/2), times beta = 8.
  given.labels = {1};
  CHECK(value_of(given, "dkd") == Approx(0.25 * std::log(0.75) + 0.75 * std::log(1.125) +
                                         8 * (2.0 / 3 * std::log(4.0 / 3) + 1.0 / 3 * std::log(2.0 / 3))));
  // Hidden label: the teacher's argmax is 0; a class of its own leaves the divergence of all classes, 1/2 ln 1.125.
  given.labels = {-1};
  CHECK(value_of(given, "dkd") == Approx(half_log));
  given.values["unlabelled"] = std::string("instance");
  CHECK(value_of(given, "dkd") == Approx(8 * half_log));
  given.values["unlabelled"] = std::string("skip");
  CHECK(value_of(given, "dkd") == 0.0);
}

TEST_CASE("dkd: the weight rises with the epoch, and certainty beyond any exponent stays finite") {
  Case given{"dkd",
             student_of(at::tensor({9e4F, -9e4F, 0.0F}).view({1, 3})),
             at::tensor({-9e4F, 9e4F, 0.0F}).view({1, 3}),
             {0},
             {{"warm_up", 4.0}, {"weight", 1.0}},
             0};
  CHECK(term_of(given, "dkd").weight == Approx(0.25));
  given.epoch = 9;
  const LossTerm term = term_of(given, "dkd");
  CHECK(term.weight == Approx(1.0));
  CHECK(term.value.isfinite().item<bool>());
  CHECK(given.student->logits().grad().isfinite().all().item<bool>());
}

TEST_CASE("dist: a student that tells nothing apart correlates with nothing and is pushed nowhere") {
  const Case given{"dist", student_of(at::zeros({4, 3}, at::kDouble)), test::noise({4, 3}, 1), {-1, -1, -1, -1}, {}, 0};
  CHECK(value_of(given, "dist") == Approx(2.0));  // 1 − 0 for both relations
  CHECK(given.student->logits().grad().abs().max().item<double>() == 0.0);
  const Case same{"dist", student_of(test::noise({4, 3}, 1)), test::noise({4, 3}, 1), {-1, -1, -1, -1}, {}, 0};
  CHECK(value_of(same, "dist") == Approx(0.0).margin(1e-6));  // ρ = 1 but for the 1e-8
}

TEST_CASE("logit_standardization: shift and scale of the logits change nothing, and equal logits train nothing") {
  const at::Tensor teacher = test::noise({4, 5}, 1);
  const at::Tensor logits = test::noise({4, 5}, 2);
  const auto value = [&](const at::Tensor& student) {
    return value_of({"logit_standardization", student_of(student), teacher, {-1, -1, -1, -1}, {}, 0}, "kd");
  };
  CHECK(value(logits) > 0.01);
  CHECK(value(3 * logits + 7) == Approx(value(logits)).epsilon(1e-6));
  const Case flat{
      "logit_standardization", student_of(at::full({4, 5}, 0.3, at::kDouble)), teacher, {-1, -1, -1, -1}, {}, 0};
  CHECK(std::isfinite(value_of(flat, "kd")));
  CHECK(flat.student->logits().grad().abs().max().item<double>() == 0.0);
}

TEST_CASE("mlld: the masks scale the alignments as the code runs, or choose the clips") {
  // Clip 1 is the less confident one, so that the mask is (0, 1). The student errs on clip 0 of the plain view alone.
  const at::Tensor teacher = at::tensor({3.0, 0.0, 0.0, 1.0, 0.5, 0.0}, at::kDouble).view({2, 3});
  const at::Tensor plain = at::tensor({0.0, 2.0, 0.0, 1.0, 0.5, 0.0}, at::kDouble).view({2, 3});
  Case given{"mlld", student_of(plain, teacher), teacher, {-1, -1}, {{"masking", std::string("rows")}}, 0};
  CHECK(value_of(given, "instance") == Approx(0.0).margin(1e-12));
  // As the code runs: half of each sum at T = 2 … 6, and the plain view once more at 2 and 6.
  double expected = 0.0;
  for (const double temperature : {2.0, 3.0, 4.0, 5.0, 6.0}) {
    const double share = temperature == 2.0 || temperature == 6.0 ? 1.5 : 0.5;
    expected += share * temperature * temperature * kl_divergence(teacher, plain, temperature).item<double>();
  }
  given.values["masking"] = std::string("share");
  given.student = student_of(plain, teacher);
  CHECK(value_of(given, "instance") == Approx(expected));
}

TEST_CASE("ofa: exponent 1 is the cross-entropy with the teacher's distribution, above it the target class gains") {
  const at::Tensor logits = test::noise({1, 3}, 4);
  const at::Tensor log_p = at::log_softmax(logits, 1)[0];
  const auto p = [&](std::int64_t c) { return log_p[c].item<double>(); };
  Case given{"ofa", student_of(logits), kHalf, {1}, {}, 0};
  CHECK(value_of(given, "ofa") == Approx(-(0.5 * p(0) + 0.25 * p(1) + 0.25 * p(2))));
  given.values["epsilon"] = 2.0;  // target (1/4 + 1)² − 1 = 9/16, the others 1/4 and 1/16
  CHECK(value_of(given, "ofa") == Approx(-(0.25 * p(0) + 0.5625 * p(1) + 0.0625 * p(2))));
  given.labels = {-1};
  given.values["unlabelled"] = std::string("skip");
  CHECK(value_of(given, "ofa") == 0.0);
  CHECK(value_of(given, "ofa_stage0") == 0.0);
}
