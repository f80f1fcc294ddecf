// How a clip becomes frames and samples when it is a piece of a media file.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cmkd/datasets/examine.h"
#include "cmkd/media/audio.h"
#include "cmkd/media/decoder_budget.h"
#include "cmkd/media/video.h"
#include "cmkd/readers/media_source.h"
#include "feature.h"

namespace cmkd {

namespace {

double duration_of(const Clip& clip, const IngestSettings& settings) {
  double duration_s = std::numeric_limits<double>::infinity();
  if (clip.end_s) duration_s = *clip.end_s - clip.start_s;
  if (settings.max_duration_s > 0) duration_s = std::min(duration_s, settings.max_duration_s);
  return duration_s;
}

void note_warning(DecodedClip& decoded, const char* part, const std::optional<media::Failure>& warning) {
  if (!warning) return;
  std::string text = std::string(part) + " " + media::to_string(warning->reason);
  if (!warning->detail.empty()) text += ": " + warning->detail;
  decoded.add_finding(media::to_string(warning->reason), std::move(text));
}

// What was done to put the sound on the picture's clock, and what it is like.
void note_sound(DecodedClip& decoded, const media::AudioSamples& sound) {
  const bool apart = std::abs(sound.offset_s) > kNotedOffset_s;
  if (apart) {
    decoded.add_finding("sound_offset", fmt::format("sound begins {:.3f} s {} the picture", std::abs(sound.offset_s),
                                                    sound.offset_s > 0 ? "after" : "before"));
  }
  // The start of an ordinary file is off by a few milliseconds: that is not worth a word.
  const double silence_s = sound.hole_silence_s + (apart ? sound.leading_silence_s : 0);
  if (silence_s > 0) decoded.add_finding("silence_put_in", fmt::format("silence put in: {:.3f} s", silence_s));
  if (sound.overlap_dropped_s > 0) {
    decoded.add_finding("sound_overlap", fmt::format("overlapping sound dropped: {:.3f} s", sound.overlap_dropped_s));
  }
  const double clipped = static_cast<double>(sound.clipped_samples);
  if (clipped > 0 && clipped >= kClippedShare * static_cast<double>(sound.decoded_samples)) {
    decoded.add_finding("clipped_sound", fmt::format("clipped sound: {:.1f} % of the samples",
                                                     100 * clipped / static_cast<double>(sound.decoded_samples)));
  }
}

// Runs `use` with as much memory for a decoder as the budget of all decoders leaves it, but never less than a decoder
// up to 1080p is allowed.
template <typename Use>
auto within_budget(const std::filesystem::path& path, media::VideoOptions options, const Use& use)
    -> decltype(use(options)) {
  const media::Outcome<media::MediaInfo> headers = media::probe(path, {.decode = false});
  if (!headers) return headers.failure();
  if (headers.value().video.empty()) {
    return media::Failure{media::FailureReason::kNoVideoStream, "the file has no video stream"};
  }
  const auto largest = std::ranges::max_element(headers.value().video, {}, [](const media::VideoStreamInfo& stream) {
    return std::int64_t{stream.width} * stream.height;
  });
  const media::DecoderBudget::Lease lease = media::DecoderBudget::process_wide().acquire(*largest);
  options.memory_limit_bytes = std::max(options.memory_limit_bytes, lease.bytes());
  return use(options);
}

// The container's time that is 0 on the file's clock; nothing for a file of sound alone. A picture that cannot be
// decoded gives no clock, and that is noted.
std::optional<double> picture_origin_s(const std::filesystem::path& path, DecodedClip& decoded) {
  const media::Outcome<media::VideoReader> reader = within_budget(
      path, {}, [&](const media::VideoOptions& options) { return media::VideoReader::open(path, options); });
  if (reader) return reader.value().origin_s();
  if (reader.failure().reason != media::FailureReason::kNoVideoStream) {
    decoded.add_finding("no_picture_clock", fmt::format("times count from the first sample, the picture has none ({})",
                                                        media::describe(reader.failure())));
  }
  return std::nullopt;
}

// `origin_s` becomes that of the picture's file.
std::optional<media::Failure> decode_picture(const Clip& clip, const IngestSettings& settings, DecodedClip& decoded,
                                             std::optional<double>& origin_s) {
  media::VideoOptions options;
  options.size = {.short_side = 0, .width = settings.width, .height = settings.height};
  const media::VideoRange range{clip.start_s, duration_of(clip, settings), settings.fps};
  media::Outcome<media::VideoFrames> outcome =
      within_budget(clip.path, options,
                    [&](const media::VideoOptions& allowed) { return media::decode_video(clip.path, range, allowed); });
  if (!outcome) return outcome.failure();
  media::VideoFrames& frames = outcome.value();
  if (frames.frame_count == 0) {
    return media::Failure{media::FailureReason::kNothingDecodable, "no frame within the clip's times"};
  }
  origin_s = frames.origin_s;
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
  note_warning(decoded, "video", frames.warning);
  return std::nullopt;
}

std::optional<media::Failure> decode_sound(const Clip& clip, const IngestSettings& settings, DecodedClip& decoded,
                                           std::optional<double> origin_s) {
  if (settings.sound_is_features()) {
    media::Outcome<std::vector<float>> feature = read_feature(clip.feature_path, settings.feature_values);
    if (!feature) return feature.failure();
    decoded.samples = std::move(feature.value());
    return std::nullopt;
  }
  const std::filesystem::path& path = clip.audio_path.empty() ? clip.path : clip.audio_path;
  if (!origin_s || path != clip.path) origin_s = picture_origin_s(path, decoded);
  const media::AudioRange range{clip.start_s, duration_of(clip, settings), origin_s};
  media::Outcome<media::AudioSamples> outcome = media::decode_audio(path, settings.sample_rate, range);
  if (!outcome) return outcome.failure();
  media::AudioSamples& sound = outcome.value();
  if (sound.samples.empty()) {
    return media::Failure{media::FailureReason::kNothingDecodable, "no sample within the clip's times"};
  }
  note_warning(decoded, "audio", sound.warning);
  note_sound(decoded, sound);
  decoded.samples = std::move(sound.samples);
  return std::nullopt;
}

}  // namespace

media::Outcome<DecodedClip> MediaSource::decode(const Clip& clip, const IngestSettings& settings) const {
  DecodedClip decoded;
  std::optional<double> origin_s;
  if (settings.video) {
    if (auto failure = decode_picture(clip, settings, decoded, origin_s)) return *std::move(failure);
  }
  if (settings.audio) {
    if (auto failure = decode_sound(clip, settings, decoded, origin_s)) return *std::move(failure);
  }
  return decoded;
}

}  // namespace cmkd
