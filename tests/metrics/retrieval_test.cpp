#include "catch.h"
// The test framework comes first.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/metrics/retrieval.h"
#include "vectors.h"

namespace cmkd::metrics {
namespace {

using test_support::check_close;

TEST_CASE("retrieval metrics agree with the reference") {
  for (const auto& [name, part] : test_support::cases_of("retrieval")) {
    INFO(name);
    const auto [query, dimensions] = test_support::matrix(part.at("query"));
    const auto gallery = test_support::matrix(part.at("gallery"));
    const auto query_labels = part.at("query_labels").get<std::vector<std::int32_t>>();
    const auto gallery_labels = part.at("gallery_labels").get<std::vector<std::int32_t>>();
    const Ranking ranking(cosine_similarity(query, gallery.values, dimensions), query_labels, gallery_labels);
    const nlohmann::json& expected = part.at("expected");
    for (const std::int64_t k : part.at("ks")) {
      check_close(ranking.recall_at(k), expected.at("recall@" + std::to_string(k)));
    }
    check_close(ranking.mean_average_precision(), expected.at("map"));
    const auto truncated = ranking.truncated_mean_average_precision(part.at("truncate_at"));
    check_close(truncated.mean_average_precision.value(), expected.at("map_truncated"));
    CHECK(truncated.skipped == expected.at("truncated_skipped").get<std::int64_t>());
    check_close(ranking.median_rank().value(), expected.at("median_rank"));
    check_close(ranking.mean_rank().value(), expected.at("mean_rank"));
  }
}

// Query 0 (class 7) finds hits at ranks 1 and 3; query 1 (class 8) at rank 4; query 2 (class 9) has none.
const std::vector<double> kSimilarity{0.9, 0.8, 0.7, 0.1, 0.9, 0.8, 0.7, 0.1, 0.9, 0.8, 0.7, 0.1};
const std::vector<std::int32_t> kQueries{7, 8, 9};
const std::vector<std::int32_t> kGallery{7, 5, 7, 8};

TEST_CASE("ranks, recall and average precision are those derived by hand") {
  const Ranking ranking(kSimilarity, kQueries, kGallery);
  check_close(ranking.recall_at(1), 1.0 / 3);
  check_close(ranking.recall_at(4), 2.0 / 3);
  check_close(ranking.mean_average_precision(), ((1 + 2.0 / 3) / 2 + 1.0 / 4 + 0) / 3);
  CHECK(ranking.median_rank().value() == 2.5);
  CHECK(ranking.mean_rank().value() == 2.5);
  CHECK(ranking.queries_without_hit() == 1);
}

TEST_CASE("the truncated variant divides by the hits found and skips queries without one") {
  const Ranking ranking(kSimilarity, kQueries, kGallery);
  const auto two = ranking.truncated_mean_average_precision(2);
  CHECK(two.mean_average_precision.value() == 1);  // the one hit among the first two of query 0
  CHECK(two.skipped == 2);
  const Ranking nothing(std::vector<double>{0.5}, std::vector<std::int32_t>{1}, std::vector<std::int32_t>{2});
  CHECK_FALSE(nothing.truncated_mean_average_precision(1).mean_average_precision.has_value());
  CHECK_FALSE(nothing.mean_rank().has_value());
  CHECK_FALSE(nothing.median_rank().has_value());
  CHECK(nothing.mean_average_precision() == 0);
}

TEST_CASE("of equal similarities the lower gallery index ranks first") {
  const std::vector<float> similarity{0.5F, 0.5F, 0.5F};
  const std::vector<std::int32_t> query{1};
  const std::vector<std::int32_t> gallery{0, 1, 1};
  CHECK(Ranking(similarity, query, gallery).mean_rank().value() == 2);
}

TEST_CASE("the cosine does not depend on lengths, and an embedding of zeros is refused") {
  const std::vector<double> queries{3, 4, 1, 0};
  const std::vector<double> gallery{6, 8, 0, 2};
  const std::vector<double> cosines = cosine_similarity(queries, gallery, 2);
  check_close(cosines[0], 1);    // (3, 4) and (6, 8)
  check_close(cosines[1], 0.8);  // (3, 4) and (0, 2)
  check_close(cosines[2], 0.6);  // (1, 0) and (6, 8)
  check_close(cosines[3], 0);
  CHECK_THROWS_AS(cosine_similarity(queries, std::vector<double>{0, 0}, 2), Error);
}

TEST_CASE("similarities that do not fit the labels are a bug of the caller, and one that is no number is refused") {
  const std::vector<std::int32_t> one{1};
  CHECK_THROWS_AS(Ranking(kSimilarity, one, kGallery), Error);
  CHECK_THROWS_AS(Ranking(std::vector<double>{}, one, std::vector<std::int32_t>{}), Error);
  CHECK_THROWS_AS(Ranking(std::vector<double>{std::nan("")}, one, one), Error);
}

}  // namespace
}  // namespace cmkd::metrics
