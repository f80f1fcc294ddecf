#ifdef CMKD_HAVE_FFMPEG

#include "clock_material.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <optional>
#include <stdexcept>

#include "handles.h"

namespace cmkd::test {
namespace {

using namespace media;  // NOLINT: its handles

constexpr int kWidth = 64;
constexpr int kHeight = 48;
constexpr int kFramesPerSecond = 25;

int require_done(int code, const char* what) {
  if (code < 0) throw std::runtime_error(std::string("cannot write a file for the test: ") + what);
  return code;
}

const AVCodec* find_encoder(const std::string& name) { return avcodec_find_encoder_by_name(name.c_str()); }

// One stream: an encoder whose times begin at 0, and the packets that it made.
class Track {
 public:
  Track(AVFormatContext& format, const std::string& encoder, double start_s) : start_s_(start_s) {
    const AVCodec* codec = find_encoder(encoder);
    if (codec == nullptr) throw std::runtime_error("no encoder " + encoder);
    codec_.reset(avcodec_alloc_context3(codec));
    codec_->flags |= (format.oformat->flags & AVFMT_GLOBALHEADER) != 0 ? AV_CODEC_FLAG_GLOBAL_HEADER : 0;
    codec_->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    stream_ = avformat_new_stream(&format, nullptr);
  }

  AVCodecContext& codec() { return *codec_; }

  void open() {
    require_done(avcodec_open2(codec_.get(), nullptr, nullptr), "encoder");
    stream_->time_base = codec_->time_base;
    stream_->avg_frame_rate = codec_->framerate;
    require_done(avcodec_parameters_from_context(stream_->codecpar, codec_.get()), "stream");
  }

  void encode(const AVFrame* frame, std::vector<PacketHandle>& packets) {
    require_done(avcodec_send_frame(codec_.get(), frame), "frame");
    while (true) {
      PacketHandle packet = make_packet();
      if (avcodec_receive_packet(codec_.get(), packet.get()) < 0) return;
      packet->stream_index = stream_->index;
      const auto shift = std::llround(start_s_ * codec_->time_base.den / codec_->time_base.num);
      packet->pts += shift;
      packet->dts += shift;
      packets.push_back(std::move(packet));
    }
  }

  [[nodiscard]] double time_s(const AVPacket& packet) const {
    return static_cast<double>(packet.pts) * av_q2d(codec_->time_base);
  }
  void shift(AVPacket& packet, double by_s) const {
    const auto ticks = std::llround(by_s / av_q2d(codec_->time_base));
    packet.pts += ticks;
    packet.dts += ticks;
  }
  void to_stream_time(AVPacket& packet) const { av_packet_rescale_ts(&packet, codec_->time_base, stream_->time_base); }

 private:
  double start_s_;
  CodecHandle codec_;
  AVStream* stream_ = nullptr;
};

void encode_pictures(const ClockFile& file, Track& track, std::vector<PacketHandle>& packets) {
  const auto count = std::llround((file.end_s - file.picture_start_s) * kFramesPerSecond);
  FrameHandle frame = make_frame();
  frame->format = track.codec().pix_fmt;
  frame->width = kWidth;
  frame->height = kHeight;
  require_done(av_frame_get_buffer(frame.get(), 0), "picture");
  for (std::int64_t k = 0; k < count; ++k) {
    require_done(av_frame_make_writable(frame.get()), "picture");
    const double time_s = file.picture_start_s + static_cast<double>(k) / kFramesPerSecond;
    const bool bright = file.flash.holds(time_s + 1e-6);
    for (int plane = 0; plane < 3; ++plane) {
      const int shade = plane == 0 ? (bright ? 235 : 16) : 128;
      const std::size_t rows = plane == 0 ? kHeight : kHeight / 2;
      std::memset(frame->data[plane], shade, static_cast<std::size_t>(frame->linesize[plane]) * rows);
    }
    frame->pts = k;
    track.encode(frame.get(), packets);
  }
  track.encode(nullptr, packets);
}

void put_sample(AVFrame& frame, int i, double value) {
  if (frame.format == AV_SAMPLE_FMT_S16 || frame.format == AV_SAMPLE_FMT_S16P) {
    reinterpret_cast<std::int16_t*>(frame.data[0])[i] = static_cast<std::int16_t>(std::lround(value * 32767));
  } else {
    reinterpret_cast<float*>(frame.data[0])[i] = static_cast<float>(value);
  }
}

void encode_sound(const ClockFile& file, Track& track, std::vector<PacketHandle>& packets) {
  const auto count = std::llround((file.end_s - file.sound_start_s) * file.sample_rate);
  const int chunk = track.codec().frame_size > 0 ? track.codec().frame_size : 1024;
  for (std::int64_t at = 0; at < count; at += chunk) {
    FrameHandle frame = make_frame();
    frame->format = track.codec().sample_fmt;
    frame->ch_layout = AV_CHANNEL_LAYOUT_MONO;
    frame->sample_rate = file.sample_rate;
    frame->nb_samples = static_cast<int>(std::min<std::int64_t>(chunk, count - at));
    frame->pts = at;
    require_done(av_frame_get_buffer(frame.get(), 0), "sound");
    for (int i = 0; i < frame->nb_samples; ++i) {
      const double time_s = file.sound_start_s + static_cast<double>(at + i) / file.sample_rate;
      const double phase = 2 * std::numbers::pi * 1000 * (time_s - file.beep.from_s);
      put_sample(*frame, i, file.beep.holds(time_s) ? 0.5 * std::cos(phase) : 0.0);
    }
    track.encode(frame.get(), packets);
  }
  track.encode(nullptr, packets);
}

// Leaves out, repeats and restamps.
std::vector<PacketHandle> edited(const ClockFile& file, const Track& track, std::vector<PacketHandle> packets) {
  std::vector<PacketHandle> result;
  int number = 0;
  for (PacketHandle& packet : packets) {
    const double time_s = track.time_s(*packet);
    if (file.missing.holds(time_s)) continue;
    if (file.jitter_s > 0 && number++ % 3 == 2) track.shift(*packet, -file.jitter_s);
    if (file.twice.holds(time_s)) result.emplace_back(av_packet_clone(packet.get()));
    result.push_back(std::move(packet));
  }
  return result;
}

// Ended by AV_SAMPLE_FMT_NONE.
const AVSampleFormat* sample_formats(const AVCodec& codec) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)
  const void* formats = nullptr;
  if (avcodec_get_supported_config(nullptr, &codec, AV_CODEC_CONFIG_SAMPLE_FORMAT, 0, &formats, nullptr) < 0 ||
      formats == nullptr) {
    throw std::runtime_error("no sample formats are known of the test's encoder");
  }
  return static_cast<const AVSampleFormat*>(formats);
#else
  return codec.sample_fmts;
#endif
}

