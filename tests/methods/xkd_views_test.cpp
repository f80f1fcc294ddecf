#include "catch.h"
//
#include <ATen/ATen.h>

#include "cmkd/core/error.h"
#include "cmkd/methods/xkd_pretraining.h"
#include "cmkd/methods/xkd_views.h"
#include "cmkd/runtime/determinism.h"

using namespace cmkd;

namespace {

VitOptions picture_vit() { return {Modality::kVideo, {8, 28, 28}, {2, 4, 4}, {6, 1, 3}}; }

at::Tensor of_doubles(const std::vector<double>& values) { return at::tensor(values, at::kDouble); }

std::shared_ptr<VitModel> hearing_vit() {
  const ModelInfo& info = model_registry().get("audio_vit_tiny");
  ModelConfig config;
  config.classes = 2;
  config.sample_rate = 1000;
  config.samples = 512;
  config.parameters = Parameters(info.parameters);
  for (const auto& [name, value] : std::map<std::string, std::int64_t>{
           {"depth", 1}, {"n_fft", 64}, {"hop_length", 16}, {"n_mels", 8}, {"patch_frames", 4}}) {
    config.parameters.set(name, value);
  }
  return std::dynamic_pointer_cast<VitModel>(info.make(config));
}

}  // namespace

TEST_CASE("Sampling a whole line at its own length changes nothing, and at half the length takes triangles of four") {
  const at::Tensor same = sampling_matrix(of_doubles({0}), of_doubles({4}), 4, 4, Beyond::kEdge);
  CHECK(at::equal(same[0], at::eye(4, at::kDouble)));
  // Output 0 is centred at 0.5 and reaches 2: weights 1 − |i − 0.5| / 2 = 0.75, 0.75, 0.25, 0 of places 0 … 3, their
  // sum 1.75. Output 1 mirrors it.
  const at::Tensor half = sampling_matrix(of_doubles({0}), of_doubles({4}), 2, 4, Beyond::kEdge);
  const at::Tensor expected =
      at::tensor({0.75, 0.75, 0.25, 0.0, 0.0, 0.25, 0.75, 0.75}, at::kDouble).view({2, 4}) / 1.75;
  CHECK(at::allclose(half[0], expected, 0, 1e-12));
}

TEST_CASE("Beyond the ends of a canvas nothing is sampled, and a shifted piece is read where it lies") {
  // Four places from −2: centres −2, −1, 0, 1.
  const at::Tensor early = sampling_matrix(of_doubles({-2}), of_doubles({4}), 4, 3, Beyond::kZero);
  const at::Tensor line = of_doubles({5, 7, 9});
  CHECK(at::equal(at::matmul(early[0], line), of_doubles({0, 0, 5, 7})));
}

TEST_CASE("Blurring keeps the sum of a row at one, and a deviation of zero keeps the picture") {
  const at::Tensor matrix = blurring_matrix(of_doubles({0.0, 1.5}), 5);
  CHECK(at::allclose(matrix[0], at::eye(5, at::kDouble), 0, 1e-12));
  CHECK(at::allclose(matrix[1].sum(1), at::ones({5}, at::kDouble), 0, 1e-12));
  CHECK(matrix[1][2][2].item<double>() < 0.5);
}

TEST_CASE("Views have the sizes of the paper: a quarter of the frames at 96/112 of the side, in whole patches") {
  const ScopedSeed seed(1);
  XkdViewOptions options;
  options.local_views = 2;
  const std::vector<at::Tensor> views = xkd_video_views(at::randn({3, 3, 8, 28, 28}), picture_vit(), options);
  REQUIRE(views.size() == 3);
  CHECK(views[0].sizes() == at::IntArrayRef({3, 3, 8, 28, 28}));
  CHECK(views[1].sizes() == at::IntArrayRef({3, 3, 2, 24, 24}));  // 28 · 96 / 112 = 24
  CHECK(views[2].sizes() == views[1].sizes());
  CHECK_FALSE(at::equal(views[1], views[2]));
  for (const at::Tensor& view : views) CHECK(view.isfinite().all().item<bool>());
}

TEST_CASE("Without augmentation the global view is the window, and a grey picture stays grey in its local views") {
  const ScopedSeed seed(2);
  XkdViewOptions options;
  options.augment = options.mirror = false;
  const at::Tensor window = at::full({2, 3, 8, 28, 28}, 0.25);
  const std::vector<at::Tensor> views = xkd_video_views(window, picture_vit(), options);
  CHECK(at::equal(views[0], window));
  CHECK(at::allclose(views[1], at::full_like(views[1], 0.25), 0, 1e-6));
}

TEST_CASE("Mirroring turns some clips and not others, and every frame of a clip the same way") {
  const ScopedSeed seed(3);
  XkdViewOptions options;
  options.augment = false;
  options.local_views = 0;
  const at::Tensor ramp = at::arange(28, at::kFloat).expand({16, 3, 8, 28, 28});
  const at::Tensor view = xkd_video_views(ramp, picture_vit(), options)[0];
  std::int64_t turned = 0;
  for (std::int64_t clip = 0; clip < 16; ++clip) {
    const bool same = at::allclose(view[clip], ramp[clip], 0, 1e-4);
    const bool mirrored = at::allclose(view[clip], ramp[clip].flip(-1), 0, 1e-4);
    CHECK(same != mirrored);
    if (mirrored) ++turned;
  }
  CHECK(turned > 0);
  CHECK(turned < 16);
}

TEST_CASE("The same seed gives the same views, and sound as well as sight has its local views") {
  const auto vit = hearing_vit();
  REQUIRE(vit != nullptr);
  const at::Tensor waveform = at::sin(at::arange(1024, at::kFloat)).view({2, 512});
  const auto views = [&] {
    const ScopedSeed seed(4);
    return xkd_audio_views(waveform, *vit, {});
  };
  const std::vector<at::Tensor> first = views();
  const std::vector<at::Tensor> second = views();
  REQUIRE(first.size() == 2);
  // 512 samples at 16: 33 frames, filled up to 36; 128 samples: 9 frames, 12.
  CHECK(first[0].sizes() == at::IntArrayRef({2, 1, 8, 36}));
  CHECK(first[1].sizes() == at::IntArrayRef({2, 1, 8, 12}));
  CHECK(at::equal(first[0], second[0]));
  CHECK(at::equal(first[1], second[1]));
}

TEST_CASE("A window too short for a local view of one patch is refused with what to change") {
  VitOptions vit = picture_vit();
  vit.size[0] = 4;
  CHECK_THROWS_WITH(xkd_video_views(at::zeros({1, 3, 4, 28, 28}), vit, {}),
                    message_contains("1 frames") && message_contains("patch of 2"));
}

TEST_CASE("The moving average's momentum goes from its start to one by half a cosine") {
  CHECK(cosine_between(0.997, 1.0, 0, 100) == 0.997);
  CHECK(std::abs(cosine_between(0.997, 1.0, 50, 100) - 0.9985) < 1e-12);
  CHECK(cosine_between(0.997, 1.0, 100, 100) == 1.0);
  CHECK(cosine_between(0.3, 0.3, 7, 100) == 0.3);
}
