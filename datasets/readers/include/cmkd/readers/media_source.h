// A dataset whose clips are media files.
#pragma once

#include "cmkd/datasets/clip.h"

namespace cmkd {

// Decodes a clip's `path` and `audio_path` as media files, its `feature_path` where features stand for the sound.
class MediaSource : public ClipSource {
 public:
  [[nodiscard]] media::Outcome<DecodedClip> decode(const Clip& clip, const IngestSettings& settings) const override;
};

}  // namespace cmkd
