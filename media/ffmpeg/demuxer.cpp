#include "demuxer.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string_view>
#include <system_error>

#include "log.h"

namespace cmkd::media {
namespace fs = std::filesystem;
namespace {

// FFmpeg gives no order to try again for ever; a file that is not growing never needs more.
constexpr int kReadAttempts = 100;

std::optional<Failure> unreadable(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return Failure{FailureReason::kNotFound, "no such file"};
  if (fs::is_directory(path, error)) return Failure{FailureReason::kNotFound, "this is a folder"};
  if (!std::ifstream(path)) return Failure{FailureReason::kNotFound, "no permission to read it"};
  if (fs::file_size(path, error) == 0 && !error) return Failure{FailureReason::kEmptyFile, "zero bytes"};
  return std::nullopt;
}

const std::int32_t* display_matrix(const AVStream& stream) noexcept {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 100)
  const AVPacketSideData* side = av_packet_side_data_get(
      stream.codecpar->coded_side_data, stream.codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  return side != nullptr && side->size >= 9 * sizeof(std::int32_t) ? reinterpret_cast<const std::int32_t*>(side->data)
                                                                   : nullptr;
#else
  std::size_t size = 0;
  const std::uint8_t* data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return data != nullptr && size >= 9 * sizeof(std::int32_t) ? reinterpret_cast<const std::int32_t*>(data) : nullptr;
#endif
}

// Clockwise, rounded to a quarter turn. The matrix states the angle counter-clockwise.
int rotation_of(const AVStream& stream) noexcept {
  const std::int32_t* matrix = display_matrix(stream);
  if (matrix == nullptr) return 0;
  const double counter_clockwise = av_display_rotation_get(matrix);
  if (!std::isfinite(counter_clockwise)) return 0;
  const int quarters = static_cast<int>(std::lround(-counter_clockwise / 90.0));
  return ((quarters % 4) + 4) % 4 * 90;
}

double seconds(std::int64_t ticks, AVRational time_base) noexcept {
  return ticks == AV_NOPTS_VALUE ? 0.0 : static_cast<double>(ticks) * time_base.num / time_base.den;
}

std::optional<double> stream_duration_s(const AVStream& stream) noexcept {
  if (stream.duration == AV_NOPTS_VALUE || stream.duration <= 0) return std::nullopt;
  return seconds(stream.duration, stream.time_base);
}

// How many reference frames the decoder may have to hold: by level for H.264 (annex A.3.1), by specification otherwise.
int reference_frames_of(const AVCodecParameters& codec) noexcept {
  switch (codec.codec_id) {
    case AV_CODEC_ID_H264: {
      const std::int64_t macroblocks = std::int64_t{(codec.width + 15) / 16} * std::int64_t{(codec.height + 15) / 16};
      struct LevelLimit {
        int level;
        std::int64_t macroblocks;
      };
      constexpr LevelLimit kLimits[] = {{9, 396},    {10, 396},   {11, 900},    {12, 2376},   {13, 2376},  {20, 2376},
                                        {21, 4752},  {22, 8100},  {30, 8100},   {31, 18000},  {32, 20480}, {40, 32768},
                                        {41, 32768}, {42, 34816}, {50, 110400}, {51, 184320}, {52, 184320}};
      for (const LevelLimit& limit : kLimits) {
        if (limit.level == codec.level && macroblocks > 0) {
          return static_cast<int>(
              std::min<std::int64_t>(16, std::max<std::int64_t>(1, limit.macroblocks / macroblocks)));
        }
      }
      return 16;
    }
    case AV_CODEC_ID_HEVC:
      return std::int64_t{codec.width} * codec.height > std::int64_t{1920} * 1088 ? 6 : 16;
    case AV_CODEC_ID_VP9:
    case AV_CODEC_ID_AV1:
      return 8;
    case AV_CODEC_ID_VP8:
      return 3;
    default:
      return 2;
  }
}

}  // namespace

Outcome<Demuxer> Demuxer::open(const fs::path& path) {
  route_ffmpeg_log();
  clear_last_log_line();
  if (auto failure = unreadable(path)) return *failure;
  AVFormatContext* format = nullptr;
  // "file:" keeps FFmpeg from taking a colon in the name for a protocol.
  const std::string url = "file:" + path.string();
  if (const int code = avformat_open_input(&format, url.c_str(), nullptr, nullptr); code < 0) {
    return Failure{FailureReason::kCannotOpen, failure_detail(code)};
  }
  InputHandle handle(format);
  if (const int code = avformat_find_stream_info(format, nullptr); code < 0) {
    return Failure{FailureReason::kCannotOpen, failure_detail(code)};
  }
  return Demuxer(std::move(handle));
}

AVStream* Demuxer::best(AVMediaType type) const {
  // Where a file holds several programmes, each has a clock of its own: the sound is that of the picture's.
  const int picture =
      type == AVMEDIA_TYPE_AUDIO ? av_find_best_stream(format_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0) : -1;
  const int index = av_find_best_stream(format_.get(), type, -1, std::max(picture, -1), nullptr, 0);
  if (index < 0) return nullptr;
  AVStream* stream = format_->streams[index];
  return is_cover_picture(*stream) ? nullptr : stream;
}

void Demuxer::select_only(const AVStream* wanted) {
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    AVStream* stream = format_->streams[i];
    stream->discard = stream == wanted ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
}

void Demuxer::select_all() {
  for (unsigned i = 0; i < format_->nb_streams; ++i) format_->streams[i]->discard = AVDISCARD_DEFAULT;
}

bool Demuxer::read(AVPacket& packet) {
  av_packet_unref(&packet);
  int code = AVERROR(EAGAIN);
  for (int attempt = 0; attempt < kReadAttempts && code == AVERROR(EAGAIN); ++attempt) {
    code = av_read_frame(format_.get(), &packet);
  }
  if (code >= 0) return true;
  if (code != AVERROR_EOF) {
    read_error_ = failure_detail(code);
  } else if (format_->pb != nullptr && format_->pb->error < 0 && format_->pb->error != AVERROR_EOF) {
    read_error_ = error_text(format_->pb->error);
  }
  return false;
}

bool is_cover_picture(const AVStream& stream) noexcept {
  return (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
}

VideoStreamInfo describe_video(const AVStream& stream) {
  const AVCodecParameters& codec = *stream.codecpar;
  VideoStreamInfo info;
  info.index = stream.index;
  info.codec = avcodec_get_name(codec.codec_id);
  const char* format = av_get_pix_fmt_name(static_cast<AVPixelFormat>(codec.format));
  info.pixel_format = format != nullptr ? format : "";
  info.width = codec.width;
  info.height = codec.height;
  info.rotation_degrees = rotation_of(stream);
  const AVRational rate =
      stream.avg_frame_rate.num > 0 && stream.avg_frame_rate.den > 0 ? stream.avg_frame_rate : AVRational{0, 1};
  info.average_fps = av_q2d(rate);
  info.start_s = seconds(stream.start_time, stream.time_base);
  info.duration_s_from_header = stream_duration_s(stream);
  if (stream.nb_frames > 0) info.frame_count_from_header = stream.nb_frames;
  info.reference_frames = reference_frames_of(codec);
  info.reorder_frames = std::max(0, codec.video_delay);
  return info;
}

AudioStreamInfo describe_audio(const AVStream& stream) {
  AudioStreamInfo info;
  info.index = stream.index;
  info.codec = avcodec_get_name(stream.codecpar->codec_id);
  info.sample_rate = stream.codecpar->sample_rate;
  info.channels = stream.codecpar->ch_layout.nb_channels;
  info.start_s = seconds(stream.start_time, stream.time_base);
  info.duration_s_from_header = stream_duration_s(stream);
  return info;
}

std::optional<double> claimed_duration_s(const AVFormatContext& format) {
  if (format.duration == AV_NOPTS_VALUE || format.duration <= 0) return std::nullopt;
  if (format.duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) return std::nullopt;
  return static_cast<double>(format.duration) / AV_TIME_BASE;
}

double claim_start_s(const AVFormatContext& format) noexcept {
  const double start_s =
      format.start_time == AV_NOPTS_VALUE ? 0 : static_cast<double>(format.start_time) / AV_TIME_BASE;
  return std::string_view(format.iformat->name).starts_with("matroska") ? std::min(start_s, 0.0) : start_s;
}

bool is_missed(double claimed_s, double end_s) noexcept {
  constexpr double kSlack_s = 0.5;
  constexpr double kSlackShare = 0.03;
  return claimed_s - end_s > std::max(kSlack_s, kSlackShare * claimed_s);
}

}  // namespace cmkd::media
