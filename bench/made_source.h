// Clips that are made in memory, for builds that read no media files: 20 of 100 frames, which move.
#pragma once

#include <cmath>
#include <string>
#include <utility>

#include "cmkd/datasets/clip.h"

namespace cmkd::bench {

class MadeSource : public ClipSource {
 public:
  ClipList list() override {
    ClipList list;
    list.classes = {"any"};
    for (int i = 0; i < 20; ++i) {
      Clip clip;
      clip.id = clip.group = std::to_string(i);
      clip.label = 0;
      clip.split = "train";
      list.clips.push_back(clip);
    }
    return list;
  }

  // Waves that pass over the picture, of another direction in each channel and clip.
  [[nodiscard]] media::Outcome<DecodedClip> decode(const Clip& clip, const IngestSettings& settings) const override {
    DecodedClip made;
    made.frame_count = 100;
    made.height = settings.height;
    made.width = settings.width;
    const int number = std::stoi(clip.id);
    for (int t = 0; t < 100; ++t) {
      made.frame_time_s.push_back(static_cast<float>(t / settings.fps));
      for (int c = 0; c < 3; ++c) {
        for (int y = 0; y < made.height; ++y) {
          for (int x = 0; x < made.width; ++x) {
            const double wave = std::sin(0.2 * t + 0.05 * (c + 1) * x + 0.02 * number * y);
            made.pixels.push_back(static_cast<std::uint8_t>(127.5 + 127.0 * wave));
          }
        }
      }
    }
    return made;
  }

  [[nodiscard]] std::string content_hash(const Clip& clip, const FileHash& /*hash_of*/) const override {
    return clip.id;
  }
};

}  // namespace cmkd::bench
