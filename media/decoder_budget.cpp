#include "cmkd/media/decoder_budget.h"

#include <algorithm>
#include <utility>

#include "cmkd/media/video.h"

namespace cmkd::media {

DecoderBudget::Lease::~Lease() {
  if (budget_ != nullptr) budget_->release(bytes_);
}

DecoderBudget::Lease::Lease(Lease&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}

DecoderBudget& DecoderBudget::process_wide() {
  static DecoderBudget budget(std::size_t{300} << 20);
  return budget;
}

void DecoderBudget::set_limit(std::size_t limit_bytes) {
  {
    const std::lock_guard lock(mutex_);
    limit_ = std::max<std::size_t>(limit_bytes, 1);
  }
  room_.notify_all();
}

DecoderBudget::Lease DecoderBudget::acquire(const VideoStreamInfo& stream) {
  std::unique_lock lock(mutex_);
  std::size_t bytes = 0;
  room_.wait(lock, [&] {
    // Asked again at each wake: the limit may have changed meanwhile.
    bytes = limit_ / static_cast<std::size_t>(std::max(decoders_within(stream, limit_), 1));
    return used_ == 0 || used_ + bytes <= limit_;
  });
  used_ += bytes;
  return Lease(*this, bytes);
}

void DecoderBudget::release(std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    used_ -= bytes;
  }
  room_.notify_all();
}

}  // namespace cmkd::media
