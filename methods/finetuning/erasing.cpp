#include "cmkd/methods/erasing.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace cmkd {

namespace {

std::int64_t erased_side(double side, std::int64_t length) {
  return std::clamp<std::int64_t>(std::llround(side), 1, length);
}

std::int64_t erased_start(std::int64_t side, std::int64_t length, RandomStream& stream) {
  return static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(length - side + 1)));
}

}  // namespace

std::optional<ErasedPlace> draw_erasing(std::int64_t height, std::int64_t width, const ErasingOptions& options,
                                        RandomStream& stream) {
  if (!stream.bernoulli(options.chance)) return std::nullopt;
  const double area = stream.uniform(options.area_low, options.area_high) * static_cast<double>(height * width);
  const double aspect = std::exp(stream.uniform(std::log(options.aspect), -std::log(options.aspect)));
  ErasedPlace place;
  place.height = erased_side(std::sqrt(area * aspect), height);
  place.width = erased_side(std::sqrt(area / aspect), width);
  place.top = erased_start(place.height, height, stream);
  place.left = erased_start(place.width, width, stream);
  return place;
}

at::Tensor erase_places(const at::Tensor& video, const std::vector<std::optional<ErasedPlace>>& places) {
  at::Tensor erased = video;
  for (std::size_t clip = 0; clip < places.size(); ++clip) {
    if (!places[clip]) continue;
    if (erased.is_same(video)) erased = video.clone();
    const ErasedPlace& place = *places[clip];
    const at::Tensor noise = at::randn({video.size(1), video.size(2), place.height, place.width}, at::kFloat);
    erased.select(0, static_cast<std::int64_t>(clip))
        .narrow(2, place.top, place.height)
        .narrow(3, place.left, place.width)
        .copy_(noise);
  }
  return erased;
}

at::Tensor random_erasing(const at::Tensor& video, const ErasingOptions& options, RandomStream& stream) {
  std::vector<std::optional<ErasedPlace>> places;
  for (std::int64_t clip = 0; clip < video.size(0); ++clip) {
    places.push_back(draw_erasing(video.size(3), video.size(4), options, stream));
  }
  return erase_places(video, places);
}

}  // namespace cmkd
