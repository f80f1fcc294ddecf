#include "retrieval_material.h"
// Catch first.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "cmkd/metrics/retrieval.h"

namespace cmkd {
namespace {

using namespace test;  // NOLINT: the material of this folder's tests

// One query alone, by the metrics' own ranking of the double cosines: hits have label 1, the query itself is not there.
metrics::Ranking reference(const RetrievalInput& input, std::int64_t query) {
  const at::Tensor queries = input.queries.to(at::kDouble).contiguous();
  const at::Tensor gallery = input.gallery.to(at::kDouble).contiguous();
  const auto width = static_cast<std::size_t>(queries.size(1));
  const std::span<const double> own(queries.const_data_ptr<double>() + query * queries.size(1), width);
  const std::span<const double> all(gallery.const_data_ptr<double>(), static_cast<std::size_t>(gallery.numel()));
  const std::vector<double> cosines = metrics::cosine_similarity(own, all, queries.size(1));
  std::vector<double> similarity;
  std::vector<std::int32_t> hits;
  for (std::int64_t g = 0; g < gallery.size(0); ++g) {
    if (input.leave_one_out && g == query) continue;
    similarity.push_back(cosines[static_cast<std::size_t>(g)]);
    hits.push_back(share_a_tag(input.query_labels.of(query), input.gallery_labels.of(g)) ? 1 : 0);
  }
  return {similarity, std::vector<std::int32_t>{1}, hits};
}

void check_against_reference(const RetrievalInput& input, const RetrievalOptions& options) {
  const RetrievalResult result = retrieve(input, options);
  REQUIRE(result.queries.size() == static_cast<std::size_t>(input.queries.size(0)));
  for (std::size_t q = 0; q < result.queries.size(); ++q) {
    INFO("query " << q);
    const QueryRetrieval& query = result.queries[q];
    const metrics::Ranking expected = reference(input, static_cast<std::int64_t>(q));
    CHECK(static_cast<double>(query.first_rank) == expected.mean_rank().value_or(0));
    CHECK(query.average_precision == Approx(expected.mean_average_precision()).epsilon(1e-12));
    const auto truncated = expected.truncated_mean_average_precision(options.truncate_at);
    CHECK((query.truncated_relevant == 0) == (truncated.skipped == 1));
    CHECK(query.truncated_average_precision == Approx(truncated.mean_average_precision.value_or(0)).epsilon(1e-12));
  }
}

// Whole, tiled without remainder, with remainders, and of single items; by both ways to rank a row.
std::vector<RetrievalOptions> all_options() {
  std::vector<RetrievalOptions> all;
  for (const RowRanking rows : {RowRanking::kRadix, RowRanking::kSort}) {
    for (const auto& [queries, gallery] : std::vector<std::pair<int, int>>{{256, 2048}, {37, 53}, {7, 5}, {1, 1}}) {
      all.push_back({7, {queries, gallery, rows}});
    }
  }
  return all;
}

std::map<std::string, double> by_name(const std::vector<Metric>& metrics) {
  std::map<std::string, double> values;
  for (const Metric& metric : metrics) values[metric.name] = metric.value;
  return values;
}

// The ranks of every query's hits.
std::vector<Labels> ranks_of(const RetrievalInput& input, const TiledRankingOptions& options = {}) {
  std::vector<Labels> ranks(static_cast<std::size_t>(input.queries.size(0)));
  rank_hits(
      input,
      [&](std::int64_t query, std::span<const std::int64_t> found) {
        Labels& own = ranks[static_cast<std::size_t>(query)];
        if (!own.empty()) own.push_back(-1);  // a query that is given twice shows
        own.insert(own.end(), found.begin(), found.end());
      },
      options);
  return ranks;
}

}  // namespace

TEST_CASE("rankings with many ties are those of the metrics library, for every tile") {
  const RetrievalInput input = make_input(signs(37, 1), signs(53, 2), classes(37, 5, 3), classes(53, 4, 4));
  for (const RetrievalOptions& options : all_options()) check_against_reference(input, options);
}

TEST_CASE("in leave-one-out no clip is its own hit, and its copies are") {
  const at::Tensor some = signs(26, 5);
  const at::Tensor all = at::cat({some, some, signs(1, 6)});
  Labels labels = classes(26, 6, 7);
  labels.insert(labels.end(), labels.begin(), labels.end());
  labels.push_back(99);  // the only clip of its class
  RetrievalInput input = make_input(all, all, labels, labels);
  input.leave_one_out = true;
  for (const RetrievalOptions& options : all_options()) check_against_reference(input, options);
  const RetrievalResult result = retrieve(input);
  CHECK(result.queries.back().relevant == 0);
  CHECK(result.queries.back().first_rank == 0);
  const auto same = std::ranges::count(labels, labels[0]);
  CHECK(result.queries[0].relevant == same - 1);
}

TEST_CASE("with several tags a clip is a hit when it has one of the query's, whichever form the tags have") {
  const ScopedSeed seed(8);
  const at::Tensor query_tags = at::rand({37, 9}) < 0.15;  // some have none
  const at::Tensor gallery_tags = at::rand({53, 9}) < 0.2;
  REQUIRE((query_tags.any(1).logical_not().sum().item<std::int64_t>() > 0));
  const RetrievalInput input{signs(37, 9), signs(53, 10), RetrievalLabels::matrix(query_tags),
                             RetrievalLabels::matrix(gallery_tags), false};
  for (const RetrievalOptions& options : all_options()) check_against_reference(input, options);

  std::vector<Labels> lists(37);
  for (std::int64_t i = 0; i < 37; ++i) {
    for (std::int64_t c = 0; c < 9; ++c) {
      if (query_tags[i][c].item<bool>()) lists[static_cast<std::size_t>(i)].push_back(c);
    }
  }
  RetrievalInput with_lists = input;
  with_lists.query_labels = RetrievalLabels::lists(lists);
  CHECK(ranks_of(with_lists) == ranks_of(input));
}

TEST_CASE("cosines that lie apart are ranked as their double values are") {
  const RetrievalInput input = make_input(normal(40, 8, 11), normal(60, 8, 12), classes(40, 3, 13), classes(60, 3, 14));
  const auto unit = [](const at::Tensor& x) { return x.to(at::kDouble) / x.to(at::kDouble).norm(2, {1}, true); };
  const at::Tensor sorted = std::get<0>(unit(input.queries).mm(unit(input.gallery).t()).sort(1));
  REQUIRE(sorted.diff(1, 1).min().item<double>() > 3e-6);
  for (const RetrievalOptions& options : all_options()) check_against_reference(input, options);
}

TEST_CASE("scores that round to the same millionth are tied, and the lower gallery index ranks first") {
  const auto at_cosine = [](double c) { return at::tensor({c, std::sqrt(1 - c * c)}, at::kFloat); };
  const at::Tensor query = at::tensor({1.0, 0.0}, at::kFloat).view({1, 2});
  // Rounded to 0.500000, 0.500000 and 0.500002: ranks 2, 3 and 1.
  const at::Tensor gallery = at::stack({at_cosine(0.5), at_cosine(0.5000002), at_cosine(0.500002)});
  for (const RowRanking rows : {RowRanking::kRadix, RowRanking::kSort}) {
    const TiledRankingOptions options{256, 2048, rows};
    CHECK(ranks_of(make_input(query, gallery, {1}, {1, 0, 0}), options)[0] == Labels{2});
    CHECK(ranks_of(make_input(query, gallery, {1}, {0, 1, 0}), options)[0] == Labels{3});
    CHECK(ranks_of(make_input(query, gallery, {1}, {0, 0, 1}), options)[0] == Labels{1});
    CHECK(ranks_of(make_input(query, gallery, {1}, {1, 1, 1}), options)[0] == Labels{1, 2, 3});
  }
}

// A product of one query, or with one gallery clip, adds up in another order than that of a tile: with such edges most
// scores would have other last bits, and of hundreds of thousands some would round to another millionth.
TEST_CASE("a query's ranking does not depend on the other queries, and is the same by both ways to rank a row") {
  const at::Tensor queries = normal(257, 100, 15);
  const at::Tensor gallery = normal(2 * 2048 + 1, 100, 16);
  const Labels query_labels = classes(257, 4, 17);
  const Labels gallery_labels = classes(2 * 2048 + 1, 4, 18);
  const RetrievalInput all = make_input(queries, gallery, query_labels, gallery_labels);
  const std::vector<Labels> ranks = ranks_of(all);
  for (std::size_t q = 0; q < 64; ++q) {
    INFO("query " << q);
    const at::Tensor one = queries.narrow(0, static_cast<std::int64_t>(q), 1);
    CHECK((ranks_of(make_input(one, gallery, {query_labels[q]}, gallery_labels))[0] == ranks[q]));
  }
  CHECK((ranks == ranks_of(all, {256, 2048, RowRanking::kSort})));
}

TEST_CASE("the length of an embedding does not matter, not even a very small or large one") {
  const at::Tensor gallery = signs(53, 19);
  const Labels labels = classes(53, 4, 20);
  const RetrievalInput plain = make_input(signs(9, 21), gallery, classes(9, 4, 22), labels);
  RetrievalInput scaled = plain;
  scaled.gallery = gallery * at::logspace(-28, 28, 53, 2, at::kFloat).view({53, 1});
  scaled.queries = plain.queries * 1.0842021724855044e-19F;  // 2^-63: its square is no longer a float
  CHECK(ranks_of(scaled) == ranks_of(plain));
}

TEST_CASE("half-precision embeddings rank as their values in single precision do") {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    const at::Tensor queries = normal(30, 64, 23).to(type);
    const at::Tensor gallery = normal(300, 64, 24).to(type);
    const RetrievalInput half = make_input(queries, gallery, classes(30, 3, 25), classes(300, 3, 26));
    RetrievalInput single = half;
    single.queries = queries.to(at::kFloat);
    single.gallery = gallery.to(at::kFloat);
    CHECK(ranks_of(half) == ranks_of(single));
  }
}

