// mst_distill on cases small enough to be solved by hand: masks, routing, the co-training and what each phase may move.
#include "catch.h"
//
#include <cmath>

#include "cmkd/core/error.h"
#include "cmkd/methods/losses.h"
#include "cmkd/methods/specialised_teachers.h"
#include "tiny.h"

using namespace cmkd;

namespace {

const MethodInfo& mst() { return method_registry().get("mst_distill"); }

void set_all(torch::nn::Module& module, double value) {
  const at::NoGradGuard no_grad;
  for (const at::Tensor& parameter : unique_parameters(module)) parameter.fill_(value);
}

StepContext in_phase(const std::string& phase) {
  StepContext context;
  context.phase = phase;
  return context;
}

double mst_term(const StepResult& result, const std::string& name) {
  for (const LossTerm& term : result.terms) {
    if (term.name == name) return term.value.item<double>();
  }
  FAIL("no term '" << name << "'");
  return 0;
}

std::shared_ptr<torch::nn::Module> group_of(Training& training, const std::string& name) {
  for (const ModuleGroup& group : training.groups()) {
    if (group.name == name) return group.module;
  }
  FAIL("no group '" << name << "'");
  return nullptr;
}

}  // namespace

TEST_CASE("mst_distill: the width in which a mask looks at each value is the official one, and at least one a head") {
  // ⌊D / (2 · 3)⌋ · 3 of the public code's own features.
  CHECK(mask_hidden_width(596, 3) == 297);
  CHECK(mask_hidden_width(298, 3) == 147);
  CHECK(mask_hidden_width(84, 3) == 42);
  CHECK(mask_hidden_width(12, 3) == 6);
  CHECK(mask_hidden_width(4, 3) == 3);
}

TEST_CASE("mst_distill: a mask of zero weights is its bias alone, in front of any width, and of maps") {
  for (const std::int64_t width : {3, 4, 7, 12}) {
    MaskNetwork plain(width, 3, /*of_maps=*/false);
    set_all(*plain, 0.0);
    CHECK(at::equal(plain->forward(at::rand({2, width})), at::full({2, width}, 0.5F)));
    MaskNetwork of_maps(width, 3, /*of_maps=*/true);
    CHECK(of_maps->forward(at::rand({2, width, 5, 4})).sizes() == at::IntArrayRef({2, width}));
    CHECK(of_maps->forward(at::rand({1, width, 1, 1})).sizes() == at::IntArrayRef({1, width}));
  }
}

TEST_CASE("mst_distill: a mask sees a value's place: permuting what a teacher says is not permuting its mask") {
  const ScopedSeed seed(5);
  MaskNetwork mask(6, 3, /*of_maps=*/false);
  const at::Tensor feature = at::rand({2, 6});
  const at::Tensor order = at::arange(6, at::kLong).flip(0);
  CHECK_FALSE(
      at::allclose(mask->forward(feature).index_select(1, order), mask->forward(feature.index_select(1, order))));
}

TEST_CASE("mst_distill: a stacked mask halves what an earlier one has halved; a single one sees the feature as it is") {
  MaskedTeacher teacher(/*map_width=*/2, /*embedding_width=*/3, /*heads=*/1);
  set_all(*teacher.of_map, 0.0);
  set_all(*teacher.of_embedding, 0.0);
  const TeacherFeatures features{at::rand({1, 2, 2, 2}), at::tensor({4.0F, 8.0F, 16.0F}).view({1, 3})};
  const auto identity = [](const at::Tensor& embedding) { return embedding; };
  // The mask of the map reaches its own two channels, not the third value, which is another network's.
  const std::vector<at::Tensor> single = teacher.logits(features, identity, /*stacked=*/false);
  REQUIRE(single.size() == 2);
  CHECK(at::equal(single[0], at::tensor({2.0F, 4.0F, 16.0F}).view({1, 3})));
  CHECK(at::equal(single[1], at::tensor({2.0F, 4.0F, 8.0F}).view({1, 3})));
  const std::vector<at::Tensor> stacked = teacher.logits(features, identity, /*stacked=*/true);
  CHECK(at::equal(stacked[0], single[0]));
  CHECK(at::equal(stacked[1], at::tensor({1.0F, 2.0F, 8.0F}).view({1, 3})));
}

TEST_CASE("mst_distill: two clips, two teachers, a gate of 1/4 and 3/4") {
  RoutingGate gate(2, 2);
  gate->to(at::kDouble);
  set_all(*gate, 0.0);
  gate->named_parameters()["fc2.bias"].set_data(at::tensor({0.0, std::log(3.0)}, at::kDouble));
  const at::Tensor student = at::zeros({2, 2}, at::kDouble);
  // At T = 4: (1/2, 1/2) of the first, which is not chosen, and (3/4, 1/4) of the second.
  const std::vector<at::Tensor> teachers{at::full({2, 2}, 7.0, at::kDouble),
                                         at::tensor({4 * std::log(3.0), 0.0}, at::kDouble).expand({2, 2})};
  const Routing one = route(*gate, student, teachers, 1, 4.0);
  CHECK(at::equal(one.routes, at::full({2, 1}, 1, at::kLong)));
  const double divergence = 16 * (0.75 * std::log(1.5) + 0.25 * std::log(0.5));
  CHECK(one.kl.item<double>() == Approx(divergence).epsilon(1e-12));
  // 1/2 · 1/2 · (ln(1/2 : 1/4) + ln(1/2 : 3/4))
  CHECK(one.load_balance.item<double>() == Approx(0.25 * std::log(4.0 / 3)).epsilon(1e-12));
  CHECK(at::allclose(one.shares, at::tensor({0.25, 0.75}, at::kDouble)));
  // Both: the mean of the two divergences, of which the first is 0.
  const Routing both = route(*gate, student, teachers, 2, 4.0);
  CHECK(at::equal(both.routes, at::tensor({1, 0}, at::kLong).expand({2, 2})));
  CHECK(both.kl.item<double>() == Approx(divergence / 2).epsilon(1e-12));
}

