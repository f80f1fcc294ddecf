// Retrieval: the tiled ranking against the untiled one, which multiplies all queries with the whole gallery at once.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/suites/tiled_ranking.h"
#include "peak_memory.h"

namespace cmkd::bench {

namespace {

constexpr std::int64_t kDimensions = 512;
constexpr std::int64_t kRetrievalClasses = 100;
// Both ways fit, and no tile divides it.
constexpr std::int64_t kBoth = 12'000;
// Memory does not grow with the number of queries beyond a tile: a few queries show what 200,000 take.
constexpr std::int64_t kFewQueries = 600;
constexpr std::int64_t kLargeGallery = 200'000;
constexpr double kMostBytes = 2e9;
// Queries of a large retrieval that are ranked again in another way, and the step by which their scores may differ from
// their double values: a rounding to 1e-6 on either side, and what a product of 512 floats loses.
constexpr std::int64_t kSample = 64;
constexpr double kScoreError = 1.5e-6;
// Names of what is measured in a process of its own.
constexpr const char* kPeakTiled = "tiled";
constexpr const char* kPeakUntiled = "untiled";
constexpr const char* kPeakLarge = "large";
// What the BLAS keeps for itself from its first product on: no ranking's memory.
constexpr double kOverhead = 64e6;

// Clips around the centres of their classes, near enough to be found and far enough to be confused.
at::Tensor embeddings(std::int64_t clips, std::uint64_t seed) {
  const ScopedSeed centre_seed(1);
  const at::Tensor centres = at::randn({kRetrievalClasses, kDimensions});
  const ScopedSeed own_seed(seed);
  at::Tensor result = at::randn({clips, kDimensions}).mul_(3);
  for (std::int64_t c = 0; c < kRetrievalClasses; ++c) result.slice(0, c, clips, kRetrievalClasses).add_(centres[c]);
  return result;
}

RetrievalInput make_input(std::int64_t queries, std::int64_t gallery) {
  const auto labels = [](std::int64_t clips) {
    std::vector<std::int64_t> result;
    for (std::int64_t i = 0; i < clips; ++i) result.push_back(i % kRetrievalClasses);
    return RetrievalLabels::single(result);
  };
  return {embeddings(queries, 2), embeddings(gallery, 3), labels(queries), labels(gallery), false};
}

// The ranks of a query's hits as one number.
std::uint64_t number_of(std::span<const std::int64_t> ranks) {
  std::uint64_t number = 0;
  for (const std::int64_t r : ranks) number = (number ^ static_cast<std::uint64_t>(r)) * 0x100000001b3U;  // FNV-1a
  return number;
}

// The ranks of each query's hits as one number. [Q]
std::vector<std::uint64_t> rank(const RetrievalInput& input, const TiledRankingOptions& options) {
  std::vector<std::uint64_t> numbers(static_cast<std::size_t>(input.queries.size(0)));
  rank_hits(
      input,
      [&](std::int64_t query, std::span<const std::int64_t> ranks) {
        numbers[static_cast<std::size_t>(query)] = number_of(ranks);
      },
      options);
  return numbers;
}

TiledRankingOptions whole_at_once() { return {kBoth, kBoth, RowRanking::kAutomatic}; }

struct Both {
  RetrievalInput input = make_input(kBoth, kBoth);
  std::vector<std::uint64_t> tiled = rank(input, {});
  std::vector<std::uint64_t> untiled = rank(input, whole_at_once());

