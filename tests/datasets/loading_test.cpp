#include "catch.h"
// Catch first: c10 and Catch2 both define CHECK.
#include <ATen/Functions.h>

#include <utility>

#include "cmkd/batches/batch_queue.h"
#include "cmkd/batches/held_clips.h"
#include "cmkd/batches/window_reader.h"
#include "made_cache.h"

namespace {

using namespace cmkd;
using cmkd::test::Fixture;
using cmkd::test::window;

// Windows and crops of every kind; the last is a view at test, which no corruption reaches.
std::vector<ClipDraw> some_draws(const WindowReader& reader, std::int64_t clips) {
  const RandomStreams streams("test", "loading", 1);
  std::vector<ClipDraw> draws;
  for (std::int64_t i = 0; i < 3 * clips; ++i)
    draws.push_back(reader.draw_training(i % clips, streams.stream("draw", i)));
  draws.push_back(reader.draw_test_view(clips - 1, 1));
  return draws;
}

void require_equal(const Batch& got, const Batch& expected) {
  CHECK(at::equal(got.video, expected.video));
  CHECK(at::equal(got.audio, expected.audio));
  CHECK(at::equal(got.clip_index, expected.clip_index));
  CHECK(at::equal(got.window, expected.window));
}

Loading held(const ClipCache& cache) { return start_loading({.threads = 3, .device_cache_mib = 64}, cache, c10::kCPU); }

// Of every second clip.
std::shared_ptr<const CorruptionPlan> damage(CorruptionKind kind, std::int64_t clips) {
  auto plan = std::make_shared<CorruptionPlan>();
  plan->settings.kind = kind;
  plan->entries.resize(static_cast<std::size_t>(clips));
  for (std::int64_t i = 0; i < clips; i += 2) {
    CorruptionPlan::Entry& entry = plan->entries[static_cast<std::size_t>(i)];
    entry.corrupted = true;
    entry.source = (i + 3) % clips;
  }
  return plan;
}

}  // namespace

TEST_CASE("windows of clips held on the device have the bytes of those read from the cache, in every storage") {
  WindowSettings settings = window();
  settings.flip = true;
  for (const FrameStorage frames : {FrameStorage::kRaw, FrameStorage::kJpeg}) {
    for (const AudioStorage sound : {AudioStorage::kFloat32, AudioStorage::kInt16}) {
      const Fixture fixture(frames, sound);
      for (const double seconds : {0.0, 0.4, 30.0}) {  // the last is longer than any clip: zeros behind its end
        settings.audio_seconds = seconds;
        const WindowReader read(*fixture.cache, settings);
        const WindowReader of_held(*fixture.cache, settings, held(*fixture.cache));
        const std::vector<ClipDraw> draws = some_draws(read, fixture.cache->size());
        require_equal(of_held.make_batch(draws, kBothModalities, c10::kCPU),
                      read.make_batch(draws, kBothModalities, c10::kCPU));
      }
    }
  }
}

TEST_CASE("what is damaged of held clips has the bytes of what is damaged of the cache") {
  const Fixture fixture;
  const WindowReader read(*fixture.cache, window());
  const WindowReader of_held(*fixture.cache, window(), held(*fixture.cache));
  const std::vector<ClipDraw> draws = some_draws(read, fixture.cache->size());
  const Batch clean = read.make_batch(draws, kBothModalities, c10::kCPU);
  struct Case {
    CorruptionKind kind;
    bool of_sound;
    bool of_picture;
  };
  for (const auto& [kind, of_sound, of_picture] :
       {Case{CorruptionKind::kSwap, true, true}, Case{CorruptionKind::kNoise, true, false},
        Case{CorruptionKind::kShift, true, false}, Case{CorruptionKind::kOcclude, false, true}}) {
    const auto plan = damage(kind, fixture.cache->size());
    const WindowReader damaging = read.corrupted(plan);
    const WindowReader of_held_damaging = of_held.corrupted(plan);
    for (const auto& [damaged, modalities] : {std::pair{of_sound, kOnlyAudio}, std::pair{of_picture, kOnlyVideo}}) {
      if (!damaged) continue;
      const Batch expected = damaging.make_batch(draws, modalities, c10::kCPU);
      const Batch got = of_held_damaging.make_batch(draws, modalities, c10::kCPU);
      const Modality modality = modalities.video ? Modality::kVideo : Modality::kAudio;
      CHECK_FALSE(at::equal(expected.input(modality), clean.input(modality)));
      CHECK(at::equal(got.input(modality), expected.input(modality)));
    }
  }
}

TEST_CASE("clips are held when they fit the budget, on the host only when one is given") {
  const Fixture fixture;
  const std::uint64_t bytes = HeldClips::bytes_needed(*fixture.cache);
  CHECK(bytes > std::uint64_t{30} * 12 * 3 * 32 * 32);  // and their sound
  const auto of_budget = [&](std::int64_t mib) {
    return start_loading({.device_cache_mib = mib}, *fixture.cache, c10::kCPU).held;
  };
  const auto enough = static_cast<std::int64_t>((bytes >> 20) + 1);
  REQUIRE(of_budget(enough) != nullptr);
  CHECK(of_budget(enough)->bytes() == bytes);
  CHECK(of_budget(static_cast<std::int64_t>(bytes >> 20)) == nullptr);
  CHECK(of_budget(0) == nullptr);
  CHECK(of_budget(-1) == nullptr);
}

TEST_CASE("a queue hands out the batches that are made without one, in order, without gradient") {
  const Fixture fixture;
  const WindowReader reader(*fixture.cache, window());
  const std::vector<ClipDraw> draws = some_draws(reader, fixture.cache->size());
  for (const int threads : {0, 1, 4}) {
    BatchQueue queue(3, 23, {.threads = threads, .ahead = 3, .held = nullptr}, c10::kCPU, [&](std::int64_t index) {
      const auto first = draws.begin() + index;
      const std::vector<ClipDraw> part(first, first + 4);
      Batch batch = reader.make_batch(part, kBothModalities, c10::kCPU);
      batch.labels = at::ones({4}, at::TensorOptions().requires_grad(true)) * 2;
      return DrawnBatch{part, batch};
    });
    for (std::int64_t index = 3; index < 23; ++index) {
      const DrawnBatch got = queue.next();
      const std::vector<ClipDraw> part(draws.begin() + index, draws.begin() + index + 4);
      CHECK(got.draws.front().clip == part.front().clip);
      require_equal(got.batch, reader.make_batch(part, kBothModalities, c10::kCPU));
      CHECK_FALSE(got.batch.labels.requires_grad());
    }
  }
}
