#include "catch.h"
//
#include <ATen/ATen.h>

#include <cmath>

#include "cmkd/core/error.h"
#include "cmkd/methods/losses.h"
#include "cmkd/methods/mnf_csc.h"
#include "gradient_check.h"

using namespace cmkd;

namespace {

MethodInput three_clips() {
  MethodInput input;
  input.labels = at::tensor({2, -1, -1}, at::kLong);
  input.label_known = at::tensor({1, 0, 0}, at::kLong).to(at::kBool);
  input.pseudo_labels = at::tensor({0, 2, 1}, at::kLong);
  return input;
}

}  // namespace

TEST_CASE("The divergence of a fair coin from a 3:1 coin is ½ log(4/3)") {
  // p = (½, ½), q = (¾, ¼): ½ log(½ / ¾) + ½ log(½ / ¼) = ½ (log ⅔ + log 2) = ½ log(4/3)
  const at::Tensor p = at::zeros({1, 2}, at::kDouble);
  const at::Tensor q = at::tensor({std::log(3.0), 0.0}, at::kDouble).view({1, 2});
  CHECK(kl_divergence(p, q).item<double>() == Approx(0.5 * std::log(4.0 / 3.0)).epsilon(1e-12));
}

TEST_CASE("Cross-entropy is averaged over the labelled clips only") {
  // Rows: labelled 0 with two equal logits (log 2), unlabelled, labelled 1 with logits (0, log 3): log(4/3).
  const at::Tensor logits = at::tensor({0.0, 0.0, 50.0, -50.0, 0.0, std::log(3.0)}, at::kDouble).view({3, 2});
  const at::Tensor labels = at::tensor({0, -1, 1}, at::kLong);
  const at::Tensor known = labels.ge(0);
  const double expected = (std::log(2.0) + std::log(4.0 / 3.0)) / 2;
  CHECK(classification_term(logits, labels, known).item<double>() == Approx(expected).epsilon(1e-12));
}

TEST_CASE("Without a labelled clip the cross-entropy is zero and passes a zero gradient, whatever the logits") {
  at::Tensor logits = at::full({2, 3}, 1e30, at::kDouble).requires_grad_(true);
  const at::Tensor term = classification_term(logits, at::tensor({-1, -1}, at::kLong), at::zeros({2}, at::kBool));
  CHECK(term.item<double>() == 0.0);
  REQUIRE(term.requires_grad());
  term.backward();
  CHECK(logits.grad().abs().max().item<double>() == 0.0);
}

TEST_CASE("A feature of zeros has cosine 0 with all, and its gradient is zero instead of huge") {
  at::Tensor rows = at::tensor({0.0, 0.0, 3.0, 4.0}, at::kDouble).view({2, 2}).requires_grad_(true);
  const at::Tensor unit = unit_rows(rows);
  CHECK(unit[0].abs().sum().item<double>() == 0.0);
  CHECK(unit[1][1].item<double>() == Approx(0.8));
  unit.sum().backward();
  CHECK(rows.grad()[0].abs().max().item<double>() == 0.0);
  CHECK(rows.grad().isfinite().all().item<bool>());
}

TEST_CASE("An unlabelled clip takes the teacher's argmax, leaves, or is a class of its own, as the policy says") {
  const MethodInput input = three_clips();
  const EffectiveLabels pseudo = effective_labels(input, UnlabelledPolicy::kPseudo);
  CHECK(pseudo.labels.equal(at::tensor({2, 2, 1}, at::kLong)));  // the known label stands, the teacher's 0 does not
  CHECK(pseudo.classified.all().item<bool>());

  const EffectiveLabels skip = effective_labels(input, UnlabelledPolicy::kSkip);
  CHECK(contrasted_rows(skip.labels, skip).equal(at::tensor({2}, at::kLong)));
  CHECK(skip.classified.equal(input.label_known));

  const EffectiveLabels instance = effective_labels(input, UnlabelledPolicy::kInstance);
  const at::Tensor same = same_label(instance.labels, at::zeros({}, at::kDouble));
  CHECK(same.equal(at::eye(3, at::kDouble)));
  CHECK(instance.classified.equal(input.label_known));
  CHECK(contrasted_rows(instance.labels, instance).size(0) == 3);

  CHECK_THROWS_AS(parse_unlabelled_policy("psuedo"), Error);
}

