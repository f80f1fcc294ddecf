#include <fmt/format.h>
#include <sys/stat.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "cmkd/clips/clip_cache.h"
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"
#include "cmkd/core/interrupt.h"
#include "shard.h"

namespace cmkd {

namespace {

using nlohmann::json;

// Hashes of files by path, size and modification time, kept between runs. A damaged or foreign memo is an empty one:
// it only saves work.
class HashMemo {
 public:
  explicit HashMemo(std::filesystem::path path) : path_(std::move(path)) {
    if (path_.empty() || !std::filesystem::exists(path_)) return;
    const json document = json::parse(read_file(path_), nullptr, /*allow_exceptions=*/false);
    if (!document.is_object()) return;
    const json derived = document.value(kDerived, json::object());
    for (const auto& [origin, fingerprint] : derived.items()) {
      if (fingerprint.is_string()) derived_[origin] = fingerprint.get<std::string>();
    }
    for (const auto& [file, entry] : document.items()) {
      if (!entry.is_array() || entry.size() != 3 || !entry[0].is_number_integer() || !entry[1].is_number_integer() ||
          !entry[2].is_string()) {
        continue;
      }
      entries_[file] = {entry[0].get<std::int64_t>(), entry[1].get<std::int64_t>(), entry[2].get<std::string>()};
    }
  }

  std::string hash_of(const std::filesystem::path& file) {
    struct stat status {};
    if (stat(file.c_str(), &status) != 0) {
      throw Error(ErrorKind::kData, {.what = "a listed file cannot be read", .where = file.string()});
    }
    const std::int64_t modified = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
    const std::string key = std::filesystem::absolute(file).lexically_normal().string();
    const auto known = entries_.find(key);
    if (known != entries_.end() && known->second.size == status.st_size && known->second.modified_ns == modified) {
      return known->second.hash;
    }
    Entry entry{status.st_size, modified, hash_file(file)};
    // A file may change again within the clock's tick: only one that has rested for two seconds is remembered for good.
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const bool rested = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() - modified > 2'000'000'000;
    std::string hash = entry.hash;
    entries_[key] = std::move(entry);
    if (rested) {
      changed_ = true;
    } else {
      young_.push_back(key);
    }
    return hash;
  }

  [[nodiscard]] std::optional<std::string> derived(const std::string& origin) const {
    const auto known = derived_.find(origin);
    return known == derived_.end() ? std::nullopt : std::optional(known->second);
  }

  void remember(const std::string& origin, const std::string& fingerprint) {
    derived_[origin] = fingerprint;
    changed_ = true;
  }

  void save() {
    if (!changed_ || path_.empty()) return;
    for (const std::string& key : young_) entries_.erase(key);
    json document = json::object();
    for (const auto& [file, entry] : entries_) document[file] = {entry.size, entry.modified_ns, entry.hash};
    if (!derived_.empty()) document[kDerived] = derived_;
    write_file_atomically(path_, document.dump(0, ' ', false, json::error_handler_t::replace) + "\n");
  }

 private:
  struct Entry {
    std::int64_t size = 0;
    std::int64_t modified_ns = 0;
    std::string hash;
  };
  static constexpr const char* kDerived = "source fingerprints";  // no path: those are absolute
  std::filesystem::path path_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> derived_;  // by origin
  std::vector<std::string> young_;
  bool changed_ = false;
};

void add_settings(Hasher& hasher, const IngestSettings& settings) {
  hasher.field("cmkd source").field(std::int64_t{kCacheVersion});
  hasher.field(std::int64_t{settings.video}).field(std::int64_t{settings.audio});
  hasher.field(std::int64_t{settings.height}).field(std::int64_t{settings.width});
  hasher.field(to_text(settings.fps)).field(std::int64_t{settings.sample_rate});
  hasher.field(to_text(settings.max_duration_s));
  hasher.field(to_string(settings.frame_storage)).field(to_string(settings.audio_storage));
  // What was added later leaves the fingerprints of all others as they are.
  if (settings.sound_is_features()) hasher.field(to_string(settings.audio_form)).field(settings.feature_values);
}

void add_clip(Hasher& hasher, const Clip& clip, const std::string& class_name, const std::string& content) {
  hasher.field(clip.id).field(clip.label).field(class_name).field(clip.split).field(clip.group);
  hasher.field(to_text(clip.start_s)).field(clip.end_s ? to_text(*clip.end_s) : std::string());
  hasher.field(static_cast<std::int64_t>(clip.truth.size()));
  for (const auto& [name, value] : clip.truth) hasher.field(name).field(value);
  // What only sets of several labels or folds have leaves the fingerprints of all others as they are.
  if (!clip.tags.empty() || !clip.fold_splits.empty()) {
    hasher.field(static_cast<std::int64_t>(clip.tags.size()));
    for (const std::int64_t tag : clip.tags) hasher.field(tag);
    for (const std::string& split : clip.fold_splits) hasher.field(split);
  }
  hasher.field(content);
}

std::string fingerprint_of(const ClipSource& source, const ClipList& list, const IngestSettings& settings,
                           const FileHash& hash_of) {
  Hasher hasher;
  add_settings(hasher, settings);
  hasher.field(static_cast<std::int64_t>(list.classes.size()));
  for (const std::string& name : list.classes) hasher.field(name);
  if (list.multi_label || !list.folds.empty()) {
    hasher.field(std::int64_t{list.multi_label}).field(static_cast<std::int64_t>(list.folds.size()));
    for (const std::string& fold : list.folds) hasher.field(fold);
  }
  hasher.field(static_cast<std::int64_t>(list.clips.size()));
  for (const Clip& clip : list.clips) {
    throw_if_interrupted();
    const auto label = static_cast<std::size_t>(clip.label);
    add_clip(hasher, clip, clip.label >= 0 && label < list.classes.size() ? list.classes[label] : std::string(),
             source.content_hash(clip, hash_of));
  }
  return hasher.hex();
}

}  // namespace

std::string source_fingerprint(const ClipSource& source, const ClipList& list, const IngestSettings& settings,
                               const std::filesystem::path& memo_file) {
  HashMemo memo(memo_file);
  const FileHash hash_of = [&](const std::filesystem::path& path) { return memo.hash_of(path); };
  std::string origin = source.origin_hash(list, hash_of);
  if (!origin.empty()) {
    Hasher hasher;
    add_settings(hasher, settings);
    origin = hasher.field(origin).hex();
  }
  std::optional<std::string> fingerprint = origin.empty() ? std::nullopt : memo.derived(origin);
  if (!fingerprint) {
    fingerprint = fingerprint_of(source, list, settings, hash_of);
    if (!origin.empty()) memo.remember(origin, *fingerprint);
  }
  memo.save();
  return *fingerprint;
}

}  // namespace cmkd
