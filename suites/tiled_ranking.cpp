#include "cmkd/suites/tiled_ranking.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "hit_ranks.h"

namespace cmkd {

namespace {

constexpr std::int64_t kBytesOfFloat = 4;
constexpr std::int64_t kCheckedRows = 256;

std::int64_t padded(std::int64_t size, std::int64_t tile) { return (size + tile - 1) / tile * tile; }

// TensorFloat-32 keeps three digits of a score of which six are ranked by.
class FullPrecision {
 public:
  FullPrecision() { at::globalContext().setAllowTF32CuBLAS(false); }
  ~FullPrecision() { at::globalContext().setAllowTF32CuBLAS(before_); }
  FullPrecision(const FullPrecision&) = delete;
  FullPrecision& operator=(const FullPrecision&) = delete;

 private:
  bool before_ = at::globalContext().allowTF32CuBLAS();
};

[[noreturn]] void refuse_ranking(const char* of, std::int64_t index, double length) {
  const char* what = std::isfinite(length) ? "of length zero" : "with a value that is not finite";
  throw UnusableEmbedding(
      ErrorKind::kData, {.what = fmt::format("{} {} has an embedding {}: no cosine is defined for it", of, index, what),
                         .allowed = "finite embeddings that are not all zeros",
                         .fix = "the network that gave it has collapsed or diverged: look at its training"});
}

// Embeddings that are normalised when a tile of them is wanted, so that no second copy of all exists.
class Embeddings {
 public:
  Embeddings(const at::Tensor& values, const char* of, std::int64_t tile)
      : values_(values), inverse_lengths_(at::empty({values.size(0), 1}, values.options().dtype(at::kFloat))) {
    tile_ = at::zeros({tile, values.size(1)}, inverse_lengths_.options());
    for (std::int64_t first = 0; first < values.size(0); first += kCheckedRows) {
      const std::int64_t rows = std::min(kCheckedRows, values.size(0) - first);
      const at::Tensor lengths =
          at::linalg_vector_norm(values.narrow(0, first, rows), 2, at::IntArrayRef{1}, /*keepdim=*/true, at::kDouble);
      inverse_lengths_.narrow(0, first, rows).copy_(lengths.reciprocal());
    }
    check(of);
  }

  [[nodiscard]] std::int64_t size() const { return values_.size(0); }

  // [tile, D] float: normalised embeddings from `first` on, then zeros. The next call overwrites it.
  const at::Tensor& tile(std::int64_t first) {
    const std::int64_t rows = std::min(tile_.size(0), size() - first);
    at::Tensor used = tile_.narrow(0, 0, rows);
    at::mul_out(used, values_.narrow(0, first, rows), inverse_lengths_.narrow(0, first, rows));
    if (rows < tile_.size(0)) tile_.narrow(0, rows, tile_.size(0) - rows).zero_();
    return tile_;
  }

 private:
  // The inverse of a length of zero, of an infinite one and of one that is not a number are told in one look.
  void check(const char* of) const {
    const at::Tensor inverse = inverse_lengths_.to(at::kCPU);
    for (std::int64_t i = 0; i < inverse.numel(); ++i) {
      const double value = inverse.const_data_ptr<float>()[i];
      if (!std::isfinite(value) || value <= 0) refuse_ranking(of, i, 1 / value);
    }
  }

