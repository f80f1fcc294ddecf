// What a dataset is before it is decoded: clips with labels and splits, and how one of them is decoded.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmkd/core/parameters.h"
#include "cmkd/core/registry.h"
#include "cmkd/datasets/ingest_settings.h"
#include "cmkd/media/media.h"

namespace cmkd {

// One labelled piece of a recording. `id` is unique in its dataset and stable across machines.
//
// Its times are on the clock of its file: 0 is when the first picture is shown; in a file of sound alone, the first
// sample. A file of its own for the sound has a clock of its own, whose 0 is that of the picture's.
struct Clip {
  std::string id;
  std::filesystem::path path;        // media file with the picture (and usually the sound); of sets of sound, the sound
  std::filesystem::path audio_path;  // when the sound is in another file; empty: in `path`
  // A published feature of the clip's sound (.npy, .pt), for AudioForm::kFeatures; empty: none.
  std::filesystem::path feature_path;
  std::int64_t label = -1;         // index into ClipList::classes; −1 in a multi-label set
  std::vector<std::int64_t> tags;  // multi-label sets: the clip's classes, ascending; may be none
  std::string split;               // "train", "validation", "test"; empty in a set of folds
  // Sets of folds: the clip's split in each of ClipList::folds; "" where it has no part in it.
  std::vector<std::string> fold_splits;
  std::string group;  // source video or speaker: no split cuts a group; the id where nothing is known
  double start_s = 0;
  std::optional<double> end_s;  // to the end when absent
  std::string youtube_id;       // where the set is made of YouTube clips, to find the same video in other sets
  std::map<std::string, std::string>
      truth;  // known facts of made data ("snr_db", "correlation"), recorded with the clip
};

struct ClipList {
  std::vector<std::string> classes;
  bool multi_label = false;  // clips have tags instead of one label
  // Names of the official partitions into training and test clips, when there are several ("1", "2", "3"). A fold is
  // one of them; a split is "train", "validation" or "test" within it.
  std::vector<std::string> folds;
  std::vector<Clip> clips;  // in a fixed order
  struct Unusable {
    Clip clip;
    std::string reason;
  };
  std::vector<Unusable> unusable;  // listed by the annotations, but known to be absent or out of scope
};

// Something about a clip that is used all the same, and that a reader of results may want to know.
struct ClipFinding {
  std::string kind;  // "truncated", "sound_offset", …: examine.h has them all
  std::string text;  // "sound begins 0.800 s after the picture"
};

struct DecodedClip {
  std::int64_t frame_count = 0;
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;  // [T, 3, H, W] RGB
  std::vector<float> frame_time_s;   // [T] after the clip's start
  std::vector<float> samples;        // [n] mono at the ingest's sample rate, or the values of the feature
  std::vector<ClipFinding> findings;
  std::string note;  // their texts, "video truncated: after 33 of 708 frames; silent throughout": kept, and said

  void add_finding(std::string kind, std::string text);
};

// The hash of a file's bytes; throws Error(kData) when it cannot be read.
using FileHash = std::function<std::string(const std::filesystem::path&)>;

// A dataset as it lies on disk. Listing is cheap; decoding is thread-safe (ingest calls it from several threads).
class ClipSource {
 public:
  virtual ~ClipSource() = default;
  // Throws Error(kData) with file and line for annotations that break their format.
  [[nodiscard]] virtual ClipList list() = 0;
  // The clip as the settings want it. A source of media files takes it from MediaSource (readers/media_source.h).
  [[nodiscard]] virtual media::Outcome<DecodedClip> decode(const Clip& clip, const IngestSettings& settings) const = 0;
  // Hash of the bytes behind the clip, for the source fingerprint: of its files, asked from `hash_of`, which remembers
  // files it has read. A source whose clips are parts of files, or are changed on the way, hashes what makes the clip.
  [[nodiscard]] virtual std::string content_hash(const Clip& clip, const FileHash& hash_of) const;
  // For a source whose content hashes take long: hash of all that its list and its clips are made from, files and
  // parameters, and of the way they are made. While it stays, the source fingerprint is remembered. "": none.
  [[nodiscard]] virtual std::string origin_hash(const ClipList& /*list*/, const FileHash& /*hash_of*/) const {
    return "";
  }
};

struct DatasetInfo {
  std::string id;  // "manifest"
  std::string title;
  std::string source;                     // paper, owner, licence
  std::string tree;                       // the expected files, for `describe`
  std::string tested_on = {};             // what the reader was tested on, where the files are others'; "" where not
  bool made_here = false;                 // this project makes the files itself when `root` has none
  std::vector<ParameterSpec> parameters;  // "root", …: from the suite file's [dataset] table
  std::function<std::unique_ptr<ClipSource>(const Parameters&)> open;
  // ClipList::folds of the set with these parameters, before its files are there; empty for a set of one split.
  std::function<std::vector<std::string>(const Parameters&)> folds = nullptr;
};

[[nodiscard]] Registry<DatasetInfo>& dataset_registry();

// DatasetInfo::folds of a registered set.
[[nodiscard]] std::vector<std::string> official_folds(const std::string& dataset, const Parameters& parameters);

struct DatasetRegistration {
  explicit DatasetRegistration(DatasetInfo info);
};

}  // namespace cmkd
