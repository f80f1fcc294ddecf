#include "cmkd/media/encode.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <new>
#include <optional>
#include <system_error>

#include <unistd.h>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "handles.h"
#include "log.h"

namespace cmkd::media {
namespace {
namespace fs = std::filesystem;

constexpr int kGroupOfPictures = 12;    // a seek decodes at most this many frames
constexpr const char* kQuality = "18";  // x264's constant rate factor: no visible loss
// Frame rates such as 29.97 become a fraction with at most this denominator.
constexpr int kLargestRateDenominator = 1001;

[[noreturn]] void fail(const fs::path& path, const std::string& what, int code) {
  if (code == AVERROR(ENOSPC))
    throw Error(ErrorKind::kEnvironment, {.what = "disk full", .where = path.string(), .fix = "free some space"});
  throw Error(ErrorKind::kEnvironment, {.what = what + ": " + failure_detail(code), .where = path.string()});
}

// Software encoders only: what they write depends on the library, not on the machine's devices.
const AVCodec* find_h264_encoder() {
  for (const char* name : {"libx264", "libopenh264"}) {
    if (const AVCodec* codec = avcodec_find_encoder_by_name(name)) return codec;
  }
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_H264);
  return codec != nullptr && (codec->capabilities & AV_CODEC_CAP_HARDWARE) == 0 ? codec : nullptr;
}

const AVCodec* require_encoder(const AVCodec* codec, const char* name, const fs::path& path) {
  if (codec != nullptr) return codec;
  throw Error(ErrorKind::kEnvironment, {.what = fmt::format("the linked FFmpeg has no {} encoder", name),
                                        .where = path.string(),
                                        .fix = "install an FFmpeg with libx264 (Debian: libavcodec-extra)"});
}

// A file being written: one muxer, up to two streams. Nothing of it remains unless commit() is reached.
class MatroskaWriter {
 public:
  explicit MatroskaWriter(const fs::path& path)
      : path_(path), temporary_(path.string() + fmt::format(".{}.part", ::getpid())), packet_(make_packet()) {
    if (path_.has_parent_path()) fs::create_directories(path_.parent_path());
    AVFormatContext* format = nullptr;
    if (const int code = avformat_alloc_output_context2(&format, nullptr, "matroska", nullptr); code < 0) {
      fail(path_, "cannot write Matroska", code);
    }
    format_.reset(format);
    format->flags |= AVFMT_FLAG_BITEXACT;  // no random identifiers, no date, no version
    const std::string url = "file:" + temporary_.string();
    if (const int code = avio_open(&format->pb, url.c_str(), AVIO_FLAG_WRITE); code < 0) {
      fail(path_, "cannot create the file", code);
    }
  }

  ~MatroskaWriter() {
    format_.reset();
    std::error_code ignored;
    fs::remove(temporary_, ignored);
  }
  MatroskaWriter(const MatroskaWriter&) = delete;
  MatroskaWriter& operator=(const MatroskaWriter&) = delete;

  // Opens the encoder and gives it a stream.
  int add_stream(AVCodecContext& codec, AVDictionary** options) {
    if ((format_->oformat->flags & AVFMT_GLOBALHEADER) != 0) codec.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    codec.flags |= AV_CODEC_FLAG_BITEXACT;
    codec.thread_count = 1;
    if (const int code = avcodec_open2(&codec, nullptr, options); code < 0)
      fail(path_, "cannot open the encoder", code);
    AVStream* stream = avformat_new_stream(format_.get(), nullptr);
    if (stream == nullptr) throw std::bad_alloc();
    stream->time_base = codec.time_base;
    if (codec.codec_type == AVMEDIA_TYPE_VIDEO) stream->avg_frame_rate = codec.framerate;
    if (const int code = avcodec_parameters_from_context(stream->codecpar, &codec); code < 0) {
      fail(path_, "cannot describe the stream", code);
    }
    return stream->index;
  }

  void begin() {
    if (const int code = avformat_write_header(format_.get(), nullptr); code < 0) fail(path_, "cannot write", code);
  }

