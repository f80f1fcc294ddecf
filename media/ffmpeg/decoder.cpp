#include "decoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "cmkd/core/file.h"
#include "cmkd/media/video.h"
#include "demuxer.h"
#include "log.h"

namespace cmkd::media {
namespace {

// Besides the references: the picture being decoded and the one in the hands of the caller.
constexpr int kPicturesInFlight = 2;
// Bit-stream buffers, entropy tables and the scaler's lines.
constexpr std::size_t kFixedBytes = std::size_t{8} << 20;
// Motion vectors, reference indices and macroblock types that H.264 keeps beside each picture: 140 bytes for 256
// pixels.
constexpr std::size_t kSideBytesPer16Pixels = 9;

bool skipping_is_exact(AVCodecID codec) noexcept {
  switch (codec) {
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
    case AV_CODEC_ID_MPEG4:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::size_t estimated_decoder_bytes(const VideoStreamInfo& info) {
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(av_get_pix_fmt(info.pixel_format.c_str()));
  const std::size_t bits = format != nullptr ? static_cast<std::size_t>(av_get_padded_bits_per_pixel(format)) : 12;
  // Decoders pad to whole macroblocks and leave a margin for motion vectors that point outside.
  const auto padded = [](int side) { return static_cast<std::size_t>((std::max(side, 0) + 15) / 16 * 16 + 64); };
  const std::size_t pixels = padded(info.width) * padded(info.height);
  const std::size_t pictures = static_cast<std::size_t>(std::max(info.reference_frames, 1) + kPicturesInFlight);
  return kFixedBytes + pictures * (pixels * bits / 8 + pixels * kSideBytesPer16Pixels / 16);
}

int decoders_within(const VideoStreamInfo& info, std::size_t limit_bytes) {
  return static_cast<int>(std::clamp<std::size_t>(limit_bytes / estimated_decoder_bytes(info), 1, 1 << 20));
}

Outcome<StreamDecoder> StreamDecoder::open(const AVStream& stream, std::size_t memory_limit_bytes) {
  const AVCodecParameters& parameters = *stream.codecpar;
  const AVCodec* decoder = avcodec_find_decoder(parameters.codec_id);
  if (decoder == nullptr) return Failure{FailureReason::kUnsupportedCodec, avcodec_get_name(parameters.codec_id)};
  if (parameters.codec_type == AVMEDIA_TYPE_VIDEO) {
    const std::size_t bytes = estimated_decoder_bytes(describe_video(stream));
    if (bytes > memory_limit_bytes) {
      return Failure{
          FailureReason::kTooLarge,
          fmt::format("{}x{} {} needs about {} to decode, the limit is {}", parameters.width, parameters.height,
                      avcodec_get_name(parameters.codec_id), format_bytes(bytes), format_bytes(memory_limit_bytes))};
    }
  }
  CodecHandle codec(avcodec_alloc_context3(decoder));
  if (codec == nullptr) throw std::bad_alloc();
  if (const int code = avcodec_parameters_to_context(codec.get(), &parameters); code < 0) {
    return Failure{FailureReason::kUnsupportedCodec, failure_detail(code)};
  }
  codec->thread_count = 1;
  codec->pkt_timebase = stream.time_base;
  if (const int code = avcodec_open2(codec.get(), decoder, nullptr); code < 0) {
    return Failure{FailureReason::kUnsupportedCodec,
                   fmt::format("{}: {}", avcodec_get_name(parameters.codec_id), failure_detail(code))};
  }
  return StreamDecoder(std::move(codec));
}

bool StreamDecoder::feed(const AVPacket* packet, const TakeFrame& take) {
  // The decoder is emptied after each packet, so that it always accepts the next one.
  const int sent = avcodec_send_packet(codec_.get(), packet);
  if (sent < 0 && sent != AVERROR(EAGAIN) && sent != AVERROR_EOF) ++refused_packets_;
  while (true) {
    const int received = avcodec_receive_frame(codec_.get(), frame_.get());
    if (received == AVERROR(EAGAIN) || received == AVERROR_EOF) return true;
    if (received < 0) {
      ++refused_packets_;
      // While a packet is being decoded the rest of it is lost; at the end later frames may still come.
      if (packet != nullptr || received != AVERROR_INVALIDDATA) return true;
      continue;
    }
    if (frame_->decode_error_flags != 0 || (frame_->flags & AV_FRAME_FLAG_CORRUPT) != 0) ++flawed_frames_;
    const bool more = take(*frame_);
    av_frame_unref(frame_.get());
    if (!more) return false;
  }
}

void StreamDecoder::flush() { avcodec_flush_buffers(codec_.get()); }

bool StreamDecoder::starts_at_key_packets() const noexcept {
  switch (codec_->codec_id) {
    case AV_CODEC_ID_VP8:
    case AV_CODEC_ID_VP9:
    case AV_CODEC_ID_AV1:
      return true;
    default:
      break;
  }
  const AVCodecDescriptor* descriptor = avcodec_descriptor_get(codec_->codec_id);
  const bool intra_only = descriptor != nullptr && (descriptor->props & AV_CODEC_PROP_INTRA_ONLY) != 0;
  return intra_only || skipping_is_exact(codec_->codec_id);
}

void StreamDecoder::skip_unreferenced(bool skip) {
  codec_->skip_frame = skip && skipping_is_exact(codec_->codec_id) ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
}

}  // namespace cmkd::media
