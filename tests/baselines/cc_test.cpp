// The vectors' code (`conformance`) on cases small enough to be solved by hand.
#include "catch.h"
//
#include "tiny.h"

using namespace cmkd;

namespace {

TensorMap run_cc(const at::Tensor& student, const at::Tensor& teacher) {
  return method_registry().get("cc").conformance.at("cc")(VectorCase({{"student", student}, {"teacher", teacher}}));
}

}  // namespace

TEST_CASE("cc: products of neighbours' distances, averaged over the pairs of neighbours") {
  // δ = (1, 2), (3, 1), (0, 4): (1·3 + 2·1 + 3·0 + 1·4) / 2 = 4.5. Gradient of the last clip: sign · δ of the middle
  // / 2.
  const at::Tensor student = at::tensor({1.0, -2.0, 3.0, 1.0, 0.0, -4.0}, at::kDouble).view({3, 2});
  const TensorMap computed = run_cc(student, at::zeros({3, 2}, at::kDouble));
  CHECK(computed.at("loss").item<double>() == Approx(4.5));
  const at::Tensor expected = at::tensor({1.5, -0.5, 0.5, 3.0, 0.0, -0.5}, at::kDouble).view({3, 2});
  CHECK(at::allclose(computed.at("grad.student"), expected));
}

TEST_CASE("cc: one clip has no neighbour: zero, with a zero gradient") {
  const TensorMap computed = run_cc(test::noise({1, 4}, 1), test::noise({1, 4}, 2));
  CHECK(computed.at("loss").item<double>() == 0.0);
  CHECK(computed.at("grad.student").abs().max().item<double>() == 0.0);
}

TEST_CASE("cc: the projection belongs to the method, and is there only where the widths differ") {
  const MethodInfo& info = method_registry().get("cc");
  CHECK(info.make(test::tiny_setup(info))->groups().size() == 2);
  TrainingSetup equal = test::tiny_setup(info);
  equal.teacher_shape->embedding_width = test::kStudentWidth;
  CHECK(info.make(equal)->groups().size() == 1);
}
