// The memory that all decoders of this process may hold at once.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "cmkd/media/media.h"

namespace cmkd::media {

// Makes a decode wait until its decoder fits beside those at work. Small streams run side by side; a stream that needs
// the whole budget runs alone. Thread-safe.
class DecoderBudget {
 public:
  // The room of one decoder, given back on destruction.
  class Lease {
   public:
    ~Lease();
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    // What this decoder may hold.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

   private:
    friend class DecoderBudget;
    Lease(DecoderBudget& budget, std::size_t bytes) : budget_(&budget), bytes_(bytes) {}
    DecoderBudget* budget_;
    std::size_t bytes_;
  };

  explicit DecoderBudget(std::size_t limit_bytes) : limit_(limit_bytes) {}

  // The one that ClipSource::decode asks. Ingest sets its limit.
  [[nodiscard]] static DecoderBudget& process_wide();

  void set_limit(std::size_t limit_bytes);
  // Waits for room for a decoder of this stream.
  [[nodiscard]] Lease acquire(const VideoStreamInfo& stream);

 private:
  void release(std::size_t bytes);

  std::mutex mutex_;
  std::condition_variable room_;
  std::size_t limit_;
  std::size_t used_ = 0;
};

}  // namespace cmkd::media