TEST_CASE("the protocol's metrics are those of a ranking worked out by hand") {
  // Every query sees the gallery in the order of its indices: labels 7, 5, 7, 8.
  const at::Tensor gallery = at::tensor({1.0, 0.0, 1.0, 0.1, 1.0, 0.2, 1.0, 0.3}, at::kFloat).view({4, 2});
  const at::Tensor queries = at::tensor({1.0, 0.0}, at::kFloat).view({1, 2}).repeat({3, 1});
  RetrievalInput input = make_input(queries, gallery, {7, 8, 9}, {7, 5, 7, 8});
  const auto plain = by_name(retrieval_metrics(retrieve(input)));
  CHECK(plain.at("recall@1") == Approx(1.0 / 3));  // ranks of the hits: {1, 3}, {4}, none
  CHECK(plain.at("recall@5") == Approx(2.0 / 3));
  CHECK(plain.at("recall@20") == Approx(2.0 / 3));
  CHECK(plain.at("map") == Approx(((1 + 2.0 / 3) / 2 + 1.0 / 4 + 0) / 3));
  CHECK(plain.at("median_rank") == 2.5);
  CHECK(plain.at("mean_rank") == 2.5);
  CHECK(plain.at("queries_without_hit") == 1);
  CHECK_FALSE(plain.contains("map_truncated"));

  const auto paper = by_name(retrieval_metrics(retrieve(input, {2, {}}), kAudioToVideo));
  CHECK(paper.at("audio_to_video_map_truncated") == 1);  // the one hit among the first two of query 0
  CHECK(paper.at("audio_to_video_truncated_skipped") == 2);
  CHECK(paper.at("audio_to_video_map") == plain.at("map"));

  const auto nothing =
      by_name(retrieval_metrics(retrieve(make_input(queries, gallery, {9, 9, 9}, {7, 5, 7, 8}), {2, {}})));
  CHECK(nothing.at("map") == 0);
  CHECK(nothing.at("queries_without_hit") == 3);
  CHECK(nothing.at("truncated_skipped") == 3);
  CHECK_FALSE(nothing.contains("median_rank"));
  CHECK_FALSE(nothing.contains("mean_rank"));
  CHECK_FALSE(nothing.contains("map_truncated"));
}

TEST_CASE("every metric of the protocol is described") {
  const RetrievalInput input = make_input(signs(3, 27), signs(5, 28), {0, 1, 2}, {0, 1, 2, 0, 1});
  for (const std::string& prefix : {std::string(), kAudioToVideo, kVideoToAudio}) {
    for (const Metric& metric : retrieval_metrics(retrieve(input, {3, {}}), prefix)) {
      INFO(metric.name);
      CHECK(std::ranges::count(retrieval_metric_docs(), metric.name, &MetricDoc::name) == 1);
    }
  }
}

}  // namespace cmkd
