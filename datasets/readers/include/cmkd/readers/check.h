// What of a dataset is there, missing, silent, broken, in two splits, or in a pretraining set, and what its clips are
// like.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cmkd/datasets/clip.h"

namespace cmkd {

// Clips of one split (or of one split in one fold).
struct SplitCount {
  std::int64_t listed = 0;
  std::int64_t used = 0;             // the file is there and can be read
  std::int64_t silent = 0;           // of the used ones
  std::int64_t without_picture = 0;  // of the used ones
};

// One thing that stands in several clips: a source video, a YouTube video, the same bytes.
struct SharedThing {
  std::string kind;  // "group", "youtube_id", "content"
  std::string name;  // the group, the id, the hash
  std::string fold;  // "" in a set without folds
  std::vector<std::string> splits;
  std::vector<std::string> clips;
};

struct ClipProblem {
  std::string clip;
  std::string path;
  std::string split;
  std::string reason;  // "not_found: …"
  // "not_found", "set_aside", "broken", "silent" (no sound to be had), "without_picture", or that of a finding of a
  // clip that is used all the same (examine.h): "truncated", "sound_offset", …
  std::string kind;
};

struct DatasetCheck {
  std::string dataset;
  std::int64_t classes = 0;
  std::map<std::string, SplitCount> splits;  // "train", or "1 train" in a set of folds
  std::vector<ClipProblem> problems;
  std::vector<SharedThing> in_two_splits;        // of a fold where there are folds
  std::vector<SharedThing> listed_twice;         // the same piece under several names in one split: a warning
  std::map<std::string, std::int64_t> features;  // clips with a published feature, by the array's shape: "[512]"
  bool pretrained_asked = false;
  std::int64_t with_video_id = 0;                  // clips that say which YouTube video they are of
  std::map<std::string, std::int64_t> pretrained;  // of the splits, clips whose video is in the pretraining set

  // Something that makes results wrong or smaller than they seem: missing or broken files, what stands in two splits,
  // a reported clip in the pretraining set, features of several shapes. Silent clips and equal segments are not.
  [[nodiscard]] bool has_real_problem() const;
};

struct CheckOptions {
  // Every clip, as ingest does; otherwise the headers are read, and of the findings only "sound_offset" can be told.
  bool decode = false;
  std::set<std::string> pretrained_ids;
  bool pretrained_asked = false;
};

// Reads the files' headers (or decodes every clip), and the bytes of those that may be equal (the same size).
[[nodiscard]] DatasetCheck check_dataset(const std::string& name, const ClipSource& source, const ClipList& list,
                                         const CheckOptions& options, const std::function<void(std::int64_t)>& done);

}  // namespace cmkd
