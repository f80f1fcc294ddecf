#include "hit_ranks.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <exception>
#include <mutex>
#include <thread>

namespace cmkd {

namespace {

constexpr auto kHighest = static_cast<std::int32_t>(kScoreSteps);

// A key is 21 bits of distance from the highest score and, below them, one bit that says whether the clip is a hit. A
// stable sort by the distance leaves equal ones in the order of their indices, so no index has to travel along.
constexpr std::uint32_t kHit = 1;
constexpr std::uint32_t kLast = (2 * static_cast<std::uint32_t>(kHighest) + 1) << 1U;  // after every score
constexpr std::uint32_t kLowBits = 11;
constexpr std::uint32_t kHighBits = 10;
static_assert(kLast >> 1U < 1U << (kLowBits + kHighBits));

std::uint32_t low_digit(std::uint32_t key) { return (key >> 1U) & ((1U << kLowBits) - 1); }
std::uint32_t high_digit(std::uint32_t key) { return key >> (1U + kLowBits); }

template <std::size_t N>
void counts_to_starts(std::array<std::uint32_t, N>& counts) {
  std::uint32_t start = 0;
  for (std::uint32_t& count : counts) {
    const std::uint32_t own = count;
    count = start;
    start += own;
  }
}

// One thread's ranking of one row after the other.
class RadixRow {
 public:
  explicit RadixRow(std::int64_t gallery)
      : keys_(static_cast<std::size_t>(gallery)), sorted_by_low_(static_cast<std::size_t>(gallery)) {}

  std::span<const std::int64_t> rank(const float* scores, std::int64_t query, const HitFinder& hits) {
    for (std::size_t g = 0; g < keys_.size(); ++g) {
      const auto steps = std::clamp(static_cast<std::int32_t>(scores[g]), -kHighest, kHighest);
      keys_[g] = static_cast<std::uint32_t>(kHighest - steps) << 1U;
    }
    hits.for_each_hit(query, [&](std::int64_t g) { keys_[static_cast<std::size_t>(g)] |= kHit; });
    if (const std::int64_t self = hits.itself(query); self >= 0) keys_[static_cast<std::size_t>(self)] = kLast;
    find_ranks();
    return ranks_;
  }

 private:
  // Two passes of a radix sort, of which the second only notes where the hits would go.
  void find_ranks() {
    low_.fill(0);
    high_.fill(0);
    for (const std::uint32_t key : keys_) {
      ++low_[low_digit(key)];
      ++high_[high_digit(key)];
    }
    counts_to_starts(low_);
    counts_to_starts(high_);
    for (const std::uint32_t key : keys_) sorted_by_low_[low_[low_digit(key)]++] = key;
    ranks_.clear();
    for (const std::uint32_t key : sorted_by_low_) {
      const std::uint32_t place = high_[high_digit(key)]++;
      if ((key & kHit) != 0) ranks_.push_back(std::int64_t{place} + 1);
    }
    std::ranges::sort(ranks_);
  }

  std::vector<std::uint32_t> keys_;           // [G]
  std::vector<std::uint32_t> sorted_by_low_;  // [G]
  std::array<std::uint32_t, 1U << kLowBits> low_{};
  std::array<std::uint32_t, 1U << kHighBits> high_{};
  std::vector<std::int64_t> ranks_;
};

// Rows that are sorted at once: LibTorch's sort takes about ten times the memory of its keys.
constexpr std::int64_t kSortedRows = 64;

// [rows, G] bool on the host.
at::Tensor hit_mask(std::int64_t first_query, std::int64_t rows, const HitFinder& hits) {
  at::Tensor mask = at::zeros({rows, hits.gallery()}, at::kBool);
  for (std::int64_t r = 0; r < rows; ++r) {
    bool* row = mask.data_ptr<bool>() + r * hits.gallery();
    hits.for_each_hit(first_query + r, [&](std::int64_t g) { row[g] = true; });
  }
  return mask;
}

}  // namespace

HitFinder::HitFinder(const RetrievalInput& input) : input_(input) {
  for (std::int64_t clip = 0; clip < input.gallery_labels.size(); ++clip) {
    for (const std::int64_t tag : input.gallery_labels.of(clip)) clips_of_tag_[tag].push_back(clip);
  }
}

void rank_rows_by_radix(const ScoreRows& rows, const HitFinder& hits, int threads, const HitRanks& take) {
  const std::int64_t count = rows.scores.size(0);
  const std::int64_t parts = std::clamp<std::int64_t>(threads, 1, count);
  const float* scores = rows.scores.const_data_ptr<float>();
  const std::int64_t stride = rows.scores.stride(0);
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto work = [&](std::int64_t part) {
    try {
      RadixRow row(hits.gallery());
      for (std::int64_t r = count * part / parts; r < count * (part + 1) / parts; ++r) {
        const std::int64_t query = rows.first_query + r;
        take(query, row.rank(scores + r * stride, query, hits));
      }
    } catch (...) {
      const std::scoped_lock lock(failure_mutex);
      failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::int64_t part = 1; part < parts; ++part) others.emplace_back(work, part);
    work(0);
  }
  if (failure) std::rethrow_exception(failure);
}

void rank_rows_by_sort(const ScoreRows& rows, const HitFinder& hits, const HitRanks& take) {
  std::vector<std::int64_t> ranks;
  for (std::int64_t first = 0; first < rows.scores.size(0); first += kSortedRows) {
    const std::int64_t count = std::min(kSortedRows, rows.scores.size(0) - first);
    const std::int64_t query = rows.first_query + first;
    at::Tensor keys = rows.scores.narrow(0, first, count).narrow(1, 0, hits.gallery()).to(at::kInt);
    keys.clamp_(-kHighest, kHighest);
    if (hits.itself(query) >= 0) keys.diagonal(query).fill_(-kHighest - 1);
    const at::Tensor order = std::get<1>(at::sort(keys, /*stable=*/true, /*dim=*/-1, /*descending=*/true));
    const at::Tensor mask = hit_mask(query, count, hits).to(keys.device());
    const at::Tensor found = mask.gather(1, order).to(at::kCPU);
    for (std::int64_t r = 0; r < count; ++r) {
      const bool* row = found.const_data_ptr<bool>() + r * hits.gallery();
      ranks.clear();
      for (std::int64_t g = 0; g < hits.gallery(); ++g) {
        if (row[g]) ranks.push_back(g + 1);
      }
      take(query + r, ranks);
    }
  }
}

std::int64_t radix_scratch_bytes(std::int64_t gallery, int threads) {
  // Keys twice, and ranks, whose vector may have grown to twice what it holds while the former one is still there.
  constexpr auto kPerClip = static_cast<std::int64_t>(2 * sizeof(std::uint32_t) + 3 * sizeof(std::int64_t));
  return threads * gallery * kPerClip;
}

std::int64_t sort_scratch_bytes(std::int64_t gallery, std::int64_t rows) {
  // Keys, sorted keys and order; as much again for the sort's own buffers; the mask there, here, gathered and copied.
  constexpr std::int64_t kPerScore = 2 * (4 + 4 + 8) + 4;
  return std::min(rows, kSortedRows) * gallery * kPerScore + gallery * std::int64_t{3 * sizeof(std::int64_t)};
}

}  // namespace cmkd
