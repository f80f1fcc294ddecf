// mfh as a training: its phases, and what the student is taught in the last.
#include "catch.h"
//
#include "cmkd/methods/losses.h"
#include "cmkd/methods/mfh.h"
#include "tiny.h"

using namespace cmkd;

namespace {

StepResult mfh_step(Training& training, const std::string& phase, const Batch& batch) {
  const ScopedSeed seed(7);
  StepContext context;
  context.phase = phase;
  return training.step(context, batch);
}

at::Tensor mfh_value(const StepResult& result, const std::string& name) {
  for (const LossTerm& term : result.terms) {
    if (term.name == name) return term.value;
  }
  FAIL("no term '" << name << "'");
  return {};
}

}  // namespace

TEST_CASE("mfh: the student is taught by the joint teacher with its least salient dimensions at their mean") {
  for (const std::string id : {"mfh", "mfh_least_general", "mfh_random"}) {
    INFO(id);
    const MethodInfo& info = method_registry().get(id);
    TrainingSetup setup = test::tiny_setup(info);
    setup.parameters.set("ratio", 0.5);
    const auto training = info.make(setup);
    const Batch batch = test::tiny_batch(info, 0);
    CHECK(mfh_step(*training, "salience", batch).terms.empty());
    const at::Tensor salience = training->state().at("salience");
    CHECK(salience.min().item<double>() >= 0);
    CHECK(salience.max().item<double>() > 0);

    const TaughtShare taught = id == "mfh"                 ? TaughtShare::kGeneral
                               : id == "mfh_least_general" ? TaughtShare::kLeastGeneral
                                                           : TaughtShare::kRandom;
    const at::Tensor replaced = replaced_dimensions(salience, 0.5, taught, training->state().at("order"));
    CHECK(replaced.sum().item<std::int64_t>() == test::kTeacherWidth / 2);
    const at::Tensor embedding = setup.teacher->forward(batch.audio).embedding;
    const at::Tensor target = setup.teacher->classify(with_batch_means(embedding, replaced));
    const at::Tensor student = setup.student->forward(batch.video).logits;
    const at::Tensor expected =
        16 * (at::softmax(target / 4, 1) * (at::log_softmax(target / 4, 1) - at::log_softmax(student / 4, 1))).sum() /
        6;
    CHECK(mfh_value(mfh_step(*training, "main", batch), "focused_kl").item<double>() ==
          Approx(expected.item<double>()).epsilon(1e-5));
  }
}

TEST_CASE("mfh: the joint phase trains a copy of the teacher and a second student, each towards the other") {
  const MethodInfo& info = method_registry().get("mfh");
  const TrainingSetup setup = test::tiny_setup(info);
  const auto training = info.make(setup);
  const Batch batch = test::tiny_batch(info, 0);
  const StepResult result = mfh_step(*training, "joint", batch);
  const at::Tensor own = setup.second_student->forward(batch.video).logits;
  const at::Tensor other = setup.teacher->forward(batch.audio).logits;
  CHECK(mfh_value(result, "agreement").item<double>() ==
        Approx((own - other).square().mean().item<double>()).epsilon(1e-5));
  route_gradients(result.terms, training->groups(), "joint");
  for (const auto& module : {setup.second_student, setup.teacher}) {
    for (const at::Tensor& parameter : module->parameters()) CHECK(parameter.grad().defined());
  }
  for (const at::Tensor& parameter : setup.student->parameters()) CHECK_FALSE(parameter.grad().defined());
}

TEST_CASE("mfh: salience adds up over batches and is kept in a checkpoint, with the order of a random share") {
  const MethodInfo& info = method_registry().get("mfh_random");
  const auto training = test::make_tiny(info);
  (void)mfh_step(*training, "salience", test::tiny_batch(info, 0));
  const at::Tensor after_one = training->state().at("salience").clone();
  (void)mfh_step(*training, "salience", test::tiny_batch(info, 1));
  CHECK((training->state().at("salience") >= after_one).all().item<bool>());
  CHECK_FALSE(at::equal(training->state().at("salience"), after_one));
  const auto other = info.make(test::tiny_setup(info));
  other->load_state(training->state());
  CHECK(at::equal(other->state().at("salience"), training->state().at("salience")));
  CHECK(at::equal(other->state().at("order"), training->state().at("order")));
  CHECK(at::equal(std::get<0>(training->state().at("order").sort()), at::arange(test::kTeacherWidth, at::kLong)));
}
