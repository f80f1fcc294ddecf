// A suite's dataset, ready to train on: listed, fingerprinted, ingested, opened, and cut into roles.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cmkd/batches/window_reader.h"
#include "cmkd/clips/clip_cache.h"
#include "cmkd/datasets/split.h"
#include "cmkd/harness/plan.h"
#include "cmkd/results/records.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

// The dataset as listed and fingerprinted, without its clips' contents: all that a plan needs.
struct ListedData {
  std::unique_ptr<ClipSource> source;
  ClipList list;
  IngestSettings settings;
  std::string source_fingerprint;
  std::filesystem::path cache_folder;  // where its clip cache is or will be

  [[nodiscard]] PlanSource plan_source() const { return {source_fingerprint, list.folds}; }
};

// Lists and fingerprints. Makes the files of a dataset that this project makes itself (synthetic).
// `cache_root` holds clip caches, made datasets and the memo of file hashes.
[[nodiscard]] ListedData list_data(const Suite& suite, const std::filesystem::path& cache_root);

// Opened: the clip cache, which clips are usable, who has which role.
struct SuiteData {
  ListedData listed;
  ClipCache cache;
  std::vector<bool> usable;
  Loading loading = {};  // of this process; without, no thread reads ahead

  [[nodiscard]] WindowReader reader(const WindowSettings& windows) const { return {cache, windows, loading}; }
  // The suite's folds: [""] for a dataset of one split.
  [[nodiscard]] std::vector<std::string> folds(const Suite& suite) const { return suite.folds(listed.list.folds); }
  [[nodiscard]] Roles roles(const Suite& suite, std::int64_t seed, const std::string& fold) const;
  [[nodiscard]] results::DatasetRecord record(const Suite& suite) const;
};

[[nodiscard]] bool is_ingested(const ListedData& listed);

// Ingests when the cache is not there yet (progress on stderr), then opens and verifies it.
[[nodiscard]] SuiteData open_data(const Suite& suite, ListedData listed, int jobs);
[[nodiscard]] SuiteData open_data(const Suite& suite, const std::filesystem::path& cache_root, int jobs);

// The listed clips with made contents, none left out: what does not fit is found, and a step is timed, before hours of
// ingest.
[[nodiscard]] SuiteData stand_in_data(const Suite& suite, ListedData listed);

// $CMKD_CACHE, else out/cache.
[[nodiscard]] std::filesystem::path default_cache_root();

}  // namespace cmkd
