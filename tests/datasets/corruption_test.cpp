#include "catch.h"
// Catch first: c10 and Catch2 both define CHECK.
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cmkd/batches/corruption.h"
#include "cmkd/core/error.h"
#include "made_cache.h"

namespace {

using namespace cmkd;
using cmkd::test::Fixture;
using cmkd::test::window;

CorruptionSettings settings_of(CorruptionKind kind, double share = 1.0) {
  CorruptionSettings settings;
  settings.kind = kind;
  settings.share = share;
  return settings;
}

struct Pairs {
  Fixture made;
  ClipList list = made.source->list();
  std::vector<std::int64_t> clips = [this] {
    std::vector<std::int64_t> all(list.clips.size());
    std::iota(all.begin(), all.end(), std::int64_t{0});
    return all;
  }();
  WindowReader reader{*made.cache, window()};

  [[nodiscard]] std::shared_ptr<const CorruptionPlan> plan(const CorruptionSettings& settings) const {
    return std::make_shared<CorruptionPlan>(
        plan_corruption(settings, list, clips, RandomStreams("cmkd", "test", 0).stream("corruption")));
  }
};

std::int64_t corrupted_clips(const CorruptionPlan& plan) {
  return std::ranges::count_if(plan.entries, [](const CorruptionPlan::Entry& entry) { return entry.corrupted; });
}

double power(const at::Tensor& sound) { return sound.to(at::kDouble).square().mean().item<double>(); }

}  // namespace

TEST_CASE("the share that is corrupted is exact, and a larger share corrupts the same clips and more") {
  const Pairs pairs;
  const auto none = pairs.plan(settings_of(CorruptionKind::kSwap, 0.0));
  const auto some = pairs.plan(settings_of(CorruptionKind::kSwap, 0.3));
  const auto most = pairs.plan(settings_of(CorruptionKind::kSwap, 0.7));
  CHECK(corrupted_clips(*none) == 0);
  CHECK_FALSE(none->active());
  CHECK(corrupted_clips(*some) == 9);  // of 30
  CHECK(corrupted_clips(*most) == 21);
  for (std::size_t i = 0; i < pairs.clips.size(); ++i) {
    const CorruptionPlan::Entry& entry = some->entries[i];
    if (entry.corrupted) CHECK(most->entries[i].corrupted);
    CHECK(entry.source == most->entries[i].source);
    REQUIRE(entry.source >= 0);
    CHECK(pairs.list.clips[static_cast<std::size_t>(entry.source)].label != pairs.list.clips[i].label);
  }
}

TEST_CASE("a clip that is not corrupted, and every view at test, are read as they are") {
  const Pairs pairs;
  for (const CorruptionKind kind : {CorruptionKind::kSwap, CorruptionKind::kMissing, CorruptionKind::kNoise,
                                    CorruptionKind::kShift, CorruptionKind::kOcclude, CorruptionKind::kFreeze}) {
    INFO(to_string(kind));
    const auto plan = pairs.plan(settings_of(kind, 0.5));
    const WindowReader damaged = pairs.reader.corrupted(plan);
    for (const std::int64_t clip : pairs.clips) {
      const ClipDraw draw = pairs.reader.draw_window(clip, 1);
      const bool corrupted = plan->entries[static_cast<std::size_t>(clip)].corrupted;
      const bool same_sound = pairs.reader.gather_audio({draw}).equal(damaged.gather_audio({draw}));
      const bool same_frames = pairs.reader.gather_video({draw}).equal(damaged.gather_video({draw}));
      const bool of_sound = possible(kind, Modality::kAudio);
      const bool of_frames = possible(kind, Modality::kVideo);
      CHECK(same_sound == !(corrupted && of_sound));
      CHECK(same_frames == !(corrupted && of_frames));
      const ClipDraw view = pairs.reader.draw_test_view(clip, 0);
      CHECK(pairs.reader.gather_audio({view}).equal(damaged.gather_audio({view})));
      CHECK(pairs.reader.gather_video({view}).equal(damaged.gather_video({view})));
    }
  }
}

