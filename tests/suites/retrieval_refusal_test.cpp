// What retrieval refuses, and what it may cost.
#include "retrieval_material.h"
// Catch first.
#include <cmath>
#include <limits>
#include <span>
#include <stdexcept>

#include "cmkd/core/error.h"

namespace cmkd {
namespace {

using namespace test;  // NOLINT: the material of this folder's tests

}  // namespace

TEST_CASE("an embedding that no cosine is defined for is refused by its place") {
  for (const double value : {0.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    RetrievalInput input = make_input(signs(4, 29), signs(6, 30), {0, 1, 0, 1}, {0, 1, 0, 1, 0, 1});
    const at::Tensor good = input.gallery.clone();
    if (value == 0) {
      input.gallery[5].zero_();
    } else {
      input.gallery[5][3] = value;
    }
    CHECK_THROWS_AS(retrieve(input), UnusableEmbedding);
    CHECK_THROWS_WITH(retrieve(input), message_contains("gallery clip 5") &&
                                           message_contains(value == 0 ? "length zero" : "not finite"));
    std::swap(input.queries, input.gallery);
    std::swap(input.query_labels, input.gallery_labels);
    CHECK_THROWS_WITH(retrieve(input), message_contains("query 5"));
    input.queries = good;
    CHECK_NOTHROW(retrieve(input));
  }
}

TEST_CASE("what does not fit together is refused") {
  const RetrievalInput good = make_input(signs(2, 31), signs(3, 32), {0, 1}, {0, 1, 0});
  RetrievalInput input = good;
  input.query_labels = RetrievalLabels::single(Labels{0});
  CHECK_THROWS_AS(retrieve(input), Error);
  input = good;
  input.gallery = at::ones({3, 8});
  CHECK_THROWS_WITH(retrieve(input), message_contains("16 dimensions and the gallery has 8"));
  input = good;
  input.leave_one_out = true;
  CHECK_THROWS_WITH(retrieve(input), message_contains("leave-one-out of 2 queries in a gallery of 3"));
  input = good;
  input.queries = at::ones({2, 16}, at::kLong);
  CHECK_THROWS_AS(retrieve(input), Error);
  CHECK_THROWS_AS(RetrievalLabels::single(Labels{0, -1}), Error);
  CHECK_THROWS_AS(RetrievalLabels::matrix(at::ones({2, 3})), Error);
  CHECK_THROWS_AS(retrieval_metrics(RetrievalResult{}), Error);
}

TEST_CASE("an error in what takes the ranks reaches the caller") {
  const RetrievalInput input = make_input(signs(37, 33), signs(5, 34), classes(37, 2, 35), {0, 1, 0, 1, 0});
  const auto fail = [](std::int64_t query, std::span<const std::int64_t>) {
    if (query == 20) throw std::runtime_error("stop");
  };
  CHECK_THROWS_WITH(rank_hits(input, fail), "stop");
}

TEST_CASE("200,000 queries in a gallery of 200,000 take less than 2 GB, on many threads too") {
  CHECK(ranking_scratch_bytes(200'000, 200'000, 512, 2) < 2'000'000'000);
  CHECK(ranking_scratch_bytes(200'000, 200'000, 512, 64) < 2'000'000'000);
  CHECK(ranking_scratch_bytes(200'000, 200'000, 512, 2) > 256LL * 200'000 * 4);  // not less than one tile of queries
}

}  // namespace cmkd
