// RandAugment's operations and random erasing, by pictures of a few pixels.
#include "catch.h"
//
#include <ATen/ATen.h>

#include <cmath>
#include <set>

#include "cmkd/methods/erasing.h"
#include "cmkd/methods/rand_augment.h"
#include "cmkd/runtime/determinism.h"
#include "gradient_check.h"

using namespace cmkd;

namespace {

constexpr std::array<float, 3> kFill{0.0F, 0.0F, 0.0F};

// A clip [1, 3, 1, rows, columns] whose channels are alike.
at::Tensor grey_clip(const std::vector<double>& values, std::int64_t rows, std::int64_t columns) {
  return at::tensor(values, at::kDouble).view({1, 1, 1, rows, columns}).expand({1, 3, 1, rows, columns}).contiguous();
}

at::Tensor nine() { return grey_clip({.1, .2, .3, .4, .5, .6, .7, .8, .9}, 3, 3); }

at::Tensor done(const at::Tensor& clip, PictureOp op, double amount) {
  return apply_picture_op(clip, op, {amount}, kFill);
}

bool is_clip(const at::Tensor& clip, const std::vector<double>& values, std::int64_t rows, std::int64_t columns) {
  return at::allclose(clip, grey_clip(values, rows, columns), 0, 1e-9);
}

at::Tensor pseudo_pixels(at::IntArrayRef shape, int salt) { return (test::noise(shape, salt) + 1) / 2; }

}  // namespace

TEST_CASE("Brightness, contrast, saturation and solarise are those of a hand calculation, within 0 and 1") {
  CHECK(is_clip(done(grey_clip({.5, .8}, 1, 2), PictureOp::kBrightness, 1.5), {.75, 1}, 1, 2));
  // Mean grey 0.5: half as far from it, and three times, cut off.
  CHECK(is_clip(done(grey_clip({.2, .8}, 1, 2), PictureOp::kContrast, 0.5), {.35, .65}, 1, 2));
  CHECK(is_clip(done(grey_clip({.2, .8}, 1, 2), PictureOp::kContrast, 3), {0, 1}, 1, 2));
  CHECK(is_clip(done(grey_clip({.3, .5, .7}, 1, 3), PictureOp::kSolarise, 0.5), {.3, .5, .3}, 1, 3));
  // Red has the grey 0.299: all colour taken away, and half of it.
  const at::Tensor red = at::tensor({1.0, 0.0, 0.0}, at::kDouble).view({1, 3, 1, 1, 1});
  CHECK(at::allclose(done(red, PictureOp::kSaturation, 0).flatten(), at::full({3}, 0.299, at::kDouble), 0, 1e-9));
  const at::Tensor half = at::tensor({0.6495, 0.1495, 0.1495}, at::kDouble);
  CHECK(at::allclose(done(red, PictureOp::kSaturation, 0.5).flatten(), half, 0, 1e-9));
}

TEST_CASE("Posterise keeps the highest bits of 8, and autocontrast stretches what has a range") {
  // 0.4 is 102, 0.6 is 153: 64 and 128 with two bits, 0 and 128 with one.
  CHECK(is_clip(done(grey_clip({.4, .6}, 1, 2), PictureOp::kPosterise, 2), {64. / 255, 128. / 255}, 1, 2));
  CHECK(is_clip(done(grey_clip({.4, .6}, 1, 2), PictureOp::kPosterise, 1), {0, 128. / 255}, 1, 2));
  CHECK(is_clip(done(grey_clip({.4, .6}, 1, 2), PictureOp::kPosterise, 8), {102. / 255, 153. / 255}, 1, 2));
  CHECK(is_clip(done(grey_clip({.2, .3, .6}, 1, 3), PictureOp::kAutocontrast, 0), {0, .25, 1}, 1, 3));
  CHECK(is_clip(done(grey_clip({.2, .2}, 1, 2), PictureOp::kAutocontrast, 0), {.2, .2}, 1, 2));
}