TEST_CASE("noise has the SNR that was asked for, and is the other clip's sound") {
  const Pairs pairs;
  CorruptionSettings settings = settings_of(CorruptionKind::kNoise);
  settings.snr_db = 6;
  const auto plan = pairs.plan(settings);
  const WindowReader damaged = pairs.reader.corrupted(plan);
  for (const std::int64_t clip : {0, 5, 12}) {
    const ClipDraw draw = pairs.reader.draw_window(clip, 0);
    const at::Tensor own = pairs.reader.gather_audio({draw});
    const at::Tensor added = damaged.gather_audio({draw}) - own;
    CHECK(10 * std::log10(power(own) / power(added)) == Approx(6.0).margin(1e-3));
    ClipDraw other = draw;
    other.clip = plan->entries[static_cast<std::size_t>(clip)].source;
    const at::Tensor noise = pairs.reader.gather_audio({other});
    const double likeness = (noise * added).sum().item<double>() /
                            std::sqrt(noise.square().sum().item<double>() * added.square().sum().item<double>());
    CHECK(likeness == Approx(1.0).margin(1e-4));
  }
}

TEST_CASE("swap is the other clip, missing is silence and grey, freeze is the first frame") {
  const Pairs pairs;
  const auto swap = pairs.plan(settings_of(CorruptionKind::kSwap));
  const WindowReader swapped = pairs.reader.corrupted(swap);
  const WindowReader missing = pairs.reader.corrupted(pairs.plan(settings_of(CorruptionKind::kMissing)));
  const WindowReader frozen = pairs.reader.corrupted(pairs.plan(settings_of(CorruptionKind::kFreeze)));
  const ClipDraw draw = pairs.reader.draw_window(3, 1);
  ClipDraw other = draw;
  other.clip = swap->entries[3].source;
  CHECK(swapped.gather_audio({draw}).equal(pairs.reader.gather_audio({other})));
  CHECK(swapped.gather_video({draw}).equal(pairs.reader.gather_video({other})));
  CHECK(missing.gather_audio({draw}).abs().max().item<float>() == 0);
  CHECK(missing.gather_video({draw}).eq(128).all().item<bool>());
  const at::Tensor frames = frozen.gather_video({draw});
  const at::Tensor first = pairs.reader.gather_video({draw}).select(2, 0);
  for (std::int64_t t = 0; t < frames.size(2); ++t) CHECK(frames.select(2, t).equal(first));
}

TEST_CASE("a shift moves the sound by its seconds, going round the clip") {
  const Pairs pairs;
  CorruptionSettings settings = settings_of(CorruptionKind::kShift);
  settings.shift_s = 0.05;
  const WindowReader damaged = pairs.reader.corrupted(pairs.plan(settings));
  const ClipDraw draw = pairs.reader.draw_window(7, 2);
  const at::Tensor own = pairs.reader.gather_audio({draw});
  const at::Tensor moved = damaged.gather_audio({draw});
  const std::int64_t samples = 400;  // 0.05 s at 8 kHz
  CHECK(moved.narrow(1, samples, own.size(1) - samples).equal(own.narrow(1, 0, own.size(1) - samples)));
}

TEST_CASE("an occlusion covers its share of every frame, in one place of the clip") {
  const Pairs pairs;
  CorruptionSettings settings = settings_of(CorruptionKind::kOcclude);
  settings.area = 0.25;
  const WindowReader damaged = pairs.reader.corrupted(pairs.plan(settings));
  const ClipDraw draw = pairs.reader.draw_window(2, 0);
  const at::Tensor changed = damaged.gather_video({draw}).ne(pairs.reader.gather_video({draw}));
  const at::Tensor covered = changed.any(2).any(1);  // [1, h, w]
  CHECK(covered.sum().item<std::int64_t>() <= 12 * 12);
  CHECK(covered.sum().item<std::int64_t>() > 12 * 12 * 3 / 4);  // less where a pixel was grey before
}

TEST_CASE("one clip has no other to take from, and an unknown kind is refused with the known ones") {
  ClipList list;
  list.clips.resize(1);
  CHECK_THROWS_AS(
      plan_corruption(settings_of(CorruptionKind::kSwap), list, {0}, RandomStreams("a", "b", 0).stream("c")), Error);
  CHECK_THROWS_WITH(parse_named<CorruptionKind>("nosie", "corruption"), message_contains("noise"));
  CHECK_FALSE(possible(CorruptionKind::kShift, Modality::kVideo));
  CHECK_FALSE(possible(CorruptionKind::kFreeze, Modality::kAudio));
}
