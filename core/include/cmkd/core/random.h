// Counter-based random numbers that are named, not drawn in turn.
//
// A stream is a pure function of its names and numbers: Philox4x32-10 (Salmon et al., SC 2011) keyed by a hash of them.
// Two streams with different names are independent; asking for one more number in one shifts nobody else's. No
// `std::*_distribution` is used, so the numbers are the same with every standard library.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace cmkd {

// One stream. Cheap to make and to copy; not thread-safe.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t key) noexcept : key_(key) {}

  [[nodiscard]] std::uint32_t next_u32() noexcept;
  [[nodiscard]] std::uint64_t next_u64() noexcept;
  [[nodiscard]] double uniform() noexcept;                          // [0, 1), 53 bits
  [[nodiscard]] double uniform(double low, double high) noexcept;   // [low, high)
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept;  // 0 … bound − 1, unbiased; bound >= 1
  [[nodiscard]] std::int64_t integer(std::int64_t low, std::int64_t high) noexcept;  // low … high, both included
  [[nodiscard]] bool bernoulli(double probability) noexcept;
  [[nodiscard]] double normal() noexcept;  // standard normal by Box–Muller
  // 0 … n − 1 in random order (Fisher–Yates).
  [[nodiscard]] std::vector<std::int64_t> permutation(std::int64_t n);

 private:
  std::uint64_t key_;
  std::uint64_t counter_ = 0;
  std::array<std::uint32_t, 4> block_{};
  unsigned used_ = 4;
};

// The root from which streams are named: (suite, dataset, seed) once, then (purpose, epoch, clip) for each stream.
// Never keyed by the method, so that every method of a cell draws the same numbers.
class RandomStreams {
 public:
  RandomStreams(std::string_view suite, std::string_view dataset, std::int64_t seed) noexcept;

  [[nodiscard]] RandomStream stream(std::string_view purpose, std::int64_t epoch = 0,
                                    std::int64_t clip = 0) const noexcept;
  [[nodiscard]] std::uint64_t seed_for(std::string_view purpose, std::int64_t step = 0) const noexcept;

 private:
  std::uint64_t root_;
};

}  // namespace cmkd
