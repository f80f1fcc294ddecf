#include "reader_parts.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "cmkd/core/error.h"

namespace cmkd {

namespace fs = std::filesystem;

std::vector<ParameterSpec> folder_parameters() {
  return {ParameterSpec::text("root", "", "Folder of the clips."),
          ParameterSpec::text("annotations", "", "Folder of the annotation files; empty: root.")};
}

fs::path required_root(const Parameters& parameters, const std::string& dataset, const std::string& tree) {
  const std::string& root = parameters.text("root");
  if (!root.empty()) return root;
  throw Error(ErrorKind::kUsage, {fmt::format("the dataset '{}' needs to know where its files are", dataset),
                                  "[dataset]", tree, "set root = \"folder\""});
}

fs::path annotation_folder(const Parameters& parameters) {
  const std::string& folder = parameters.text("annotations");
  return folder.empty() ? parameters.text("root") : folder;
}

fs::path required_file(const fs::path& file, const std::string& form, const std::string& fix) {
  if (fs::is_regular_file(file)) return file;
  throw Error(ErrorKind::kData, {"the annotation file is not there", file.string(), form, fix});
}

const std::string& filled_field(const CsvTable& table, const CsvRow& row, std::size_t field, const std::string& name) {
  const std::string& value = row.fields[field];
  if (value.empty()) throw Error(ErrorKind::kData, {.what = "the row has an empty " + name, .where = table.where(row)});
  if (has_outer_space(value))
    fail_annotation(fmt::format("the {} '{}' begins or ends with white space", name, value), table.where(row), "");
  return value;
}

void ListedOnce::add(const std::string& id, const std::string& where) {
  const auto [known, is_new] = where_.emplace(id, where);
  if (is_new) return;
  throw Error(ErrorKind::kData, {.what = fmt::format("clip '{}' is listed twice, first in {}", id, known->second),
                                 .where = where,
                                 .fix = "remove one of the rows"});
}

std::string segment_name(const std::string& pattern, const Segment& segment) {
  const auto start_ms = static_cast<std::int64_t>(std::llround(segment.start_s * 1000));
  const auto end_ms = static_cast<std::int64_t>(std::llround(segment.end_s * 1000));
  const std::map<std::string, std::string> words = {
      {"id", segment.youtube_id},
      {"start", fmt::format("{}", start_ms / 1000)},
      {"end", fmt::format("{}", end_ms / 1000)},
      {"start6", fmt::format("{:06d}", start_ms / 1000)},
      {"end6", fmt::format("{:06d}", end_ms / 1000)},
      {"start_ms", fmt::format("{}", start_ms)},
      {"end_ms", fmt::format("{}", end_ms)},
  };
  std::string name;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t close = pattern[at] == '{' ? pattern.find('}', at) : std::string::npos;
    if (pattern[at] != '{' || close == std::string::npos) {
      name += pattern[at++];
      continue;
    }
    const auto word = words.find(pattern.substr(at + 1, close - at - 1));
    if (word == words.end()) {
      throw Error(ErrorKind::kUsage,
                  {.what = fmt::format("unknown word '{}' in a file's name", pattern.substr(at, close - at + 1)),
                   .where = "dataset.file_name = " + pattern,
                   .allowed = "{id}, {start}, {end}, {start6}, {end6}, {start_ms}, {end_ms}"});
    }
    name += word->second;
    at = close + 1;
  }
  return name;
}

std::vector<ParameterSpec> SegmentFiles::parameters(const std::vector<std::string>& patterns) {
  return {ParameterSpec::choice("files", "segments", {"segments", "videos"},
                                "Whether a file is the segment, cut already, or the whole video."),
          ParameterSpec::text("file_name", "",
                              fmt::format("Name of a file without its ending, anywhere below root, from {{id}}, "
                                          "{{start}}, {{end}} (seconds), {{start6}}, {{end6}} (six digits), "
                                          "{{start_ms}}, {{end_ms}}; empty: {}, the first that is there; of whole "
                                          "videos {{id}}.",
                                          join(patterns)))};
}

SegmentFiles::SegmentFiles(const Parameters& parameters, const fs::path& root, const std::string& tree,
                           std::vector<std::string> patterns)
    : tree_(tree),
      whole_videos_(parameters.text("files") == "videos"),
      patterns_(std::move(patterns)),
      files_(root, tree) {
  if (whole_videos_) patterns_ = {"{id}"};
  if (!parameters.text("file_name").empty()) patterns_ = {parameters.text("file_name")};
}

void SegmentFiles::add(ClipList& list, Clip clip, const Segment& segment) const {
  clip.youtube_id = segment.youtube_id;
  clip.group = segment.youtube_id;
  if (whole_videos_) {
    clip.start_s = segment.start_s;
    clip.end_s = segment.end_s;
  }
  std::optional<fs::path> file;
  for (const std::string& pattern : patterns_) {
    if (!file) file = files_.find_stem(segment_name(pattern, segment));
  }
  add_or_set_aside(list, std::move(clip), file, files_.root() / (segment_name(patterns_.front(), segment) + ".*"));
}

}  // namespace cmkd
