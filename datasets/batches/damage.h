// What each kind of corruption does to a window: one entry a kind, one function a modality.
#pragma once

#include <cstdint>

#include "cmkd/batches/corruption.h"
#include "cmkd/batches/stored_windows.h"

namespace cmkd {

// A window that is to be damaged.
struct DamagedWindow {
  const StoredWindows& windows;
  const ClipDraw& draw;
  const CorruptionSettings& settings;
  const CorruptionPlan::Entry& entry;

  // The same window of the other clip.
  [[nodiscard]] ClipDraw of_other_clip() const {
    ClipDraw other = draw;
    other.clip = entry.source;
    return other;
  }
};

// A modality without a function is read as it is.
struct Damage {
  CorruptionKind kind;
  bool takes_other_clip;
  void (*read_frames)(const DamagedWindow& window, std::uint8_t* out);  // [3, T, height, width]
  void (*read_samples)(const DamagedWindow& window, float* out);        // [samples_per_window]
};

[[nodiscard]] const Damage& damage_of(CorruptionKind kind) noexcept;

void read_damaged_frames(const DamagedWindow& window, std::uint8_t* out);
void read_damaged_samples(const DamagedWindow& window, float* out);

}  // namespace cmkd
