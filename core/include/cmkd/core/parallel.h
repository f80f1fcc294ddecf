// Independent items on several threads.
#pragma once

#include <cstdint>
#include <functional>

namespace cmkd {

// The processors that this process may use, at least 1.
[[nodiscard]] int available_threads();

// Calls `work(0)` … `work(count - 1)`, each once, on up to `threads` threads, in rising order of start. The first
// exception stops the start of further items and is rethrown here when all threads have ended.
void for_each_in_parallel(std::int64_t count, int threads, const std::function<void(std::int64_t)>& work);

}  // namespace cmkd
