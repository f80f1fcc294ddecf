// Known damage to the teacher's side of the pairs that it teaches on, with the truth of what was done to which clip.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "cmkd/core/named_enum.h"
#include "cmkd/core/random.h"
#include "cmkd/datasets/clip.h"
#include "cmkd/runtime/batch.h"

namespace cmkd {

enum class CorruptionKind {
  kNone,
  kNoise,    // sound of another class mixed in at an SNR
  kSwap,     // sound or frames of a clip of another class instead
  kShift,    // sound moved in time, going round
  kMissing,  // silence, or grey frames
  kOcclude,  // a grey square over each frame, in one place a clip
  kFreeze,   // the window's first frame stands
};
constexpr auto enum_names(CorruptionKind) noexcept {
  return std::to_array<EnumName<CorruptionKind>>({{CorruptionKind::kNone, "none"},
                                                  {CorruptionKind::kNoise, "noise"},
                                                  {CorruptionKind::kSwap, "swap"},
                                                  {CorruptionKind::kShift, "shift"},
                                                  {CorruptionKind::kMissing, "missing"},
                                                  {CorruptionKind::kOcclude, "occlude"},
                                                  {CorruptionKind::kFreeze, "freeze"}});
}
[[nodiscard]] bool possible(CorruptionKind kind, Modality modality) noexcept;

struct CorruptionSettings {
  CorruptionKind kind = CorruptionKind::kNone;
  double share = 1.0;    // of the clips
  double snr_db = 0.0;   // noise: power of the clip's own sound over the other's
  double shift_s = 1.0;  // shift
  double area = 0.25;    // occlude: share of the frame
};

// What is done to each clip of a list. A pure function of its arguments: every method of a cell, and every process,
// gets the same.
struct CorruptionPlan {
  struct Entry {
    bool corrupted = false;
    std::int64_t source = -1;  // noise and swap: position of the other clip
    double x = 0.5;            // occlude: where the square's corner lies, as a share of the room it has
    double y = 0.5;
  };
  CorruptionSettings settings;
  std::vector<Entry> entries;  // by position in the clip list

  [[nodiscard]] bool active() const noexcept { return settings.kind != CorruptionKind::kNone && settings.share > 0; }
};

// Corrupts round(share · n) of `clips` (positions in `list`), those that come first in an order drawn by `stream`: a
// larger share corrupts the same clips and more. The other clip is one of `clips` with another label (other tags), and
// any other one where all are alike.
[[nodiscard]] CorruptionPlan plan_corruption(const CorruptionSettings& settings, const ClipList& list,
                                             const std::vector<std::int64_t>& clips, RandomStream stream);

}  // namespace cmkd
