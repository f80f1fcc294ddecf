#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <system_error>

#include "cache_index.h"
#include "cmkd/clips/clip_cache.h"
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"
#include "cmkd/core/interrupt.h"
#include "cmkd/core/parallel.h"
#include "cmkd/datasets/examine.h"
#include "cmkd/media/decoder_budget.h"
#include "shard.h"

namespace cmkd {

namespace {

void require(bool allowed, const std::string& what, const std::string& allowed_text) {
  if (!allowed) throw Error(ErrorKind::kUsage, {.what = what, .allowed = allowed_text});
}

void check_settings(const IngestSettings& settings) {
  require(settings.video || settings.audio, "ingest stores neither video nor audio", "at least one of them");
  require(!settings.video || (settings.height > 0 && settings.width > 0),
          fmt::format("ingest.height x ingest.width is {} x {}", settings.height, settings.width),
          "positive numbers of pixels");
  require(settings.fps >= 0, fmt::format("ingest.fps is {}", settings.fps),
          "a number >= 0; 0 keeps every source frame");
  require(!settings.audio || settings.sample_rate > 0, fmt::format("ingest.sample_rate is {}", settings.sample_rate),
          "a positive number of Hz");
  require(settings.max_duration_s >= 0, fmt::format("ingest.max_duration_s is {}", settings.max_duration_s),
          "seconds >= 0; 0 is no limit");
  if (!settings.sound_is_features()) return;
  require(settings.feature_values > 0, fmt::format("ingest.feature_values is {}", settings.feature_values),
          "the number of values of a clip's feature, all dimensions together");
  require(settings.audio_storage == AudioStorage::kFloat32, "features are stored as int16, which is for sound",
          "ingest.audio_storage = \"float32\"");
}

// A typo in the cache's path must not fill somebody's folder with shards.
void refuse_foreign_folder(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (is_cache_file(name)) continue;
    throw Error(ErrorKind::kData, {fmt::format("this folder is not a clip cache: it holds '{}'", name), folder.string(),
                                   "an empty folder, or a cache", "choose another folder for the cache"});
  }
}

void create_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error || !std::filesystem::is_directory(folder)) {
    throw Error(ErrorKind::kEnvironment, {.what = fmt::format("cannot make the cache folder: {}",
                                                              error ? error.message() : "there is a file of this name"),
                                          .where = folder.string()});
  }
}

class Ingest {
 public:
  Ingest(const ClipSource& source, const ClipList& list, const IngestSettings& settings, const std::string& fingerprint,
         const std::filesystem::path& folder, const IngestOptions& options)
      : source_(source),
        list_(list),
        settings_(settings),
        fingerprint_(fingerprint),
        folder_(folder),
        options_(options),
        total_(static_cast<std::int64_t>(list.clips.size())),
        shards_((total_ + kClipsPerShard - 1) / kClipsPerShard) {}

  void run() {
    std::vector<std::int64_t> missing;
    for (std::int64_t shard = 0; shard < shards_; ++shard) {
      if (is_finished(shard)) {
        done_ += clips_of(shard);
      } else {
        missing.push_back(shard);
      }
    }
    require_space(missing.size());
    media::DecoderBudget::process_wide().set_limit(options_.decoder_memory_limit_bytes);
    report(0);
    for_each_in_parallel(static_cast<std::int64_t>(missing.size()), std::max(options_.jobs, 1),
                         [&](std::int64_t k) { write_shard(missing[static_cast<std::size_t>(k)]); });
    remove_leftovers();
    commit();
  }

 private:
  [[nodiscard]] std::int64_t clips_of(std::int64_t shard) const {
    return std::min(kClipsPerShard, total_ - shard * kClipsPerShard);
  }

