// One stream decoded from its first packet to its last, with the account of what came and what did not.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <optional>

#include "cmkd/media/media.h"
#include "decoder.h"
#include "demuxer.h"

namespace cmkd::media {

struct StreamPass {
  std::int64_t frames = 0;
  std::int64_t samples = 0;        // audio only
  bool times_are_real = true;      // every frame came with its own presentation time
  std::optional<Failure> verdict;  // kNothingDecodable, or kTruncated after some frames; nothing when all is well
};

// A decoded frame with its presentation time in ticks of the stream; made up from the order of decoding and the frame
// rate where the file states none.
using TakeTimedFrame = std::function<bool(AVFrame& frame, std::int64_t ticks, const AVStream& stream)>;

// Decodes the best stream of `type`. A failure when there is no such stream or no decoder for it; otherwise the verdict
// is in the account, also when `take` stopped early (then it covers only what was decoded). Thread-safe.
[[nodiscard]] Outcome<StreamPass> decode_stream(const std::filesystem::path& path, AVMediaType type,
                                                std::size_t memory_limit_bytes, const TakeTimedFrame& take);
// The same on an open container that stands at its beginning.
[[nodiscard]] Outcome<StreamPass> decode_stream(Demuxer& demuxer, AVMediaType type, std::size_t memory_limit_bytes,
                                                const TakeTimedFrame& take);

// Ticks of one frame by the frame rate; at least 1.
[[nodiscard]] std::int64_t nominal_frame_ticks(const AVStream& stream);

// Whether the container states times of decoding only, and what FFmpeg says of presentation is derived from them.
[[nodiscard]] bool states_decoding_times_only(const AVFormatContext& format) noexcept;

// Presentation times of frames in the order in which a decoder delivers them.
class FrameClock {
 public:
  FrameClock(const AVFormatContext& format, const AVStream& stream)
      : stream_(&stream), decoding_times_only_(states_decoding_times_only(format)) {}
  // A packet is about to be decoded.
  void see(const AVPacket& packet);
  // `decoder_delay`: packets by which the decoder's output lags behind its input.
  std::int64_t ticks_of(const AVFrame& frame, int decoder_delay);
  [[nodiscard]] bool all_real() const noexcept { return all_real_; }

 private:
  [[nodiscard]] std::int64_t next_decoding_time(int decoder_delay);

  const AVStream* stream_;
  bool decoding_times_only_;
  std::deque<std::int64_t> decoding_times_;  // ascending, of packets whose frames did not come yet
  std::optional<std::int64_t> last_;
  std::int64_t last_duration_ = 0;
  bool all_real_ = true;
};

}  // namespace cmkd::media