TEST_CASE("Batch normalisation takes a batch of one by its running statistics, and leaves them") {
  torch::nn::BatchNorm1d layer(2);
  layer->train();
  const at::Tensor one = at::tensor({3.0F, -1.0F}).view({1, 2});
  const at::Tensor result = batch_normalise(*layer, one);
  CHECK((result - one).abs().max().item<double>() < 1e-4);  // running mean 0, variance 1, eps 1e-5
  CHECK(layer->running_mean.abs().max().item<double>() == 0.0);
}

TEST_CASE("A projection has parameters only where widths differ") {
  CHECK(Projection(4, 4)->parameters().empty());
  CHECK(Projection(4, 6)->parameters().size() == 2);
}

TEST_CASE("Calibration of two orthogonal clips at constant temperature ½ gives log(1 + e^−2)") {
  // cos(v_i, ṽ_j) = identity, τ = ½: row softmax of (2, 0), the positive of each clip itself.
  const at::Tensor eye = at::eye(2, at::kDouble);
  const Calibration result = calibrate(eye, eye, at::zeros({2, 2}, at::kDouble), at::tensor({0, 1}, at::kLong),
                                       {0.5, /*adaptive=*/false, 0.0});
  CHECK(result.loss.item<double>() == Approx(std::log(1 + std::exp(-2.0))).epsilon(1e-8));
  CHECK(result.tau_positive.item<double>() == Approx(0.5));
  CHECK(result.clamped_share.item<double>() == 0.0);
}

TEST_CASE("Temperatures below the floor are clamped and counted, and mean temperatures go by pair") {
  // similarity + 0.1: positives (diagonal) 1.1 and −0.4, others 0.3 and 0; floor 0.05 clamps two of four.
  const at::Tensor similarity = at::tensor({1.0, 0.2, -0.1, -0.5}, at::kDouble).view({2, 2});
  const at::Tensor eye = at::eye(2, at::kDouble);
  const Calibration result =
      calibrate(eye, eye, similarity, at::tensor({0, 1}, at::kLong), {0.1, /*adaptive=*/true, 0.05});
  CHECK(result.clamped_share.item<double>() == Approx(0.5));
  CHECK(result.tau_positive.item<double>() == Approx((1.1 + 0.05) / 2));
  CHECK(result.tau_negative.item<double>() == Approx((0.3 + 0.05) / 2));
}

TEST_CASE("Calibration, divergence and cross-entropy agree with finite differences") {
  const at::Tensor labels = at::tensor({0, 1, 0, 2}, at::kLong);
  const at::Tensor similarity = cosine_matrix(test::noise({4, 6}, 1), test::noise({4, 6}, 2));
  for (const bool adaptive : {true, false}) {
    const CalibrationOptions options{0.2, adaptive, 0.05};
    CHECK(test::gradient_error({test::noise({4, 6}, 3), test::noise({4, 6}, 4)}, [&](const auto& x) {
            return calibrate(x[0], x[1], similarity, labels, options).loss;
          }) < 1e-6);
  }
  const at::Tensor target = test::noise({4, 5}, 5);
  CHECK(test::gradient_error({test::noise({4, 5}, 6)},
                             [&](const auto& x) { return kl_divergence(target, x[0], 3.0); }) < 1e-6);
  const at::Tensor known = at::tensor({1, 0, 1, 1}, at::kLong).to(at::kBool);
  CHECK(test::gradient_error({test::noise({4, 5}, 7)},
                             [&](const auto& x) { return classification_term(x[0], labels, known); }) < 1e-6);
}
