// Masks of sound, by waveforms whose content is known.
#include "catch.h"
//
#include <ATen/ATen.h>

#include <numbers>

#include "cmkd/methods/sound_masking.h"
#include "gradient_check.h"

using namespace cmkd;

namespace {

// sin of `periods` in a window of 64 samples.
at::Tensor tone(double periods) {
  return (at::arange(64, at::kDouble) * (2 * std::numbers::pi * periods / 64)).sin().unsqueeze(0);
}

}  // namespace

TEST_CASE("A stretch of time is silent in its own clip, from its first sample to before its last") {
  const at::Tensor ones = at::ones({2, 8});
  const at::Tensor masked = silence_stretches(ones, {{0.25, 0.5}, {0.0, 0.0}});
  CHECK(at::equal(masked[0], at::tensor({1.0F, 1.0F, 0.0F, 0.0F, 1.0F, 1.0F, 1.0F, 1.0F})));
  CHECK(at::equal(masked[1], ones[1]));
}

TEST_CASE("A band takes out the tone that lies in it, by the mel scale, and leaves the other") {
  // Of 32 periods at most, 4 are 1/8: ln(1 + 11.43 / 8) / ln(12.43) = 0.352 of the mel scale; 20 are 0.832.
  const at::Tensor both = tone(4) + 0.5 * tone(20);
  CHECK(at::allclose(silence_bands(both, {{0.34, 0.36}}), 0.5 * tone(20), 0, 1e-9));
  CHECK(at::allclose(silence_bands(both, {{0.82, 0.84}}), tone(4), 0, 1e-9));
  CHECK(at::allclose(silence_bands(both, {{0.5, 0.5}}), both, 0, 1e-9));
  CHECK(at::allclose(silence_bands(both, {{0.0, 1.1}}), at::zeros_like(both), 0, 1e-9));
}

TEST_CASE("A window of an odd number of samples keeps its length") {
  const at::Tensor odd = test::noise({1, 63}, 1);
  CHECK(at::allclose(silence_bands(odd, {{0.0, 0.0}}), odd, 0, 1e-9));
}

TEST_CASE("Masks are no wider than they may be, volumes stay in their range, and nothing is changed by default") {
  const at::Tensor ones = at::ones({64, 200});
  RandomStream stream(3);
  const at::Tensor masked = mask_sound(ones, {.time_masks = 2, .time_share = 0.1}, stream);
  const at::Tensor silent = masked.eq(0).sum(1);
  CHECK(silent.max().item<std::int64_t>() <= 41);  // twice a tenth of 200, and a sample at the end
  CHECK(silent.sum().item<std::int64_t>() > 0);
  const at::Tensor louder = mask_sound(ones, {.volume = 0.2}, stream);
  CHECK((louder.min().item<double>() >= 0.8 - 1e-6 && louder.max().item<double>() <= 1.2 + 1e-6));
  CHECK(louder.std().item<double>() > 0.05);  // uniform: 0.4 / √12 = 0.115
  CHECK(at::equal(louder, louder.narrow(1, 0, 1).expand_as(louder)));
  CHECK(at::equal(mask_sound(ones, {}, stream), ones));
}