AVSampleFormat sample_format(const AVCodec& codec) {
  for (const AVSampleFormat* format = sample_formats(codec); *format != AV_SAMPLE_FMT_NONE; ++format) {
    if (*format == AV_SAMPLE_FMT_S16 || *format == AV_SAMPLE_FMT_S16P || *format == AV_SAMPLE_FMT_FLTP) return *format;
  }
  throw std::runtime_error("no sample format for the test");
}

}  // namespace

bool can_write(const ClockFile& file) {
  return (file.video_codec.empty() || find_encoder(file.video_codec) != nullptr) &&
         (file.audio_codec.empty() || find_encoder(file.audio_codec) != nullptr);
}

void write_clock_file(const std::filesystem::path& path, const ClockFile& file) {
  AVFormatContext* format = nullptr;
  require_done(avformat_alloc_output_context2(&format, nullptr, file.container.c_str(), path.c_str()), "container");
  const OutputHandle owner(format);
  require_done(avio_open(&format->pb, path.c_str(), AVIO_FLAG_WRITE), "file");
  std::optional<Track> picture;
  std::optional<Track> sound;
  if (!file.video_codec.empty()) {
    picture.emplace(*format, file.video_codec, file.picture_start_s);
    AVCodecContext& codec = picture->codec();
    codec.width = kWidth;
    codec.height = kHeight;
    codec.pix_fmt = file.video_codec == "mjpeg" ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
    codec.framerate = {kFramesPerSecond, 1};
    codec.time_base = {1, kFramesPerSecond};
    codec.gop_size = 12;
    codec.max_b_frames = file.reordered_frames;
    picture->open();
  }
  if (!file.audio_codec.empty()) {
    sound.emplace(*format, file.audio_codec, file.sound_start_s);
    AVCodecContext& codec = sound->codec();
    codec.sample_fmt = sample_format(*codec.codec);
    codec.sample_rate = file.sample_rate;
    codec.ch_layout = AV_CHANNEL_LAYOUT_MONO;
    codec.time_base = {1, file.sample_rate};
    codec.bit_rate = 128000;
    sound->open();
  }
  require_done(avformat_write_header(format, nullptr), "header");
  std::vector<PacketHandle> pictures;
  std::vector<PacketHandle> sounds;
  if (picture) encode_pictures(file, *picture, pictures);
  if (sound) encode_sound(file, *sound, sounds);
  if (sound) sounds = edited(file, *sound, std::move(sounds));
  // In the order of time, as the muxer wants them.
  for (std::size_t p = 0, s = 0; p < pictures.size() || s < sounds.size();) {
    const bool picture_next =
        s == sounds.size() || (p < pictures.size() && picture->time_s(*pictures[p]) <= sound->time_s(*sounds[s]));
    AVPacket& packet = picture_next ? *pictures[p++] : *sounds[s++];
    (picture_next ? *picture : *sound).to_stream_time(packet);
    require_done(av_interleaved_write_frame(format, &packet), "packet");
  }
  require_done(av_write_trailer(format), "trailer");
}

}  // namespace cmkd::test

#endif
