#include "cmkd/core/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace cmkd {

int available_threads() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void for_each_in_parallel(std::int64_t count, int threads, const std::function<void(std::int64_t)>& work) {
  std::atomic<std::int64_t> next = 0;
  std::atomic<bool> stopped = false;
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto worker = [&] {
    while (!stopped) {
      const std::int64_t item = next++;
      if (item >= count) return;
      try {
        work(item);
      } catch (...) {
        const std::lock_guard lock(failure_mutex);
        if (!failure) failure = std::current_exception();
        stopped = true;
      }
    }
  };
  {
    std::vector<std::jthread> others;
    const std::int64_t extra = std::min<std::int64_t>(threads, count) - 1;
    for (std::int64_t k = 0; k < extra; ++k) others.emplace_back(worker);
    worker();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace cmkd
