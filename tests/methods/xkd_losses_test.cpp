#include "catch.h"
//
#include <ATen/ATen.h>

#include <cmath>

#include "cmkd/core/error.h"
#include "cmkd/methods/xkd_losses.h"
#include "gradient_check.h"

using namespace cmkd;

namespace {

at::Tensor attention_like(at::IntArrayRef shape, int salt) { return test::noise(shape, salt).softmax(-1); }

}  // namespace

TEST_CASE("Reconstruction counts masked patches only, and normalised targets have mean 0 and unbiased variance 1") {
  // Patch 0 (masked): target (1, 3), mean 2, unbiased variance 2: (−1, 1)/√(2 + 1e-6); predicted 0: mean square 1/2
  // (up to 1e-6). Patch 1 (kept) is far off.
  const at::Tensor target = at::tensor({1.0, 3.0, 100.0, -100.0}, at::kDouble).view({1, 2, 2});
  const at::Tensor masked = at::tensor({1.0, 0.0}, at::kDouble).view({1, 2});
  const at::Tensor predicted = at::zeros({1, 2, 2}, at::kDouble);
  CHECK(masked_reconstruction(predicted, target, masked).item<double>() == Approx(1 / (2 + 1e-6)).epsilon(1e-12));
  CHECK(masked_reconstruction(predicted, target, masked, /*normalise=*/false).item<double>() == Approx(5.0));
}

TEST_CASE("Cross-modal attention is that of the outer product, which is never made") {
  const at::Tensor video = attention_like({2, 3, 5}, 1) * 0.9;  // the class token keeps a tenth
  const at::Tensor audio = attention_like({2, 3, 4}, 2) * 0.8;
  const at::Tensor outer = video.unsqueeze(3) * audio.unsqueeze(2);
  const CrossAttention mean = cross_attention(video, audio, CrossAttentionMode::kMean);
  CHECK(at::allclose(mean.video, outer.mean(3) / video.mean(2, true), 1e-12, 1e-14));
  CHECK(at::allclose(mean.audio, outer.mean(2) / audio.mean(2, true), 1e-12, 1e-14));
  const CrossAttention softmax = cross_attention(video, audio, CrossAttentionMode::kSoftmax);
  CHECK(at::allclose(softmax.video, outer.mean(3).softmax(2), 1e-12, 1e-14));
  CHECK(at::allclose(softmax.audio.sum(2), at::ones({2, 3}, at::kDouble)));
  CHECK_THROWS_AS((void)parse_named<CrossAttentionMode>("max", "cross-modal attention"), Error);
}

TEST_CASE("Alignment keeps the energy of the patch mean, and is the identity under even attention") {
  const at::Tensor features = test::noise({3, 6, 4}, 3);
  const at::Tensor aligned = align_features(features, attention_like({3, 2, 6}, 4));
  const auto energy = [](const at::Tensor& x) { return x.mean(1).square().sum(1); };
  CHECK(at::allclose(energy(aligned), energy(features), 1e-12, 1e-14));
  CHECK_FALSE(at::allclose(aligned, features, 0.1, 0.1));
  CHECK(at::allclose(align_features(features, at::full({3, 2, 6}, 0.25, at::kDouble)), features, 1e-12, 1e-14));
}

TEST_CASE("The discrepancy of a set with itself is 0; that of two points is known") {
  const at::Tensor x = test::noise({5, 3}, 5);
  CHECK(std::abs(maximum_mean_discrepancy(x, x).item<double>()) < 1e-12);
  // One point each, at distance 2: k(x, x) = k(y, y) = 7 kernels of 1, k(x, y) = Σ exp(−4γ).
  double between = 0;
  for (const double gamma : {1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3}) between += std::exp(-4 * gamma);
  const at::Tensor zero = at::zeros({1, 1}, at::kDouble);
  CHECK(maximum_mean_discrepancy(zero, zero + 2).item<double>() == Approx(14 - 2 * between).epsilon(1e-12));
}

TEST_CASE("Distillation is an entropy-like sum over all pairs of views, and the centre moves after it") {
  // Teacher logits equal to the centre: uniform target over two outputs. Students at 0: −log ½ for each pair.
  const at::Tensor teacher = at::tensor({3.0, -1.0}, at::kDouble).view({1, 2});
  const at::Tensor student = at::zeros({2, 2}, at::kDouble);
  CHECK(centred_cross_entropy(student, teacher, teacher, 2, 1, {0.1, 0.07}).item<double>() ==
        Approx(std::log(2.0)).epsilon(1e-12));
  DistillationCenter center(2);
  center.update(at::tensor({1.0F, 2.0F, 3.0F, 6.0F}).view({2, 2}), 0.9);
  CHECK(at::allclose(center.value(), at::tensor({0.2F, 0.4F}).view({1, 2})));  // 0.9 · 0 + 0.1 · mean (2, 4)
  center.update(at::tensor({2.0F, 4.0F}).view({1, 2}), 0.5);
  CHECK(at::allclose(center.value(), at::tensor({1.1F, 2.2F}).view({1, 2})));
}

TEST_CASE("Clipping scales each gradient by itself and leaves small ones as they are") {
  at::Tensor large = at::zeros({2}, at::kDouble).requires_grad_(true);
  at::Tensor small = at::zeros({1}, at::kDouble).requires_grad_(true);
  const at::Tensor none = at::zeros({1}, at::kDouble).requires_grad_(true);
  large.mutable_grad() = at::tensor({3.0, 4.0}, at::kDouble);
  small.mutable_grad() = at::tensor({0.29}, at::kDouble);
  clip_each_gradient({large, small, none}, 0.3);
  CHECK(large.grad().norm().item<double>() == Approx(0.3 * 5 / (5 + 1e-6)).epsilon(1e-12));
  CHECK(small.grad().item<double>() == 0.29);
  CHECK_FALSE(none.grad().defined());
}

TEST_CASE("XKD's losses agree with finite differences") {
  const at::Tensor target = test::noise({2, 4, 3}, 6);
  const at::Tensor masked = at::tensor({1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0}, at::kDouble).view({2, 4});
  for (const bool normalise : {true, false}) {
    CHECK(test::gradient_error({test::noise({2, 4, 3}, 7)}, [&](const auto& x) {
            return masked_reconstruction(x[0], target, masked, normalise);
          }) < 1e-6);
  }
  // Of a size at which the narrow kernels do not vanish: γ = 1000 sees distances below 0.1.
  CHECK(test::gradient_error({test::noise({3, 2}, 8) * 0.1, test::noise({4, 2}, 9) * 0.1},
                             [](const auto& x) { return maximum_mean_discrepancy(x[0], x[1]); }) < 1e-6);
  const at::Tensor teacher = test::noise({2, 5}, 10);
  const at::Tensor center = test::noise({1, 5}, 11) * 0.1;
  CHECK(test::gradient_error({test::noise({4, 5}, 12)}, [&](const auto& x) {
          return centred_cross_entropy(x[0], teacher, center, 2, 1, {0.5, 0.3});
        }) < 1e-6);
  const at::Tensor audio = attention_like({2, 3, 4}, 13);
  const at::Tensor probe = test::noise({2, 5, 3}, 14);
  for (const CrossAttentionMode mode : {CrossAttentionMode::kMean, CrossAttentionMode::kSoftmax}) {
    CHECK(test::gradient_error({test::noise({2, 5, 3}, 15), attention_like({2, 3, 5}, 16)}, [&](const auto& x) {
            return (align_features(x[0], cross_attention(x[1], audio, mode).video) * probe).sum();
          }) < 1e-6);
  }
}