TEST_CASE("Sharpness goes from the smoothed picture to the own one and beyond, and keeps the border") {
  const at::Tensor point = grey_clip({.2, .2, .2, .2, .5, .2, .2, .2, .2}, 3, 3);
  // (5 · 0.5 + 8 · 0.2) / 13 = 4.1 / 13; with factor 2 twice as far from it.
  const double smooth = 4.1 / 13;
  const double beyond = smooth + 2 * (0.5 - smooth);
  CHECK(is_clip(done(point, PictureOp::kSharpness, 0), {.2, .2, .2, .2, smooth, .2, .2, .2, .2}, 3, 3));
  CHECK(is_clip(done(point, PictureOp::kSharpness, 2), {.2, .2, .2, .2, beyond, .2, .2, .2, .2}, 3, 3));
  CHECK(is_clip(done(grey_clip({.1, .9, .4, .2}, 2, 2), PictureOp::kSharpness, 0), {.1, .9, .4, .2}, 2, 2));
}

TEST_CASE("A picture turns counter-clockwise, is sheared about its centre, and moves right and down") {
  CHECK(is_clip(done(nine(), PictureOp::kRotate, 90), {.3, .6, .9, .2, .5, .8, .1, .4, .7}, 3, 3));
  CHECK(is_clip(done(nine(), PictureOp::kShearX, 1), {.2, .3, 0, .4, .5, .6, 0, .7, .8}, 3, 3));
  CHECK(is_clip(done(nine(), PictureOp::kShearY, 1), {.4, .2, 0, .7, .5, .3, 0, .8, .6}, 3, 3));
  CHECK(is_clip(done(nine(), PictureOp::kTranslateX, 1. / 3), {0, .1, .2, 0, .4, .5, 0, .7, .8}, 3, 3));
  CHECK(is_clip(done(nine(), PictureOp::kTranslateY, -1. / 3), {.4, .5, .6, .7, .8, .9, 0, 0, 0}, 3, 3));
  // Half a pixel: the mean of two neighbours.
  CHECK(is_clip(done(grey_clip({.2, .4, .8}, 1, 3), PictureOp::kTranslateX, 1. / 6), {.1, .3, .6}, 1, 3));
}

TEST_CASE("What comes in from outside of the picture is the fill, channel by channel") {
  const at::Tensor clip = at::full({1, 3, 1, 1, 2}, 0.5, at::kDouble);
  const at::Tensor moved = apply_picture_op(clip, PictureOp::kTranslateX, {0.5}, {0.25F, 0.5F, 0.75F});
  const at::Tensor expected = at::tensor({0.25, 0.5, 0.5, 0.5, 0.75, 0.5}, at::kDouble).view({1, 3, 1, 1, 2});
  CHECK(at::allclose(moved, expected, 0, 1e-6));
}

TEST_CASE("Every operation does the same to all frames and looks at no other clip") {
  const at::Tensor frame = pseudo_pixels({2, 3, 1, 6, 5}, 3);
  const at::Tensor clips = frame.expand({2, 3, 4, 6, 5}).contiguous();
  for (const EnumName<PictureOp>& known : enum_names(PictureOp{})) {
    CAPTURE(known.name);
    const double amount = amount_of(known.value, 7, false);
    const at::Tensor both = apply_picture_op(clips, known.value, {amount, amount_of(known.value, 3, true)}, kFill);
    CHECK(at::equal(both, both.narrow(2, 0, 1).expand_as(both)));
    CHECK(at::allclose(both.narrow(0, 0, 1), done(clips.narrow(0, 0, 1), known.value, amount), 0, 1e-12));
    CHECK((both.min().item<double>() >= 0 && both.max().item<double>() <= 1 + 1e-12));
    CHECK(at::allclose(both, clips) == (known.value == PictureOp::kIdentity));
  }
}

TEST_CASE("Magnitude 0 does nothing, but for posterise, and 10 goes as far as the scale says") {
  const at::Tensor clip = pseudo_pixels({1, 3, 1, 4, 4}, 5);
  for (const EnumName<PictureOp>& known : enum_names(PictureOp{})) {
    if (known.value == PictureOp::kPosterise || known.value == PictureOp::kAutocontrast) continue;
    CAPTURE(known.name);
    CHECK(at::allclose(done(clip, known.value, amount_of(known.value, 0, true)), clip, 0, 1e-9));
  }
  CHECK(amount_of(PictureOp::kContrast, 10, true) == Approx(0.1));
  CHECK(amount_of(PictureOp::kRotate, 10, true) == Approx(-30));
  CHECK(amount_of(PictureOp::kTranslateY, 10, false) == Approx(0.45));
  CHECK(amount_of(PictureOp::kSolarise, 10, false) == Approx(0).margin(1e-12));
  CHECK(amount_of(PictureOp::kPosterise, 7, false) == 2);
  CHECK(amount_of(PictureOp::kPosterise, 10, false) == 1);
}

