// What ingest stores of every clip: [ingest] of a suite file. Part of the source fingerprint.
#pragma once

#include <array>
#include <cstdint>

#include "cmkd/core/named_enum.h"

namespace cmkd {

enum class FrameStorage { kRaw, kJpeg };
constexpr auto enum_names(FrameStorage) noexcept {
  return std::to_array<EnumName<FrameStorage>>({{FrameStorage::kRaw, "raw"}, {FrameStorage::kJpeg, "jpeg"}});
}

enum class AudioStorage {
  kFloat32,
  kInt16,  // with a scale for each clip, so that nothing clips
};
constexpr auto enum_names(AudioStorage) noexcept {
  return std::to_array<EnumName<AudioStorage>>({{AudioStorage::kFloat32, "float32"}, {AudioStorage::kInt16, "int16"}});
}

enum class AudioForm {
  kWaveform,
  kFeatures,  // the clip's feature stands for its sound
};
constexpr auto enum_names(AudioForm) noexcept {
  return std::to_array<EnumName<AudioForm>>({{AudioForm::kWaveform, "waveform"}, {AudioForm::kFeatures, "features"}});
}

struct IngestSettings {
  bool video = true;
  bool audio = true;
  int height = 128;  // pixels; the picture is resized to exactly height x width
  int width = 171;
  double fps = 8;             // frames a second, by presentation time; 0: every source frame
  int sample_rate = 16000;    // Hz, mono
  double max_duration_s = 0;  // of a clip; 0: no limit
  FrameStorage frame_storage = FrameStorage::kRaw;
  AudioStorage audio_storage = AudioStorage::kFloat32;
  AudioForm audio_form = AudioForm::kWaveform;
  std::int64_t feature_values = 0;  // of a clip's feature, all dimensions together

  [[nodiscard]] bool sound_is_features() const noexcept { return audio && audio_form == AudioForm::kFeatures; }
};

}  // namespace cmkd
