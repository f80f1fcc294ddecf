#include "cmkd/batches/corruption.h"

#include <algorithm>
#include <cmath>

#include "cmkd/core/error.h"
#include "damage.h"

namespace cmkd {

namespace {

bool same_content(const Clip& a, const Clip& b) { return a.label == b.label && a.tags == b.tags; }

}  // namespace

bool possible(CorruptionKind kind, Modality modality) noexcept {
  if (kind == CorruptionKind::kNone) return true;
  const Damage& damage = damage_of(kind);
  return modality == Modality::kAudio ? damage.read_samples != nullptr : damage.read_frames != nullptr;
}

CorruptionPlan plan_corruption(const CorruptionSettings& settings, const ClipList& list,
                               const std::vector<std::int64_t>& clips, RandomStream stream) {
  CorruptionPlan plan;
  plan.settings = settings;
  plan.entries.resize(list.clips.size());
  if (!plan.active()) return plan;
  const auto count = static_cast<std::int64_t>(clips.size());
  const std::vector<std::int64_t> order = stream.permutation(count);
  // Drawn for every clip, corrupted or not, so that one clip's source does not depend on the share.
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t clip = clips[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])];
    CorruptionPlan::Entry& entry = plan.entries[static_cast<std::size_t>(clip)];
    entry.corrupted = i < std::llround(settings.share * static_cast<double>(count));
    entry.x = stream.uniform();
    entry.y = stream.uniform();
    const auto first = static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(count)));
    for (std::int64_t step = 0; step < count; ++step) {
      const std::int64_t other = clips[static_cast<std::size_t>((first + step) % count)];
      if (other == clip) continue;
      if (entry.source < 0) entry.source = other;
      if (same_content(list.clips[static_cast<std::size_t>(other)], list.clips[static_cast<std::size_t>(clip)]))
        continue;
      entry.source = other;
      break;
    }
    if (damage_of(settings.kind).takes_other_clip && entry.source < 0) {
      throw Error(ErrorKind::kUsage, {.what = "corruption needs a second clip to take from, and there is one",
                                      .where = "[corruption]",
                                      .allowed = "at least two transfer clips"});
    }
  }
  return plan;
}

}  // namespace cmkd