TEST_CASE(
    "RandAugment works in pixels: what it gives is between black and white, and untouched clips keep their bits") {
  const PixelScale scale{{0.4F, 0.5F, 0.6F}, {0.2F, 0.25F, 0.3F}};
  const at::Tensor mean = at::tensor({0.4F, 0.5F, 0.6F}).view({1, 3, 1, 1, 1});
  const at::Tensor deviation = at::tensor({0.2F, 0.25F, 0.3F}).view({1, 3, 1, 1, 1});
  const at::Tensor pixels = pseudo_pixels({16, 3, 2, 8, 8}, 6).to(at::kFloat);
  const at::Tensor video = (pixels - mean) / deviation;
  RandomStream stream(3);
  const RandAugmentOptions options{.operations = 2, .magnitude = 9, .deviation = 0.5, .chance = 0.5};
  const at::Tensor changed = rand_augment(video, scale, options, stream);
  const at::Tensor back = changed * deviation + mean;
  CHECK((back.min().item<double>() > -1e-5 && back.max().item<double>() < 1 + 1e-5));
  int untouched = 0;
  for (std::int64_t clip = 0; clip < 16; ++clip) untouched += at::equal(changed[clip], video[clip]) ? 1 : 0;
  CHECK((untouched >= 1 && untouched <= 12));  // of 16 a quarter and a little more
  RandomStream again(3);
  CHECK(at::equal(rand_augment(video, scale, options, again), changed));
  RandomStream idle(3);
  CHECK(at::equal(rand_augment(video, scale, {.operations = 0, .magnitude = 9}, idle), video));
  CHECK(at::equal(rand_augment(video, scale, {.operations = 3, .magnitude = 9, .chance = 0}, idle), video));
}

TEST_CASE("Without geometry a mirrored picture stays its own mirror image, with it some do not") {
  const at::Tensor left = pseudo_pixels({32, 3, 1, 8, 4}, 7).to(at::kFloat);
  const at::Tensor video = (at::cat({left, left.flip(4)}, 4) - 0.5) / 0.25;
  for (const bool geometry : {false, true}) {
    RandomStream stream(5);
    const RandAugmentOptions options{.operations = 4, .magnitude = 8, .chance = 1.0, .geometry = geometry};
    const at::Tensor changed = rand_augment(video, {}, options, stream);
    CHECK_FALSE(at::allclose(changed, video));
    CHECK(at::allclose(changed, changed.flip(4), 0, 1e-4) == !geometry);
  }
}

TEST_CASE("Erasing puts noise into one rectangle of all frames, inside the picture and of a drawn area") {
  const at::Tensor video = at::zeros({2, 3, 2, 8, 10}, at::kFloat);
  const ScopedSeed seed(1);
  const at::Tensor erased = erase_places(video, {std::nullopt, ErasedPlace{2, 3, 4, 5}});
  CHECK(at::equal(erased[0], video[0]));
  at::Tensor inside = at::zeros({8, 10}, at::kBool);
  inside.narrow(0, 2, 4).narrow(1, 3, 5).fill_(true);
  CHECK(at::equal(erased[1].ne(0), inside.expand({3, 2, 8, 10})));
  CHECK_FALSE(at::equal(erased[1].select(1, 0), erased[1].select(1, 1)));  // its own noise for each frame
  CHECK(at::equal(video, at::zeros_like(video)));
  RandomStream stream(9);
  int drawn = 0;
  for (int i = 0; i < 400; ++i) {
    const auto place = draw_erasing(112, 112, {.chance = 0.25}, stream);
    if (!place) continue;
    ++drawn;
    CHECK((place->top >= 0 && place->top + place->height <= 112));
    CHECK((place->left >= 0 && place->left + place->width <= 112));
    const double share = static_cast<double>(place->height * place->width) / (112.0 * 112.0);
    CHECK((share > 0.015 && share < 0.35));
  }
  CHECK((drawn > 65 && drawn < 135));  // 100 ± 9 is one deviation
  // On a picture of a pixel it is that pixel.
  const auto pixel = draw_erasing(1, 1, {.chance = 1.0}, stream);
  REQUIRE(pixel.has_value());
  CHECK((pixel->height == 1 && pixel->width == 1));
}
