#include "cmkd/metrics/retrieval.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cmkd/core/error.h"

namespace cmkd::metrics {

namespace {

std::vector<double> lengths(const Scores& embeddings, std::size_t rows, std::size_t width, const char* of) {
  std::vector<double> result(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const Scores row = embeddings.row(i, width);
    double squares = 0;
    for (std::size_t d = 0; d < width; ++d) squares += row[d] * row[d];
    result[i] = std::sqrt(squares);
    if (result[i] == 0)
      throw Error(ErrorKind::kInternal, {.what = fmt::format("{} {} has an embedding of zeros", of, i)});
  }
  return result;
}

// Mean of the precision at each hit of the first `ranks`; nothing without one.
std::optional<double> average_precision_of_query(const std::vector<bool>& hits, std::size_t ranks) {
  double found = 0;
  double sum = 0;
  for (std::size_t rank = 0; rank < std::min(ranks, hits.size()); ++rank) {
    if (!hits[rank]) continue;
    found += 1;
    sum += found / static_cast<double>(rank + 1);
  }
  return found > 0 ? std::optional(sum / found) : std::nullopt;
}

}  // namespace

std::vector<double> cosine_similarity(const Scores& queries, const Scores& gallery, std::int64_t dimensions) {
  const auto width = static_cast<std::size_t>(dimensions);
  const std::size_t rows = checked_rows(queries, dimensions);
  const std::size_t columns = checked_rows(gallery, dimensions);
  const std::vector<double> query_lengths = lengths(queries, rows, width, "query");
  const std::vector<double> gallery_lengths = lengths(gallery, columns, width, "gallery clip");
  std::vector<double> similarity(rows * columns);
  for (std::size_t q = 0; q < rows; ++q) {
    const Scores query = queries.row(q, width);
    for (std::size_t g = 0; g < columns; ++g) {
      const Scores other = gallery.row(g, width);
      double product = 0;
      for (std::size_t d = 0; d < width; ++d) product += query[d] * other[d];
      similarity[q * columns + g] = product / (query_lengths[q] * gallery_lengths[g]);
    }
  }
  return similarity;
}

Ranking::Ranking(const Scores& similarity, std::span<const std::int32_t> query_labels,
                 std::span<const std::int32_t> gallery_labels) {
  const std::size_t rows = checked_rows(similarity, static_cast<std::int64_t>(gallery_labels.size()));
  if (rows == 0 || rows != query_labels.size()) {
    throw Error(ErrorKind::kInternal,
                {.what = fmt::format("{} queries for {} rows of similarities", query_labels.size(), rows)});
  }
  std::vector<std::size_t> order(gallery_labels.size());
  for (std::size_t q = 0; q < rows; ++q) {
    const Scores row = similarity.row(q, gallery_labels.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return row[a] > row[b]; });
    std::vector<bool>& hits = hits_.emplace_back();
    for (const std::size_t g : order) hits.push_back(gallery_labels[g] == query_labels[q]);
  }
}

double Ranking::recall_at(std::int64_t k) const {
  const std::vector<std::int64_t> ranks = first_ranks();
  const auto found = std::ranges::count_if(ranks, [&](std::int64_t rank) { return rank <= k; });
  return static_cast<double>(found) / static_cast<double>(hits_.size());
}

double Ranking::mean_average_precision() const {
  double sum = 0;
  for (const auto& hits : hits_) sum += average_precision_of_query(hits, hits.size()).value_or(0);
  return sum / static_cast<double>(hits_.size());
}

Ranking::Truncated Ranking::truncated_mean_average_precision(std::int64_t ranks) const {
  if (ranks < 1) throw Error(ErrorKind::kInternal, {.what = fmt::format("a ranking cut after {} places", ranks)});
  Truncated result;
  double sum = 0;
  for (const auto& hits : hits_) {
    const std::optional<double> precision = average_precision_of_query(hits, static_cast<std::size_t>(ranks));
    if (!precision) ++result.skipped;
    sum += precision.value_or(0);
  }
  const auto counted = static_cast<std::int64_t>(hits_.size()) - result.skipped;
  if (counted > 0) result.mean_average_precision = sum / static_cast<double>(counted);
  return result;
}

std::vector<std::int64_t> Ranking::first_ranks() const {
  std::vector<std::int64_t> ranks;
  for (const auto& hits : hits_) {
    const auto first = std::ranges::find(hits, true);
    if (first != hits.end()) ranks.push_back(first - hits.begin() + 1);
  }
  std::ranges::sort(ranks);
  return ranks;
}

std::optional<double> Ranking::median_rank() const {
  const std::vector<std::int64_t> ranks = first_ranks();
  if (ranks.empty()) return std::nullopt;
  return static_cast<double>(ranks[(ranks.size() - 1) / 2] + ranks[ranks.size() / 2]) / 2;
}

std::optional<double> Ranking::mean_rank() const {
  const std::vector<std::int64_t> ranks = first_ranks();
  if (ranks.empty()) return std::nullopt;
  return static_cast<double>(std::accumulate(ranks.begin(), ranks.end(), std::int64_t{0})) /
         static_cast<double>(ranks.size());
}

std::int64_t Ranking::queries_without_hit() const {
  return static_cast<std::int64_t>(hits_.size() - first_ranks().size());
}

}  // namespace cmkd::metrics
