#include "annotation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "cmkd/core/error.h"
#include "plain_text.h"

namespace cmkd {

namespace fs = std::filesystem;

AnnotationText::AnnotationText(const fs::path& file) : path(file) {
  const std::string content = read_plain_text(file);
  std::string_view rest = content;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  for (std::int64_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.push_back({number, std::string(line)});
  }
  if (lines.empty()) throw Error(ErrorKind::kData, {.what = "the annotation file is empty", .where = file.string()});
}

std::string AnnotationText::where(const AnnotationLine& line) const {
  return fmt::format("{}:{}", path.string(), line.number);
}

void fail_annotation(const std::string& what, const std::string& where, const std::string& form) {
  throw Error(ErrorKind::kData, {what, where, form, "fetch the annotation file again from its owners"});
}

bool has_outer_space(std::string_view text) {
  constexpr std::string_view kNoBreakSpace = "\xC2\xA0";
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  return !text.empty() && (is_space(text.front()) || is_space(text.back()) || text.starts_with(kNoBreakSpace) ||
                           text.ends_with(kNoBreakSpace));
}

std::int64_t whole_number(std::string_view text, const std::string& where, const std::string& form) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  fail_annotation(fmt::format("'{}' is not a whole number", text), where, form);
}

double decimal_number(std::string_view text, const std::string& where, const std::string& form) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(value)) return value;
  fail_annotation(fmt::format("'{}' is not a number", text), where, form);
}

std::int64_t whole_seconds(std::string_view text, const std::string& where, const std::string& form) {
  const std::int64_t value = whole_number(text, where, form);
  if (value >= 0 && value <= kLongestTime_s) return value;
  fail_annotation(fmt::format("'{}' is no time within a video", text), where,
                  fmt::format("0 to {} seconds", kLongestTime_s));
}

double decimal_seconds(std::string_view text, const std::string& where, const std::string& form) {
  const double value = decimal_number(text, where, form);
  if (value >= 0 && value <= static_cast<double>(kLongestTime_s)) return value;
  fail_annotation(fmt::format("'{}' is no time within a video", text), where,
                  fmt::format("0 to {} seconds", kLongestTime_s));
}

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

ClassNames::ClassNames(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (find(name)) throw Error(ErrorKind::kData, {.what = fmt::format("class '{}' is listed twice", name)});
    add(name);
  }
}

std::int64_t ClassNames::add(const std::string& name) {
  const auto [found, is_new] = index_.emplace(name, static_cast<std::int64_t>(names_.size()));
  if (is_new) names_.push_back(name);
  return found->second;
}

std::optional<std::int64_t> ClassNames::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? std::nullopt : std::optional(found->second);
}

std::int64_t ClassNames::index(const std::string& name, const std::string& where) const {
  if (const auto found = find(name)) return *found;
  throw Error(ErrorKind::kData, {fmt::format("label '{}' is not a class", name), where,
                                 fmt::format("the {} classes of this set", names_.size()), did_you_mean(name, names_)});
}

namespace {

bool stands_beside_a_clip(const fs::path& file) {
  static constexpr std::array kEndings = {".jpg", ".jpeg", ".png", ".webp",        ".json", ".txt",
                                          ".csv", ".vtt",  ".srt", ".description", ".part", ".ytdl"};
  return std::ranges::find(kEndings, lower_case(file.extension().string())) != kEndings.end();
}

// Names may hold dots ("v_x.1.avi" has the ending ".avi"): only the last one begins an ending.
std::string without_ending(const fs::path& path) { return (path.parent_path() / path.stem()).generic_string(); }

}  // namespace

MediaTree::MediaTree(const fs::path& root, const std::string& tree) : root_(root) {
  if (!fs::is_directory(root)) {
    throw Error(ErrorKind::kData, {"the folder of the clips is not there", root.string(), tree, "set root to it"});
  }
  std::vector<fs::path> files;
  using fs::directory_options;
  for (const auto& entry : fs::recursive_directory_iterator(
           root, directory_options::follow_directory_symlink | directory_options::skip_permission_denied)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    by_path_.emplace(lower_case(without_ending(file.lexically_relative(root))), file);
    by_stem_.emplace(file.stem().string(), file);
  }
}

std::optional<fs::path> MediaTree::find(const fs::path& path) const {
  const fs::path exact = (root_ / path).lexically_normal();
  const auto [begin, end] = by_path_.equal_range(lower_case(without_ending(path.lexically_normal())));
  if (begin == end) return std::nullopt;
  for (auto it = begin; it != end; ++it) {
    if (it->second.lexically_normal() == exact) return it->second;
  }
  for (auto it = begin; it != end; ++it) {
    if (it->second.lexically_relative(root_).parent_path() == path.parent_path()) return it->second;
  }
  return begin->second;
}

std::optional<fs::path> MediaTree::find_stem(const std::string& stem) const {
  const auto [begin, end] = by_stem_.equal_range(stem);
  for (auto it = begin; it != end; ++it) {
    if (!stands_beside_a_clip(it->second)) return it->second;
  }
  return std::nullopt;
}

void add_or_set_aside(ClipList& list, Clip clip, const std::optional<fs::path>& file, const fs::path& looked_for) {
  if (file) {
    clip.path = *file;
    list.clips.push_back(std::move(clip));
    return;
  }
  clip.path = looked_for;
  const std::string reason =
      fmt::format("{}: {}", media::to_string(media::FailureReason::kNotFound), looked_for.string());
  list.unusable.push_back({std::move(clip), reason});
}

void require_some_clips(const ClipList& list, const fs::path& root, const std::string& tree) {
  if (!list.clips.empty()) return;
  const std::string example = list.unusable.empty() ? "" : list.unusable.front().clip.path.string();
  throw Error(ErrorKind::kData,
              {fmt::format("none of the {} listed clips is there, among them {}", list.unusable.size(), example),
               root.string(), tree, "set root to the folder that holds the clips"});
}

}  // namespace cmkd
