#include "cmkd/methods/strong_view.h"

#include <ATen/ATen.h>

#include <cmath>

#include "cmkd/methods/clip_draws.h"

namespace cmkd {

namespace {

// [B, 1, …] uniform in [low, high), drawn on the host.
at::Tensor uniform_draw(const at::Tensor& like, double low, double high) {
  return for_each_clip(draw_uniform(like.size(0), low, high), like);
}

// [B, …, length, …] in which `share` of the positions along `axis` are true, at a random place of each clip.
at::Tensor stretch(const at::Tensor& like, std::int64_t axis, const at::Tensor& share) {
  const std::int64_t length = like.size(axis);
  std::vector<std::int64_t> shape(static_cast<std::size_t>(like.dim()), 1);
  shape[static_cast<std::size_t>(axis)] = length;
  const at::Tensor position = (at::arange(length, like.options()) / static_cast<double>(length)).view(shape);
  const at::Tensor start = uniform_draw(like, 0, 1) * (1 - share);
  return position.ge(start).logical_and(position.lt(start + share));
}

at::Tensor strong_video(const at::Tensor& video) {
  // One after the other: the order of an operator's operands is the compiler's; this one is GCC's.
  const at::Tensor brightness = uniform_draw(video, -0.4, 0.4);
  const at::Tensor contrast = uniform_draw(video, 0.6, 1.4);
  const at::Tensor changed = video * contrast + brightness;
  const at::Tensor half = at::full({}, 0.5, video.options());
  return changed.masked_fill(stretch(video, 3, half).logical_and(stretch(video, 4, half)), 0);
}

at::Tensor strong_audio(const at::Tensor& audio) {
  const at::Tensor gain = at::pow(10, uniform_draw(audio, -6, 6) / 20);
  const at::Tensor level = at::pow(10, uniform_draw(audio, -40, -20) / 20);
  const at::Tensor root_mean_square = audio.square().mean(1, /*keepdim=*/true).sqrt();
  const at::Tensor noise = at::randn(audio.sizes(), at::TensorOptions().dtype(at::kDouble)).to(audio.options());
  const at::Tensor changed = gain * (audio + level * root_mean_square * noise);
  return changed.masked_fill(stretch(audio, 1, uniform_draw(audio, 0, 0.2)), 0);
}

}  // namespace

at::Tensor strong_view(const at::Tensor& input, Modality modality) {
  return modality == Modality::kVideo ? strong_video(input) : strong_audio(input);
}

}  // namespace cmkd