TEST_CASE("mst_distill: a gate that is sure of one teacher has a finite load balance in single precision") {
  RoutingGate gate(2, 3);
  set_all(*gate, 0.0);
  gate->named_parameters()["fc2.bias"].set_data(at::tensor({0.0F, 200.0F, -200.0F}));
  const at::Tensor student = at::zeros({4, 2}).requires_grad_(true);
  const Routing routing = route(*gate, student, {student.detach(), student.detach(), student.detach()}, 1, 4.0);
  // 1/3 · 1/3 · Σ (ln 1/3 − ln p): ln p = −200, 0, −400.
  CHECK(routing.load_balance.item<double>() == Approx((600 - 3 * std::log(3.0)) / 9).epsilon(1e-6));
  routing.load_balance.backward();
  for (const at::Tensor& parameter : gate->parameters()) CHECK(parameter.grad().isfinite().all().item<bool>());
}

TEST_CASE("mst_distill: its multimodal teacher is the suite's late fusion, weight for weight") {
  const auto training = test::make_tiny(mst());
  const auto fusion = test::make_tiny(method_registry().get("multimodal"));
  const Batch batch = test::tiny_batch(mst(), 0);
  const TensorMap fused = state_of(*group_of(*training, "fused"));
  load_state(*group_of(*fusion, "student"), with_prefix(fused, "network."), "the fused network");
  load_state(*group_of(*fusion, "classifier"), with_prefix(fused, "classifier."), "the fused classifier");
  CHECK(mst_term(training->step(in_phase("cotraining"), batch), "fused_cls") ==
        mst_term(fusion->step(in_phase("main"), batch), "fused_cls"));
}

TEST_CASE("mst_distill: in the co-training each learns from both others, with gradients to both sides") {
  const auto training = test::make_tiny(mst());
  const Batch batch = test::tiny_batch(mst(), 0);
  const StepResult result = training->step(in_phase("cotraining"), batch);
  CHECK(result.terms.size() == 3 + 6);
  const std::vector<std::string> names{"student", "fused", "teacher"};
  for (const std::string& learner : names) {
    for (const std::string& other : names) {
      if (learner == other) continue;
      INFO(learner << " from " << other);
      const StepResult again = training->step(in_phase("cotraining"), batch);
      std::vector<LossTerm> alone;
      for (const LossTerm& term : again.terms) {
        if (term.name == learner + "_from_" + other) alone.push_back(term);
      }
      REQUIRE(alone.size() == 1);
      CHECK(alone.front().value.item<double>() > 0);
      route_gradients(alone, training->groups(), "cotraining");
      for (const std::string& name : names) {
        const bool reached = name == learner || name == other;
        bool moved = false;
        for (const at::Tensor& parameter : unique_parameters(*group_of(*training, name))) {
          moved = moved || (parameter.grad().defined() && parameter.grad().abs().max().item<double>() > 0);
        }
        CHECK(moved == reached);
      }
    }
  }
}

TEST_CASE(
    "mst_distill: student, late fusion and teacher are in eval mode while masks are trained, the teachers after it") {
  const auto training = test::make_tiny(mst());
  const Batch batch = test::tiny_batch(mst(), 0);
  for (const ModuleGroup& group : training->groups()) group.module->train();
  (void)training->step(in_phase("masks"), batch);
  for (const char* name : {"student", "fused", "teacher"}) CHECK_FALSE(group_of(*training, name)->is_training());
  CHECK(group_of(*training, "mask_teacher")->is_training());
  (void)training->step(in_phase("main"), batch);
  CHECK(group_of(*training, "student")->is_training());
  for (const char* name : {"fused", "teacher", "mask_fused_map", "mask_teacher"}) {
    CHECK_FALSE(group_of(*training, name)->is_training());
  }
  (void)training->step(in_phase("cotraining"), batch);
  for (const char* name : {"student", "fused", "teacher"}) CHECK(group_of(*training, name)->is_training());
}

TEST_CASE("mst_distill: with the embedding alone there are two masked teachers, and no clip is sent to more") {
  TrainingSetup setup = test::tiny_setup(mst());
  setup.parameters.set("features", std::string("embedding"));
  setup.parameters.set("k", std::int64_t{2});
  setup.student_shape.stage_channels.clear();
  const auto training = mst().make(setup);
  CHECK(training->groups().size() == 4 + 2);
  CHECK(training->step(in_phase("main"), test::tiny_batch(mst(), 0)).terms.size() == 3);
  setup.parameters.set("k", std::int64_t{3});
  CHECK_THROWS_WITH(mst().make(setup), message_contains("k = 1 to 2"));
  setup.parameters.set("features", std::string("both"));
  CHECK_THROWS_AS(mst().make(setup), Error);  // this student shows no maps
}
