// What of a cached clip a model sees: [clip] of a suite file. Part of a training's key.
#pragma once

#include <array>
#include <cstdint>

#include "cmkd/core/named_enum.h"

namespace cmkd {

enum class TestCrops {
  kCentre,
  kThree,  // along the longer side: at both ends and in the middle
};
constexpr auto enum_names(TestCrops) noexcept {
  return std::to_array<EnumName<TestCrops>>({{TestCrops::kCentre, "centre"}, {TestCrops::kThree, "three"}});
}

enum class PixelNormalisation {
  kHalf,      // mean 0.5, std 0.25
  kKinetics,  // torchvision's for Kinetics-400 weights
};
constexpr auto enum_names(PixelNormalisation) noexcept {
  return std::to_array<EnumName<PixelNormalisation>>(
      {{PixelNormalisation::kHalf, "half"}, {PixelNormalisation::kKinetics, "kinetics"}});
}

struct WindowSettings {
  std::int64_t frames = 16;
  std::int64_t frame_step = 1;                // every frame_step-th cached frame
  std::int64_t crop = 0;                      // height and width of the crop in pixels; 0: the whole frame
  bool flip = false;                          // mirrored left to right at random in training
  std::int64_t windows = 1;                   // K fixed windows in training, evenly spread over the clip
  std::int64_t test_views = 3;                // windows at test, evenly spread
  TestCrops test_crops = TestCrops::kCentre;  // of each of them
  double audio_seconds = 0;  // sound of a window, from its first frame's time; 0: the time its frames span
  PixelNormalisation normalise = PixelNormalisation::kHalf;

  [[nodiscard]] std::int64_t crops_at_test() const noexcept { return test_crops == TestCrops::kThree ? 3 : 1; }
  [[nodiscard]] std::int64_t views_at_test() const noexcept { return test_views * crops_at_test(); }
};

}  // namespace cmkd
