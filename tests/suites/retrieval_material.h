// Embeddings and labels that the cases of retrieval search.
#pragma once

#include "catch.h"

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "cmkd/runtime/determinism.h"
#include "cmkd/suites/retrieval.h"

namespace cmkd::test {

using Labels = std::vector<std::int64_t>;

// Embeddings of ±1 in 16 dimensions: their length is 4, so that cosines are whole sixteenths, exact in any order of
// summation and often equal.
inline at::Tensor signs(std::int64_t rows, std::uint64_t seed) {
  const ScopedSeed scope(seed);
  return at::randint(0, 2, {rows, 16}, at::kFloat) * 2 - 1;
}

inline at::Tensor normal(std::int64_t rows, std::int64_t dimensions, std::uint64_t seed) {
  const ScopedSeed scope(seed);
  return at::randn({rows, dimensions});
}

inline Labels classes(std::int64_t rows, std::int64_t count, std::uint64_t seed) {
  const ScopedSeed scope(seed);
  const at::Tensor drawn = at::randint(0, count, {rows}, at::kLong);
  return {drawn.const_data_ptr<std::int64_t>(), drawn.const_data_ptr<std::int64_t>() + rows};
}

inline RetrievalInput make_input(const at::Tensor& queries, const at::Tensor& gallery, const Labels& query_labels,
                                 const Labels& gallery_labels) {
  return {queries, gallery, RetrievalLabels::single(query_labels), RetrievalLabels::single(gallery_labels), false};
}

inline bool share_a_tag(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  return std::ranges::any_of(a, [&](std::int64_t tag) { return std::ranges::find(b, tag) != b.end(); });
}

}  // namespace cmkd::test
