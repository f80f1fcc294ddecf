#include "class_list.h"

#include <fmt/format.h>

#include <sstream>

#include "cmkd/core/error.h"
#include "plain_text.h"

namespace cmkd {

ClassList::ClassList(const std::set<std::string>& labels) {
  for (const std::string& label : labels) add(label, "");
}

ClassList::ClassList(const std::filesystem::path& file) : file_(file) {
  std::istringstream text(read_plain_text(file));
  std::string line;
  for (std::int64_t number = 1; std::getline(text, line); ++number) {
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) add(line, fmt::format("{}:{}", file.string(), number));
  }
  if (names_.empty()) {
    throw Error(ErrorKind::kData,
                {.what = "the file names no class", .where = file.string(), .allowed = "one class a line"});
  }
}

void ClassList::add(const std::string& name, const std::string& where) {
  if (!index_.emplace(name, static_cast<std::int64_t>(names_.size())).second) {
    throw Error(ErrorKind::kData, {.what = fmt::format("class '{}' is listed twice", name), .where = where});
  }
  names_.push_back(name);
}

std::int64_t ClassList::index(const std::string& label, const std::string& where) const {
  const auto found = index_.find(label);
  if (found != index_.end()) return found->second;
  throw Error(ErrorKind::kData,
              {fmt::format("label '{}' is not a class", label), where,
               names_.size() <= 20 ? join(names_) : fmt::format("the {} classes of {}", names_.size(), file_.string()),
               did_you_mean(label, names_)});
}

void set_missing_files_aside(ClipList& list, const std::string& where) {
  std::vector<Clip> present;
  std::map<std::string, std::int64_t> present_in_split;
  std::map<std::string, std::filesystem::path> missing_in_split;
  for (Clip& clip : list.clips) {
    std::error_code error;
    std::string missing;
    if (!std::filesystem::exists(clip.path, error)) missing = clip.path.string();
    if (missing.empty() && !clip.audio_path.empty() && !std::filesystem::exists(clip.audio_path, error))
      missing = clip.audio_path.string();
    if (missing.empty() && !clip.feature_path.empty() && !std::filesystem::exists(clip.feature_path, error))
      missing = clip.feature_path.string();
    if (missing.empty()) {
      ++present_in_split[clip.split];
      present.push_back(std::move(clip));
    } else {
      missing_in_split.emplace(clip.split, missing);
      const std::string reason = fmt::format("{}: {}", media::to_string(media::FailureReason::kNotFound), missing);
      list.unusable.push_back({std::move(clip), reason});
    }
  }
  list.clips = std::move(present);
  for (const auto& [split, path] : missing_in_split) {
    if (present_in_split[split] > 0) continue;
    throw Error(ErrorKind::kData,
                {.what = fmt::format("every file of the split '{}' is missing, among them {}", split, path.string()),
                 .where = where,
                 .fix = "set root to the folder to which the paths are relative"});
  }
}

}  // namespace cmkd
