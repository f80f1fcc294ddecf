#include "cmkd/datasets/examine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cmkd/media/audio.h"

namespace cmkd {

namespace {

bool is_silent(const std::vector<float>& samples) {
  return std::ranges::all_of(samples, [](float sample) { return std::abs(sample) < kSilentBelow; });
}

// The means of a frame's blocks, [3, rows, columns].
std::vector<double> block_means(const std::uint8_t* frame, int height, int width) {
  const int rows = std::min(height, kStaticBlocks);
  const int columns = std::min(width, kStaticBlocks);
  std::vector<double> means;
  means.reserve(std::size_t{3} * static_cast<std::size_t>(rows * columns));
  for (int channel = 0; channel < 3; ++channel, frame += std::ptrdiff_t{height} * width) {
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column) {
        const int top = row * height / rows;
        const int bottom = (row + 1) * height / rows;
        const int left = column * width / columns;
        const int right = (column + 1) * width / columns;
        std::int64_t sum = 0;
        for (int y = top; y < bottom; ++y) {
          const std::uint8_t* line = frame + std::ptrdiff_t{y} * width;
          sum = std::accumulate(line + left, line + right, sum);
        }
        means.push_back(static_cast<double>(sum) / ((bottom - top) * (right - left)));
      }
    }
  }
  return means;
}

bool is_static(const DecodedClip& clip) {
  if (clip.frame_count < 2 || clip.height < 1 || clip.width < 1) return false;
  const std::size_t frame = clip.pixels.size() / static_cast<std::size_t>(clip.frame_count);
  const std::vector<double> first = block_means(clip.pixels.data(), clip.height, clip.width);
  for (std::size_t at = frame; at < clip.pixels.size(); at += frame) {
    const std::vector<double> other = block_means(clip.pixels.data() + at, clip.height, clip.width);
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (std::abs(first[i] - other[i]) > kStaticWithin) return false;
    }
  }
  return true;
}

}  // namespace

media::Outcome<DecodedClip> decode_examined(const ClipSource& source, const Clip& clip,
                                            const IngestSettings& settings) {
  media::Outcome<DecodedClip> outcome = source.decode(clip, settings);
  if (!outcome) return outcome;
  DecodedClip& decoded = outcome.value();
  // Sound of media files is refused where it is decoded; this holds what any other source makes to the same.
  const auto unusable = std::ranges::count_if(decoded.samples, [](float x) { return !media::is_usable_sample(x); });
  if (unusable > 0) {
    return media::Failure{
        media::FailureReason::kUnusableSamples,
        fmt::format("{} of {} {} are not finite or beyond {:.0f}", unusable, decoded.samples.size(),
                    settings.sound_is_features() ? "values of the feature" : "samples", media::kLargestSample)};
  }
  if (!decoded.samples.empty() && !settings.sound_is_features() && is_silent(decoded.samples)) {
    decoded.add_finding("silent_throughout", "silent throughout");
  }
  if (is_static(decoded)) decoded.add_finding("static_picture", "the picture never changes");
  return outcome;
}

}  // namespace cmkd
