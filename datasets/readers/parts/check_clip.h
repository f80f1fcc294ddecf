// One clip decoded for 'datasets check --decode'.
#pragma once

#include <string>
#include <vector>

#include "cmkd/datasets/clip.h"

namespace cmkd {

struct CheckedClip {
  bool picture = false;  // decodes
  bool sound = false;
  bool excluded = false;  // neither does, or the sound holds what excludes it
  std::string picture_fault;
  std::string sound_fault;
  std::vector<ClipFinding> findings;
};

// Decodes every frame of the clip (at 64 x 64) and its sound (at 16 kHz), as far as its files hold them by their
// headers.
[[nodiscard]] CheckedClip decode_for_check(const ClipSource& source, const Clip& clip, bool picture, bool sound);

// What the headers of one file tell of the findings: whether the sound is stated to begin apart from the picture.
[[nodiscard]] std::vector<ClipFinding> findings_by_headers(const media::MediaInfo& info);

}  // namespace cmkd