  at::Tensor values_;           // [N, D]
  at::Tensor inverse_lengths_;  // [N, 1] float
  at::Tensor tile_;             // [tile, D] float
};

void check_embeddings(const at::Tensor& embeddings, const RetrievalLabels& labels, const char* of) {
  if (!embeddings.defined() || embeddings.dim() != 2 || embeddings.size(0) == 0 || embeddings.size(1) == 0 ||
      !embeddings.is_floating_point()) {
    throw Error(ErrorKind::kInternal, {.what = fmt::format("the {} embeddings are no matrix of floats with rows", of)});
  }
  if (labels.size() != embeddings.size(0)) {
    throw Error(ErrorKind::kInternal,
                {.what = fmt::format("{} labels for {} {} embeddings", labels.size(), embeddings.size(0), of)});
  }
}

void check_input(const RetrievalInput& input) {
  check_embeddings(input.queries, input.query_labels, "query");
  check_embeddings(input.gallery, input.gallery_labels, "gallery");
  if (input.queries.size(1) != input.gallery.size(1)) {
    throw Error(ErrorKind::kUsage, {.what = fmt::format("queries have {} dimensions and the gallery has {}",
                                                        input.queries.size(1), input.gallery.size(1)),
                                    .allowed = "embeddings of one size",
                                    .fix = "choose models with the same embedding size"});
  }
  if (input.queries.device() != input.gallery.device()) {
    throw Error(ErrorKind::kInternal, {.what = "queries and gallery are on different devices"});
  }
  if (input.leave_one_out && input.queries.size(0) != input.gallery.size(0)) {
    throw Error(ErrorKind::kInternal, {.what = fmt::format("leave-one-out of {} queries in a gallery of {}",
                                                           input.queries.size(0), input.gallery.size(0))});
  }
}

bool by_radix(const TiledRankingOptions& options, bool on_host) {
  return options.rows == RowRanking::kRadix || (options.rows == RowRanking::kAutomatic && on_host);
}

}  // namespace

RetrievalLabels RetrievalLabels::single(std::span<const std::int64_t> labels) {
  RetrievalLabels result;
  for (const std::int64_t& label : labels) result.add({&label, 1});
  return result;
}

RetrievalLabels RetrievalLabels::lists(std::span<const std::vector<std::int64_t>> tags) {
  RetrievalLabels result;
  for (const auto& of_clip : tags) result.add(of_clip);
  return result;
}

RetrievalLabels RetrievalLabels::matrix(const at::Tensor& tags) {
  if (tags.dim() != 2 || tags.scalar_type() != at::kBool) {
    throw Error(ErrorKind::kInternal, {.what = "tags of retrieval are no [N, C] bool"});
  }
  const at::Tensor host = tags.to(at::kCPU).contiguous();
  const std::int64_t classes = host.size(1);
  RetrievalLabels result;
  std::vector<std::int64_t> of_clip;
  for (std::int64_t clip = 0; clip < host.size(0); ++clip) {
    of_clip.clear();
    for (std::int64_t c = 0; c < classes; ++c) {
      if (host.const_data_ptr<bool>()[clip * classes + c]) of_clip.push_back(c);
    }
    result.add(of_clip);
  }
  return result;
}

void RetrievalLabels::add(std::span<const std::int64_t> tags) {
  for (const std::int64_t tag : tags) {
    if (tag < 0) {
      throw Error(ErrorKind::kInternal, {.what = fmt::format("clip {} of a retrieval has label {}", size(), tag)});
    }
  }
  tags_.insert(tags_.end(), tags.begin(), tags.end());
  ends_.push_back(tags_.size());
}

std::span<const std::int64_t> RetrievalLabels::of(std::int64_t clip) const {
  const auto index = static_cast<std::size_t>(clip);
  const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
  return std::span(tags_).subspan(begin, ends_[index] - begin);
}

void rank_hits(const RetrievalInput& input, const HitRanks& take, const TiledRankingOptions& options) {
  check_input(input);
  const at::NoGradGuard no_gradients;
  const FullPrecision full_precision;
  const HitFinder hits(input);
  Embeddings queries(input.queries, "query", options.query_tile);
  Embeddings gallery(input.gallery, "gallery clip", options.gallery_tile);
  const bool radix = by_radix(options, input.queries.is_cpu());
  at::Tensor scores = at::empty({options.query_tile, padded(gallery.size(), options.gallery_tile)},
                                input.queries.options().dtype(at::kFloat));
  for (std::int64_t q = 0; q < queries.size(); q += options.query_tile) {
    const at::Tensor& query_tile = queries.tile(q);
    for (std::int64_t g = 0; g < gallery.size(); g += options.gallery_tile) {
      at::Tensor part = scores.narrow(1, g, options.gallery_tile);
      at::addmm_out(part, part, query_tile, gallery.tile(g).t(), /*beta=*/0, /*alpha=*/kScoreSteps);
      part.round_();
    }
    const std::int64_t rows = std::min(options.query_tile, queries.size() - q);
    const ScoreRows ranked{scores.narrow(0, 0, rows), q};
    if (radix) {
      rank_rows_by_radix(ranked, hits, at::get_num_threads(), take);
    } else {
      rank_rows_by_sort(ranked, hits, take);
    }
  }
}

std::int64_t ranking_scratch_bytes(std::int64_t queries, std::int64_t gallery, std::int64_t dimensions, int threads,
                                   const TiledRankingOptions& options) {
  const std::int64_t scores = options.query_tile * padded(gallery, options.gallery_tile) * kBytesOfFloat;
  const std::int64_t tiles = (options.query_tile + options.gallery_tile) * dimensions * kBytesOfFloat;
  // Inverse lengths, and their copy on the host; a block of embeddings as doubles and as their squares.
  const std::int64_t lengths = 2 * (queries + gallery) * kBytesOfFloat + 2 * kCheckedRows * dimensions * 8;
  const std::int64_t rows = std::max(radix_scratch_bytes(gallery, threads),
                                     sort_scratch_bytes(gallery, std::min(queries, options.query_tile)));
  return scores + tiles + lengths + rows;
}

}  // namespace cmkd
