#include "cmkd/readers/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "check_clip.h"
#include "cmkd/core/hash.h"
#include "cmkd/core/interrupt.h"
#include "feature.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

// The names under which a clip counts: its split, or one for each fold in which it has a part.
std::vector<std::string> split_names(const ClipList& list, const Clip& clip) {
  if (list.folds.empty()) return {clip.split};
  std::vector<std::string> names;
  for (std::size_t k = 0; k < clip.fold_splits.size() && k < list.folds.size(); ++k) {
    if (!clip.fold_splits[k].empty()) names.push_back(list.folds[k] + " " + clip.fold_splits[k]);
  }
  return names;
}

// What one file holds by its headers, found out once.
struct FileState {
  bool readable = false;
  bool picture = false;
  bool sound = false;
  std::string fault;  // why it is not readable
  std::vector<ClipFinding> findings;
};

class FileProbe {
 public:
  explicit FileProbe(const ClipSource& source) : source_(source) {}

  const FileState& state(const fs::path& path, const Clip& clip) {
    const auto [found, is_new] = states_.emplace(path, FileState());
    if (is_new) found->second = probe(path, clip);
    return found->second;
  }

 private:
  [[nodiscard]] FileState probe(const fs::path& path, const Clip& clip) const {
    FileState state;
    const media::Outcome<media::MediaInfo> probed = media::probe(path, {.decode = false});
    if (!probed) {
      state.fault = media::describe(probed.failure());
      // Files of a form of its own (JPEG frames, a table of images) are known to the reader alone.
      if (path == clip.path) state.readable = state.picture = reader_decodes(clip);
      return state;
    }
    state.picture = !probed.value().video.empty();
    state.sound = !probed.value().audio.empty();
    state.readable = state.picture || state.sound;
    if (!state.readable) state.fault = "neither video nor audio";
    state.findings = findings_by_headers(probed.value());
    return state;
  }

  [[nodiscard]] bool reader_decodes(const Clip& clip) const {
    IngestSettings settings;
    settings.audio = false;
    settings.height = settings.width = 0;  // as they are
    settings.fps = 0;
    settings.max_duration_s = 1e-3;  // the first frame
    return source_.decode(clip, settings).ok();
  }

  const ClipSource& source_;
  std::map<fs::path, FileState> states_;
};

// Files of a size that no other has are equal to none: those are not read.
class ContentKeys {
 public:
  ContentKeys(const ClipSource& source, const ClipList& list) : source_(source) {
    std::set<fs::path> seen;
    for (const Clip& clip : list.clips) {
      for (const fs::path& path : {clip.path, clip.audio_path, clip.feature_path}) {
        if (!path.empty() && seen.insert(path).second) ++files_of_size_[size_of(path)];
      }
    }
  }

  // The same for two clips that hold the same; "" for a clip with an empty or unreadable file.
  std::string key(const Clip& clip) {
    if (size_of(clip.path) == 0) return "";
    const std::string content = source_.content_hash(clip, [this](const fs::path& path) { return hash_of(path); });
    const std::string end = clip.end_s ? fmt::format("{}", *clip.end_s) : std::string();
    return Hasher().field(content).field(fmt::format("{}", clip.start_s)).field(end).hex();
  }

 private:
  static std::uintmax_t size_of(const fs::path& path) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    return error ? 0 : size;
  }

  std::string hash_of(const fs::path& path) {
    const std::uintmax_t size = size_of(path);
    if (size == 0 || files_of_size_[size] < 2) return path.string();
    std::string& hash = hashes_[path];
    if (hash.empty()) hash = hash_file(path);
    return hash;
  }

  const ClipSource& source_;
  std::map<std::uintmax_t, int> files_of_size_;
  std::map<fs::path, std::string> hashes_;
};

// Gathers the clips that share something.
class Sharing {
 public:
  void add(const std::string& kind, const std::string& name, const Clip& clip) {
    if (!name.empty()) things_[{kind, name}].push_back(&clip);
  }

  // Those that stand in two splits of one fold (or of the set, when it has none).
  [[nodiscard]] std::vector<SharedThing> in_two_splits(const ClipList& list) const {
    std::vector<SharedThing> result;
    const std::size_t folds = std::max<std::size_t>(list.folds.size(), 1);
    for (std::size_t k = 0; k < folds; ++k) {
      for (const auto& [key, clips] : things_) {
        SharedThing thing = thing_of(key, clips);
        std::set<std::string> splits;
        for (const Clip* clip : clips) {
          const std::string split = list.folds.empty() ? clip->split : clip->fold_splits.at(k);
          if (!split.empty()) splits.insert(split);
        }
        if (splits.size() < 2) continue;
        thing.splits.assign(splits.begin(), splits.end());
        if (!list.folds.empty()) thing.fold = list.folds[k];
        result.push_back(std::move(thing));
      }
    }
    return result;
  }

  // Those of `kind` that stand in several clips.
  [[nodiscard]] std::vector<SharedThing> several(const std::string& kind) const {
    std::vector<SharedThing> result;
    for (const auto& [key, clips] : things_) {
      if (key.first == kind && clips.size() > 1) result.push_back(thing_of(key, clips));
    }
    return result;
  }

