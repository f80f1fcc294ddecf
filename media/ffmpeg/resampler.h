// Mono samples at one rate, whatever rates come in.
#pragma once

#include <vector>

#include "handles.h"

namespace cmkd::media {

// The first sample that comes out lies where the first that went in lies: the filter's delay is taken out. Not
// thread-safe.
class Resampler {
 public:
  // 0: settle_rate() says it later.
  explicit Resampler(int rate) : rate_(rate) {}

  // Chooses this rate where none was given.
  void settle_rate(int rate) noexcept { rate_ = rate_ == 0 ? rate : rate_; }

  [[nodiscard]] int rate() const noexcept { return rate_; }

  // Appends to `out` what is ready. `rate` is that of the samples that come in; when it changes, call finish() first.
  void add(const float* samples, std::size_t count, int rate, std::vector<float>& out);
  // What the filter still holds.
  void finish(std::vector<float>& out);

 private:
  void open();
  void convert(const float* samples, int count, std::vector<float>& out);

  int rate_;
  int source_rate_ = 0;
  ResamplerHandle resampler_;
};

}  // namespace cmkd::media
