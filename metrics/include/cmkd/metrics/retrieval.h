// Metrics of retrieval: each query ranks a gallery, and gallery clips of the query's class are hits. No LibTorch:
// row-major values. Pure functions, safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cmkd/metrics/scores.h"

namespace cmkd::metrics {

// [Q, G] cosine of each query's embedding [D] with each gallery clip's. Requires sizes that fit, no value that is not a
// number, and no embedding of length zero, whose angle is undefined; throws Error(kInternal) otherwise.
[[nodiscard]] std::vector<double> cosine_similarity(const Scores& queries, const Scores& gallery,
                                                    std::int64_t dimensions);

// For each query, whether the gallery clip at each rank (from 0) is a hit; highest similarity first, of equal ones the
// lower gallery index first.
class Ranking {
 public:
  // `similarity` is [Q, G]. Requires at least one query and one gallery clip, and no similarity that is not a number;
  // throws Error(kInternal) otherwise.
  Ranking(const Scores& similarity, std::span<const std::int32_t> query_labels,
          std::span<const std::int32_t> gallery_labels);

  // Share of the queries with a hit among the first k. A query without any hit in the gallery counts as a miss.
  [[nodiscard]] double recall_at(std::int64_t k) const;

  // Mean over the queries of the average precision over the full ranking; a query without a hit counts 0.
  [[nodiscard]] double mean_average_precision() const;

  // The variant of the seed's code: precision at each hit of the first `ranks`, divided by the hits found there;
  // queries without one are skipped and counted. It rates a system higher the fewer hits it finds, so never compare the
  // two.
  struct Truncated {
    std::optional<double> mean_average_precision;  // nothing when every query was skipped
    std::int64_t skipped = 0;
  };
  [[nodiscard]] Truncated truncated_mean_average_precision(std::int64_t ranks) const;

  // Of the first hit, from 1, over the queries that have one; nothing when none has.
  [[nodiscard]] std::optional<double> median_rank() const;  // mean of the middle two for an even number
  [[nodiscard]] std::optional<double> mean_rank() const;
  [[nodiscard]] std::int64_t queries_without_hit() const;

 private:
  [[nodiscard]] std::vector<std::int64_t> first_ranks() const;  // sorted; without the queries that have no hit

  std::vector<std::vector<bool>> hits_;  // [Q][G]
};

}  // namespace cmkd::metrics
