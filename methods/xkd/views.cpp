#include "cmkd/methods/xkd_views.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cmkd/core/error.h"
#include "cmkd/methods/clip_draws.h"

namespace cmkd {

namespace {

// [B] 1 with the given chance, else 0.
at::Tensor draw_chance(std::int64_t clips, double chance) {
  return draw_uniform(clips, 0, 1).lt(chance).to(at::kDouble);
}

struct Cut {
  at::Tensor from;    // [B]
  at::Tensor extent;  // [B]
};

// Parts of one picture, centred at random inside it.
struct PictureCut {
  Cut rows;
  Cut columns;
};

PictureCut cut_picture(std::int64_t clips, double area_low, double area_high, std::int64_t height, std::int64_t width) {
  const at::Tensor area = draw_uniform(clips, area_low, area_high) * static_cast<double>(height * width);
  const at::Tensor aspect = draw_uniform(clips, std::log(3.0 / 4.0), std::log(4.0 / 3.0)).exp();
  const auto place = [&](const at::Tensor& side, std::int64_t length) {
    const at::Tensor extent = side.clamp(1.0, static_cast<double>(length));
    return Cut{draw_uniform(clips, 0, 1) * (static_cast<double>(length) - extent), extent};
  };
  const at::Tensor across = (area * aspect).sqrt();
  const at::Tensor down = (area / aspect).sqrt();
  PictureCut cut;
  cut.rows = place(down, height);
  cut.columns = place(across, width);
  return cut;
}

PictureCut whole_picture(std::int64_t clips, std::int64_t height, std::int64_t width) {
  const auto whole = [clips](std::int64_t length) {
    return Cut{at::zeros({clips}, at::kDouble), at::full({clips}, static_cast<double>(length), at::kDouble)};
  };
  return {whole(height), whole(width)};
}

// x [B, C, T, H, W], rows [B, h, H], columns [B, w, W] -> [B, C, T, h, w].
at::Tensor resample(const at::Tensor& x, const at::Tensor& rows, const at::Tensor& columns) {
  const at::Tensor r = rows.to(x.options()).unsqueeze(1).unsqueeze(1);
  const at::Tensor c = columns.to(x.options()).unsqueeze(1).unsqueeze(1);
  return at::matmul(at::matmul(r, x), c.transpose(-1, -2));
}

at::Tensor jitter_colours(const at::Tensor& x, std::int64_t clips, double grey_chance) {
  const at::Tensor contrast = draw_uniform(clips, 0.6, 1.4);
  const at::Tensor brightness = draw_uniform(clips, -0.4, 0.4);
  const at::Tensor grey_or_not = draw_chance(clips, grey_chance);
  const at::Tensor saturation = draw_uniform(clips, 0.6, 1.4) * (1 - grey_or_not);
  const at::Tensor grey = x.mean(1, /*keepdim=*/true);
  const at::Tensor coloured = grey + (x - grey) * for_each_clip(saturation, x);
  return coloured * for_each_clip(contrast, x) + for_each_clip(brightness, x);
}

struct PictureRules {
  double area_low = 0.2;
  double area_high = 1.0;
  double grey_chance = 0.0;
  double blur_chance = 0.0;
};

// One view of x [B, 3, T, H, W], `side_rows` by `side_columns` pixels.
at::Tensor view_of_picture(const at::Tensor& x, std::int64_t side_rows, std::int64_t side_columns,
                           const PictureRules& rules, const XkdViewOptions& options) {
  const std::int64_t clips = x.size(0);
  const std::int64_t height = x.size(3);
  const std::int64_t width = x.size(4);
  const bool cut = options.augment || side_rows != height || side_columns != width;
  if (!cut && !options.mirror) return x;
  const PictureCut part =
      cut ? cut_picture(clips, rules.area_low, rules.area_high, height, width) : whole_picture(clips, height, width);
  at::Tensor rows = sampling_matrix(part.rows.from, part.rows.extent, side_rows, height, Beyond::kEdge);
  at::Tensor columns = sampling_matrix(part.columns.from, part.columns.extent, side_columns, width, Beyond::kEdge);
  if (options.mirror) {
    const at::Tensor mirrored = draw_chance(clips, 0.5).view({clips, 1, 1});
    columns = mirrored * columns.flip(1) + (1 - mirrored) * columns;
  }
  if (options.augment && rules.blur_chance > 0) {
    const at::Tensor blurred = draw_chance(clips, rules.blur_chance);
    const at::Tensor sigma = draw_uniform(clips, 0.1, 2.0) * blurred;
    rows = at::matmul(blurring_matrix(sigma, side_rows), rows);
    columns = at::matmul(blurring_matrix(sigma, side_columns), columns);
  }
  const at::Tensor view = resample(x, rows, columns);
  return options.augment ? jitter_colours(view, clips, rules.grey_chance) : view;
}

// The largest multiple of `patch` up to `length`.
std::int64_t whole_patches(std::int64_t length, std::int64_t patch, const char* what) {
  const std::int64_t whole = length / patch * patch;
  if (whole > 0) return whole;
  throw Error(
      ErrorKind::kUsage,
      {.what = fmt::format("a local view of XKD has {} {}, less than one patch of {}", length, what, patch),
       .fix = "a longer or larger window (clip.frames, clip.crop), smaller patches, local_views = 0, or another "
              "temporal_ratio or local_size"});
}

// Of each clip a stretch of `length` along `axis`, which begins at a place of its own.
at::Tensor random_stretch(const at::Tensor& x, std::int64_t axis, std::int64_t length) {
  const std::int64_t clips = x.size(0);
  const at::Tensor start = (draw_uniform(clips, 0, 1) * static_cast<double>(x.size(axis) - length + 1)).to(at::kLong);
  std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
  shape.front() = clips;
  shape[static_cast<std::size_t>(axis)] = length;
  const at::Tensor places = (start.unsqueeze(1) + at::arange(length, at::kLong)).view(shape).to(x.device());
  std::vector<std::int64_t> wanted = x.sizes().vec();
  wanted[static_cast<std::size_t>(axis)] = length;
  return x.gather(axis, places.expand(wanted));
}

at::Tensor change_volume(const at::Tensor& waveform, double most) {
  return waveform * for_each_clip(draw_uniform(waveform.size(0), 1 - most, 1 + most), waveform);
}

// Cut out of a canvas and scaled back; x [B, 1, F, T].
at::Tensor cut_spectrogram(const at::Tensor& x) {
  const std::int64_t clips = x.size(0);
  const auto place = [clips](std::int64_t length, double canvas_scale) {
    const auto canvas = std::floor(static_cast<double>(length) * canvas_scale);
    const at::Tensor extent = (draw_uniform(clips, 0.6, 1.5) * static_cast<double>(length)).floor().clamp(1, canvas);
    const at::Tensor from = (draw_uniform(clips, 0, 1) * (canvas - extent + 1)).floor();
    return Cut{from - std::floor((canvas - static_cast<double>(length)) / 2), extent};
  };
  const Cut bands = place(x.size(2), 1.0);
  const Cut frames = place(x.size(3), 1.5);
  return resample(x.unsqueeze(2), sampling_matrix(bands.from, bands.extent, x.size(2), x.size(2), Beyond::kZero),
                  sampling_matrix(frames.from, frames.extent, x.size(3), x.size(3), Beyond::kZero))
      .squeeze(2);
}

}  // namespace

at::Tensor sampling_matrix(const at::Tensor& from, const at::Tensor& extent, std::int64_t out, std::int64_t length,
                           Beyond beyond) {
  const at::Tensor step = extent.unsqueeze(1) / static_cast<double>(out);  // [B, 1]
  const at::Tensor centre = from.unsqueeze(1) + (at::arange(out, from.options()) + 0.5) * step - 0.5;
  const at::Tensor reach = step.clamp_min(1.0).unsqueeze(2);  // of the triangle
  const at::Tensor distance = (at::arange(length, from.options()) - centre.unsqueeze(2)).abs();
  const at::Tensor weights = (1 - distance / reach).clamp_min(0.0);
  return beyond == Beyond::kZero ? weights / reach : weights / weights.sum(2, /*keepdim=*/true);
}

at::Tensor blurring_matrix(const at::Tensor& sigma, std::int64_t length) {
  const at::Tensor places = at::arange(length, sigma.options());
  const at::Tensor squared = (places.unsqueeze(0) - places.unsqueeze(1)).square().unsqueeze(0);
  const at::Tensor width = sigma.clamp_min(1e-3).view({-1, 1, 1});
  const at::Tensor weights = (-squared / (2 * width.square())).exp();
  return weights / weights.sum(2, /*keepdim=*/true);
}

std::vector<std::int64_t> xkd_local_size(const VitOptions& vit, const XkdViewOptions& options) {
  const auto side = [&](std::size_t axis) {
    const std::int64_t length = options.local_size > 0 ? options.local_size : vit.size[axis] * 96 / 112;
    return whole_patches(length, vit.patch[axis], "pixels");
  };
  return {whole_patches(vit.size[0] / options.temporal_ratio, vit.patch[0], "frames"), side(1), side(2)};
}

std::vector<at::Tensor> xkd_video_views(const at::Tensor& video, const VitOptions& vit, const XkdViewOptions& options) {
  std::vector<at::Tensor> views{view_of_picture(video, video.size(3), video.size(4), {0.2, 1.0, 0.0, 0.0}, options)};
  if (options.local_views == 0) return views;
  const std::vector<std::int64_t> size = xkd_local_size(vit, options);
  for (std::int64_t i = 0; i < options.local_views; ++i) {
    views.push_back(
        view_of_picture(random_stretch(video, 2, size[0]), size[1], size[2], {0.08, 0.4, 0.2, 0.5}, options));
  }
  return views;
}

std::vector<at::Tensor> xkd_audio_views(const at::Tensor& waveform, VitModel& model, const XkdViewOptions& options) {
  const auto spectrogram = [&](const at::Tensor& part, double volume) {
    return model.backbone_input(options.augment ? change_volume(part, volume) : part);
  };
  std::vector<at::Tensor> views{spectrogram(waveform, 0.1)};
  const std::int64_t samples = waveform.size(1) / options.temporal_ratio;
  for (std::int64_t i = 0; i < options.local_views; ++i) {
    const at::Tensor local = spectrogram(random_stretch(waveform, 1, samples), 0.2);
    views.push_back(options.augment ? cut_spectrogram(local) : local);
  }
  return views;
}

}  // namespace cmkd
