#include "catch.h"
// The test framework comes first.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/core/parallel.h"
#include "cmkd/probes/linear_svm.h"
#include "made_rows.h"

namespace cmkd::probes {
namespace {

using test::made_rows;
using test::MadeRows;

struct Objectives {
  double primal = 0;
  double dual = 0;
};

// Of one class, by the definitions: P(w) = ½ |w|² + C Σ ξ², and D(α) = Σ α − ½ |Σ α y x|² − Σ α² / (4C) at α = 2Cξ.
Objectives objectives_of(const MadeRows& made, const Targets& targets, const LinearWeights& fitted, std::size_t k,
                         double c) {
  const auto width = static_cast<std::size_t>(made.width);
  const auto classes = static_cast<std::size_t>(made.classes);
  std::vector<double> w;
  for (std::size_t j = 0; j < width; ++j) w.push_back(fitted.weights[j * classes + k]);
  w.push_back(fitted.biases[k]);
  Objectives result;
  std::vector<double> pull(width + 1, 0);
  for (std::size_t row = 0; row < made.labels.size(); ++row) {
    const double sign = targets.shows(row, k) ? 1 : -1;
    std::vector<double> x(made.values.begin() + static_cast<std::ptrdiff_t>(row * width),
                          made.values.begin() + static_cast<std::ptrdiff_t>((row + 1) * width));
    x.push_back(1);
    double value = 0;
    for (std::size_t j = 0; j <= width; ++j) value += w[j] * x[j];
    const double slack = std::max(0.0, 1 - sign * value);
    const double alpha = 2 * c * slack;
    result.primal += c * slack * slack;
    result.dual += alpha - alpha * alpha / (4 * c);
    for (std::size_t j = 0; j <= width; ++j) pull[j] += alpha * sign * x[j];
  }
  for (std::size_t j = 0; j <= width; ++j) {
    result.primal += w[j] * w[j] / 2;
    result.dual -= pull[j] * pull[j] / 2;
  }
  return result;
}

TEST_CASE("the weight of two opposite points is the one derived by hand, for each C") {
  // x = −1 of class 0 and x = 1 of class 1. By symmetry b = 0, and w of class 1 minimises ½w² + 2C (1 − w)²:
  // w − 4C (1 − w) = 0, so w = 4C / (1 + 4C). The other class is its mirror.
  const std::vector<float> values{-1, 1};
  const std::vector<std::int32_t> labels{0, 1};
  const SvmProblem problem({values, 2, 1}, {.labels = labels, .classes = 2});
  for (const double c : {1e-5, 0.25, 1.0}) {
    const LinearWeights fitted = problem.solve(c);
    CHECK(fitted.weights[1] == Approx(4 * c / (1 + 4 * c)).margin(1e-4));
    CHECK(fitted.weights[0] == Approx(-4 * c / (1 + 4 * c)).margin(1e-4));
    CHECK(fitted.biases[0] == Approx(0).margin(1e-4));
    CHECK(fitted.convergence.reached);
  }
}

TEST_CASE("the bias is regularised like a weight") {
  // Three rows at 0, two of class 1. Its b minimises ½b² + C (2 (1 − b)² + (1 + b)²): b = 2C / (1 + 6C), 2/7 for C = 1.
  // Not regularised, it would be 1/3.
  const std::vector<float> values{0, 0, 0};
  const std::vector<std::int32_t> labels{1, 0, 1};
  const LinearWeights fitted = SvmProblem({values, 3, 1}, {.labels = labels, .classes = 2}).solve(1);
  CHECK(fitted.biases[1] == Approx(2.0 / 7).margin(1e-4));
  CHECK(fitted.biases[0] == Approx(-2.0 / 7).margin(1e-4));
}

TEST_CASE("the solution of each class is optimal by a duality gap that is computed independently") {
  const MadeRows made = made_rows(90, 7, 3, 0.8);
  const std::vector<std::uint8_t> tags = test::made_tags(made);
  for (const Targets& targets : {made.targets(), Targets{.tags = tags, .classes = made.classes}}) {
    const SvmProblem problem(made.features(), targets);
    for (const double c : {1e-5, 1e-3, 1e-1, 1.0}) {
      const LinearWeights fitted = problem.solve(c);
      double largest = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        const Objectives found = objectives_of(made, targets, fitted, k, c);
        INFO("C " << c << ", class " << k << ": primal " << found.primal << ", dual " << found.dual);
        CHECK(found.primal - found.dual > -1e-12 * found.primal);
        largest = std::max(largest, (found.primal - found.dual) / found.primal);
      }
      CHECK(largest < 1e-5);
      CHECK(fitted.convergence.residual == Approx(largest).epsilon(1e-6).margin(1e-12));
      CHECK(fitted.convergence.reached);
    }
  }
}

TEST_CASE("another order of the rows gives the same solution within the tolerance of the solver") {
  const MadeRows made = made_rows(90, 7, 3, 0.8);
  const MadeRows other = test::reversed(made);
  const LinearWeights a = SvmProblem(made.features(), made.targets()).solve(1);
  const LinearWeights b = SvmProblem(other.features(), other.targets()).solve(1);
  for (std::size_t i = 0; i < a.weights.size(); ++i) CHECK(a.weights[i] == Approx(b.weights[i]).margin(1e-4));
}

TEST_CASE("rand() neither changes a solution nor is changed by it") {
  const MadeRows made = made_rows(60, 5, 3, 0.5);
  const SvmProblem problem(made.features(), made.targets());
  std::srand(7);
  const std::vector<double> first = problem.solve(1).weights;
  const int after_fit = std::rand();
  std::srand(7);
  CHECK(after_fit == std::rand());
  for (int i = 0; i < 1000; ++i) (void)std::rand();
  CHECK(problem.solve(1).weights == first);
}

TEST_CASE("solutions that are asked for at the same time are those of one after the other") {
  const MadeRows made = made_rows(60, 5, 3, 0.5);
  const SvmProblem problem(made.features(), made.targets());
  const std::vector<double> alone = problem.solve(1).weights;
  std::vector<std::vector<double>> together(8);
  for_each_in_parallel(8, 4, [&](std::int64_t i) { together[static_cast<std::size_t>(i)] = problem.solve(1).weights; });
  for (const std::vector<double>& weights : together) CHECK(weights == alone);
}

TEST_CASE("no class changes the solution of another") {
  // The classes 0 and 1 with a tag of their own each, and the same two among three.
  const MadeRows made = made_rows(40, 4, 2, 0.5);
  std::vector<std::uint8_t> two;
  std::vector<std::uint8_t> three;
  for (const std::int32_t label : made.labels) {
    two.insert(two.end(), {label == 0, label == 1});
    three.insert(three.end(), {label == 0, three.size() % 2 == 0, label == 1});
  }
  const LinearWeights a = SvmProblem(made.features(), {.tags = two, .classes = 2}).solve(1);
  const LinearWeights b = SvmProblem(made.features(), {.tags = three, .classes = 3}).solve(1);
  for (std::size_t j = 0; j < 4; ++j) {
    CHECK(a.weights[j * 2] == b.weights[j * 3]);
    CHECK(a.weights[j * 2 + 1] == b.weights[j * 3 + 2]);
  }
}

TEST_CASE("a fit that its passes do not bring to the optimum says so") {
  // Raw values of a thousand: the dual needs more than 1000 passes, about which liblinear only prints a warning.
  MadeRows made = made_rows(60, 10, 3, 0.2);
  for (float& value : made.values) value = 1000 * value + 5000;
  const LinearWeights fitted = SvmProblem(made.features(), made.targets()).solve(1);
  CHECK_FALSE(fitted.convergence.reached);
  CHECK(fitted.convergence.residual > 1e-3);
}

TEST_CASE("liblinear prints nothing") {
  const MadeRows made = made_rows(60, 5, 3, 0.5);
  const SvmProblem problem(made.features(), made.targets());
  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  std::fflush(stdout);
  const int terminal = ::dup(STDOUT_FILENO);
  ::dup2(::fileno(file), STDOUT_FILENO);
  (void)problem.solve(1);
  std::fflush(stdout);
  ::dup2(terminal, STDOUT_FILENO);
  ::close(terminal);
  CHECK(::lseek(::fileno(file), 0, SEEK_END) == 0);
  std::fclose(file);
}

TEST_CASE("a C that is not above zero and finite is refused") {
  const MadeRows made = made_rows(6, 2, 2, 0.5);
  const SvmProblem problem(made.features(), made.targets());
  for (const double c : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    CHECK_THROWS_WITH(problem.solve(c), message_contains("C of a linear SVM"));
  }
}

}  // namespace
}  // namespace cmkd::probes
