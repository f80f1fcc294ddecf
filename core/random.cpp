#include "cmkd/core/random.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "cmkd/core/hash.h"

namespace cmkd {

namespace {

// Philox4x32 with 10 rounds: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53;
  constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
  constexpr std::uint32_t kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

std::uint64_t mix(std::uint64_t root, std::string_view purpose, std::int64_t first, std::int64_t second) {
  const std::array<std::int64_t, 2> numbers{first, second};
  return hash64(std::as_bytes(std::span(numbers)), hash64(purpose, root));
}

}  // namespace

std::uint32_t RandomStream::next_u32() noexcept {
  if (used_ == 4) {
    block_ = philox4x32_10({static_cast<std::uint32_t>(counter_), static_cast<std::uint32_t>(counter_ >> 32), 0, 0},
                           {static_cast<std::uint32_t>(key_), static_cast<std::uint32_t>(key_ >> 32)});
    ++counter_;
    used_ = 0;
  }
  return block_[used_++];
}

std::uint64_t RandomStream::next_u64() noexcept {
  const std::uint64_t high = next_u32();
  return (high << 32) | next_u32();
}

double RandomStream::uniform() noexcept { return static_cast<double>(next_u64() >> 11) * 0x1.0p-53; }

double RandomStream::uniform(double low, double high) noexcept { return low + (high - low) * uniform(); }

std::uint64_t RandomStream::below(std::uint64_t bound) noexcept {
  const std::uint64_t limit = -bound % bound;  // 2^64 mod bound: values under it would bias the remainder
  std::uint64_t value = next_u64();
  while (value < limit) value = next_u64();
  return value % bound;
}

std::int64_t RandomStream::integer(std::int64_t low, std::int64_t high) noexcept {
  return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
}

bool RandomStream::bernoulli(double probability) noexcept { return uniform() < probability; }

double RandomStream::normal() noexcept {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

std::vector<std::int64_t> RandomStream::permutation(std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[below(i)]);
  return order;
}

RandomStreams::RandomStreams(std::string_view suite, std::string_view dataset, std::int64_t seed) noexcept
    : root_(mix(hash64(dataset, hash64(suite)), "root", seed, 0)) {}

RandomStream RandomStreams::stream(std::string_view purpose, std::int64_t epoch, std::int64_t clip) const noexcept {
  return RandomStream(mix(root_, purpose, epoch, clip));
}

std::uint64_t RandomStreams::seed_for(std::string_view purpose, std::int64_t step) const noexcept {
  return mix(root_, purpose, step, -1);
}

}  // namespace cmkd
