// Clips by what people call them: their ids, or the files that they are in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cmkd/datasets/clip.h"

namespace cmkd::apps {

// A clip of a list: one that may be used, or one that the annotations name and that is known to be absent.
struct FoundClip {
  std::int64_t position = 0;  // in ClipList::clips, or in ClipList::unusable
  bool unusable = false;

  [[nodiscard]] bool operator==(const FoundClip&) const = default;
  [[nodiscard]] const Clip& of(const ClipList& list) const {
    const auto at = static_cast<std::size_t>(position);
    return unusable ? list.unusable[at].clip : list.clips[at];
  }
};

// The clip of this id; else the one whose file of picture, sound or feature is the path `name`, or ends with it in
// whole parts ("dog/001.mp4"). Throws Error(kUsage) when there is none, naming near ones, or several (pieces of one
// file), naming their ids.
[[nodiscard]] FoundClip find_clip(const ClipList& list, const std::string& name);

}  // namespace cmkd::apps
