// Retrieval: the tiled ranking against the untiled one, which multiplies all queries with the whole gallery at once.
#include <ATen/ATen.h>
#include <fmt/format.h>

#include <fstream>
#include <string>
#include <vector>

#include "bench.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/suites/tiled_ranking.h"

namespace cmkd::bench {

namespace {

constexpr std::int64_t kDimensions = 512;
constexpr std::int64_t kClasses = 100;
// Both ways fit, and no tile divides it.
constexpr std::int64_t kBoth = 12'000;
// Memory does not grow with the number of queries beyond a tile: a few queries show what 200,000 take.
constexpr std::int64_t kFewQueries = 600;
constexpr std::int64_t kLargeGallery = 200'000;
constexpr double kMostBytes = 2e9;

// Resident memory of this process in bytes: "VmRSS" now, "VmHWM" its peak since it was reset (Linux).
double memory(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1)) * 1024;
  }
  return 0;
}

// Clips around the centres of their classes, near enough to be found and far enough to be confused.
at::Tensor embeddings(std::int64_t clips, std::uint64_t seed) {
  const ScopedSeed centre_seed(1);
  const at::Tensor centres = at::randn({kClasses, kDimensions});
  const ScopedSeed own_seed(seed);
  at::Tensor result = at::randn({clips, kDimensions}).mul_(3);
  for (std::int64_t c = 0; c < kClasses; ++c) result.slice(0, c, clips, kClasses).add_(centres[c]);
  return result;
}

RetrievalInput make_input(std::int64_t queries, std::int64_t gallery) {
  const auto labels = [](std::int64_t clips) {
    std::vector<std::int64_t> result;
    for (std::int64_t i = 0; i < clips; ++i) result.push_back(i % kClasses);
    return RetrievalLabels::single(result);
  };
  return {embeddings(queries, 2), embeddings(gallery, 3), labels(queries), labels(gallery), false};
}

// The ranks of each query's hits, as one number for each query.
struct Ranked {
  std::vector<std::uint64_t> ranks;  // [Q]
  double peak_bytes = 0;             // above the embeddings
};

Ranked rank(const RetrievalInput& input, const TiledRankingOptions& options) {
  Ranked result;
  result.ranks.resize(static_cast<std::size_t>(input.queries.size(0)));
  std::ofstream("/proc/self/clear_refs") << "5";
  const double before = memory("VmRSS");
  rank_hits(
      input,
      [&](std::int64_t query, std::span<const std::int64_t> ranks) {
        std::uint64_t& own = result.ranks[static_cast<std::size_t>(query)];
        for (const std::int64_t r : ranks) own = (own ^ static_cast<std::uint64_t>(r)) * 0x100000001b3U;  // FNV-1a
      },
      options);
  result.peak_bytes = memory("VmHWM") - before;
  return result;
}

struct Both {
  RetrievalInput input = make_input(kBoth, kBoth);
  TiledRankingOptions whole{kBoth, kBoth, RowRanking::kAutomatic};
  // The BLAS keeps buffers from its first product on, for whatever is multiplied in this process: no ranking's memory.
  Ranked warm = rank(make_input(kFewQueries, kBoth), {});
  Ranked tiled = rank(input, {});
  Ranked untiled = rank(input, whole);

  Both() { verify(tiled.ranks == untiled.ranks, "the tiled ranking is not the untiled one"); }
};

const Both& both() {
  static const Both made;
  return made;
}

void rank_both(benchmark::State& state, bool tiled) {
  const Both& material = both();
  Ranked ranked;
  for (auto _ : state) ranked = rank(material.input, tiled ? TiledRankingOptions{} : material.whole);
  verify(ranked.ranks == material.untiled.ranks, "a ranking is not repeatable");
  state.SetItemsProcessed(state.iterations() * kBoth);
  state.counters["peak_bytes"] = tiled ? material.tiled.peak_bytes : material.untiled.peak_bytes;
}

void rank_large(benchmark::State& state) {
  const RetrievalInput input = make_input(kFewQueries, kLargeGallery);
  Ranked ranked;
  for (auto _ : state) ranked = rank(input, {});
  const auto planned =
      static_cast<double>(ranking_scratch_bytes(kLargeGallery, kLargeGallery, kDimensions, /*threads=*/1));
  verify(planned <= kMostBytes && ranked.peak_bytes <= planned,
         fmt::format("ranking took {} bytes; planned were {} of {}", ranked.peak_bytes, planned, kMostBytes));
  state.SetItemsProcessed(state.iterations() * kFewQueries);
  state.counters["peak_bytes"] = ranked.peak_bytes;
}

}  // namespace

void register_retrieval() {
  benchmark::RegisterBenchmark(kRankTiled, rank_both, true)->Unit(benchmark::kMillisecond)->Iterations(1);
  benchmark::RegisterBenchmark(kRankUntiled, rank_both, false)->Unit(benchmark::kMillisecond)->Iterations(1);
  benchmark::RegisterBenchmark(kRankLarge, rank_large)->Unit(benchmark::kMillisecond)->Iterations(1)->Repetitions(1);
}

}  // namespace cmkd::bench