 private:
  using Key = std::pair<std::string, std::string>;

  static SharedThing thing_of(const Key& key, const std::vector<const Clip*>& clips) {
    SharedThing thing{key.first, key.second, "", {}, {}};
    for (const Clip* clip : clips) thing.clips.push_back(clip->id);
    return thing;
  }

  std::map<Key, std::vector<const Clip*>> things_;
};

void add_problem(DatasetCheck& check, const Clip& clip, const std::vector<std::string>& splits, std::string kind,
                 std::string reason) {
  std::string split;
  for (const std::string& name : splits) split += (split.empty() ? "" : ", ") + name;
  check.problems.push_back({clip.id, clip.path.string(), split, std::move(reason), std::move(kind)});
}

void check_files(DatasetCheck& check, const ClipSource& source, const ClipList& list, const Clip& clip, bool decode,
                 FileProbe& probe) {
  const std::vector<std::string> splits = split_names(list, clip);
  for (const std::string& name : splits) ++check.splits[name].listed;
  const FileState& seen = probe.state(clip.path, clip);
  const FileState& heard = clip.audio_path.empty() ? seen : probe.state(clip.audio_path, clip);
  for (const FileState* state : {&seen, &heard}) {
    if (state->readable) continue;
    add_problem(check, clip, splits, "broken", state->fault);
    return;
  }
  CheckedClip found{seen.picture, heard.sound, false, "no video stream", "no audio stream", heard.findings};
  if (decode) {
    const CheckedClip decoded = decode_for_check(source, clip, seen.picture, heard.sound);
    if (decoded.excluded) {
      add_problem(check, clip, splits, "broken",
                  decoded.sound_fault.empty() ? decoded.picture_fault : decoded.sound_fault);
      return;
    }
    found.picture = decoded.picture;
    found.sound = decoded.sound;
    found.findings = decoded.findings;
    if (!decoded.picture_fault.empty()) found.picture_fault = decoded.picture_fault;
    if (!decoded.sound_fault.empty()) found.sound_fault = decoded.sound_fault;
  }
  if (!clip.feature_path.empty()) {
    const media::Outcome<at::Tensor> feature = read_feature_array(clip.feature_path);
    if (!feature) {
      add_problem(check, clip, splits, "broken", media::describe(feature.failure()));
      return;
    }
    ++check.features[fmt::format("[{}]", fmt::join(feature.value().sizes(), ", "))];
  }
  for (const std::string& name : splits) {
    ++check.splits[name].used;
    check.splits[name].silent += found.sound ? 0 : 1;
    check.splits[name].without_picture += found.picture ? 0 : 1;
  }
  if (!found.sound) add_problem(check, clip, splits, "silent", found.sound_fault);
  if (!found.picture) add_problem(check, clip, splits, "without_picture", found.picture_fault);
  for (const ClipFinding& finding : found.findings) add_problem(check, clip, splits, finding.kind, finding.text);
}

}  // namespace

bool DatasetCheck::has_real_problem() const {
  if (!in_two_splits.empty() || features.size() > 1) return true;
  if (std::ranges::any_of(problems, [](const ClipProblem& p) { return p.kind == "not_found" || p.kind == "broken"; })) {
    return true;
  }
  return std::ranges::any_of(pretrained, [](const auto& entry) {
    return entry.second > 0 && (entry.first == "test" || entry.first.ends_with(" test"));
  });
}

DatasetCheck check_dataset(const std::string& name, const ClipSource& source, const ClipList& list,
                           const CheckOptions& options, const std::function<void(std::int64_t)>& done) {
  DatasetCheck check;
  check.dataset = name;
  check.classes = static_cast<std::int64_t>(list.classes.size());
  check.pretrained_asked = options.pretrained_asked;
  FileProbe probe(source);
  ContentKeys contents(source, list);
  Sharing sharing;
  std::int64_t count = 0;
  for (const Clip& clip : list.clips) {
    throw_if_interrupted();
    check_files(check, source, list, clip, options.decode, probe);
    sharing.add("group", clip.group, clip);
    sharing.add("youtube_id", clip.youtube_id, clip);
    sharing.add("content", contents.key(clip), clip);
    check.with_video_id += clip.youtube_id.empty() ? 0 : 1;
    const bool pretrained = options.pretrained_ids.contains(clip.youtube_id);
    for (const std::string& split : split_names(list, clip)) check.pretrained[split] += pretrained ? 1 : 0;
    done(++count);
  }
  const std::string missing = media::to_string(media::FailureReason::kNotFound);
  for (const ClipList::Unusable& unusable : list.unusable) {
    const std::vector<std::string> splits = split_names(list, unusable.clip);
    for (const std::string& split : splits) ++check.splits[split].listed;
    add_problem(check, unusable.clip, splits, unusable.reason.starts_with(missing) ? missing : "set_aside",
                unusable.reason);
  }
  check.in_two_splits = sharing.in_two_splits(list);
  check.listed_twice = sharing.several("content");
  return check;
}

}  // namespace cmkd
