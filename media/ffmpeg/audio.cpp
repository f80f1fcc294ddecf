#include "cmkd/media/audio.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "cmkd/core/error.h"
#include "handles.h"
#include "log.h"
#include "mono.h"
#include "stream_pass.h"

namespace cmkd::media {
namespace {

// Mono samples at one rate, whatever rates come in. Not thread-safe.
class Resampler {
 public:
  explicit Resampler(int rate) : rate_(rate) {}

  [[nodiscard]] int rate() const noexcept { return rate_; }

  void add(const std::vector<float>& mono, int rate, std::vector<float>& out) {
    if (rate_ == 0) rate_ = rate;
    if (rate != source_rate_) {
      finish(out);  // a stream may change its rate: what was begun at the old one ends there
      source_rate_ = rate;
      if (rate != rate_) open();
    }
    if (resampler_ == nullptr) {
      out.insert(out.end(), mono.begin(), mono.end());
    } else {
      convert(mono.data(), static_cast<int>(mono.size()), out);
    }
  }

  // What the filter still holds.
  void finish(std::vector<float>& out) {
    if (resampler_ != nullptr) convert(nullptr, 0, out);
    resampler_.reset();
  }

 private:
  void open() {
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;  // not const: FFmpeg 5 asks so
    SwrContext* context = nullptr;
    if (swr_alloc_set_opts2(&context, &mono, AV_SAMPLE_FMT_FLT, rate_, &mono, AV_SAMPLE_FMT_FLT, source_rate_, 0,
                            nullptr) < 0) {
      throw std::bad_alloc();
    }
    resampler_.reset(context);
    if (const int code = swr_init(context); code < 0) {
      throw Error(ErrorKind::kUsage, {fmt::format("cannot resample sound from {} to {} Hz", source_rate_, rate_), "",
                                      "", error_text(code)});
    }
  }

  void convert(const float* samples, int count, std::vector<float>& out) {
    const int room = swr_get_out_samples(resampler_.get(), count);
    if (room <= 0) return;
    const std::size_t before = out.size();
    out.resize(before + static_cast<std::size_t>(room));
    auto* to = reinterpret_cast<std::uint8_t*>(out.data() + before);
    const auto* from = reinterpret_cast<const std::uint8_t*>(samples);
    const int made = swr_convert(resampler_.get(), &to, room, samples != nullptr ? &from : nullptr, count);
    out.resize(before + static_cast<std::size_t>(std::max(0, made)));
  }

  int rate_;
  int source_rate_ = 0;
  ResamplerHandle resampler_;
};

void check_audio_request(int sample_rate, const AudioRange& range) {
  constexpr int kHighestRate = 768000;
  if (sample_rate < 0 || sample_rate > kHighestRate) {
    throw Error(ErrorKind::kUsage, {fmt::format("sample rate {} Hz", sample_rate), "",
                                    fmt::format("0 (the stream's own) … {} Hz", kHighestRate), ""});
  }
  if (!(range.start_s >= 0) || !std::isfinite(range.start_s) || !(range.duration_s >= 0)) {
    throw Error(ErrorKind::kUsage, {fmt::format("sound from {} s for {} s", range.start_s, range.duration_s), "",
                                    "a start and a duration that are not negative", ""});
  }
}

// Cuts the range out of the whole: [start, start + duration) in samples of the delivered rate.
void cut(std::vector<float>& samples, int rate, const AudioRange& range) {
  const double count = static_cast<double>(samples.size());
  const double first = std::min(count, std::round(range.start_s * rate));
  const double last = std::min(count, std::round((range.start_s + range.duration_s) * rate));
  samples.resize(static_cast<std::size_t>(last));
  samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(first));
}

}  // namespace

Outcome<AudioSamples> decode_audio(const std::filesystem::path& path, int sample_rate, const AudioRange& range) {
  check_audio_request(sample_rate, range);
  // The resampler looks this far ahead; beyond it nothing can change a sample of the range.
  constexpr double kMargin_s = 0.5;
  const double wanted_s = range.start_s + range.duration_s + kMargin_s;

  AudioSamples sound;
  Resampler resampler(sample_rate);
  std::vector<float> mono;
  std::optional<std::string> unknown_format;
  const auto take = [&](AVFrame& frame, std::int64_t, const AVStream&) {
    if (!mean_of_channels(frame, mono)) {
      unknown_format = fmt::format("sample format {}", frame.format);
      return false;
    }
    resampler.add(mono, frame.sample_rate, sound.samples);
    return static_cast<double>(sound.samples.size()) < wanted_s * resampler.rate();
  };
  const auto pass = decode_stream(path, AVMEDIA_TYPE_AUDIO, 0, take);
  if (!pass) return pass.failure();
  if (unknown_format) return Failure{FailureReason::kUnsupportedCodec, *unknown_format};
  if (pass.value().frames == 0) return *pass.value().verdict;
  resampler.finish(sound.samples);
  sound.sample_rate = resampler.rate();
  const double length_s = static_cast<double>(sound.samples.size()) / sound.sample_rate;
  cut(sound.samples, sound.sample_rate, range);
  if (sound.samples.empty() && range.duration_s > 0) {
    return Failure{FailureReason::kOutOfRange,
                   fmt::format("nothing at {:.3f} s: the sound ends at {:.3f} s", range.start_s, length_s)};
  }
  sound.warning = pass.value().verdict;
  return sound;
}

}  // namespace cmkd::media
