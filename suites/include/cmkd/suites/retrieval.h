// The retrieval protocol: each query clip ranks the gallery by the cosine of their embeddings (tiled_ranking.h), and
// gallery clips with a label of the query's are hits. Sets with a split: the gallery is the training split, the queries
// are the reported one. Sets without: every clip queries all others. Across modalities, the queries' embeddings are of
// one modality and the gallery's of the other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cmkd/suites/action_recognition.h"
#include "cmkd/suites/tiled_ranking.h"

namespace cmkd {

struct RetrievalOptions {
  // Protocol `paper`: ranks that the seed's truncated average precision looks at. 0: none is wanted.
  std::int64_t truncate_at = 0;
  TiledRankingOptions ranking;
};

struct QueryRetrieval {
  std::int64_t relevant = 0;    // hits in the whole gallery
  std::int64_t first_rank = 0;  // of the first hit, from 1; 0 for a query without hits
  // AP = 1 / relevant * sum over the hits of (hits up to and with this one) / (its rank); 0 for a query without hits.
  double average_precision = 0;
  std::int64_t truncated_relevant = 0;  // hits in the first `truncate_at` ranks
  // The same sum over these, divided by their number and not by `relevant`; 0 where there are none.
  double truncated_average_precision = 0;
};

struct RetrievalResult {
  std::vector<QueryRetrieval> queries;  // [Q]
  std::int64_t truncate_at = 0;         // as wanted
};

// Throws as rank_hits does: UnusableEmbedding is a failed training, any other a bug or a user's mistake.
[[nodiscard]] RetrievalResult retrieve(const RetrievalInput& input, const RetrievalOptions& options = {});

// Names begin with this where queries and gallery are of different modalities.
inline const std::string kAudioToVideo = "audio_to_video_";
inline const std::string kVideoToAudio = "video_to_audio_";

// "recall@1" and the others of the docs below, each after `prefix`. Ranks are of the queries that have a hit: without
// any such query there is no median_rank and no mean_rank. "map_truncated" and "truncated_skipped" are there when
// `truncate_at` was given, the former when a query has a hit that early. Requires a query.
[[nodiscard]] std::vector<Metric> retrieval_metrics(const RetrievalResult& result, const std::string& prefix = "");

// Names, meaning and direction of the metrics, within a modality and across.
[[nodiscard]] const std::vector<MetricDoc>& retrieval_metric_docs();

}  // namespace cmkd