  // Sends a frame (nullptr: the end) and writes what comes out.
  void write(AVCodecContext& codec, int stream, const AVFrame* frame) {
    if (const int code = avcodec_send_frame(&codec, frame); code < 0) fail(path_, "the encoder refused a frame", code);
    while (true) {
      const int code = avcodec_receive_packet(&codec, packet_.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
      if (code < 0) fail(path_, "the encoder failed", code);
      packet_->stream_index = stream;
      av_packet_rescale_ts(packet_.get(), codec.time_base, format_->streams[stream]->time_base);
      const int written = av_interleaved_write_frame(format_.get(), packet_.get());
      if (written < 0) fail(path_, "cannot write", written);
    }
  }

  void commit() {
    if (const int code = av_write_trailer(format_.get()); code < 0) fail(path_, "cannot write", code);
    avio_flush(format_->pb);
    if (format_->pb->error < 0) fail(path_, "cannot write", format_->pb->error);
    if (const int code = avio_closep(&format_->pb); code < 0) fail(path_, "cannot write", code);
    commit_file(temporary_, path_);
  }

 private:
  fs::path path_;
  fs::path temporary_;
  OutputHandle format_;
  PacketHandle packet_;
};

CodecHandle make_codec(const AVCodec* encoder) {
  CodecHandle codec(avcodec_alloc_context3(encoder));
  if (codec == nullptr) throw std::bad_alloc();
  return codec;
}

FrameHandle make_buffer(FrameHandle frame) {
  if (av_frame_get_buffer(frame.get(), 0) < 0) throw std::bad_alloc();
  return frame;
}

// Turns planar RGB into the encoder's YUV, frame by frame.
class VideoTrack {
 public:
  VideoTrack(MatroskaWriter& writer, const EncodeVideo& video, const fs::path& path)
      : writer_(writer), video_(video), codec_(make_codec(require_encoder(find_h264_encoder(), "H.264", path))) {
    const AVRational rate = av_d2q(video.fps, kLargestRateDenominator * 1000);
    codec_->width = video.width;
    codec_->height = video.height;
    codec_->pix_fmt = AV_PIX_FMT_YUV420P;
    codec_->framerate = rate;
    codec_->time_base = av_inv_q(rate);
    codec_->gop_size = kGroupOfPictures;
    codec_->colorspace = AVCOL_SPC_SMPTE170M;
    codec_->color_range = AVCOL_RANGE_MPEG;
    AVDictionary* options = nullptr;
    av_dict_set(&options, "crf", kQuality, 0);
    // x264's macroblock tree reads memory that it never wrote on pictures this narrow, and then the bytes differ from
    // run to run.
    av_dict_set(&options, "x264-params", "mbtree=0", 0);
    av_dict_set(&options, "preset", "medium", 0);
    const std::unique_ptr<AVDictionary*, void (*)(AVDictionary**)> owner(&options, av_dict_free);
    stream_ = writer.add_stream(*codec_, &options);

    picture_ = make_frame();
    picture_->format = codec_->pix_fmt;
    picture_->width = video.width;
    picture_->height = video.height;
    picture_ = make_buffer(std::move(picture_));
    const int flags = SWS_BILINEAR | SWS_ACCURATE_RND | SWS_BITEXACT | SWS_FULL_CHR_H_INP;
    scaler_.reset(sws_getContext(video.width, video.height, AV_PIX_FMT_GBRP, video.width, video.height, codec_->pix_fmt,
                                 flags, nullptr, nullptr, nullptr));
    if (scaler_ == nullptr) throw std::bad_alloc();
  }

  [[nodiscard]] bool done() const noexcept { return next_ == video_.frame_count; }
  [[nodiscard]] double time_s() const noexcept { return static_cast<double>(next_) / video_.fps; }

  void write_next() {
    if (const int code = av_frame_make_writable(picture_.get()); code < 0) throw std::bad_alloc();
    const std::size_t plane = static_cast<std::size_t>(video_.height) * static_cast<std::size_t>(video_.width);
    const std::uint8_t* red = video_.pixels.data() + static_cast<std::size_t>(next_) * 3 * plane;
    const std::array<const std::uint8_t*, 4> planes = {red + plane, red + 2 * plane, red, nullptr};
    const std::array<int, 4> strides = {video_.width, video_.width, video_.width, 0};
    sws_scale(scaler_.get(), planes.data(), strides.data(), 0, video_.height, picture_->data, picture_->linesize);
    picture_->pts = next_++;
    writer_.write(*codec_, stream_, picture_.get());
  }
  void finish() { writer_.write(*codec_, stream_, nullptr); }

