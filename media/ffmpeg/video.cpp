#include "cmkd/media/video.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cmkd/core/error.h"
#include "picture.h"
#include "stream_pass.h"
#include "timeline.h"

namespace cmkd::media {
namespace {

void check_video_request(const VideoRange& range, const VideoOptions& options) {
  constexpr double kHighestRate = 10000;
  if (!(range.start_s >= 0) || !std::isfinite(range.start_s) || !(range.duration_s >= 0) || !(range.fps >= 0) ||
      range.fps > kHighestRate) {
    throw Error(
        ErrorKind::kUsage,
        {.what = fmt::format("frames from {} s for {} s at {} per second", range.start_s, range.duration_s, range.fps),
         .allowed = fmt::format("a start and a duration that are not negative, a rate of 0 … {}", kHighestRate)});
  }
  const FrameSize& size = options.size;
  if (size.short_side < 0 || size.width < 0 || size.height < 0 || (size.width > 0) != (size.height > 0)) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("frame size: short side {}, {}x{}", size.short_side, size.width, size.height),
                 .allowed = "a short side, or a width and a height, or neither"});
  }
}

// Frames came in another order than their times say: brings them into the order of presentation.
void sort_by_time(VideoFrames& frames, std::vector<std::int64_t>& ticks) {
  std::vector<std::size_t> order(ticks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return ticks[a] < ticks[b]; });
  const std::size_t bytes = frames.pixels.size() / ticks.size();
  std::vector<std::uint8_t> pixels(frames.pixels.size());
  std::vector<std::int64_t> times(ticks.size());
  for (std::size_t k = 0; k < order.size(); ++k) {
    std::copy_n(frames.pixels.begin() + static_cast<std::ptrdiff_t>(order[k] * bytes), bytes,
                pixels.begin() + static_cast<std::ptrdiff_t>(k * bytes));
    times[k] = ticks[order[k]];
  }
  frames.pixels = std::move(pixels);
  ticks = std::move(times);
}

// Every frame of the stream in one pass.
Outcome<VideoFrames> decode_all(const std::filesystem::path& path, const VideoOptions& options) {
  auto demuxer = Demuxer::open(path);
  if (!demuxer) return demuxer.failure();
  const AVStream* stream = demuxer.value().best(AVMEDIA_TYPE_VIDEO);
  if (stream == nullptr) return Failure{FailureReason::kNoVideoStream, ""};
  const VideoStreamInfo info = describe_video(*stream);

  PictureConverter converter(options.size, info.rotation_degrees);
  VideoFrames frames;
  std::vector<std::int64_t> ticks;
  bool unconvertible = false;
  const auto take = [&](AVFrame& frame, std::int64_t at, const AVStream&) {
    converter.settle_size(frame.width, frame.height);
    const std::size_t before = frames.pixels.size();
    frames.pixels.resize(before + converter.frame_bytes());
    unconvertible = !converter.convert(frame, frames.pixels.data() + before);
    ticks.push_back(at);
    return !unconvertible;
  };
  const auto pass = decode_stream(demuxer.value(), AVMEDIA_TYPE_VIDEO, options.memory_limit_bytes, take);
  if (!pass) return pass.failure();
  if (unconvertible) {
    return Failure{FailureReason::kUnsupportedCodec, "no conversion to RGB from pixel format " + info.pixel_format};
  }
  if (ticks.empty()) return *pass.value().verdict;
  if (!std::is_sorted(ticks.begin(), ticks.end())) sort_by_time(frames, ticks);
  for (const std::int64_t at : ticks) {
    frames.presentation_time_s.push_back(seconds_at(at - ticks.front(), stream->time_base));
  }
  frames.origin_s = seconds_at(ticks.front(), stream->time_base);
  frames.frame_count = static_cast<std::int64_t>(ticks.size());
  frames.width = converter.width();
  frames.height = converter.height();
  frames.warning = pass.value().verdict;
  return frames;
}

}  // namespace

Outcome<VideoFrames> decode_video(const std::filesystem::path& path, const VideoRange& range,
                                  const VideoOptions& options) {
  check_video_request(range, options);
  if (range.fps == 0 && range.start_s == 0 && std::isinf(range.duration_s)) return decode_all(path, options);
  auto reader = VideoReader::open(path, options);
  if (!reader) return reader.failure();
  return reader.value().frames_in(range);
}

}  // namespace cmkd::media
