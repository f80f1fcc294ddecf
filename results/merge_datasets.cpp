#include "merge_datasets.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "cmkd/core/error.h"
#include "content.h"
#include "merge_rows.h"

namespace cmkd::results {

namespace {

// Clips used, and each excluded one in order.
std::optional<Content> decoding_content(Database& database, const std::string& dataset, const std::string& decoded) {
  Statement used(database, "SELECT used_clips FROM decoding WHERE dataset_fingerprint = ? AND decoded_fingerprint = ?");
  if (!used.bind(dataset, decoded).step()) return std::nullopt;
  Statement clips(database,
                  "SELECT clip_id, path, split, reason FROM excluded_clip WHERE dataset_fingerprint = ? AND "
                  "decoded_fingerprint = ? ORDER BY clip_id");
  clips.bind(dataset, decoded);
  std::vector<std::string> excluded;
  while (clips.step()) {
    excluded.push_back(fmt::format("{} ({}, {}, {})", clips.text(0), clips.text(1), clips.text(2), clips.text(3)));
  }
  return Content{{"used clips", std::to_string(used.integer(0))}, {"excluded clips", join(excluded)}};
}

void merge_decoding(Database& into, Database& from, const std::string& dataset, const std::string& decoded,
                    std::vector<std::string>& conflicts) {
  const std::optional<Content> here = decoding_content(into, dataset, decoded);
  if (!here) {
    for (const auto& [table, columns] :
         {std::pair{"decoding", "dataset_fingerprint, decoded_fingerprint, used_clips"},
          std::pair{"excluded_clip", "dataset_fingerprint, decoded_fingerprint, clip_id, path, split, reason"}}) {
      (void)copy_rows(
          from,
          fmt::format("SELECT {} FROM {} WHERE dataset_fingerprint = ? AND decoded_fingerprint = ?", columns, table),
          {dataset, decoded}, into, insert_sql(table, columns));
    }
    return;
  }
  const std::string difference = describe_difference(*here, *decoding_content(from, dataset, decoded), "here", "there");
  if (difference.empty()) return;
  conflicts.push_back(fmt::format("decoding {} of dataset {}: {}", decoded, dataset, difference));
}

}  // namespace

void merge_dataset(Database& into, Database& from, const std::string& fingerprint,
                   std::vector<std::string>& conflicts) {
  Statement mine(into, "SELECT listed_clips FROM dataset WHERE fingerprint = ?");
  Statement theirs(from, "SELECT listed_clips, name FROM dataset WHERE fingerprint = ?");
  if (!theirs.bind(fingerprint).step()) return;
  if (!mine.bind(fingerprint).step()) {
    const std::string columns = "fingerprint, name, config_json, listed_clips";
    (void)copy_rows(from, select_where("dataset", columns, "fingerprint"), {fingerprint}, into,
                    insert_sql("dataset", columns));
  } else if (mine.integer(0) != theirs.integer(0)) {
    conflicts.push_back(fmt::format("dataset {} ({}): listed clips: here '{}', there '{}'", fingerprint, theirs.text(1),
                                    mine.integer(0), theirs.integer(0)));
    return;
  }
  Statement decodings(from,
                      "SELECT decoded_fingerprint FROM decoding WHERE dataset_fingerprint = ? "
                      "ORDER BY decoded_fingerprint");
  decodings.bind(fingerprint);
  while (decodings.step()) merge_decoding(into, from, fingerprint, decodings.text(0), conflicts);
}

}  // namespace cmkd::results
