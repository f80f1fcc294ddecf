// What the vectors do not reach: the first variance, one regressor per stage, and a value by hand.
#include "catch.h"
//
#include <cmath>

#include "tiny.h"

using namespace cmkd;

namespace {

double diagnostic(const StepResult& result, const std::string& name) {
  for (const Diagnostic& found : result.diagnostics) {
    if (found.name == name) return found.value.item<double>();
  }
  FAIL("no diagnostic " << name);
  return 0.0;
}

}  // namespace

TEST_CASE("vid: regressors of ones add up the student's channels; the value by hand") {
  // Student 1 and 2 -> hidden 3, 3 -> hidden 6, 6 -> mean 12; teacher 10; softplus(0) + eps = log 2 + eps.
  const auto ones = [](at::IntArrayRef shape) { return at::ones(shape, at::kDouble); };
  const double epsilon = 1e-5;
  const VectorCase vector_case({{"student", at::tensor({1.0, 2.0}, at::kDouble).view({1, 2, 1, 1})},
                                {"teacher", ones({1, 1, 1, 1}) * 10},
                                {"param.log_scale", at::zeros({1}, at::kDouble)},
                                {"param.regressor.0.weight", ones({2, 2, 1, 1})},
                                {"param.regressor.2.weight", ones({2, 2, 1, 1})},
                                {"param.regressor.4.weight", ones({1, 2, 1, 1})},
                                {"hyper.initial_variance", at::scalar_tensor(5.0, at::kDouble)},
                                {"hyper.eps", at::scalar_tensor(epsilon, at::kDouble)}});
  const TensorMap computed = method_registry().get("vid").conformance.at("vid")(vector_case);
  const double variance = std::log(2.0) + epsilon;
  CHECK(computed.at("loss").item<double>() == Approx(0.5 * (4 / variance + std::log(variance))).epsilon(1e-14));
  // dL/dμ = 2 / σ², and μ = 4 (s_1 + s_2).
  CHECK(at::allclose(computed.at("grad.student"), ones({1, 2, 1, 1}) * 8 / variance));
}

TEST_CASE("vid: every channel begins with the initial variance, be it small or large") {
  const MethodInfo& info = method_registry().get("vid");
  for (const double variance : {1e-3, 5.0, 1000.0}) {
    TrainingSetup setup = test::tiny_setup(info);
    setup.parameters.set("initial_variance", variance);
    const StepResult result = info.make(setup)->step(StepContext{}, test::tiny_batch(info, 0));
    for (const char* name : {"variance0", "variance1"}) {
      CHECK(diagnostic(result, name) == Approx(variance).epsilon(1e-5));
    }
  }
}

TEST_CASE("vid: each pair of stages has three layers without bias and a scale per channel of the teacher") {
  const MethodInfo& info = method_registry().get("vid");
  const auto groups = test::make_tiny(info)->groups();
  REQUIRE(groups.size() == 2);
  std::int64_t count = 0;
  for (const at::Tensor& parameter : unique_parameters(*groups[1].module)) count += parameter.numel();
  // 3 -> 5 -> 5 -> 5 and 5 scales; 4 -> 6 -> 6 -> 6 and 6 scales.
  CHECK(count == (15 + 25 + 25 + 5) + (24 + 36 + 36 + 6));
}