  Both() { verify(tiled == untiled, "the tiled ranking is not the untiled one"); }
};

const Both& both() {
  static const Both made;
  return made;
}

// Above the embeddings, measured once for all repetitions.
std::optional<double> peak_of(const std::string& name) {
  static std::map<std::string, std::optional<double>> measured;
  const auto found = measured.find(name);
  if (found != measured.end()) return found->second;
  return measured[name] = peak_in_own_process(name, at::get_num_threads());
}

void count_peak(benchmark::State& state, const std::optional<double>& peak) {
  if (peak) state.counters["peak_bytes"] = *peak;
}

void rank_both(benchmark::State& state, bool tiled) {
  const Both& material = both();
  std::vector<std::uint64_t> ranked;
  for (auto _ : state) ranked = rank(material.input, tiled ? TiledRankingOptions{} : whole_at_once());
  verify(ranked == material.untiled, "a ranking is not repeatable");
  state.SetItemsProcessed(state.iterations() * kBoth);
  count_peak(state, peak_of(tiled ? kPeakTiled : kPeakUntiled));
}

void rank_large(benchmark::State& state) {
  const RetrievalInput input = make_input(kFewQueries, kLargeGallery);
  for (auto _ : state) benchmark::DoNotOptimize(rank(input, {}).data());
  const auto planned =
      static_cast<double>(ranking_scratch_bytes(kLargeGallery, kLargeGallery, kDimensions, at::get_num_threads()));
  const std::optional<double> peak = peak_of(kPeakLarge);
  verify(planned <= kMostBytes && peak.value_or(0) <= planned,
         fmt::format("ranking took {} bytes; planned were {} of {}", peak.value_or(0), planned, kMostBytes));
  state.SetItemsProcessed(state.iterations() * kFewQueries);
  count_peak(state, peak);
}

struct Size {
  std::int64_t queries = 0;
  std::int64_t gallery = 0;
};

// "2000x200000"
Size size_of(const std::string& text) {
  Size size;
  const char* end = text.data() + text.size();
  const auto [cross, failure] = std::from_chars(text.data(), end, size.queries);
  const bool first = failure == std::errc() && cross != end && *cross == 'x' && size.queries > 0;
  const auto second = first ? std::from_chars(cross + 1, end, size.gallery) : std::from_chars_result{cross, failure};
  if (!first || second.ec != std::errc() || second.ptr != end || size.gallery < 1)
    refuse_option(fmt::format("--retrieval={}: give QUERIESxGALLERY, as 2000x200000", text));
  return size;
}

at::Tensor unit(const at::Tensor& rows) {
  const at::Tensor values = rows.to(at::kDouble);
  return values / at::linalg_vector_norm(values, 2, at::IntArrayRef{1}, /*keepdim=*/true);
}

// Every hit of the queries `sample` at a rank that its double cosine allows: behind all that are clearly higher, before
// all that are clearly lower. `ranks` [S][hits], ascending.
void verify_by_doubles(const RetrievalInput& input, const at::Tensor& sample,
                       const std::vector<std::vector<std::int64_t>>& ranks) {
  const at::Tensor queries = unit(input.queries.index_select(0, sample));
  std::vector<at::Tensor> parts;
  for (const at::Tensor& part : input.gallery.split(10'000)) parts.push_back(queries.mm(unit(part).t()));
  const at::Tensor cosines = at::cat(parts, 1);
  const at::Tensor gallery_labels = at::arange(input.gallery.size(0)).remainder_(kRetrievalClasses);
  for (std::int64_t i = 0; i < sample.numel(); ++i) {
    const std::int64_t query = sample[i].item<std::int64_t>();
    const at::Tensor sorted = std::get<0>(cosines[i].sort());
    const at::Tensor hits =
        std::get<0>(cosines[i].masked_select(gallery_labels.eq(query % kRetrievalClasses)).sort(0, true));
    const at::Tensor first = sorted.numel() - at::searchsorted(sorted, hits + kScoreError, false, /*right=*/true) + 1;
    const at::Tensor last = sorted.numel() - at::searchsorted(sorted, hits - kScoreError);
    const at::Tensor found = at::tensor(ranks[static_cast<std::size_t>(i)], at::kLong);
    verify(found.numel() == hits.numel() && first.le(found).logical_and(found.le(last)).all().item<bool>(),
           fmt::format("the ranks of query {} are not those of its double cosines", query));
  }
}

// Some queries, spread over all, by the stable sort in place of the counting, and against double cosines.
void verify_sample(const RetrievalInput& input, const std::vector<std::uint64_t>& ranked) {
  const std::int64_t queries = input.queries.size(0);
  const at::Tensor sample =
      at::linspace(0, static_cast<double>(queries - 1), std::min(kSample, queries), at::kDouble).round().to(at::kLong);
  const std::span<const std::int64_t> numbers(sample.const_data_ptr<std::int64_t>(),
                                              static_cast<std::size_t>(sample.numel()));
  std::vector<std::int64_t> labels;
  for (const std::int64_t query : numbers) labels.push_back(query % kRetrievalClasses);
  const RetrievalInput part{input.queries.index_select(0, sample), input.gallery, RetrievalLabels::single(labels),
                            input.gallery_labels, false};
  std::vector<std::vector<std::int64_t>> ranks(labels.size());
  TiledRankingOptions by_sort;
  by_sort.rows = RowRanking::kSort;
  const auto take = [&](std::int64_t query, std::span<const std::int64_t> found) {
    ranks[static_cast<std::size_t>(query)].assign(found.begin(), found.end());
  };
  rank_hits(part, take, by_sort);
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    verify(number_of(ranks[i]) == ranked[static_cast<std::size_t>(numbers[i])],
           fmt::format("query {} ranks otherwise alone and by sorting", numbers[i]));
  }
  verify_by_doubles(input, sample, ranks);
}

void rank_sized(benchmark::State& state, Size size) {
  const RetrievalInput input = make_input(size.queries, size.gallery);
  std::vector<std::uint64_t> ranked;
  std::optional<double> peak;
  // Here: nothing else runs in this process.
  for (auto _ : state) peak = peak_above_now([&] { ranked = rank(input, {}); });
  verify_sample(input, ranked);
  const auto planned =
      static_cast<double>(ranking_scratch_bytes(size.queries, size.gallery, kDimensions, at::get_num_threads()));
  verify(peak.value_or(0) <= planned + kOverhead,
         fmt::format("ranking took {} bytes; planned were {}", peak.value_or(0), planned));
  state.SetItemsProcessed(state.iterations() * size.queries);
  count_peak(state, peak);
}

}  // namespace

std::optional<double> retrieval_peak(const std::string& name) {
  const bool large = name == kPeakLarge;
  if (!large && name != kPeakTiled && name != kPeakUntiled)
    refuse_option(fmt::format("--peak-of={}: {}, {} or {}", name, kPeakTiled, kPeakUntiled, kPeakLarge));
  // The BLAS keeps buffers from its first product on, for whatever is multiplied in this process: no ranking's memory.
  // Before the embeddings are made, which take more than this does: the mark then stands at what they take.
  (void)rank(make_input(kFewQueries, kFewQueries), {});
  const RetrievalInput input = large ? make_input(kFewQueries, kLargeGallery) : make_input(kBoth, kBoth);
  const TiledRankingOptions options = name == kPeakUntiled ? whole_at_once() : TiledRankingOptions{};
  return peak_above_now([&] { benchmark::DoNotOptimize(rank(input, options).data()); });
}

void register_retrieval_of(const std::string& sizes) {
  const Size size = size_of(sizes);
  const std::string name = fmt::format("{}{} x {} x {}, {} threads (queries/s)", kRankSized, size.queries, size.gallery,
                                       kDimensions, at::get_num_threads());
  benchmark::RegisterBenchmark(name.c_str(), rank_sized, size)
      ->Unit(benchmark::kMillisecond)
      ->Iterations(1)
      ->Repetitions(1)
      ->UseRealTime();
}

void register_retrieval() {
  benchmark::RegisterBenchmark(kRankTiled, rank_both, true)->Unit(benchmark::kMillisecond)->Iterations(1);
  benchmark::RegisterBenchmark(kRankUntiled, rank_both, false)->Unit(benchmark::kMillisecond)->Iterations(1);
  benchmark::RegisterBenchmark(kRankLarge, rank_large)->Unit(benchmark::kMillisecond)->Iterations(1)->Repetitions(1);
}

}  // namespace cmkd::bench
