// The operations of RandAugment, one by one.
#include "cmkd/methods/rand_augment.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cmkd/core/error.h"

namespace cmkd {

namespace {

// [B] of the host -> [B, 1, 1, 1, 1] beside the pixels.
at::Tensor amounts_for(const at::Tensor& pixels, const std::vector<double>& amounts) {
  const at::Tensor host = at::tensor(amounts, at::kDouble);
  return host.view({-1, 1, 1, 1, 1}).to(pixels.options());
}

// ITU-R 601's grey, [B, 1, T, H, W].
at::Tensor grey_of(const at::Tensor& pixels) {
  return 0.299 * pixels.narrow(1, 0, 1) + 0.587 * pixels.narrow(1, 1, 1) + 0.114 * pixels.narrow(1, 2, 1);
}

at::Tensor away_from(const at::Tensor& base, const at::Tensor& pixels, const at::Tensor& factors) {
  return (base + factors * (pixels - base)).clamp(0, 1);
}

// (the pixel five times and its eight neighbours) / 13; the border stays.
at::Tensor smoothed(const at::Tensor& pixels) {
  const std::int64_t rows = pixels.size(3) - 2;
  const std::int64_t columns = pixels.size(4) - 2;
  if (rows < 1 || columns < 1) return pixels;
  const auto shifted = [&](std::int64_t down, std::int64_t right) {
    return pixels.narrow(3, down, rows).narrow(4, right, columns);
  };
  at::Tensor sum = 4 * shifted(1, 1);
  for (std::int64_t down = 0; down < 3; ++down) {
    for (std::int64_t right = 0; right < 3; ++right) sum = sum + shifted(down, right);
  }
  at::Tensor result = pixels.clone();
  result.narrow(3, 1, rows).narrow(4, 1, columns).copy_(sum / 13);
  return result;
}

at::Tensor autocontrast(const at::Tensor& pixels) {
  const at::Tensor low = pixels.amin({2, 3, 4}, /*keepdim=*/true);
  const at::Tensor range = pixels.amax({2, 3, 4}, /*keepdim=*/true) - low;
  // A channel of one value has nothing to stretch.
  return at::where(range > 0, (pixels - low) / range.masked_fill(range <= 0, 1), pixels);
}

at::Tensor posterise(const at::Tensor& pixels, const std::vector<double>& bits) {
  std::vector<double> steps;
  for (const double kept : bits) steps.push_back(std::exp2(8 - std::round(kept)));
  const at::Tensor step = amounts_for(pixels, steps);
  return ((pixels * 255).round() / step).floor() * step / 255;
}

// Row r and column c of the result, counted from the centre, show what lay at row m00 r + m01 c + down, column
// m10 r + m11 c + right.
struct SourcePlaces {
  double m00 = 1;
  double m01 = 0;
  double down = 0;
  double m10 = 0;
  double m11 = 1;
  double right = 0;
};

SourcePlaces places_of(PictureOp op, double amount, std::int64_t height, std::int64_t width) {
  SourcePlaces places;
  if (op == PictureOp::kRotate) {
    const double angle = amount * std::numbers::pi / 180;
    // Rows count downwards: turning the picture counter-clockwise reads it clockwise.
    places.m00 = places.m11 = std::cos(angle);
    places.m01 = std::sin(angle);
    places.m10 = -std::sin(angle);
  }
  if (op == PictureOp::kShearX) places.m10 = -amount;
  if (op == PictureOp::kShearY) places.m01 = -amount;
  if (op == PictureOp::kTranslateX) places.right = -amount * static_cast<double>(width);
  if (op == PictureOp::kTranslateY) places.down = -amount * static_cast<double>(height);
  return places;
}

// Bilinear; what lies outside is 0. pixels [B, C, T, H, W], rows and columns [B, H·W].
at::Tensor sampled_at(const at::Tensor& pixels, const at::Tensor& rows, const at::Tensor& columns) {
  const std::int64_t height = pixels.size(3);
  const std::int64_t width = pixels.size(4);
  const at::Tensor flat = pixels.reshape({pixels.size(0), -1, height * width});
  const at::Tensor first_row = rows.floor();
  const at::Tensor first_column = columns.floor();
  at::Tensor result = at::zeros_like(flat);
  for (const std::int64_t down : {0, 1}) {
    for (const std::int64_t right : {0, 1}) {
      const at::Tensor row = first_row + down;
      const at::Tensor column = first_column + right;
      const at::Tensor weight = (1 - (rows - row).abs()) * (1 - (columns - column).abs());
      const at::Tensor inside =
          row.ge(0).logical_and(row.lt(height)).logical_and(column.ge(0)).logical_and(column.lt(width));
      const at::Tensor place =
          row.clamp(0, height - 1).to(at::kLong) * width + column.clamp(0, width - 1).to(at::kLong);
      const at::Tensor values = flat.gather(2, place.unsqueeze(1).expand_as(flat));
      result += values * weight.masked_fill(inside.logical_not(), 0).unsqueeze(1);
    }
  }
  return result.view(pixels.sizes());
}

at::Tensor moved(const at::Tensor& pixels, PictureOp op, const std::vector<double>& amounts) {
  const std::int64_t height = pixels.size(3);
  const std::int64_t width = pixels.size(4);
  const auto centred = [](std::int64_t length) {
    return at::arange(length, at::kDouble) - 0.5 * static_cast<double>(length - 1);
  };
  const at::Tensor r = centred(height).unsqueeze(1).expand({height, width}).reshape({-1});
  const at::Tensor c = centred(width).unsqueeze(0).expand({height, width}).reshape({-1});
  std::vector<at::Tensor> rows;
  std::vector<at::Tensor> columns;
  for (const double amount : amounts) {
    const SourcePlaces p = places_of(op, amount, height, width);
    rows.push_back(p.m00 * r + p.m01 * c + p.down + 0.5 * static_cast<double>(height - 1));
    columns.push_back(p.m10 * r + p.m11 * c + p.right + 0.5 * static_cast<double>(width - 1));
  }
  return sampled_at(pixels, at::stack(rows).to(pixels.options()), at::stack(columns).to(pixels.options()));
}

at::Tensor moved_on_fill(const at::Tensor& pixels, PictureOp op, const std::vector<double>& amounts,
                         const std::array<float, 3>& fill) {
  const at::Tensor ground =
      at::tensor({fill[0], fill[1], fill[2]}, at::kFloat).view({1, 3, 1, 1, 1}).to(pixels.options());
  return moved(pixels - ground, op, amounts) + ground;
}

}  // namespace

bool is_geometric(PictureOp op) { return op >= PictureOp::kRotate; }

double amount_of(PictureOp op, double magnitude, bool negative) {
  const double level = magnitude / 10;
  const double sign = negative ? -1 : 1;
  switch (op) {
    case PictureOp::kIdentity:
    case PictureOp::kAutocontrast:
      return 0;
    case PictureOp::kBrightness:
    case PictureOp::kContrast:
    case PictureOp::kSaturation:
    case PictureOp::kSharpness:
      return 1 + sign * 0.9 * level;
    case PictureOp::kPosterise:
      return std::max(1.0, 4 - std::floor(4 * level));
    case PictureOp::kSolarise:
      return 1 - level;
    case PictureOp::kRotate:
      return sign * 30 * level;
    case PictureOp::kShearX:
    case PictureOp::kShearY:
      return sign * 0.3 * level;
    case PictureOp::kTranslateX:
    case PictureOp::kTranslateY:
      return sign * 0.45 * level;
  }
  throw Error(ErrorKind::kInternal, {.what = "an operation of RandAugment without a scale"});
}

at::Tensor apply_picture_op(const at::Tensor& pixels, PictureOp op, const std::vector<double>& amounts,
                            const std::array<float, 3>& fill) {
  switch (op) {
    case PictureOp::kIdentity:
      return pixels;
    case PictureOp::kAutocontrast:
      return autocontrast(pixels);
    case PictureOp::kBrightness:
      return (pixels * amounts_for(pixels, amounts)).clamp(0, 1);
    case PictureOp::kContrast:
      return away_from(grey_of(pixels).mean({1, 2, 3, 4}, /*keepdim=*/true), pixels, amounts_for(pixels, amounts));
    case PictureOp::kSaturation:
      return away_from(grey_of(pixels), pixels, amounts_for(pixels, amounts));
    case PictureOp::kSharpness:
      return away_from(smoothed(pixels), pixels, amounts_for(pixels, amounts));
    case PictureOp::kPosterise:
      return posterise(pixels, amounts);
    case PictureOp::kSolarise:
      return at::where(pixels.ge(amounts_for(pixels, amounts)), 1 - pixels, pixels);
    default:
      return moved_on_fill(pixels, op, amounts, fill);
  }
}

}  // namespace cmkd