  // A shard of this very ingest from before a kill. One that is damaged is made again; one of another source is an
  // error, as the folder then belongs to that source.
  [[nodiscard]] bool is_finished(std::int64_t shard) const {
    const std::filesystem::path path = shard_path(folder_, shard);
    if (!std::filesystem::exists(path)) return false;
    try {
      const Shard found(path, shard, fingerprint_);
      return static_cast<std::int64_t>(found.records().size()) == clips_of(shard);
    } catch (const Error& error) {
      if (error.parts().what.find("damaged") != std::string::npos) return false;
      throw;
    }
  }

  void require_space(std::size_t missing) const {
    if (missing == 0) return;
    const std::uint64_t estimate = plan_ingest(source_, list_, settings_).estimated_bytes;
    require_free_space(folder_, estimate / static_cast<std::uint64_t>(shards_) * missing, "the clip cache");
  }

  void write_shard(std::int64_t shard) {
    ShardWriter writer(shard_path(folder_, shard), shard, fingerprint_);
    const std::int64_t first = shard * kClipsPerShard;
    for (std::int64_t k = first; k < first + clips_of(shard); ++k) {
      throw_if_interrupted();
      const Clip& clip = list_.clips[static_cast<std::size_t>(k)];
      const media::Outcome<DecodedClip> outcome = decode_examined(source_, clip, settings_);
      if (outcome) {
        writer.add(clip, outcome.value(), settings_);
      } else {
        const media::Failure& failure = outcome.failure();
        const std::string reason = media::to_string(failure.reason);
        writer.add_excluded(clip, failure.detail.empty() ? reason : reason + ": " + failure.detail);
      }
      report(1);
    }
    writer.commit();
  }

  void report(std::int64_t more) {
    const std::lock_guard lock(progress_mutex_);
    done_ += more;
    if (options_.progress) options_.progress(done_, total_);
  }

  void remove_leftovers() const {
    std::vector<std::filesystem::path> leftovers;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      const std::string name = entry.path().filename().string();
      if (name.ends_with(".partial") || name.starts_with("index.json.")) leftovers.push_back(entry.path());
    }
    for (const std::filesystem::path& path : leftovers) std::filesystem::remove(path);
  }

  void commit() const {
    CacheIndex index;
    index.source_fingerprint = fingerprint_;
    index.settings = settings_;
    index.clips = total_;
    Hasher contents;
    for (std::int64_t number = 0; number < shards_; ++number) {
      const Shard shard(shard_path(folder_, number), number, fingerprint_);
      index.shards.push_back({shard.bytes().size(), shard.checksum()});
      std::int64_t clip = number * kClipsPerShard;
      for (const ShardRecord& record : shard.records()) {
        contents.field(record.id).field(record.hash);
        if (!record.reason.empty()) index.excluded.push_back({clip, record.id, record.reason});
        ++clip;
      }
    }
    index.decoded_fingerprint = contents.hex();
    write_index(folder_, index);
  }

  const ClipSource& source_;
  const ClipList& list_;
  const IngestSettings& settings_;
  const std::string& fingerprint_;
  const std::filesystem::path& folder_;
  const IngestOptions& options_;
  std::int64_t total_;
  std::int64_t shards_;
  std::mutex progress_mutex_;
  std::int64_t done_ = 0;
};

}  // namespace

ClipCache ingest(const ClipSource& source, const ClipList& list, const IngestSettings& settings,
                 const std::string& fingerprint, const std::filesystem::path& folder, const IngestOptions& options) {
  check_settings(settings);
  if (list.clips.empty()) {
    throw Error(
        ErrorKind::kData,
        {.what = "the dataset has no clip to ingest", .where = folder.string(), .fix = "see 'cmkd datasets check'"});
  }
  create_folder(folder);
  refuse_foreign_folder(folder);
  const FileLock lock = FileLock::acquire(folder / "ingest.lock");
  if (!std::filesystem::exists(index_path(folder))) Ingest(source, list, settings, fingerprint, folder, options).run();
  return ClipCache::open(folder, fingerprint);
}

}  // namespace cmkd
