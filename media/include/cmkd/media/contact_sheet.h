// Frames side by side in one picture, each pixel as it is, and tables of numbers as colours: for people to look at.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cmkd/media/png.h"

namespace cmkd::media {

struct ContactSheet {
  Picture picture;
  int scale = 1;  // each pixel of a frame is a square of scale x scale: nothing is interpolated
  int columns = 1;
  struct Corner {
    int top = 0;
    int left = 0;
  };
  std::vector<Corner> corners;  // [T] of each frame in the picture, row after row
};

// `pixels` [3, T, H, W] RGB; small frames are enlarged. `captions`: one a frame, printed below it; digits, '.', '-',
// 's' and spaces have a shape, anything else is left blank. Throws Error(kInternal) when the sizes do not fit together.
[[nodiscard]] ContactSheet contact_sheet(std::span<const std::uint8_t> pixels, int frames, int height, int width,
                                         const std::vector<std::string>& captions);

struct HeatMap {
  Picture picture;
  int scale_down = 1;   // pixels of a row of values
  int scale_right = 1;  // pixels of a column of values
  float low = 0;        // the smallest value: darkest
  float high = 0;       // the largest: brightest
};

// `values` [rows, columns], finite; row 0 is at the bottom. Enlarged to a legible size. Throws Error(kInternal) when
// the sizes do not fit together.
[[nodiscard]] HeatMap heat_map(std::span<const float> values, int rows, int columns);

// sRGB of `share` 0 … 1: from dark violet over red to light yellow. Lightness (L* of CIELAB) rises in proportion to
// `share`, so that equal steps of the values look equal, in print without colours too.
[[nodiscard]] std::array<std::uint8_t, 3> colour_of_share(double share);

}  // namespace cmkd::media
