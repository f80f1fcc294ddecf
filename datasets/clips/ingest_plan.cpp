// How large a cache will be, from a sample of its clips.
#include <algorithm>
#include <cmath>
#include <optional>

#include "cmkd/clips/clip_cache.h"

namespace cmkd {

namespace {

constexpr std::int64_t kSampled = 24;

// Pixels of a JPEG of quality 95 take at most about half a byte per byte of RGB on noisy pictures.
constexpr double kJpegShare = 0.5;

double stored_bytes(double frames, double samples, const IngestSettings& settings) {
  const double frame_bytes =
      3.0 * settings.height * settings.width * (settings.frame_storage == FrameStorage::kJpeg ? kJpegShare : 1);
  const double sample_bytes = settings.audio_storage == AudioStorage::kInt16 ? 2 : 4;
  if (settings.sound_is_features()) samples = static_cast<double>(settings.feature_values);
  // Two frames of reserve for ends that are rounded up, and the record.
  return (settings.video ? (frames + 2) * (frame_bytes + 8) : 0) + (settings.audio ? samples * sample_bytes : 0) + 512;
}

// By the headers, without decoding; nothing when they do not say.
std::optional<double> estimate_by_headers(const Clip& clip, const IngestSettings& settings) {
  const media::Outcome<media::MediaInfo> info = media::probe(clip.path, {.decode = false});
  if (!info) return std::nullopt;
  std::optional<double> duration_s = info.value().duration_s_from_header;
  double fps = settings.fps;
  if (!info.value().video.empty()) {
    const media::VideoStreamInfo& stream = info.value().video.front();
    if (!duration_s) duration_s = stream.duration_s_from_header;
    if (fps <= 0) fps = stream.average_fps;
  }
  if (!duration_s) return std::nullopt;
  double length_s = std::max(clip.end_s.value_or(*duration_s) - clip.start_s, 0.0);
  if (settings.max_duration_s > 0) length_s = std::min(length_s, settings.max_duration_s);
  if (settings.video && fps <= 0) return std::nullopt;
  return stored_bytes(std::ceil(length_s * fps), std::ceil(length_s * settings.sample_rate), settings);
}

double estimate(const ClipSource& source, const Clip& clip, const IngestSettings& settings) {
  if (const std::optional<double> bytes = estimate_by_headers(clip, settings)) return *bytes;
  const media::Outcome<DecodedClip> decoded = source.decode(clip, settings);
  if (!decoded) return stored_bytes(0, 0, settings);
  return stored_bytes(static_cast<double>(decoded.value().frame_count),
                      static_cast<double>(decoded.value().samples.size()), settings);
}

}  // namespace

IngestPlan plan_ingest(const ClipSource& source, const ClipList& list, const IngestSettings& settings) {
  IngestPlan plan;
  plan.clips = static_cast<std::int64_t>(list.clips.size());
  if (plan.clips == 0) return plan;
  const std::int64_t sampled = std::min(plan.clips, kSampled);
  double sum = 0;
  double square_sum = 0;
  double largest = 0;
  for (std::int64_t k = 0; k < sampled; ++k) {
    const double bytes = estimate(source, list.clips[static_cast<std::size_t>(k * plan.clips / sampled)], settings);
    sum += bytes;
    square_sum += bytes * bytes;
    largest = std::max(largest, bytes);
  }
  const auto n = static_cast<double>(sampled);
  const double mean = sum / n;
  const double deviation = std::sqrt(std::max(square_sum / n - mean * mean, 0.0));
  // Three standard errors above the mean, but never above what the largest sampled clip would need everywhere.
  const double per_clip = std::min(mean + 3 * deviation / std::sqrt(n), largest);
  plan.estimated_bytes = static_cast<std::uint64_t>(per_clip * static_cast<double>(plan.clips));
  return plan;
}

}  // namespace cmkd
