// Items made in order ahead of their use, by threads of their own.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "cmkd/core/error.h"

namespace cmkd {

// Hands out make(first), make(first + 1), …, make(end - 1), in this order whichever is ready first. For one consumer.
template <typename Item>
class ReadAhead {
 public:
  // Called by several threads at once; each index once. What it throws is thrown by next() for that index.
  using Make = std::function<Item(std::int64_t index)>;

  // `threads` 0: next() makes its item itself. Else at most `ahead` items, and at least one a thread, are in work or
  // wait at any time.
  ReadAhead(std::int64_t first, std::int64_t end, int threads, std::int64_t ahead, Make make)
      : make_(std::move(make)),
        end_(end),
        ahead_(std::max<std::int64_t>(ahead, threads)),
        claimed_(first),
        next_(first) {
    try {
      for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
    } catch (...) {
      stop();
      throw;
    }
  }
  // Waits for what is in work; what nobody took is dropped.
  ~ReadAhead() { stop(); }
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  [[nodiscard]] Item next() {
    if (next_ >= end_) throw Error(ErrorKind::kInternal, {.what = "an item beyond the last one is asked for"});
    if (threads_.empty()) return make_(next_++);
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return made_.contains(next_); });
    Made made = std::move(made_.extract(next_).mapped());
    ++next_;
    lock.unlock();
    room_.notify_all();
    if (made.error) std::rethrow_exception(made.error);
    return std::move(*made.item);
  }

 private:
  struct Made {
    std::optional<Item> item;
    std::exception_ptr error;  // instead of an item
  };

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      room_.wait(lock, [this] { return stopping_ || claimed_ >= end_ || claimed_ < next_ + ahead_; });
      if (stopping_ || claimed_ >= end_) return;
      const std::int64_t index = claimed_++;
      lock.unlock();
      Made made;
      try {
        made.item.emplace(make_(index));
      } catch (...) {
        made.error = std::current_exception();
      }
      lock.lock();
      made_.emplace(index, std::move(made));
      ready_.notify_one();
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  Make make_;
  std::int64_t end_;
  std::int64_t ahead_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable ready_;
  std::int64_t claimed_;  // the first index that no thread has taken on
  std::int64_t next_;     // the first that was not handed out
  std::map<std::int64_t, Made> made_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace cmkd
