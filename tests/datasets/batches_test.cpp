#include "catch.h"
// Catch first: c10 and Catch2 both define CHECK.
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "cmkd/batches/batch_plan.h"
#include "cmkd/batches/window_reader.h"
#include "cmkd/synthetic/synthetic.h"
#include "made_cache.h"
#include "paths.h"

namespace {

using namespace cmkd;
using cmkd::test::Fixture;
using cmkd::test::window;

std::vector<std::int64_t> range(std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(last - first));
  std::iota(values.begin(), values.end(), first);
  return values;
}

}  // namespace

TEST_CASE("a batch holds exactly the cached pixels and samples of its windows and crops") {
  const Fixture fixture;
  const WindowReader reader(*fixture.cache, window());
  ClipDraw draw;
  draw.clip = 3;
  draw.window = 1;  // of three over 12 - 8 = 4 frames of room: frame 2
  draw.top = 5;
  draw.left = 7;
  const at::Tensor video = reader.gather_video({draw});
  const CachedClip clip = fixture.cache->clip(3);
  REQUIRE(video.sizes() == at::IntArrayRef({1, 3, 8, 24, 24}));
  for (std::int64_t c = 0; c < 3; ++c) {
    for (std::int64_t t = 0; t < 8; ++t) {
      for (std::int64_t y = 0; y < 24; ++y) {
        const std::uint8_t* row = clip.pixels.data() + (((2 + t) * 3 + c) * 32 + 5 + y) * 32 + 7;
        CHECK(std::equal(row, row + 24, video[0][c][t][y].const_data_ptr<std::uint8_t>()));
      }
    }
  }
  const at::Tensor audio = reader.gather_audio({draw});
  REQUIRE(audio.size(1) == 8000);  // 8 frames at 8 per second
  CHECK(std::equal(clip.samples.begin() + 2000,
                   clip.samples.begin() + 2000 + std::min<std::int64_t>(8000, clip.sample_count - 2000),
                   audio.const_data_ptr<float>()));
}

TEST_CASE("every storage gives windows of the same shape, and int16 sound of the same values to half a step") {
  const Fixture raw;
  const Fixture packed(FrameStorage::kJpeg, AudioStorage::kInt16);
  const WindowReader a(*raw.cache, window());
  const WindowReader b(*packed.cache, window());
  const std::vector<ClipDraw> draws{a.draw_window(0, 0), a.draw_window(5, 2)};
  CHECK(a.gather_video(draws).sizes() == b.gather_video(draws).sizes());
  const at::Tensor difference = (a.gather_video(draws).to(at::kFloat) - b.gather_video(draws).to(at::kFloat)).abs();
  CHECK(difference.mean().item<float>() < 6.0F);
  CHECK((a.gather_audio(draws) - b.gather_audio(draws)).abs().max().item<float>() < 1e-4F);
}

TEST_CASE("a batch is a pure function of epoch and step") {
  const Fixture fixture;
  const WindowReader reader(*fixture.cache, window());
  const RandomStreams streams("cmkd", "set", 4);
  const BatchPlan plan(range(0, 20), range(0, 6), {2, 4}, streams);
  CHECK(plan.steps_per_epoch() == 3);  // 14 unlabelled clips in batches of 4
  const auto later = plan.step(5, 2, reader);
  (void)plan.step(0, 0, reader);
  const BatchPlan fresh(range(0, 20), range(0, 6), {2, 4}, streams);
  const auto again = fresh.step(5, 2, reader);
  REQUIRE(again.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(again[i].clip == later[i].clip);
    CHECK(again[i].top == later[i].top);
    CHECK(again[i].window == later[i].window);
  }
}

TEST_CASE("an epoch shows no unlabelled clip twice, and labelled ones in turns") {
  const Fixture fixture;
  const WindowReader reader(*fixture.cache, window());
  const BatchPlan plan(range(0, 20), range(0, 6), {2, 4}, RandomStreams("cmkd", "set", 0));
  for (std::int64_t epoch = 0; epoch < 4; ++epoch) {
    std::set<std::int64_t> unlabelled;
    std::map<std::int64_t, int> labelled;
    for (std::int64_t step = 0; step < plan.steps_per_epoch(); ++step) {
      const auto draws = plan.step(epoch, step, reader);
      for (std::size_t i = 0; i < draws.size(); ++i) {
        if (i < 2) {
          CHECK(draws[i].clip < 6);
          ++labelled[draws[i].clip];
        } else {
          CHECK(draws[i].clip >= 6);
          CHECK(unlabelled.insert(draws[i].clip).second);
        }
      }
    }
    CHECK(labelled.size() == 6);  // 3 steps of 2: each of the six once
  }
}

TEST_CASE("a fully labelled plan goes through all clips in batches of both sizes together") {
  const Fixture fixture;
  const WindowReader reader(*fixture.cache, window());
  const BatchPlan plan(range(0, 20), range(0, 20), {2, 3}, RandomStreams("cmkd", "set", 0));
  CHECK(plan.steps_per_epoch() == 4);
  std::set<std::int64_t> seen;
  for (std::int64_t step = 0; step < 4; ++step) {
    for (const ClipDraw& draw : plan.step(0, step, reader)) seen.insert(draw.clip);
  }
  CHECK(seen.size() == 20);
}

TEST_CASE("pixels are normalised on the device, and mirrored clips are mirrored") {
  const Fixture fixture;
  WindowSettings settings = window();
  settings.flip = true;
  const WindowReader reader(*fixture.cache, settings);
  ClipDraw draw = reader.draw_window(2, 0);
  const Batch plain = reader.make_batch({draw}, kOnlyVideo, c10::kCPU);
  draw.mirrored = true;
  const Batch mirrored = reader.make_batch({draw}, kOnlyVideo, c10::kCPU);
  CHECK(at::equal(plain.video.flip({-1}), mirrored.video));
  const at::Tensor expected = (reader.gather_video({draw}).to(at::kFloat) / 255.0 - 0.5) / 0.25;
  CHECK(at::allclose(plain.video, expected, 1e-5, 1e-5));
  CHECK_FALSE(plain.audio.defined());
}
