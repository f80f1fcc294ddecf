#include "resampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <new>

#include "cmkd/core/error.h"
#include "log.h"

namespace cmkd::media {

void Resampler::add(const float* samples, std::size_t count, int rate, std::vector<float>& out) {
  if (rate != source_rate_) {
    resampler_.reset();
    source_rate_ = rate;
    if (rate != rate_) open();
  }
  if (resampler_ == nullptr) {
    out.insert(out.end(), samples, samples + count);
  } else {
    convert(samples, static_cast<int>(count), out);
  }
}

void Resampler::finish(std::vector<float>& out) {
  if (resampler_ != nullptr) convert(nullptr, 0, out);
  resampler_.reset();
  source_rate_ = 0;
}

void Resampler::open() {
  AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;  // not const: FFmpeg 5 asks so
  SwrContext* context = nullptr;
  if (swr_alloc_set_opts2(&context, &mono, AV_SAMPLE_FMT_FLT, rate_, &mono, AV_SAMPLE_FMT_FLT, source_rate_, 0,
                          nullptr) < 0) {
    throw std::bad_alloc();
  }
  resampler_.reset(context);
  if (const int code = swr_init(context); code < 0) {
    throw Error(ErrorKind::kUsage, {.what = fmt::format("cannot resample sound from {} to {} Hz", source_rate_, rate_),
                                    .fix = error_text(code)});
  }
}

void Resampler::convert(const float* samples, int count, std::vector<float>& out) {
  const int room = swr_get_out_samples(resampler_.get(), count);
  if (room <= 0) return;
  const std::size_t before = out.size();
  out.resize(before + static_cast<std::size_t>(room));
  auto* to = reinterpret_cast<std::uint8_t*>(out.data() + before);
  const auto* from = reinterpret_cast<const std::uint8_t*>(samples);
  const int made = swr_convert(resampler_.get(), &to, room, samples != nullptr ? &from : nullptr, count);
  out.resize(before + static_cast<std::size_t>(std::max(0, made)));
}

}  // namespace cmkd::media
