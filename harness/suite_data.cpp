#include "cmkd/harness/suite_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"
#include "cmkd/core/progress.h"
#include "cmkd/harness/keys.h"
#include "cmkd/readers/data_root.h"

namespace cmkd {

namespace fs = std::filesystem;

namespace {

// A made dataset without a folder of its own gets one in the cache, named by its parameters.
Parameters dataset_parameters(const Suite& suite, const fs::path& cache_root) {
  Parameters parameters = suite.dataset_values.values;
  const DatasetInfo& info = dataset_registry().get(suite.dataset);
  if (info.made_here && parameters.text("root").empty()) {
    const std::string name = suite.dataset + "-" + hash_hex(canonical_json(parameters.values())).substr(0, 12);
    parameters.set("root", (cache_root / "made" / name).string());
  }
  return parameters;
}

void require_features(const ClipList& list, const Suite& suite) {
  if (list.clips.empty() ||
      std::ranges::any_of(list.clips, [](const Clip& clip) { return !clip.feature_path.empty(); }))
    return;
  throw Error(ErrorKind::kUsage,
              {fmt::format("the suite takes features of the sound, and no clip of dataset '{}' has one", suite.dataset),
               suite.ingest.origin("audio_form"),
               "dataset.audio_dir of ucf51 and activitynet_gewu, a column 'feature' of a manifest",
               "name the features, or set ingest.audio_form = \"waveform\""});
}

}  // namespace

fs::path default_cache_root() {
  const char* given = std::getenv("CMKD_CACHE");
  return given != nullptr && *given != '\0' ? fs::path(given) : fs::path("out") / "cache";
}

ListedData list_data(const Suite& suite, const fs::path& cache_root) {
  ListedData data;
  data.source = open_dataset(dataset_registry().get(suite.dataset), dataset_parameters(suite, cache_root));
  data.list = data.source->list();
  data.settings = suite.ingest.values;
  if (data.settings.sound_is_features()) require_features(data.list, suite);
  data.source_fingerprint = source_fingerprint(*data.source, data.list, data.settings, cache_root / "file-hashes.json");
  data.cache_folder = cache_root / "clips" / (suite.dataset + "-" + data.source_fingerprint.substr(0, 16));
  return data;
}

bool is_ingested(const ListedData& listed) { return fs::exists(listed.cache_folder / "index.json"); }

SuiteData open_data(const Suite& suite, const fs::path& cache_root, int jobs) {
  return open_data(suite, list_data(suite, cache_root), jobs);
}

SuiteData open_data(const Suite& suite, ListedData listed, int jobs) {
  Progress progress(fmt::format("ingest {}", suite.dataset), static_cast<std::int64_t>(listed.list.clips.size()));
  IngestOptions options;
  options.jobs = jobs;
  options.progress = [&](std::int64_t done, std::int64_t /*total*/) { progress.update(done); };
  ClipCache cache =
      ingest(*listed.source, listed.list, listed.settings, listed.source_fingerprint, listed.cache_folder, options);
  progress.finish();
  std::vector<bool> usable;
  for (std::int64_t i = 0; i < cache.size(); ++i) usable.push_back(!cache.clip(i).excluded);
  return {std::move(listed), std::move(cache), std::move(usable)};
}

SuiteData stand_in_data(const Suite& suite, ListedData listed) {
  const WindowSettings& window = suite.clip.values;
  const auto clips = static_cast<std::int64_t>(listed.list.clips.size());
  ClipCache cache = ClipCache::stand_in(listed.settings, clips, window.frames * window.frame_step);
  return {std::move(listed), std::move(cache), std::vector<bool>(static_cast<std::size_t>(clips), true)};
}

Roles SuiteData::roles(const Suite& suite, std::int64_t seed, const std::string& fold) const {
  return assign_roles(listed.list, usable, suite.labels.values, suite.dataset, seed, fold);
}

results::DatasetRecord SuiteData::record(const Suite& suite) const {
  results::DatasetRecord record;
  record.source_fingerprint = listed.source_fingerprint;
  record.name = suite.dataset;
  record.config_json = dataset_config_json(suite);
  record.decoded_fingerprint = cache.decoded_fingerprint();
  for (const ClipList::Unusable& unusable : listed.list.unusable) {
    record.excluded.push_back(
        {unusable.clip.id, unusable.clip.path.filename().string(), unusable.clip.split, unusable.reason});
  }
  for (std::int64_t i = 0; i < cache.size(); ++i) {
    const CachedClip cached = cache.clip(i);
    if (!cached.excluded) continue;
    const Clip& clip = listed.list.clips[static_cast<std::size_t>(i)];
    record.excluded.push_back({clip.id, clip.path.filename().string(), clip.split, cached.reason});
  }
  record.listed_clips = cache.size() + static_cast<std::int64_t>(listed.list.unusable.size());
  record.used_clips = record.listed_clips - static_cast<std::int64_t>(record.excluded.size());
  return record;
}

}  // namespace cmkd
