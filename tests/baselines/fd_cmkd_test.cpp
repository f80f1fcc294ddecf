// fd_cmkd on cases small enough to be solved by hand, and its bands against the sums that define them.
#include "catch.h"
//
#include <cmath>
#include <numbers>

#include "tiny.h"

using namespace cmkd;

namespace {

constexpr std::int64_t kFdClasses = 3;

// A case of the folder fd_cmkd whose classifiers are zero: each gives ln C for each row.
TensorMap fd_case(const at::Tensor& student, const at::Tensor& teacher) {
  const std::int64_t batch = student.size(0);
  const std::int64_t width = teacher.size(1);
  TensorMap tensors{{"student", student},
                    {"teacher", teacher},
                    {"student_logits", at::zeros({batch, kFdClasses}, at::kDouble)},
                    {"targets", at::arange(batch, at::kLong).remainder(kFdClasses)}};
  for (const std::string name : {"align_low", "align_high", "task_low", "task_high"}) {
    tensors["param." + name + ".fc.weight"] = at::zeros({kFdClasses, width}, at::kDouble);
    tensors["param." + name + ".fc.bias"] = at::zeros({kFdClasses}, at::kDouble);
  }
  return tensors;
}

TensorMap run_fd(const TensorMap& tensors) {
  return method_registry().get("fd_cmkd").conformance.at("fd_cmkd")(VectorCase(tensors));
}

double number(const TensorMap& computed, const std::string& name) { return computed.at(name).item<double>(); }

// Bins first … last of the discrete Fourier transform of each row, summed as its definition says:
//   x_j = 1/D Σ_k c_k Σ_i x_i cos(2π k (i − j) / D), c_k = 2 for a bin with a mirror image, 1 for bin 0 and bin D/2.
at::Tensor bins_by_sum(const at::Tensor& rows, std::int64_t first, std::int64_t last) {
  const std::int64_t width = rows.size(1);
  const at::Tensor place = at::arange(width, at::kDouble);
  const at::Tensor distance = place.unsqueeze(0) - place.unsqueeze(1);
  at::Tensor sum = at::zeros_like(rows);
  for (std::int64_t bin = first; bin <= last; ++bin) {
    const double mirrored = bin == 0 || 2 * bin == width ? 1.0 : 2.0;
    const double angle = 2 * std::numbers::pi * static_cast<double>(bin) / static_cast<double>(width);
    sum = sum + at::matmul(rows, (distance * angle).cos()) * (mirrored / static_cast<double>(width));
  }
  return sum;
}

}  // namespace

TEST_CASE("fd_cmkd: four values whose bands can be read off, and every term of them") {
  // 5 + 2 cos(π i / 2) + cos(π i), and the same bands turned by a quarter and by a half.
  const at::Tensor student = at::tensor({8.0, 4.0, 4.0, 4.0}, at::kDouble).view({1, 4});
  const at::Tensor teacher =
      at::tensor({-3.0, 6.0, -3.0, 0.0}, at::kDouble).view({1, 4});  // (0,3,0,−3) + 3/2 (−1,1,−1,1)
  const TensorMap computed = run_fd(fd_case(student, teacher));
  CHECK(
      at::allclose(computed.at("student_low"), at::tensor({2.0, 0.0, -2.0, 0.0}, at::kDouble).view({1, 4}), 0, 1e-14));
  CHECK(at::allclose(computed.at("student_high"), at::tensor({1.0, -1.0, 1.0, -1.0}, at::kDouble).view({1, 4}), 0,
                     1e-14));
  // (1, 0, −1, 0)/√2 against (0, 1, 0, −1)/√2: four squares of 1/2.
  CHECK(number(computed, "term.kd_low") == Approx(0.5).epsilon(1e-14));
  // ± 1/2 against ∓ 1/2: differences of 2 ln(3/2).
  CHECK(number(computed, "term.kd_high") == Approx(std::pow(2 * std::log(1.5), 2)).epsilon(1e-14));
  const double uniform = std::log(3.0);
  CHECK(number(computed, "term.align_low") == Approx(2 * uniform).epsilon(1e-14));
  CHECK(number(computed, "term.align_high") == Approx(2 * uniform).epsilon(1e-14));
  CHECK(number(computed, "term.task_low") == Approx(uniform).epsilon(1e-14));
  CHECK(number(computed, "term.task_high") == Approx(uniform).epsilon(1e-14));
  CHECK(number(computed, "loss") == Approx(0.5 + std::pow(2 * std::log(1.5), 2) + 7 * uniform).epsilon(1e-14));
}

