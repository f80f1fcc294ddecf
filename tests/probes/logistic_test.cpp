#include "catch.h"
// The test framework comes first.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/probes/logistic.h"
#include "made_rows.h"

namespace cmkd::probes {
namespace {

using test::made_rows;
using test::MadeRows;

// |∇F|² / (2λ F) at the solution, by the definition.
double relative_gap_at(const MadeRows& made, const Targets& targets, const LinearWeights& fitted, double decay) {
  const auto width = static_cast<std::size_t>(made.width);
  const auto classes = static_cast<std::size_t>(made.classes);
  const auto rows = static_cast<double>(made.rows());
  std::vector<double> weights(width * classes);
  std::vector<double> biases(classes, 0);
  double objective = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = decay * fitted.weights[i];
    objective += decay / 2 * fitted.weights[i] * fitted.weights[i];
  }
  for (std::size_t k = 0; k < classes; ++k) {
    biases[k] = decay * fitted.biases[k];
    objective += decay / 2 * fitted.biases[k] * fitted.biases[k];
  }
  for (std::size_t row = 0; row < made.labels.size(); ++row) {
    std::vector<double> chances;
    double sum = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      double value = fitted.biases[k];
      for (std::size_t j = 0; j < width; ++j) value += made.values[row * width + j] * fitted.weights[j * classes + k];
      chances.push_back(targets.multi_label() ? 1 / (1 + std::exp(-value)) : std::exp(value));
      sum += chances.back();
    }
    for (std::size_t k = 0; k < classes; ++k) {
      const double chance = targets.multi_label() ? chances[k] : chances[k] / sum;
      const bool shown = targets.shows(row, k);
      if (shown) objective -= std::log(chance) / rows;
      if (!shown && targets.multi_label()) objective -= std::log(1 - chance) / rows;
      const double error = (chance - (shown ? 1 : 0)) / rows;
      biases[k] += error;
      for (std::size_t j = 0; j < width; ++j) weights[j * classes + k] += error * made.values[row * width + j];
    }
  }
  double squares = 0;
  for (const double value : weights) squares += value * value;
  for (const double value : biases) squares += value * value;
  return squares / (2 * decay * objective);
}

TEST_CASE("the weights of two opposite points are those derived by hand, for labels and for tags") {
  // Labels: the logits are −vx and vx; the mean of ln(1 + e^(−2v)) plus λ/2 · 2v² is least where 1/(1 + e^(2v)) = λv.
  // With λ = 2/(1 + e) that is v = ½.
  const std::vector<float> values{-1, 1};
  const std::vector<std::int32_t> labels{0, 1};
  const double decay = 2 / (1 + std::exp(1.0));
  const LinearWeights by_label = fit_logistic({values, 2, 1}, {.labels = labels, .classes = 2}, decay, 1);
  CHECK(by_label.weights[1] == Approx(0.5).epsilon(1e-3));
  CHECK(by_label.weights[0] == Approx(-0.5).epsilon(1e-3));
  CHECK(by_label.biases[0] == Approx(0).margin(1e-5));
  // A tag: ln(1 + e^(−w)) + λ/2 w² is least where 1/(1 + e^w) = λw. With λ = 1/(1 + e) that is w = 1.
  const std::vector<std::uint8_t> tags{0, 1};
  const LinearWeights by_tag = fit_logistic({values, 2, 1}, {.tags = tags, .classes = 1}, decay / 2, 1);
  CHECK(by_tag.weights[0] == Approx(1).epsilon(1e-3));
}

TEST_CASE("the bias of features that say nothing is the one derived by hand, decayed like a weight") {
  // Three rows of four have the tag: ln(1 + e^b) − ¾b + λ/2 b² is least where σ(b) + λb = ¾. It is ½ for
  // λ = 2 (¾ − σ(½)). As labels the logits are ±b, so that σ(2b) + λb = ¾: ¼ for twice that λ.
  const std::vector<float> values(4, 0);
  const std::vector<std::int32_t> labels{0, 0, 1, 0};
  const double decay = (0.75 - 1 / (1 + std::exp(-0.5))) / 0.5;
  const LinearWeights by_label = fit_logistic({values, 4, 1}, {.labels = labels, .classes = 2}, 2 * decay, 1);
  CHECK(by_label.biases[0] == Approx(0.25).epsilon(1e-3));
  CHECK(by_label.biases[1] == Approx(-0.25).epsilon(1e-3));
  const std::vector<std::uint8_t> tags{1, 1, 0, 1};
  const LinearWeights by_tag = fit_logistic({values, 4, 1}, {.tags = tags, .classes = 1}, decay, 1);
  CHECK(by_tag.biases[0] == Approx(0.5).epsilon(1e-3));
}

TEST_CASE("the solution is within a ten-millionth of the least objective, by an independent computation") {
  const MadeRows made = made_rows(300, 7, 3, 0.8);
  const std::vector<std::uint8_t> tags = test::made_tags(made);
  for (const Targets& targets : {made.targets(), Targets{.tags = tags, .classes = made.classes}}) {
    for (const double decay : {1e-6, 1e-3, 1e-1}) {
      const LinearWeights fitted = fit_logistic(made.features(), targets, decay, 1);
      const double gap = relative_gap_at(made, targets, fitted, decay);
      INFO("tags " << targets.multi_label() << ", weight decay " << decay);
      CHECK(gap <= 1.001e-7);
      CHECK(fitted.convergence.residual == Approx(gap).epsilon(1e-4));
      CHECK(fitted.convergence.reached);
    }
  }
}

TEST_CASE("features that separate the classes have a solution, by the weight decay") {
  const MadeRows made = made_rows(60, 5, 3, 20);
  const LinearWeights fitted = fit_logistic(made.features(), made.targets(), 1e-6, 1);
  CHECK(fitted.convergence.reached);
  CHECK(relative_gap_at(made, made.targets(), fitted, 1e-6) <= 1.001e-7);
}

TEST_CASE("the bytes of a solution depend on no number of threads") {
  const MadeRows made = made_rows(700, 9, 4, 0.5);
  const LinearWeights one = fit_logistic(made.features(), made.targets(), 1e-3, 1);
  for (const int threads : {2, 5}) {
    const LinearWeights several = fit_logistic(made.features(), made.targets(), 1e-3, threads);
    CHECK(several.weights == one.weights);
    CHECK(several.biases == one.biases);
  }
}

TEST_CASE("another order of the rows gives the same solution within the tolerance of the minimiser") {
  const MadeRows made = made_rows(90, 7, 3, 0.8);
  const MadeRows other = test::reversed(made);
  const LinearWeights a = fit_logistic(made.features(), made.targets(), 1e-2, 1);
  const LinearWeights b = fit_logistic(other.features(), other.targets(), 1e-2, 1);
  for (std::size_t i = 0; i < a.weights.size(); ++i) CHECK(a.weights[i] == Approx(b.weights[i]).margin(1e-3));
}

TEST_CASE("a weight decay that is not above zero and finite is refused") {
  const MadeRows made = made_rows(6, 2, 2, 0.5);
  for (const double decay : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    CHECK_THROWS_WITH(fit_logistic(made.features(), made.targets(), decay, 1),
                      message_contains("weight decay of a linear probe"));
  }
}

}  // namespace
}  // namespace cmkd::probes
