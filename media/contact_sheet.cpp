#include "cmkd/media/contact_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "cmkd/core/error.h"

namespace cmkd::media {

namespace {

using Colour = std::array<std::uint8_t, 3>;

constexpr Colour kPaper{32, 32, 32};
constexpr Colour kInk{224, 224, 224};
constexpr int kMargin = 6;            // around and between frames
constexpr int kLegibleSide = 128;     // of a frame's shorter side
constexpr int kGlyphRows = 7;         // of 5 columns
constexpr int kGlyphAdvance = 6;      // to the next glyph
constexpr int kCaptionScale = 2;      // pixels of a dot
constexpr double kSheetAspect = 1.6;  // width over height

// Dots of a glyph, row by row from the top; bit 4 is the leftmost.
struct Glyph {
  char letter;
  std::array<std::uint8_t, kGlyphRows> rows;
};

constexpr std::array<Glyph, 13> kGlyphs{{
    {'0', {0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110}},
    {'1', {0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110}},
    {'2', {0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111}},
    {'3', {0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110}},
    {'4', {0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010}},
    {'5', {0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110}},
    {'6', {0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110}},
    {'7', {0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000}},
    {'8', {0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110}},
    {'9', {0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100}},
    {'.', {0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100}},
    {'-', {0b00000, 0b00000, 0b00000, 0b11111, 0b00000, 0b00000, 0b00000}},
    {'s', {0b00000, 0b00000, 0b01111, 0b10000, 0b01110, 0b00001, 0b11110}},
}};

Picture blank(int height, int width, const Colour& colour) {
  Picture picture{height, width, {}};
  picture.pixels.resize(std::size_t{3} * static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  for (std::size_t i = 0; i < picture.pixels.size(); ++i) picture.pixels[i] = colour[i % 3];
  return picture;
}

// What lies beyond the picture's edge is left out.
void fill_square(Picture& picture, int top, int left, int height, int width, const Colour& colour) {
  for (int y = std::max(top, 0); y < std::min(top + height, picture.height); ++y) {
    for (int x = std::max(left, 0); x < std::min(left + width, picture.width); ++x) {
      const auto at =
          3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) + static_cast<std::size_t>(x));
      std::ranges::copy(colour, picture.pixels.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
}

void print_caption(Picture& picture, int top, int left, std::string_view text) {
  for (const char letter : text) {
    const auto glyph = std::ranges::find(kGlyphs, letter, &Glyph::letter);
    for (int row = 0; glyph != kGlyphs.end() && row < kGlyphRows; ++row) {
      for (int column = 0; column < 5; ++column) {
        if (((glyph->rows[static_cast<std::size_t>(row)] >> (4 - column)) & 1) == 0) continue;
        fill_square(picture, top + row * kCaptionScale, left + column * kCaptionScale, kCaptionScale, kCaptionScale,
                    kInk);
      }
    }
    left += kGlyphAdvance * kCaptionScale;
  }
}

}  // namespace

ContactSheet contact_sheet(std::span<const std::uint8_t> pixels, int frames, int height, int width,
                           const std::vector<std::string>& captions) {
  const std::size_t plane =
      static_cast<std::size_t>(std::max(height, 0)) * static_cast<std::size_t>(std::max(width, 0));
  if (frames < 1 || plane == 0 || pixels.size() != 3 * static_cast<std::size_t>(frames) * plane ||
      captions.size() != static_cast<std::size_t>(frames)) {
    throw Error(ErrorKind::kInternal,
                {.what = fmt::format("a contact sheet of {} frames of {} x {} was given {} bytes and {} "
                                     "captions",
                                     frames, height, width, pixels.size(), captions.size())});
  }
  ContactSheet sheet;
  const int shorter = std::min(height, width);
  sheet.scale = (std::max(shorter, kLegibleSide) + shorter - 1) / shorter;
  std::size_t longest = 0;
  for (const std::string& caption : captions) longest = std::max(longest, caption.size());
  const int caption_width = static_cast<int>(longest) * kGlyphAdvance * kCaptionScale;
  const int tile_width = std::max(width * sheet.scale, caption_width) + kMargin;
  const int tile_height = height * sheet.scale + kMargin + kGlyphRows * kCaptionScale + kMargin;
  sheet.columns =
      std::clamp(static_cast<int>(std::lround(std::sqrt(kSheetAspect * frames * tile_height / tile_width))), 1, frames);
  const int rows = (frames + sheet.columns - 1) / sheet.columns;
  sheet.picture = blank(kMargin + rows * tile_height, kMargin + sheet.columns * tile_width, kPaper);
  for (int t = 0; t < frames; ++t) {
    const ContactSheet::Corner corner{kMargin + t / sheet.columns * tile_height,
                                      kMargin + t % sheet.columns * tile_width};
    sheet.corners.push_back(corner);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const std::size_t at = static_cast<std::size_t>(t) * plane + static_cast<std::size_t>(y * width + x);
        const std::size_t channel = static_cast<std::size_t>(frames) * plane;
        fill_square(sheet.picture, corner.top + y * sheet.scale, corner.left + x * sheet.scale, sheet.scale,
                    sheet.scale, {pixels[at], pixels[at + channel], pixels[at + 2 * channel]});
      }
    }
    print_caption(sheet.picture, corner.top + height * sheet.scale + kMargin, corner.left,
                  captions[static_cast<std::size_t>(t)]);
  }
  return sheet;
}

HeatMap heat_map(std::span<const float> values, int rows, int columns) {
  constexpr int kLegibleHeight = 320;
  constexpr int kLegibleWidth = 800;
  if (rows < 1 || columns < 1 || values.size() != static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns)) {
    throw Error(ErrorKind::kInternal,
                {.what = fmt::format("a heat map of {} x {} was given {} values", rows, columns, values.size())});
  }
  HeatMap map;
  const auto [low, high] = std::ranges::minmax(values);
  map.low = low;
  map.high = high;
  map.scale_down = std::max(1, kLegibleHeight / rows);
  map.scale_right = std::max(1, kLegibleWidth / columns);
  map.picture = blank(rows * map.scale_down, columns * map.scale_right, colour_of_share(0));
  const double span = static_cast<double>(high) - static_cast<double>(low);
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const float value =
          values[static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column)];
      const double share = span > 0 ? (static_cast<double>(value) - static_cast<double>(low)) / span : 0;
      fill_square(map.picture, (rows - 1 - row) * map.scale_down, column * map.scale_right, map.scale_down,
                  map.scale_right, colour_of_share(share));
    }
  }
  return map;
}

}  // namespace cmkd::media
