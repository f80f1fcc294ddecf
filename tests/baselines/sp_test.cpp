// The vectors' code (`conformance`) on cases small enough to be solved by hand.
#include "catch.h"
//
#include <cmath>

#include "tiny.h"

using namespace cmkd;

namespace {

TensorMap run_sp(const at::Tensor& student, const at::Tensor& teacher) {
  return method_registry().get("sp").conformance.at("sp")(VectorCase({{"student", student}, {"teacher", teacher}}));
}

}  // namespace

TEST_CASE("sp: two orthogonal clips against two equal ones") {
  // Rows (1, 0), (0, 1) against (1, 1)/√2 twice: each row differs by (1 − 1/√2)² + 1/2 = 2 − √2; two rows over B² = 4.
  const at::Tensor student = at::eye(2, at::kDouble) * 3;
  const at::Tensor teacher = at::ones({2, 5}, at::kDouble);
  CHECK(run_sp(student, teacher).at("loss").item<double>() == Approx((2 - std::sqrt(2.0)) / 2).epsilon(1e-14));
}

TEST_CASE("sp: a common factor and a turn of the features do not matter, within a side") {
  const at::Tensor features = test::noise({4, 6}, 1);
  const at::Tensor turned = features.flip(1) * -1e160;
  CHECK(run_sp(turned, features).at("loss").item<double>() < 1e-25);
}

TEST_CASE("sp: a clip of zeros, and a batch of nothing else, give finite gradients") {
  const at::Tensor teacher = test::noise({3, 2, 2, 2}, 2);
  at::Tensor student = test::noise({3, 4, 3, 3}, 3);
  student[1].zero_();
  for (const at::Tensor& maps : {student, at::zeros_like(student)}) {
    const TensorMap computed = run_sp(maps, teacher);
    CHECK(computed.at("loss").isfinite().item<bool>());
    CHECK(computed.at("grad.student").isfinite().all().item<bool>());
  }
}

TEST_CASE("sp: stages = last compares one stage, all compares every pair of stages") {
  const MethodInfo& info = method_registry().get("sp");
  for (const bool all : {false, true}) {
    TrainingSetup setup = test::tiny_setup(info);
    setup.parameters.set("stages", std::string(all ? "all" : "last"));
    const StepResult result = info.make(setup)->step(StepContext{}, test::tiny_batch(info, 0));
    CHECK(result.diagnostics.size() == (all ? 2 : 1));
  }
}
