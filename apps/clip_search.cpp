#include "clip_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <system_error>

#include "cmkd/core/error.h"

namespace cmkd::apps {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostNamed = 8;  // of clips in a message

using ClipTest = std::function<bool(const Clip&)>;

std::vector<FoundClip> clips_where(const ClipList& list, const ClipTest& test) {
  std::vector<FoundClip> found;
  for (std::size_t i = 0; i < list.clips.size(); ++i) {
    if (test(list.clips[i])) found.push_back({static_cast<std::int64_t>(i), false});
  }
  for (std::size_t i = 0; i < list.unusable.size(); ++i) {
    if (test(list.unusable[i].clip)) found.push_back({static_cast<std::int64_t>(i), true});
  }
  return found;
}

bool any_file(const Clip& clip, const std::function<bool(const fs::path&)>& test) {
  return std::ranges::any_of(std::initializer_list<const fs::path*>{&clip.path, &clip.audio_path, &clip.feature_path},
                             [&](const fs::path* path) { return !path->empty() && test(*path); });
}

bool same_file(const fs::path& file, const fs::path& name) {
  if (file.filename() != name.filename()) return false;  // spares the file system 200,000 questions
  if (file.lexically_normal() == name.lexically_normal()) return true;
  std::error_code absent;
  return fs::equivalent(file, name, absent);
}

// "dog/001.mp4" is the end of "/data/train/dog/001.mp4", "1.mp4" is not.
bool ends_with_parts(const fs::path& file, const fs::path& name) {
  const std::vector<fs::path> parts(file.begin(), file.end());
  const fs::path normal = name.lexically_normal();
  const std::vector<fs::path> wanted(normal.begin(), normal.end());
  return wanted.size() <= parts.size() && std::equal(wanted.rbegin(), wanted.rend(), parts.rbegin());
}

std::string named(const ClipList& list, const std::vector<FoundClip>& clips) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < std::min(clips.size(), kMostNamed); ++i) ids.push_back(clips[i].of(list).id);
  if (clips.size() > kMostNamed) ids.push_back(fmt::format("… {} in all", clips.size()));
  return join(ids);
}

FoundClip only_one(const ClipList& list, const std::string& name, const std::vector<FoundClip>& found) {
  if (found.size() == 1) return found.front();
  throw Error(ErrorKind::kUsage, {.what = fmt::format("'{}' is {} clips", name, found.size()),
                                  .allowed = named(list, found),
                                  .fix = "name one of these ids"});
}

[[noreturn]] void refuse_unknown_clip(const ClipList& list, const std::string& name) {
  std::vector<std::string> near;
  for (const FoundClip& clip :
       clips_where(list, [&](const Clip& one) { return !name.empty() && one.id.find(name) != std::string::npos; })) {
    near.push_back(clip.of(list).id);
    if (near.size() == kMostNamed) break;
  }
  std::vector<std::string> names;
  for (const Clip& clip : list.clips) {
    names.push_back(clip.id);
    names.push_back(clip.path.filename().string());
  }
  std::string allowed = "an id, or the path of a clip's file";
  if (!near.empty()) allowed += fmt::format("; ids with '{}' in them: {}", name, join(near));
  if (near.empty() && !list.clips.empty()) allowed += fmt::format("; the first id is '{}'", list.clips.front().id);
  throw Error(ErrorKind::kUsage, {.what = fmt::format("there is no clip '{}' among {}", name, list.clips.size()),
                                  .allowed = allowed,
                                  .fix = did_you_mean(name, names)});
}

}  // namespace

FoundClip find_clip(const ClipList& list, const std::string& name) {
  const std::vector<FoundClip> by_id = clips_where(list, [&](const Clip& clip) { return clip.id == name; });
  if (!by_id.empty()) return only_one(list, name, by_id);
  const fs::path path(name);
  if (path.has_filename()) {
    for (const auto& test : {same_file, ends_with_parts}) {
      const std::vector<FoundClip> found = clips_where(list, [&](const Clip& clip) {
        return any_file(clip, [&](const fs::path& file) { return test(file, path); });
      });
      if (!found.empty()) return only_one(list, name, found);
    }
  }
  refuse_unknown_clip(list, name);
}

}  // namespace cmkd::apps
