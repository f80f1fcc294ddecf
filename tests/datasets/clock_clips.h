// Clips of files whose streams begin apart, decoded and examined as ingest does.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "../media/clock_material.h"
#include "cmkd/datasets/examine.h"
#include "cmkd/readers/media_source.h"
#include "reader_test.h"

namespace cmkd::test {

inline constexpr int kClockRate = 16000;
inline const IngestSettings kBoth{
    .video = true, .audio = true, .height = 24, .width = 32, .fps = 25, .sample_rate = kClockRate};

class FilesAsTheyAre final : public MediaSource {
 public:
  ClipList list() override { return {}; }
};

inline Clip clip_at(const std::filesystem::path& path, double start_s = 0, std::optional<double> end_s = {}) {
  Clip clip;
  clip.id = path.filename().string();
  clip.path = path;
  clip.label = 0;
  clip.start_s = start_s;
  clip.end_s = end_s;
  return clip;
}

inline DecodedClip decoded(const Clip& clip, const IngestSettings& settings = kBoth) {
  auto outcome = decode_examined(FilesAsTheyAre(), clip, settings);
  INFO((outcome ? "" : media::describe(outcome.failure())));
  REQUIRE(outcome.ok());
  return std::move(outcome.value());
}

inline std::vector<std::string> kinds(const DecodedClip& clip) {
  std::vector<std::string> result;
  for (const ClipFinding& finding : clip.findings) result.push_back(finding.kind);
  return result;
}

inline ClockFile late_sound() {
  ClockFile file;
  file.sound_start_s = 0.8;
  return file;
}

inline ClockFile late_picture() {
  ClockFile file;
  file.picture_start_s = 0.8;
  return file;
}

}  // namespace cmkd::test
