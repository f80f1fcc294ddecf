// What a Store tells of per-clip outputs, data sets and ids. Every statement ends in a total order.
#include <fmt/format.h>

#include "artifacts.h"
#include "cmkd/core/error.h"
#include "state.h"

namespace cmkd::results {

ClipOutputs Store::outputs(const std::string& evaluation_key) const {
  Statement row(state_->database,
                "SELECT fingerprint, content, artifact_path FROM clip_output WHERE evaluation_key = ?");
  if (!row.bind(evaluation_key).step()) return {};
  if (!row.is_null(2)) {
    const std::string bytes = read_artifact_file(state_->artifact_folder, row.text(2), row.text(0));
    return decode_outputs(std::as_bytes(std::span(bytes)), artifact_path(row.text(2)).string());
  }
  const std::string where = fmt::format("{}, evaluation {}", path().string(), evaluation_key);
  const std::span<const std::byte> bytes = row.bytes(1);
  if (fingerprint_of(bytes) != row.text(0)) {
    throw Error(ErrorKind::kData, {.what = "per-clip outputs in the result store are damaged: their checksum is wrong",
                                   .where = where,
                                   .fix = "restore a copy of the store, or run the evaluation again into a new one"});
  }
  return decode_outputs(bytes, where);
}

std::vector<DatasetRecord> Store::datasets() const {
  const ReadTransaction transaction(state_->database);
  Statement rows(state_->database,
                 "SELECT d.fingerprint, d.name, d.config_json, c.decoded_fingerprint, d.listed_clips, c.used_clips "
                 "FROM dataset AS d JOIN decoding AS c ON c.dataset_fingerprint = d.fingerprint "
                 "ORDER BY d.name, d.fingerprint, c.decoded_fingerprint");
  Statement clips(state_->database,
                  "SELECT clip_id, path, split, reason FROM excluded_clip WHERE dataset_fingerprint = ? "
                  "AND decoded_fingerprint = ? ORDER BY split, clip_id");
  std::vector<DatasetRecord> datasets;
  while (rows.step()) {
    DatasetRecord& dataset = datasets.emplace_back(
        DatasetRecord{rows.text(0), rows.text(1), rows.text(2), rows.text(3), rows.integer(4), rows.integer(5), {}});
    clips.bind(dataset.source_fingerprint, dataset.decoded_fingerprint);
    while (clips.step()) dataset.excluded.push_back({clips.text(0), clips.text(1), clips.text(2), clips.text(3)});
  }
  return datasets;
}

std::vector<DatasetRecord::Excluded> Store::exclusions(const std::string& source_fingerprint) const {
  Statement rows(state_->database,
                 "SELECT DISTINCT clip_id, path, split, reason FROM excluded_clip WHERE dataset_fingerprint = ? "
                 "ORDER BY split, clip_id, reason, path");
  rows.bind(source_fingerprint);
  std::vector<DatasetRecord::Excluded> excluded;
  while (rows.step()) excluded.push_back({rows.text(0), rows.text(1), rows.text(2), rows.text(3)});
  return excluded;
}

FoundKey Store::find_by_prefix(const std::string& id) const {
  constexpr std::size_t kNamed = 10;
  Statement rows(state_->database,
                 "SELECT 'training' AS kind, key, label FROM training WHERE substr(key, 1, length(?1)) = ?1 UNION ALL "
                 "SELECT 'evaluation', key, task FROM evaluation WHERE substr(key, 1, length(?1)) = ?1 "
                 "ORDER BY kind DESC, key LIMIT ?2");
  std::vector<FoundKey> found;
  std::vector<std::string> names;
  if (!id.empty()) rows.bind(id, static_cast<std::int64_t>(kNamed + 1));
  while (!id.empty() && rows.step()) {
    const bool is_training = rows.text(0) == "training";
    found.push_back({is_training ? FoundKey::Kind::kTraining : FoundKey::Kind::kEvaluation, rows.text(1)});
    if (rows.text(1) == id) return found.back();  // a whole key is never ambiguous
    names.push_back(fmt::format("{} ({} {})", rows.text(1), rows.text(0), rows.text(2)));
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("no training or evaluation has an id that begins with '{}'", id),
                 .where = path().string(),
                 .fix = "`cmkd status` lists the ids"});
  }
  if (names.size() > kNamed) names.back() = "…";
  throw Error(ErrorKind::kUsage,
              {fmt::format("id '{}' is ambiguous", id), path().string(), join(names), "give more of its digits"});
}

}  // namespace cmkd::results
