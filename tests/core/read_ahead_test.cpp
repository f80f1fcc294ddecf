#include "catch.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "cmkd/core/read_ahead.h"

using namespace cmkd;

namespace {

using Numbers = ReadAhead<std::int64_t>;

std::vector<std::int64_t> take(Numbers& queue, std::int64_t count) {
  std::vector<std::int64_t> taken;
  for (std::int64_t i = 0; i < count; ++i) taken.push_back(queue.next());
  return taken;
}

}  // namespace

TEST_CASE("items come in order and each once, whichever is ready first, at any number of threads") {
  for (const int threads : {0, 1, 3, 8}) {
    for (const std::int64_t ahead : {1, 2, 7}) {
      std::vector<std::atomic<int>> made(40);
      Numbers queue(5, 40, threads, ahead, [&](std::int64_t index) {
        ++made[static_cast<std::size_t>(index)];
        std::this_thread::sleep_for(std::chrono::microseconds(index % 3 == 0 ? 600 : 0));  // the later one is faster
        return index * index;
      });
      std::vector<std::int64_t> expected(35);
      std::iota(expected.begin(), expected.end(), 5);
      std::ranges::transform(expected, expected.begin(), [](std::int64_t index) { return index * index; });
      CHECK(take(queue, 35) == expected);
      CHECK(std::ranges::all_of(made.begin() + 5, made.end(), [](const auto& count) { return count == 1; }));
      CHECK_THROWS_AS((void)queue.next(), Error);
    }
  }
}

TEST_CASE("no more items are made ahead than were asked for") {
  std::atomic<std::int64_t> most{-1};
  std::mutex mutex;
  Numbers queue(0, 100, 2, 3, [&](std::int64_t index) {
    const std::lock_guard lock(mutex);
    most = std::max<std::int64_t>(most, index);
    return index;
  });
  for (std::int64_t taken = 0; taken < 20; ++taken) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    CHECK(most <= taken + 2);  // of the three from `taken` on
    (void)queue.next();
  }
}

TEST_CASE("what making an item throws is thrown where the item is taken, and the next ones follow") {
  for (const int threads : {0, 1, 4}) {
    Numbers queue(0, 6, threads, 3, [](std::int64_t index) {
      if (index == 2) throw std::runtime_error("no third item");
      return index;
    });
    CHECK(take(queue, 2) == std::vector<std::int64_t>{0, 1});
    CHECK_THROWS_WITH((void)queue.next(), "no third item");
    CHECK(take(queue, 3) == std::vector<std::int64_t>{3, 4, 5});
  }
}

TEST_CASE("a queue that nobody empties ends") {
  std::atomic<int> made{0};
  {
    Numbers queue(0, 1'000'000, 4, 8, [&](std::int64_t index) {
      ++made;
      return index;
    });
    (void)queue.next();
  }
  CHECK(made <= 9);
}
