#include "cmkd/media/audio.h"

#include <fmt/format.h>

#include <cmath>

#include "cmkd/core/error.h"
#include "mono.h"
#include "sound_clock.h"
#include "sound_track.h"
#include "stream_pass.h"
#include "timeline.h"

namespace cmkd::media {
namespace {

void check_audio_request(int sample_rate, const AudioRange& range) {
  constexpr int kHighestRate = 768000;
  if (sample_rate < 0 || sample_rate > kHighestRate) {
    throw Error(ErrorKind::kUsage, {.what = fmt::format("sample rate {} Hz", sample_rate),
                                    .allowed = fmt::format("0 (the stream's own) … {} Hz", kHighestRate)});
  }
  if (!(range.start_s >= 0) || !std::isfinite(range.start_s) || !(range.duration_s >= 0)) {
    throw Error(ErrorKind::kUsage, {.what = fmt::format("sound from {} s for {} s", range.start_s, range.duration_s),
                                    .allowed = "a start and a duration that are not negative"});
  }
}

// The time that the file states for a frame, in seconds of the container.
std::optional<double> stated_time_s(const AVFrame& frame, const AVStream& stream) {
  const std::int64_t ticks = frame.pts != AV_NOPTS_VALUE ? frame.pts : frame.best_effort_timestamp;
  if (ticks == AV_NOPTS_VALUE) return std::nullopt;
  return seconds_at(ticks, stream.time_base);
}

Failure times_that_jump(double jump_s, double end_s) {
  return {FailureReason::kTruncated,
          fmt::format("after {:.2f} s: the timestamps jump by {:.0f} s, which no recording does", end_s, jump_s)};
}

}  // namespace

Outcome<AudioSamples> decode_audio(const std::filesystem::path& path, int sample_rate, const AudioRange& range) {
  check_audio_request(sample_rate, range);
  SoundTrack track(sample_rate, range);
  SoundClock clock(range.origin_s, [&](const PlacedSound& placed) { return track.take(placed); });
  MonoMixer mixer;
  std::optional<std::string> unknown_format;
  const auto take = [&](AVFrame& frame, std::int64_t, const AVStream& stream) {
    SoundPiece piece{{}, frame.sample_rate, stated_time_s(frame, stream)};
    if (mixer.mix(frame, piece.sound)) return clock.add(std::move(piece));
    unknown_format = fmt::format("sample format {}", frame.format);
    return false;
  };
  const auto pass = decode_stream(path, AVMEDIA_TYPE_AUDIO, 0, take);
  if (!pass) return pass.failure();
  if (unknown_format) return Failure{FailureReason::kUnsupportedCodec, *unknown_format};
  if (pass.value().frames == 0) return *pass.value().verdict;
  clock.finish();
  AudioSamples sound;
  track.finish(sound);
  sound.offset_s = clock.offset_s();
  if (track.unusable_samples() > 0) {
    return Failure{FailureReason::kUnusableSamples,
                   fmt::format("{} of {} samples are not finite or beyond {:.0f} times full scale",
                               track.unusable_samples(), sound.decoded_samples, kLargestSample)};
  }
  sound.warning = pass.value().verdict;
  if (clock.jump_s()) sound.warning = times_that_jump(*clock.jump_s(), clock.end_s());
  if (sound.samples.empty() && range.duration_s > 0) {
    if (clock.jump_s()) return *sound.warning;
    return Failure{FailureReason::kOutOfRange,
                   fmt::format("nothing at {:.3f} s: the sound ends at {:.3f} s", range.start_s, clock.end_s())};
  }
  return sound;
}

}  // namespace cmkd::media
