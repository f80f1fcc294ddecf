#include "retrieval_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>

#include "cmkd/core/parallel.h"

namespace cmkd::reports {

namespace {

constexpr std::string_view kRecallPrefix = "recall@";

// 0: none.
std::int64_t recall_depth(const std::string& metric) {
  std::int64_t depth = 0;
  if (!metric.starts_with(kRecallPrefix)) return 0;
  const char* end = metric.data() + metric.size();
  const auto read = std::from_chars(metric.data() + kRecallPrefix.size(), end, depth);
  return read.ec == std::errc() && read.ptr == end && depth > 0 ? depth : 0;
}

// --- Embeddings of length 1, row by row, filled up with zeros to whole steps ---

constexpr std::size_t kLanes = 16;

struct UnitRows {
  std::size_t width = 0;  // a multiple of kLanes
  std::vector<float> values;

  [[nodiscard]] const float* row(std::size_t i) const { return values.data() + i * width; }
};

// Nothing where an embedding has no direction.
std::optional<UnitRows> unit_rows(const results::ClipOutputs& outputs) {
  const auto given = static_cast<std::size_t>(outputs.width);
  UnitRows rows;
  rows.width = (given + kLanes - 1) / kLanes * kLanes;
  rows.values.resize(outputs.labels.size() * rows.width);
  for (std::size_t i = 0; i < outputs.labels.size(); ++i) {
    const std::span<const float> from = std::span(outputs.scores).subspan(i * given, given);
    double squares = 0;
    for (const float value : from) squares += static_cast<double>(value) * value;
    const double length = std::sqrt(squares);
    if (!(length > 0) || !std::isfinite(length)) return std::nullopt;
    for (std::size_t d = 0; d < given; ++d) {
      rows.values[i * rows.width + d] = static_cast<float>(static_cast<double>(from[d]) / length);
    }
  }
  return rows;
}

// Sums in lanes of their own, which is what a compiler can put into vectors.
float product_of(const float* a, const float* b, std::size_t width) {
  std::array<float, kLanes> sums{};
  for (std::size_t d = 0; d < width; d += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[d + lane] * b[d + lane];
  }
  float sum = 0;
  for (const float one : sums) sum += one;
  return sum;
}

// --- Rankings ---

bool share_a_tag(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) return true;
    ++(a[i] < b[j] ? i : j);
  }
  return false;
}

bool is_hit(const results::ClipOutputs& outputs, std::size_t query, std::size_t clip) {
  return outputs.tags.empty() ? outputs.labels[query] == outputs.labels[clip]
                              : share_a_tag(outputs.tags[query], outputs.tags[clip]);
}

struct RankedHit {
  float similarity;
  std::size_t clip;
  [[nodiscard]] bool before(float other, std::size_t at) const {
    return similarity > other || (similarity == other && clip < at);
  }
};

// The ranks of the hits, from 1, rising.
std::vector<std::size_t> ranks_of_hits(const results::ClipOutputs& outputs, const UnitRows& rows, std::size_t query) {
  const bool all_ask = outputs.queries == static_cast<std::int64_t>(outputs.labels.size());
  const std::size_t first = all_ask ? 0 : static_cast<std::size_t>(outputs.queries);
  std::vector<float> similarities(outputs.labels.size());
  std::vector<RankedHit> hits;
  for (std::size_t i = first; i < outputs.labels.size(); ++i) {
    if (i == query) continue;
    similarities[i] = product_of(rows.row(query), rows.row(i), rows.width);
    if (is_hit(outputs, query, i)) hits.push_back({similarities[i], i});
  }
  std::ranges::sort(hits, [](const RankedHit& a, const RankedHit& b) { return a.before(b.similarity, b.clip); });
  // Of each clip that is no hit: how many hits stand before it.
  std::vector<std::size_t> passed(hits.size() + 1, 0);
  for (std::size_t i = first; i < outputs.labels.size(); ++i) {
    if (i == query || is_hit(outputs, query, i)) continue;
    const auto place =
        std::ranges::partition_point(hits, [&](const RankedHit& hit) { return hit.before(similarities[i], i); });
    ++passed[static_cast<std::size_t>(place - hits.begin())];
  }
  std::vector<std::size_t> ranks;
  std::size_t above = 0;
  for (std::size_t h = 0; h < hits.size(); ++h) {
    above += passed[h];
    ranks.push_back(above + h + 1);
  }
  return ranks;
}

// A query without a hit has 0.
double average_precision_of(const std::vector<std::size_t>& ranks) {
  double sum = 0;
  for (std::size_t h = 0; h < ranks.size(); ++h) sum += static_cast<double>(h + 1) / static_cast<double>(ranks[h]);
  return ranks.empty() ? 0 : sum / static_cast<double>(ranks.size());
}

}  // namespace

bool is_mean_over_queries(const std::string& metric) { return metric == "map" || recall_depth(metric) > 0; }

double retrieval_products(const results::ClipOutputs& outputs) {
  const auto clips = static_cast<double>(outputs.labels.size());
  const auto queries = static_cast<double>(outputs.queries);
  return queries * (queries == clips ? clips : clips - queries) * static_cast<double>(outputs.width);
}

std::optional<std::vector<double>> retrieval_values(const std::string& metric, const results::ClipOutputs& outputs) {
  const std::size_t clips = outputs.labels.size();
  const bool fits = outputs.queries > 0 && static_cast<std::size_t>(outputs.queries) <= clips && clips > 1 &&
                    (outputs.tags.empty() || outputs.tags.size() == clips) &&
                    outputs.scores.size() == clips * static_cast<std::size_t>(outputs.width);
  if (!fits) return std::nullopt;
  const std::optional<UnitRows> rows = unit_rows(outputs);
  if (!rows) return std::nullopt;
  const std::int64_t depth = recall_depth(metric);
  std::vector<double> values(static_cast<std::size_t>(outputs.queries));
  constexpr double kWorthThreads = 1e8;
  const int threads = retrieval_products(outputs) < kWorthThreads ? 1 : available_threads();
  for_each_in_parallel(outputs.queries, threads, [&](std::int64_t query) {
    const auto at = static_cast<std::size_t>(query);
    const std::vector<std::size_t> ranks = ranks_of_hits(outputs, *rows, at);
    const bool early = !ranks.empty() && static_cast<std::int64_t>(ranks.front()) <= depth;
    values[at] = depth == 0 ? average_precision_of(ranks) : early ? 1 : 0;
  });
  return values;
}

}  // namespace cmkd::reports
