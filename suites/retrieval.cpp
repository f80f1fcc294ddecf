#include "cmkd/suites/retrieval.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace cmkd {

namespace {

constexpr std::int64_t kRecallRanks[] = {1, 5, 10, 20};

QueryRetrieval summarise(std::span<const std::int64_t> ranks, std::int64_t truncate_at) {
  QueryRetrieval result;
  result.relevant = static_cast<std::int64_t>(ranks.size());
  if (ranks.empty()) return result;
  result.first_rank = ranks.front();
  double sum = 0;
  double truncated_sum = 0;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    sum += static_cast<double>(i + 1) / static_cast<double>(ranks[i]);
    if (ranks[i] > truncate_at) continue;
    ++result.truncated_relevant;
    truncated_sum = sum;
  }
  result.average_precision = sum / static_cast<double>(result.relevant);
  if (result.truncated_relevant > 0)
    result.truncated_average_precision = truncated_sum / static_cast<double>(result.truncated_relevant);
  return result;
}

std::vector<std::int64_t> first_ranks(const RetrievalResult& result) {
  std::vector<std::int64_t> ranks;
  for (const QueryRetrieval& query : result.queries) {
    if (query.first_rank > 0) ranks.push_back(query.first_rank);
  }
  std::ranges::sort(ranks);
  return ranks;
}

double share(std::int64_t part, std::size_t whole) { return static_cast<double>(part) / static_cast<double>(whole); }

void add_ranks(std::vector<Metric>& values, const std::vector<std::int64_t>& ranks, const std::string& prefix) {
  if (ranks.empty()) return;
  const std::int64_t middle_two = ranks[(ranks.size() - 1) / 2] + ranks[ranks.size() / 2];
  values.push_back({prefix + "median_rank", static_cast<double>(middle_two) / 2});
  values.push_back(
      {prefix + "mean_rank", share(std::accumulate(ranks.begin(), ranks.end(), std::int64_t{0}), ranks.size())});
}

void add_truncated(std::vector<Metric>& values, const RetrievalResult& result, const std::string& prefix) {
  double sum = 0;
  std::int64_t counted = 0;
  for (const QueryRetrieval& query : result.queries) {
    sum += query.truncated_average_precision;
    if (query.truncated_relevant > 0) ++counted;
  }
  if (counted > 0) values.push_back({prefix + "map_truncated", sum / static_cast<double>(counted)});
  const auto skipped = static_cast<std::int64_t>(result.queries.size()) - counted;
  values.push_back({prefix + "truncated_skipped", static_cast<double>(skipped)});
}

std::vector<MetricDoc> docs_of(const std::string& prefix, const std::string& across) {
  std::vector<MetricDoc> docs;
  for (const std::int64_t k : kRecallRanks) {
    docs.push_back({fmt::format("{}recall@{}", prefix, k),
                    fmt::format("share of queries with a hit among the first {} of the ranked gallery", k), true});
  }
  docs.push_back(
      {prefix + "map", "mean over queries of the average precision over the full ranking, 0 without a hit", true});
  docs.push_back({prefix + "median_rank", "median rank of the first hit, over the queries that have one", false});
  docs.push_back({prefix + "mean_rank", "mean rank of the first hit, over the queries that have one", false});
  docs.push_back({prefix + "queries_without_hit", "queries of which the gallery has no clip with their label", false});
  docs.push_back(
      {prefix + "map_truncated",
       "protocol paper: average precision within the first ranks, divided by the hits found there, mean over "
       "queries with one; it grows with hits that are missed: never compare it with map",
       true});
  docs.push_back({prefix + "truncated_skipped", "queries that map_truncated leaves out", false});
  for (MetricDoc& doc : docs) doc.doc += across;
  return docs;
}

}  // namespace

RetrievalResult retrieve(const RetrievalInput& input, const RetrievalOptions& options) {
  RetrievalResult result;
  result.truncate_at = options.truncate_at;
  result.queries.resize(static_cast<std::size_t>(input.query_labels.size()));
  rank_hits(
      input,
      [&](std::int64_t query, std::span<const std::int64_t> ranks) {
        result.queries[static_cast<std::size_t>(query)] = summarise(ranks, options.truncate_at);
      },
      options.ranking);
  return result;
}

std::vector<Metric> retrieval_metrics(const RetrievalResult& result, const std::string& prefix) {
  if (result.queries.empty()) throw Error(ErrorKind::kInternal, {.what = "a retrieval without queries"});
  const std::size_t queries = result.queries.size();
  const std::vector<std::int64_t> ranks = first_ranks(result);
  std::vector<Metric> values;
  for (const std::int64_t k : kRecallRanks) {
    const auto found = std::ranges::count_if(ranks, [&](std::int64_t rank) { return rank <= k; });
    values.push_back({fmt::format("{}recall@{}", prefix, k), share(found, queries)});
  }
  double sum = 0;
  for (const QueryRetrieval& query : result.queries) sum += query.average_precision;
  values.push_back({prefix + "map", sum / static_cast<double>(queries)});
  add_ranks(values, ranks, prefix);
  values.push_back({prefix + "queries_without_hit", static_cast<double>(queries - ranks.size())});
  if (result.truncate_at > 0) add_truncated(values, result, prefix);
  return values;
}

const std::vector<MetricDoc>& retrieval_metric_docs() {
  static const std::vector<MetricDoc> docs = [] {
    std::vector<MetricDoc> all = docs_of("", "");
    for (auto&& doc : docs_of(kAudioToVideo, "; queries are sound, the gallery is video"))
      all.push_back(std::move(doc));
    for (auto&& doc : docs_of(kVideoToAudio, "; queries are video, the gallery is sound"))
      all.push_back(std::move(doc));
    return all;
  }();
  return docs;
}

}  // namespace cmkd
