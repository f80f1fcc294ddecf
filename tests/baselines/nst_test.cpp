// The vectors' code (`conformance`) on cases small enough to be solved by hand.
#include "catch.h"
//
#include <cmath>

#include "tiny.h"

using namespace cmkd;

namespace {

TensorMap run_nst(const at::Tensor& student, const at::Tensor& teacher) {
  return method_registry().get("nst").conformance.at("nst")(VectorCase({{"student", student}, {"teacher", teacher}}));
}

// The definition, kernel by kernel, pair of channels by pair of channels. All maps [B, C, H, W] of one size.
double by_definition(const at::Tensor& student, const at::Tensor& teacher) {
  const auto kernel = [](const at::Tensor& a, const at::Tensor& b) {
    const at::Tensor f = a.flatten(2) / a.flatten(2).norm(2, at::IntArrayRef{2}, true);
    const at::Tensor g = b.flatten(2) / b.flatten(2).norm(2, at::IntArrayRef{2}, true);
    return (f.unsqueeze(1) * g.unsqueeze(2)).sum(-1).square().mean().item<double>();
  };
  return kernel(student, student) + kernel(teacher, teacher) - 2 * kernel(student, teacher);
}

}  // namespace

TEST_CASE("nst: one channel each, at 60 degrees: 1 + 1 − 2 cos² 60° = 1.5, whatever their sizes and signs") {
  // Two positions against one channel take the Gram matrix of channels, two positions of three channels that of
  // positions: three equal channels are one.
  const at::Tensor student = at::tensor({3.0, 0.0}, at::kDouble).view({1, 1, 1, 2});
  const at::Tensor at_60 = at::tensor({-0.5, std::sqrt(0.75)}, at::kDouble).view({1, 1, 1, 2});
  for (const std::int64_t channels : {1, 3}) {
    const TensorMap computed = run_nst(student.expand({1, channels, 1, 2}).contiguous(), at_60);
    CHECK(computed.at("loss").item<double>() == Approx(1.5).epsilon(1e-13));
  }
}

TEST_CASE("nst: with few positions and with many, the value is the definition's") {
  for (const std::int64_t side : {1, 2, 3, 5}) {
    INFO(side);
    const at::Tensor student = test::noise({3, 4, side, side}, 1);
    const at::Tensor teacher = test::noise({3, 7, side, side}, 2);
    const double expected = by_definition(student, teacher);
    CHECK(run_nst(student, teacher).at("loss").item<double>() == Approx(expected).margin(1e-14));
  }
}

TEST_CASE("nst: channels of zeros give finite gradients, with few positions and with many") {
  for (const std::int64_t side : {1, 2, 6}) {
    at::Tensor student = test::noise({2, 4, side, side}, 1);
    student.select(1, 2).zero_();
    const TensorMap computed = run_nst(student, test::noise({2, 5, side, side}, 2));
    CHECK(computed.at("loss").isfinite().item<bool>());
    CHECK(computed.at("grad.student").isfinite().all().item<bool>());
  }
}
