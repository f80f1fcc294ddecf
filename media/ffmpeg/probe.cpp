#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cmkd/media/media.h"
#include "demuxer.h"
#include "stream_pass.h"

namespace cmkd::media {
namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

template <typename Info>
Info* find_stream(std::vector<Info>& streams, const AVStream* stream) {
  if (stream == nullptr) return nullptr;
  const auto found =
      std::find_if(streams.begin(), streams.end(), [&](const Info& info) { return info.index == stream->index; });
  return found == streams.end() ? nullptr : &*found;
}

std::optional<Failure> count_frames(const std::filesystem::path& path, VideoStreamInfo* info) {
  const auto pass =
      decode_stream(path, AVMEDIA_TYPE_VIDEO, kNoLimit, [](AVFrame&, std::int64_t, const AVStream&) { return true; });
  if (!pass) return pass.failure();
  if (info != nullptr) info->frame_count_decoded = pass.value().frames;
  return pass.value().verdict;
}

std::optional<Failure> count_samples(const std::filesystem::path& path, AudioStreamInfo* info) {
  const auto pass =
      decode_stream(path, AVMEDIA_TYPE_AUDIO, kNoLimit, [](AVFrame&, std::int64_t, const AVStream&) { return true; });
  if (!pass) return pass.failure();
  if (info != nullptr) info->sample_count_decoded = pass.value().samples;
  return pass.value().verdict;
}

}  // namespace

Outcome<MediaInfo> probe(const std::filesystem::path& path, const ProbeOptions& options) {
  const auto opened = Demuxer::open(path);
  if (!opened) return opened.failure();
  const Demuxer& demuxer = opened.value();
  const AVFormatContext& format = demuxer.format();

  MediaInfo info;
  info.container = format.iformat->name;
  info.duration_s_from_header = claimed_duration_s(format);
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    const AVStream& stream = *format.streams[i];
    const AVMediaType type = stream.codecpar->codec_type;
    if (type == AVMEDIA_TYPE_VIDEO && !is_cover_picture(stream)) {
      info.video.push_back(describe_video(stream));
    } else if (type == AVMEDIA_TYPE_AUDIO) {
      info.audio.push_back(describe_audio(stream));
    } else {
      ++info.other_streams;
    }
  }
  if (options.decode) {
    info.video_failure = count_frames(path, find_stream(info.video, demuxer.best(AVMEDIA_TYPE_VIDEO)));
    info.audio_failure = count_samples(path, find_stream(info.audio, demuxer.best(AVMEDIA_TYPE_AUDIO)));
  }
  return info;
}

std::string ffmpeg_versions() {
  const auto version = [](const char* name, unsigned number) {
    return fmt::format("{} {}.{}.{}", name, AV_VERSION_MAJOR(number), AV_VERSION_MINOR(number),
                       AV_VERSION_MICRO(number));
  };
  return version("libavformat", avformat_version()) + ", " + version("libavcodec", avcodec_version()) + ", " +
         version("libavutil", avutil_version()) + ", " + version("libswscale", swscale_version()) + ", " +
         version("libswresample", swresample_version());
}

}  // namespace cmkd::media
