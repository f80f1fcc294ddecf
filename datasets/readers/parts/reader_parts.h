// What the readers of published sets share beyond their lines: where the files are, rows that stand twice, and the
// files of segments of YouTube videos.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "annotation.h"
#include "cmkd/core/parameters.h"
#include "cmkd/datasets/clip.h"
#include "cmkd/readers/csv.h"

namespace cmkd {

// The parameters "root" and "annotations".
[[nodiscard]] std::vector<ParameterSpec> folder_parameters();

// Throws Error(kUsage) when the dataset's root is not given.
[[nodiscard]] std::filesystem::path required_root(const Parameters& parameters, const std::string& dataset,
                                                  const std::string& tree);
// The folder "annotations", or the root when it is empty.
[[nodiscard]] std::filesystem::path annotation_folder(const Parameters& parameters);

// A file that has to be there: throws Error(kData) that names it and the remedy.
[[nodiscard]] std::filesystem::path required_file(const std::filesystem::path& file, const std::string& form,
                                                  const std::string& fix);

// A field of a row; throws Error(kData) when it is empty, or begins or ends with white space: two names that look the
// same would be two.
[[nodiscard]] const std::string& filled_field(const CsvTable& table, const CsvRow& row, std::size_t field,
                                              const std::string& name);

// Refuses a row that stands twice, in one file or in two.
class ListedOnce {
 public:
  void add(const std::string& id, const std::string& where);

 private:
  std::map<std::string, std::string> where_;
};

// A piece of a YouTube video.
struct Segment {
  std::string youtube_id;
  double start_s = 0;
  double end_s = 0;
};

// The files of segments, below one folder. A file is the segment itself, as most downloaders cut it, or the whole
// video.
class SegmentFiles {
 public:
  // The parameters "files" and "file_name"; `patterns` are the names that are tried when file_name is empty.
  [[nodiscard]] static std::vector<ParameterSpec> parameters(const std::vector<std::string>& patterns);

  SegmentFiles(const Parameters& parameters, const std::filesystem::path& root, const std::string& tree,
               std::vector<std::string> patterns);

  // Adds the clip with its file, piece, group and YouTube id, or sets it aside.
  void add(ClipList& list, Clip clip, const Segment& segment) const;
  // Throws Error(kData) when no clip has a file.
  void require_some(const ClipList& list) const { require_some_clips(list, files_.root(), tree_); }

 private:
  std::string tree_;
  bool whole_videos_;
  std::vector<std::string> patterns_;
  MediaTree files_;
};

// The name that a pattern gives a segment: {id}, {start} and {end} in whole seconds, {start6} and {end6} with six
// digits, {start_ms} and {end_ms}. Throws Error(kUsage) for any other word in braces.
[[nodiscard]] std::string segment_name(const std::string& pattern, const Segment& segment);

}  // namespace cmkd