TEST_CASE("fd_cmkd: bands are the bins that the paper names, for even and odd widths down to one value") {
  for (const std::int64_t width : {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 31, 64}) {
    INFO("width " << width);
    const at::Tensor student = test::noise({2, width}, static_cast<double>(width));
    const TensorMap computed = run_fd(fd_case(student, test::noise({2, width}, 50)));
    CHECK(at::allclose(computed.at("student_low"), bins_by_sum(student, 1, width / 4), 1e-12, 1e-12));
    CHECK(at::allclose(computed.at("student_high"), bins_by_sum(student, width / 4 + 1, width / 2), 1e-12, 1e-12));
    CHECK(std::isfinite(number(computed, "loss")));
    CHECK(computed.at("grad.student").isfinite().all().item<bool>());
  }
}

TEST_CASE("fd_cmkd: the student's gradient agrees with finite differences at an odd width") {
  TensorMap tensors = fd_case(test::noise({3, 7}, 1), test::noise({3, 7}, 2));
  double salt = 3;
  for (auto& [name, tensor] : tensors) {
    if (name.starts_with("param.")) tensor = test::noise(tensor.sizes(), ++salt);
  }
  const at::Tensor gradient = run_fd(tensors).at("grad.student");
  for (std::int64_t row = 0; row < 3; ++row) {
    for (std::int64_t column = 0; column < 7; ++column) {
      constexpr double kStep = 1e-5;
      const auto loss_at = [&](double shift) {
        TensorMap moved = tensors;
        moved["student"] = tensors.at("student").clone();
        moved["student"][row][column] += shift;
        return number(run_fd(moved), "loss");
      };
      const double numeric = (loss_at(kStep) - loss_at(-kStep)) / (2 * kStep);
      CHECK(numeric == Approx(gradient[row][column].item<double>()).margin(1e-7));
    }
  }
}

TEST_CASE(
    "fd_cmkd: an embedding without a band (dead or constant) gives no direction and no gradient of the comparison") {
  for (const double value : {0.0, 2.5}) {
    INFO("constant " << value);
    const at::Tensor student = at::full({2, 9}, value, at::kDouble);
    const TensorMap computed = run_fd(fd_case(student, test::noise({2, 9}, 4)));
    // n(0) = 0: what is left is the mean square of a row of length one.
    CHECK(number(computed, "term.kd_low") == Approx(1.0 / 9).epsilon(1e-12));
    CHECK(computed.at("grad.student").abs().max().item<double>() < 1e-12);
  }
}

TEST_CASE("fd_cmkd: where widths differ the student is projected to the teacher's, and the projection is trained") {
  const MethodInfo& info = method_registry().get("fd_cmkd");
  for (const std::int64_t teacher_width : {3, 5, 6}) {
    INFO("teacher " << teacher_width << ", student " << test::kStudentWidth);
    TrainingSetup setup = test::tiny_setup(info);
    setup.teacher_shape->embedding_width = teacher_width;
    const auto training = info.make(setup);
    Batch batch = test::tiny_batch(info, 0);
    batch.teacher.embedding = test::noise({batch.size(), teacher_width}, 9).to(at::kFloat);
    route_gradients(training->step(StepContext{}, batch).terms, training->groups(), "main");
    std::int64_t projections = 0;
    for (const ModuleGroup& group : training->groups()) {
      for (const auto& [name, parameter] : unique_named_parameters(*group.module)) {
        INFO(group.name << "." << name);
        CHECK(parameter.grad().defined());
        if (name == "projection.linear.weight") {
          ++projections;
          CHECK(parameter.sizes() == at::IntArrayRef({teacher_width, test::kStudentWidth}));
          CHECK(parameter.grad().abs().max().item<double>() > 0);
        }
      }
    }
    CHECK(projections == 1);
  }
}
