// How a clip becomes frames and samples when it is a piece of a media file.
#include <algorithm>
#include <limits>

#include "cmkd/datasets/clip.h"
#include "cmkd/datasets/decoder_budget.h"
#include "cmkd/media/audio.h"
#include "cmkd/media/video.h"
#include "feature.h"

namespace cmkd {

namespace {

double duration_of(const Clip& clip, const IngestSettings& settings) {
  double duration_s = std::numeric_limits<double>::infinity();
  if (clip.end_s) duration_s = *clip.end_s - clip.start_s;
  if (settings.max_duration_s > 0) duration_s = std::min(duration_s, settings.max_duration_s);
  return duration_s;
}

void add_note(std::string& note, const char* part, const std::optional<media::Failure>& warning) {
  if (!warning) return;
  if (!note.empty()) note += "; ";
  note += std::string(part) + " " + media::to_string(warning->reason);
  if (!warning->detail.empty()) note += ": " + warning->detail;
}

// The decoder gets as much memory as the budget of all decoders leaves it, but never less than a decoder up to 1080p
// is allowed.
media::Outcome<media::VideoFrames> decode_within_budget(const std::filesystem::path& path,
                                                        const media::VideoRange& range, media::VideoOptions options) {
  const media::Outcome<media::MediaInfo> headers = media::probe(path, {.decode = false});
  if (!headers) return headers.failure();
  if (headers.value().video.empty()) {
    return media::Failure{media::FailureReason::kNoVideoStream, "the file has no video stream"};
  }
  const auto largest = std::ranges::max_element(headers.value().video, {}, [](const media::VideoStreamInfo& stream) {
    return std::int64_t{stream.width} * stream.height;
  });
  const DecoderBudget::Lease lease = DecoderBudget::process_wide().acquire(*largest);
  options.memory_limit_bytes = std::max(options.memory_limit_bytes, lease.bytes());
  return media::decode_video(path, range, options);
}

std::optional<media::Failure> decode_picture(const Clip& clip, const IngestSettings& settings, DecodedClip& decoded) {
  media::VideoOptions options;
  options.size = {.short_side = 0, .width = settings.width, .height = settings.height};
  const media::VideoRange range{clip.start_s, duration_of(clip, settings), settings.fps};
  media::Outcome<media::VideoFrames> outcome = decode_within_budget(clip.path, range, options);
  if (!outcome) return outcome.failure();
  media::VideoFrames& frames = outcome.value();
  if (frames.frame_count == 0) {
    return media::Failure{media::FailureReason::kNothingDecodable, "no frame within the clip's times"};
  }
  decoded.frame_count = frames.frame_count;
  decoded.height = frames.height;
  decoded.width = frames.width;
  decoded.pixels = std::move(frames.pixels);
  decoded.frame_time_s.reserve(static_cast<std::size_t>(frames.frame_count));
  for (std::int64_t k = 0; k < frames.frame_count; ++k) {
    // At a given rate the time is the one that was asked for, else that of the source frame.
    const double time_s = settings.fps > 0 ? static_cast<double>(k) / settings.fps
                                           : frames.presentation_time_s[static_cast<std::size_t>(k)] - clip.start_s;
    decoded.frame_time_s.push_back(static_cast<float>(std::max(time_s, 0.0)));
  }
  add_note(decoded.note, "video", frames.warning);
  return std::nullopt;
}

std::optional<media::Failure> decode_sound(const Clip& clip, const IngestSettings& settings, DecodedClip& decoded) {
  if (settings.sound_is_features()) {
    media::Outcome<std::vector<float>> feature = read_feature(clip.feature_path, settings.feature_values);
    if (!feature) return feature.failure();
    decoded.samples = std::move(feature.value());
    return std::nullopt;
  }
  const std::filesystem::path& path = clip.audio_path.empty() ? clip.path : clip.audio_path;
  media::Outcome<media::AudioSamples> outcome =
      media::decode_audio(path, settings.sample_rate, {clip.start_s, duration_of(clip, settings)});
  if (!outcome) return outcome.failure();
  if (outcome.value().samples.empty()) {
    return media::Failure{media::FailureReason::kNothingDecodable, "no sample within the clip's times"};
  }
  decoded.samples = std::move(outcome.value().samples);
  add_note(decoded.note, "audio", outcome.value().warning);
  return std::nullopt;
}

}  // namespace

media::Outcome<DecodedClip> ClipSource::decode(const Clip& clip, const IngestSettings& settings) const {
  DecodedClip decoded;
  if (settings.video) {
    if (std::optional<media::Failure> failure = decode_picture(clip, settings, decoded)) return *std::move(failure);
  }
  if (settings.audio) {
    if (std::optional<media::Failure> failure = decode_sound(clip, settings, decoded)) return *std::move(failure);
  }
  return decoded;
}

}  // namespace cmkd
