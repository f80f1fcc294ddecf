// One stream's decoder, with one thread and a bounded memory.
#pragma once

#include <cstdint>
#include <functional>

#include "cmkd/media/media.h"
#include "handles.h"

namespace cmkd::media {

// The decoder's memory by an estimate from above: the pictures that it may hold, and its own tables.
[[nodiscard]] std::size_t estimated_decoder_bytes(const VideoStreamInfo& info);

// Owns the codec. Not thread-safe.
class StreamDecoder {
 public:
  // kUnsupportedCodec, or kTooLarge for video beyond `memory_limit_bytes`.
  [[nodiscard]] static Outcome<StreamDecoder> open(const AVStream& stream, std::size_t memory_limit_bytes);

  // Sees one frame at a time; the frame is valid during the call only. Returns false to stop.
  using TakeFrame = std::function<bool(AVFrame& frame)>;

  // Decodes one packet (nullptr: the end of the stream) and hands out all that comes of it. False when `take` stopped.
  bool feed(const AVPacket* packet, const TakeFrame& take);
  // Ready for a packet from elsewhere in the stream.
  void flush();
  // Whether a key packet of this codec can be believed to need no other packet. Some old codecs' containers mark
  // packets as key that are not.
  [[nodiscard]] bool starts_at_key_packets() const noexcept;
  // Whether frames that no other frame refers to are left out, from the next packet on. Only where this was checked to
  // leave the other frames as they are; elsewhere it does nothing.
  void skip_unreferenced(bool skip);

  // Frames by which the output lags behind the input, because frames come in another order than their packets.
  [[nodiscard]] int delay() const noexcept { return codec_->has_b_frames; }

  // Packets that the decoder refused, and frames that it delivered with concealed errors, so far.
  [[nodiscard]] std::int64_t refused_packets() const noexcept { return refused_packets_; }
  [[nodiscard]] std::int64_t flawed_frames() const noexcept { return flawed_frames_; }

 private:
  explicit StreamDecoder(CodecHandle codec) : codec_(std::move(codec)), frame_(make_frame()) {}

  CodecHandle codec_;
  FrameHandle frame_;
  std::int64_t refused_packets_ = 0;
  std::int64_t flawed_frames_ = 0;
};

}  // namespace cmkd::media
