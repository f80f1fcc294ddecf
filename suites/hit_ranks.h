// The ranks of the hits in rows of rounded scores; part of tiled_ranking.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "cmkd/suites/tiled_ranking.h"

namespace cmkd {

inline constexpr double kScoreSteps = 1e6;  // scores are multiples of 1 / kScoreSteps

// Which gallery clips are hits of a query.
class HitFinder {
 public:
  explicit HitFinder(const RetrievalInput& input);

  // Calls `mark(g)` for each gallery clip g that is a hit of the query, some more than once; never for the clip itself.
  template <typename Mark>
  void for_each_hit(std::int64_t query, const Mark& mark) const {
    for (const std::int64_t tag : input_.query_labels.of(query)) {
      const auto clips = clips_of_tag_.find(tag);
      if (clips == clips_of_tag_.end()) continue;
      for (const std::int64_t clip : clips->second) {
        if (!input_.leave_one_out || clip != query) mark(clip);
      }
    }
  }
  [[nodiscard]] std::int64_t gallery() const { return input_.gallery_labels.size(); }
  // The gallery clip that is the query itself, or -1.
  [[nodiscard]] std::int64_t itself(std::int64_t query) const { return input_.leave_one_out ? query : -1; }

 private:
  const RetrievalInput& input_;
  std::unordered_map<std::int64_t, std::vector<std::int64_t>> clips_of_tag_;
};

// Scores of queries `first_query` … `first_query` + rows - 1.
struct ScoreRows {
  at::Tensor
      scores;  // [rows, >= G] float, whole numbers: rounded scores times kScoreSteps; columns from G on are padding
  std::int64_t first_query = 0;
};

void rank_rows_by_radix(const ScoreRows& rows, const HitFinder& hits, int threads, const HitRanks& take);
void rank_rows_by_sort(const ScoreRows& rows, const HitFinder& hits, const HitRanks& take);

[[nodiscard]] std::int64_t radix_scratch_bytes(std::int64_t gallery, int threads);
[[nodiscard]] std::int64_t sort_scratch_bytes(std::int64_t gallery, std::int64_t rows);

}  // namespace cmkd
