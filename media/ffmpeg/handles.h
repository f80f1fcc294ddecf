// FFmpeg's headers in one place, and one owner for each of its handles.
#pragma once

#include <memory>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

namespace cmkd::media {

struct CloseInput {
  void operator()(AVFormatContext* format) const noexcept { avformat_close_input(&format); }
};
// An output context with its file; the file is closed first when it is still open.
struct CloseOutput {
  void operator()(AVFormatContext* format) const noexcept {
    avio_closep(&format->pb);
    avformat_free_context(format);
  }
};
struct FreeCodec {
  void operator()(AVCodecContext* codec) const noexcept { avcodec_free_context(&codec); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const noexcept { av_frame_free(&frame); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const noexcept { av_packet_free(&packet); }
};
struct FreeScaler {
  void operator()(SwsContext* scaler) const noexcept { sws_freeContext(scaler); }
};
struct FreeResampler {
  void operator()(SwrContext* resampler) const noexcept { swr_free(&resampler); }
};
struct FreeDictionary {
  void operator()(AVDictionary* dictionary) const noexcept { av_dict_free(&dictionary); }
};

using InputHandle = std::unique_ptr<AVFormatContext, CloseInput>;
using OutputHandle = std::unique_ptr<AVFormatContext, CloseOutput>;
using CodecHandle = std::unique_ptr<AVCodecContext, FreeCodec>;
using FrameHandle = std::unique_ptr<AVFrame, FreeFrame>;
using PacketHandle = std::unique_ptr<AVPacket, FreePacket>;
using ScalerHandle = std::unique_ptr<SwsContext, FreeScaler>;
using ResamplerHandle = std::unique_ptr<SwrContext, FreeResampler>;

// These throw std::bad_alloc when memory is out.
[[nodiscard]] FrameHandle make_frame();
[[nodiscard]] PacketHandle make_packet();

// The frame's own duration in its time base; 0 when unknown. The field's name changed with FFmpeg 6.
[[nodiscard]] inline std::int64_t frame_duration(const AVFrame& frame) noexcept {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  return frame.duration;
#else
  return frame.pkt_duration;
#endif
}

}  // namespace cmkd::media
