// Exact rankings of a gallery by cosine similarity in bounded memory: a tile of queries meets the gallery tile by tile,
// and only that tile's scores exist at once, never all of [Q, G].
//
// What a ranking is: the score of a query and a gallery clip is the float32 product of their normalised embeddings,
// rounded to a multiple of 1e-6. Higher scores rank first; of scores that are equal after this rounding the lower
// gallery index does. Each product is of one fixed shape, edge tiles being padded with zeros: a BLAS may add up a
// product of another shape in another order, whose last bits decide about a rounding and so about ranks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cmkd/core/error.h"

namespace cmkd {

// The tags of each clip: one for a set with one label per clip, any number for a multi-label set. A gallery clip is a
// hit when it has a tag of the query's.
class RetrievalLabels {
 public:
  RetrievalLabels() = default;
  // Throw Error(kInternal) for a negative label or tag: that is how a hidden label is written.
  [[nodiscard]] static RetrievalLabels single(std::span<const std::int64_t> labels);
  [[nodiscard]] static RetrievalLabels lists(std::span<const std::vector<std::int64_t>> tags);
  [[nodiscard]] static RetrievalLabels matrix(const at::Tensor& tags);  // [N, C] bool

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(ends_.size()); }  // clips
  [[nodiscard]] std::span<const std::int64_t> of(std::int64_t clip) const;

 private:
  void add(std::span<const std::int64_t> tags);

  std::vector<std::int64_t> tags_;
  std::vector<std::size_t> ends_;  // [N] where each clip's tags end
};

struct RetrievalInput {
  at::Tensor queries;  // [Q, D] float32, float16 or bfloat16, of any length but zero; the device ranks
  at::Tensor gallery;  // [G, D] the same
  RetrievalLabels query_labels;
  RetrievalLabels gallery_labels;
  bool leave_one_out = false;  // query i is gallery clip i, which its own ranking leaves out; Q = G
};

// How the rows of a tile are ranked: the results are the same.
enum class RowRanking {
  kAutomatic,  // kRadix on the host, kSort elsewhere
  kRadix,      // counting the rounded scores, on the host's threads
  kSort,       // the device's stable sort
};

struct TiledRankingOptions {
  // Shape of one product. Rankings may differ in the last bits of scores between shapes, so results of one table share
  // it; nothing but the tests and the benchmark has a reason to change it.
  std::int64_t query_tile = 256;
  std::int64_t gallery_tile = 2048;
  RowRanking rows = RowRanking::kAutomatic;
};

// An embedding that no cosine is defined for: the network that gave it has collapsed or diverged.
class UnusableEmbedding : public Error {
 public:
  using Error::Error;
};

// Receives the ranks of the hits of one query, from 1, ascending; empty for a query without hits.
using HitRanks = std::function<void(std::int64_t query, std::span<const std::int64_t> ranks)>;

// Calls `take` for each query once, for different queries from several threads at once. Requires sizes that fit; throws
// Error(kInternal) otherwise, and UnusableEmbedding for an embedding of length zero or with a value that is not finite.
void rank_hits(const RetrievalInput& input, const HitRanks& take, const TiledRankingOptions& options = {});

// Memory that rank_hits takes at most for Q x G x D, in bytes, on `threads` threads: the tiles and what ranks their
// rows, without the embeddings and labels. 200,000 x 200,000 x 512 takes less than 2 GB.
[[nodiscard]] std::int64_t ranking_scratch_bytes(std::int64_t queries, std::int64_t gallery, std::int64_t dimensions,
                                                 int threads, const TiledRankingOptions& options = {});

}  // namespace cmkd
