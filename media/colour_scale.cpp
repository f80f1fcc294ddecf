// The colours of a heat map, computed in CIELAB (CIE 15, illuminant D65) and brought to sRGB (IEC 61966-2-1).
#include <algorithm>
#include <cmath>
#include <numbers>

#include "cmkd/media/contact_sheet.h"

namespace cmkd::media {

namespace {

constexpr int kColourSteps = 256;
constexpr double kDarkest = 8;     // L*
constexpr double kBrightest = 96;  // L*
constexpr double kFirstHue = 290;  // degrees: violet
constexpr double kLastHue = 455;   // 95 degrees: yellow, by way of red
constexpr double kMostChroma = 75;

using Linear = std::array<double, 3>;

double lab_inverse(double t) {
  constexpr double kBreak = 6.0 / 29.0;
  return t > kBreak ? t * t * t : 3 * kBreak * kBreak * (t - 4.0 / 29.0);
}

// Linear sRGB, outside 0 … 1 for colours that a screen does not have.
Linear linear_rgb(double lightness, double chroma, double hue_degrees) {
  const double hue = hue_degrees * std::numbers::pi / 180;
  const double fy = (lightness + 16) / 116;
  const double x = 0.95047 * lab_inverse(fy + chroma * std::cos(hue) / 500);
  const double y = lab_inverse(fy);
  const double z = 1.08883 * lab_inverse(fy - chroma * std::sin(hue) / 200);
  return {3.2404542 * x - 1.5371385 * y - 0.4985314 * z, -0.9692660 * x + 1.8760108 * y + 0.0415560 * z,
          0.0556434 * x - 0.2040259 * y + 1.0572252 * z};
}

bool on_screen(const Linear& colour) {
  return std::ranges::all_of(colour, [](double part) { return part >= 0 && part <= 1; });
}

std::uint8_t encoded(double part) {
  const double value = part <= 0.0031308 ? 12.92 * part : 1.055 * std::pow(part, 1 / 2.4) - 0.055;
  return static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, 0.0, 1.0)));
}

// The most colourful that the screen has at this lightness and hue.
std::array<std::uint8_t, 3> colour_at(double share) {
  const double lightness = kDarkest + (kBrightest - kDarkest) * share;
  const double hue = kFirstHue + (kLastHue - kFirstHue) * share;
  double inside = 0;
  double outside = kMostChroma;
  if (on_screen(linear_rgb(lightness, outside, hue))) inside = outside;
  for (int i = 0; i < 24 && inside < outside; ++i) {
    const double middle = (inside + outside) / 2;
    (on_screen(linear_rgb(lightness, middle, hue)) ? inside : outside) = middle;
  }
  const Linear colour = linear_rgb(lightness, inside, hue);
  return {encoded(colour[0]), encoded(colour[1]), encoded(colour[2])};
}

}  // namespace

std::array<std::uint8_t, 3> colour_of_share(double share) {
  static const auto table = [] {
    std::array<std::array<std::uint8_t, 3>, kColourSteps> colours{};
    for (int i = 0; i < kColourSteps; ++i) {
      colours[static_cast<std::size_t>(i)] = colour_at(static_cast<double>(i) / (kColourSteps - 1));
    }
    return colours;
  }();
  return table[static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * (kColourSteps - 1)))];
}

}  // namespace cmkd::media