 private:
  MatroskaWriter& writer_;
  const EncodeVideo& video_;
  CodecHandle codec_;
  FrameHandle picture_;
  ScalerHandle scaler_;
  int stream_ = -1;
  std::int64_t next_ = 0;
};

class AudioTrack {
 public:
  AudioTrack(MatroskaWriter& writer, const EncodeAudio& audio, const fs::path& path)
      : writer_(writer),
        audio_(audio),
        codec_(make_codec(require_encoder(avcodec_find_encoder(AV_CODEC_ID_FLAC), "FLAC", path))) {
    codec_->sample_fmt = AV_SAMPLE_FMT_S16;
    codec_->sample_rate = audio.sample_rate;
    codec_->ch_layout = AV_CHANNEL_LAYOUT_MONO;
    codec_->time_base = {1, audio.sample_rate};
    stream_ = writer.add_stream(*codec_, nullptr);
  }

  [[nodiscard]] bool done() const noexcept { return next_ == audio_.samples.size(); }
  [[nodiscard]] double time_s() const noexcept { return static_cast<double>(next_) / audio_.sample_rate; }

  void write_next() {
    const std::size_t chunk = codec_->frame_size > 0 ? static_cast<std::size_t>(codec_->frame_size) : 4096;
    const std::size_t count = std::min(chunk, audio_.samples.size() - next_);
    FrameHandle frame = make_frame();
    frame->format = codec_->sample_fmt;
    frame->ch_layout = AV_CHANNEL_LAYOUT_MONO;
    frame->sample_rate = audio_.sample_rate;
    frame->nb_samples = static_cast<int>(count);
    frame = make_buffer(std::move(frame));
    std::memcpy(frame->data[0], audio_.samples.data() + next_, count * sizeof(std::int16_t));
    frame->pts = static_cast<std::int64_t>(next_);
    next_ += count;
    writer_.write(*codec_, stream_, frame.get());
  }
  void finish() { writer_.write(*codec_, stream_, nullptr); }

 private:
  MatroskaWriter& writer_;
  const EncodeAudio& audio_;
  CodecHandle codec_;
  int stream_ = -1;
  std::size_t next_ = 0;
};

void require(bool holds, const char* what, const fs::path& path) {
  if (!holds) throw Error(ErrorKind::kInternal, {.what = what, .where = path.string()});
}

void check_encode_request(const EncodeVideo& video, const EncodeAudio& audio, const fs::path& path) {
  require(!video.pixels.empty() || !audio.samples.empty(), "neither video nor sound to encode", path);
  if (!video.pixels.empty()) {
    require(video.width > 0 && video.height > 0 && video.width % 2 == 0 && video.height % 2 == 0,
            "the sides of an encoded picture must be even", path);
    require(video.fps > 0 && std::isfinite(video.fps), "the frame rate must be positive", path);
    require(video.frame_count > 0 && video.pixels.size() == std::size_t{3} *
                                                                static_cast<std::size_t>(video.frame_count) *
                                                                static_cast<std::size_t>(video.width) *
                                                                static_cast<std::size_t>(video.height),
            "pixels do not hold [frame_count, 3, height, width]", path);
  }
  if (!audio.samples.empty()) require(audio.sample_rate > 0, "the sample rate must be positive", path);
}

}  // namespace

bool has_encoders() { return find_h264_encoder() != nullptr && avcodec_find_encoder(AV_CODEC_ID_FLAC) != nullptr; }

void encode_media(const fs::path& path, const EncodeVideo& video, const EncodeAudio& audio) {
  route_ffmpeg_log();
  clear_last_log_line();
  check_encode_request(video, audio, path);
  MatroskaWriter writer(path);
  std::optional<VideoTrack> pictures;
  std::optional<AudioTrack> sound;
  if (!video.pixels.empty()) pictures.emplace(writer, video, path);
  if (!audio.samples.empty()) sound.emplace(writer, audio, path);
  writer.begin();
  // In order of time, so that the muxer holds little back.
  while ((pictures && !pictures->done()) || (sound && !sound->done())) {
    const bool picture_next =
        pictures && !pictures->done() && (!sound || sound->done() || pictures->time_s() <= sound->time_s());
    if (picture_next) {
      pictures->write_next();
    } else {
      sound->write_next();
    }
  }
  if (pictures) pictures->finish();
  if (sound) sound->finish();
  writer.commit();
}

}  // namespace cmkd::media
