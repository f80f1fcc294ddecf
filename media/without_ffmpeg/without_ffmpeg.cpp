// Built with CMKD_FFMPEG=OFF: ready clip caches can be used, media files cannot, and every call says so.
#include "cmkd/core/error.h"
#include "cmkd/media/audio.h"
#include "cmkd/media/encode.h"
#include "cmkd/media/media.h"
#include "cmkd/media/scale.h"
#include "cmkd/media/video.h"

namespace cmkd::media {
namespace {

Failure no_ffmpeg() {
  return {FailureReason::kBuiltWithoutFfmpeg, "this build has no FFmpeg; configure it with -DCMKD_FFMPEG=ON"};
}

}  // namespace

struct VideoReader::State {
  VideoStreamInfo info;
};

VideoReader::VideoReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;

Outcome<VideoReader> VideoReader::open(const std::filesystem::path&, const VideoOptions&) { return no_ffmpeg(); }
Outcome<VideoFrames> VideoReader::frames_at(std::span<const double>) { return no_ffmpeg(); }
Outcome<VideoFrames> VideoReader::frames_in(const VideoRange&) { return no_ffmpeg(); }
const VideoStreamInfo& VideoReader::info() const noexcept { return state_->info; }
double VideoReader::origin_s() const { return 0; }

Outcome<VideoFrames> decode_video(const std::filesystem::path&, const VideoRange&, const VideoOptions&) {
  return no_ffmpeg();
}

Outcome<AudioSamples> decode_audio(const std::filesystem::path&, int, const AudioRange&) { return no_ffmpeg(); }

Outcome<MediaInfo> probe(const std::filesystem::path&, const ProbeOptions&) { return no_ffmpeg(); }

struct PictureScaler::State {};
PictureScaler::PictureScaler(const FrameSize&) {}
PictureScaler::~PictureScaler() = default;
PictureScaler::PictureScaler(PictureScaler&&) noexcept = default;
PictureScaler& PictureScaler::operator=(PictureScaler&&) noexcept = default;
int PictureScaler::height() const noexcept { return 0; }
int PictureScaler::width() const noexcept { return 0; }
std::optional<Failure> PictureScaler::append(std::span<const std::uint8_t>, int, int, std::vector<std::uint8_t>&) {
  return no_ffmpeg();
}

int decoders_within(const VideoStreamInfo&, std::size_t) { return 1; }

std::string ffmpeg_versions() { return ""; }

bool has_encoders() { return false; }

void encode_media(const std::filesystem::path& path, const EncodeVideo&, const EncodeAudio&) {
  throw Error(ErrorKind::kEnvironment, {.what = "this build of cmkd cannot write media: it has no FFmpeg",
                                        .where = path.string(),
                                        .fix = "configure it with -DCMKD_FFMPEG=ON"});
}

}  // namespace cmkd::media
