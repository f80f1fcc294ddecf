// What clip.json says of a clip, apart from its pictures and sounds.
#pragma once

#include <nlohmann/json.hpp>

#include "clip_files.h"

namespace cmkd::apps {

// Rounded to a microsecond: times are stored as float.
[[nodiscard]] double seconds_json(double seconds);

// Its id, files, label or tags, what was recorded with it, and why it is excluded or what its note says.
[[nodiscard]] nlohmann::ordered_json clip_json(const ClipShow& show, const FoundClip& found);
// Which window, its crop, and the fold and seed whose damage is shown.
[[nodiscard]] nlohmann::ordered_json window_json(const ClipShow& show, const ClipView& view);
// Each frame of the window with its time on the clip's clock, on which 0 is the first picture.
[[nodiscard]] nlohmann::ordered_json frames_json(const ClipShow& show, const ClipView& view, const CachedClip& cached);
// Each variant, fold and seed: the clip's roles, the label as batches have it, the damage of the teacher's side.
[[nodiscard]] nlohmann::ordered_json cells_json(const ClipShow& show, const FoundClip& found);

}  // namespace cmkd::apps
