// The vectors' code (`conformance`) on cases small enough to be solved by hand.
#include "catch.h"
//
#include "tiny.h"

using namespace cmkd;

namespace {

TensorMap run_at(const at::Tensor& student, const at::Tensor& teacher) {
  const VectorCase vector_case(
      {{"student", student}, {"teacher", teacher}, {"hyper.p", at::scalar_tensor(2.0, at::kDouble)}});
  return method_registry().get("at").conformance.at("at")(vector_case);
}

}  // namespace

TEST_CASE("at: the attention maps (3, 4)/5 and (1, 0) are 0.4 apart in the mean square") {
  // Squares of the student's two channels: (2, 8) and (4, 0); their mean (3, 4). (0.6 − 1)² + 0.8² = 0.8, over 2.
  const at::Tensor student = at::tensor({2.0, 8.0, 4.0, 0.0}, at::kDouble).sqrt().view({1, 2, 1, 2});
  const at::Tensor teacher = at::tensor({-7.0, 0.0}, at::kDouble).view({1, 1, 1, 2});
  CHECK(run_at(student, teacher).at("loss").item<double>() == Approx(0.4).epsilon(1e-14));
}

TEST_CASE("at: the size of a clip's map does not matter, even where its powers leave the range of half precision") {
  const at::Tensor student = test::noise({2, 3, 4, 4}, 1);
  const at::Tensor teacher = test::noise({2, 5, 4, 4}, 2);
  const TensorMap plain = run_at(student, teacher);
  const TensorMap large = run_at(student * 1e200, teacher);
  CHECK(large.at("loss").item<double>() == Approx(plain.at("loss").item<double>()).epsilon(1e-12));
  CHECK(at::allclose(large.at("grad.student") * 1e200, plain.at("grad.student"), 1e-12, 1e-15));
}

TEST_CASE("at: a map of zeros has no attention and receives no gradient") {
  const TensorMap computed = run_at(at::zeros({1, 2, 2, 2}, at::kDouble), at::ones({1, 2, 2, 2}, at::kDouble));
  CHECK(computed.at("loss").item<double>() == Approx(0.25));  // four positions of 1/2
  CHECK(computed.at("grad.student").abs().max().item<double>() == 0.0);
}
