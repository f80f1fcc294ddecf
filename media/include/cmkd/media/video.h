// Video frames by presentation time, at a working size, as uint8 RGB.
//
// The stream's first presentation time is that of the first frame which comes out of the decoder, in order of
// presentation: what cannot be decoded, as before the first key frame of a cut file, does not count.
//
// Colours follow the matrix and range that the stream states (unstated: BT.601, limited, as FFmpeg has it); pixels
// count as square; HDR is not tone-mapped; interlaced frames are delivered as stored. When a stream's resolution
// changes, all frames are delivered at the size that its first frame settles.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cmkd/media/media.h"

namespace cmkd::media {

// The size at which frames are delivered, after rotation.
struct FrameSize {
  int short_side = 0;  // > 0: the shorter side gets this size, the other keeps the aspect ratio (rounded to even)
  int width = 0;       // both > 0: exactly this size, the picture is squeezed
  int height = 0;      // all zero: the stream's own size
};

struct VideoOptions {
  FrameSize size;
  // Per decoder, by an estimate from above (picture size, reference frames); kTooLarge beyond it.
  std::size_t memory_limit_bytes = std::size_t{150} << 20;
};

// Frames of one stream.
struct VideoFrames {
  std::int64_t frame_count = 0;
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;  // [T, 3, H, W] RGB, row-major
  // [T] of the source frame behind each delivered frame, after the stream's first presentation time.
  std::vector<double> presentation_time_s;
  double origin_s = 0;             // the stream's first presentation time, on the container's clock
  std::optional<Failure> warning;  // kTruncated: what is here is real, but the stream ends early or has errors
};

// Every frame that begins in the range, in order of presentation; or resampled by presentation time: delivered frame k
// is the last source frame with presentation time <= start_s + k / fps, for as long as that time lies in the range and
// before the end of the last source frame. All times are relative to the stream's first presentation time.
// kOutOfRange when no frame lies there.
struct VideoRange {
  double start_s = 0;
  double duration_s = std::numeric_limits<double>::infinity();
  double fps = 0;  // 0: every source frame
};

// One sequential pass. Thread-safe; the decoder has one thread.
[[nodiscard]] Outcome<VideoFrames> decode_video(const std::filesystem::path& path, const VideoRange& range,
                                                const VideoOptions& options = {});

// Exact random access. Not thread-safe; one decoder, one thread, bounded memory.
class VideoReader {
 public:
  [[nodiscard]] static Outcome<VideoReader> open(const std::filesystem::path& path, const VideoOptions& options = {});
  ~VideoReader();
  VideoReader(VideoReader&&) noexcept;
  VideoReader& operator=(VideoReader&&) noexcept;

  // For each time (ascending, seconds after the stream's first presentation time) the last frame whose presentation
  // time is <= it, on frame edges too. Decodes from the nearest key frame, skips frames that nobody references and
  // nobody wants. A time before the first frame is kOutOfRange; after the last frame it is the last frame.
  [[nodiscard]] Outcome<VideoFrames> frames_at(std::span<const double> times_s);

  // As decode_video, on the open stream.
  [[nodiscard]] Outcome<VideoFrames> frames_in(const VideoRange& range);

  [[nodiscard]] const VideoStreamInfo& info() const noexcept;
  // VideoFrames::origin_s, without a frame.
  [[nodiscard]] double origin_s() const;

 private:
  struct State;
  explicit VideoReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Decoders of this stream that may run at once under `limit_bytes` in all, by its size and reference frames; >= 1.
[[nodiscard]] int decoders_within(const VideoStreamInfo& info, std::size_t limit_bytes);

}  // namespace cmkd::media
