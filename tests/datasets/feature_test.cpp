// Published features of the sound, from their files to the batches.
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cmkd/batches/window_reader.h"
#include "cmkd/clips/clip_cache.h"
#include "cmkd/media/encode.h"
#include "cmkd/readers/check.h"
#include "reader_test.h"

namespace cmkd {
namespace {

using namespace test;
namespace fs = std::filesystem;

// NumPy's format, version 1 (NEP 1): what numpy.save writes.
void write_npy(const fs::path& path, const std::vector<float>& values, const std::string& shape) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }";
  header.resize(117, ' ');
  header += '\n';
  std::string text = std::string("\x93NUMPY\x01\x00", 8) + std::string("\x76\x00", 2) + header;
  text.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  write_file_atomically(path, text);
}

constexpr int kFeatureSize = 16;

// Four clips with a picture of 12 frames at 8 a second and no sound; k.npy is [2, 3] and holds 10 k … 10 k + 5.
struct Clips {
  TemporaryFolder folder;
  std::unique_ptr<ClipSource> source;
  ClipList list;
  IngestSettings settings{
      .video = true, .audio = true, .height = kFeatureSize, .width = kFeatureSize, .fps = 8, .sample_rate = 8000};

  Clips() {
    settings.audio_form = AudioForm::kFeatures;
    settings.feature_values = 6;
    std::string table = "path,label,split,feature\n";
    for (int k = 0; k < 4; ++k) {
      const std::vector<std::uint8_t> pixels(std::size_t{3} * kFeatureSize * kFeatureSize * 12,
                                             static_cast<std::uint8_t>(60 * k));
      media::encode_media(folder / ("c" + std::to_string(k) + ".mkv"), {pixels, 12, kFeatureSize, kFeatureSize, 8},
                          {{}, 8000});
      std::vector<float> values;
      for (int i = 0; i < 6; ++i) values.push_back(static_cast<float>(10 * k + i));
      write_npy(feature(k), values, "(2, 3)");
      const std::string number = std::to_string(k);
      table.append("c").append(number).append(".mkv,").append(k % 2 == 0 ? "a" : "b").append(",train,");
      table.append(number).append(".npy\n");
    }
    put_file(folder / "clips.csv", table);
    relist();
  }
  [[nodiscard]] fs::path feature(int k) const { return folder / (std::to_string(k) + ".npy"); }
  void relist() {
    source = open_dataset("manifest", {{"csv", (folder / "clips.csv").string()}});
    list = source->list();
  }
  [[nodiscard]] std::string fingerprint() const { return source_fingerprint(*source, list, settings, ""); }
  [[nodiscard]] ClipCache ingested(const std::string& name) const {
    return ingest(*source, list, settings, fingerprint(), folder / name, {});
  }
  [[nodiscard]] std::string reason() const {
    const auto decoded = source->decode(list.clips[0], settings);
    return decoded.ok() ? "" : media::describe(decoded.failure());
  }
};

TEST_CASE("a feature stands for the sound: whole, in every window, and the clip's own sound is not asked for") {
  const Clips clips;
  const ClipCache cache = clips.ingested("cache");
  for (std::int64_t k = 0; k < 4; ++k) REQUIRE_FALSE(cache.clip(k).excluded);
  WindowSettings window;
  window.frames = 4;
  window.windows = 3;
  window.test_views = 2;
  const WindowReader reader(cache, window);
  CHECK(reader.samples_per_window() == 6);
  for (const bool test : {false, true}) {
    std::vector<ClipDraw> draws;
    for (const auto& [clip, view] : {std::pair(2, 0), std::pair(2, 1), std::pair(0, 1)}) {
      draws.push_back(test ? reader.draw_test_view(clip, view) : reader.draw_window(clip, view));
    }
    const Batch batch = reader.make_batch(draws, kBothModalities, at::kCPU);
    CHECK(batch.video.sizes() == at::IntArrayRef({3, 3, 4, kFeatureSize, kFeatureSize}));
    const at::Tensor row = at::arange(6, at::kFloat);
    CHECK(at::equal(batch.audio, at::stack({row + 20, row + 20, row})));
  }
  CHECK(plan_ingest(*clips.source, clips.list, clips.settings).estimated_bytes <
        4 * (14 * 3 * kFeatureSize * kFeatureSize + 2048));
}

TEST_CASE("features of other clips and missing ones are read as the plan of corruption says") {
  const Clips clips;
  const ClipCache cache = clips.ingested("cache");
  const auto damaged = [&](CorruptionKind kind) {
    CorruptionSettings settings;
    settings.kind = kind;
    auto plan = std::make_shared<CorruptionPlan>(
        plan_corruption(settings, clips.list, {0, 1, 2, 3}, RandomStreams("t", "t", 0).stream("c")));
    const WindowReader reader = WindowReader(cache, {}).corrupted(plan);
    return std::pair(reader.gather_audio({reader.draw_window(0, 0)}), plan->entries[0].source);
  };
  CHECK(at::equal(damaged(CorruptionKind::kMissing).first, at::zeros({1, 6})));
  const auto [swapped, source] = damaged(CorruptionKind::kSwap);
  CHECK(source != 0);
  CHECK(at::equal(swapped[0], at::arange(6, at::kFloat) + 10 * source));
}

TEST_CASE("a feature's values are part of the source fingerprint, and so is that features are taken") {
  Clips clips;
  const std::string before = clips.fingerprint();
  CHECK(clips.fingerprint() == before);
  write_npy(clips.feature(3), {30, 31, 32, 33, 34, 36}, "(2, 3)");
  CHECK(clips.fingerprint() != before);
  write_npy(clips.feature(3), {30, 31, 32, 33, 34, 35}, "(2, 3)");
  CHECK(clips.fingerprint() == before);
  clips.settings.audio_form = AudioForm::kWaveform;
  CHECK(clips.fingerprint() != before);
}

TEST_CASE("a feature that cannot be taken sets its clip aside with the file and the reason") {
  Clips clips;
  write_npy(clips.feature(0), {1, 2, 3, 4, 5}, "(5,)");
  CHECK(mentions(clips.reason(), {"0.npy", "[5]", "ingest.feature_values = 6"}));
  write_npy(clips.feature(0), {1, 2, 3, 4, 5, std::numeric_limits<float>::quiet_NaN()}, "(6,)");
  CHECK(mentions(clips.reason(), {"0.npy", "unusable samples", "1 of 6 values", "not finite"}));
  write_npy(clips.feature(0), {1, 3e29F, 3, 4, -std::numeric_limits<float>::infinity(), 5}, "(6,)");
  CHECK(mentions(clips.reason(), {"0.npy", "2 of 6 values"}));
  write_npy(clips.feature(0), {1, 2, 3, 4, 5}, "(6,)");
  CHECK(mentions(clips.reason(), {"0.npy", "byte"}));
  fs::copy_file(source_dir() / "tests/weights/weight_files/plain.safetensors", clips.feature(0),
                fs::copy_options::overwrite_existing);
  CHECK(mentions(clips.reason(), {"0.npy", "arrays, where a feature is one"}));
  const ClipCache cache = clips.ingested("cache");
  CHECK(cache.clip(0).excluded);
  CHECK_FALSE(cache.clip(1).excluded);
  fs::remove(clips.feature(1));
  clips.relist();
  REQUIRE(clips.list.unusable.size() == 1);
  CHECK(mentions(clips.list.unusable[0].reason, {"not_found", "1.npy"}));
}

TEST_CASE("a check reads the features: broken ones, and several shapes") {
  Clips clips;
  const auto check = [&] { return check_dataset("manifest", *clips.source, clips.list, {}, [](std::int64_t) {}); };
  CHECK(check().features == std::map<std::string, std::int64_t>{{"[2, 3]", 4}});
  CHECK(check().splits.at("train").used == 4);
  CHECK_FALSE(check().has_real_problem());
  write_npy(clips.feature(0), {1, 2, 3, 4, 5, 6}, "(6,)");
  CHECK(check().features.size() == 2);
  CHECK(check().has_real_problem());
  put_file(clips.feature(0), "no array");
  const DatasetCheck broken = check();
  CHECK(broken.splits.at("train").used == 3);
  const auto found = std::ranges::find(broken.problems, "broken", &ClipProblem::kind);
  REQUIRE(found != broken.problems.end());
  CHECK(mentions(found->reason, {"0.npy", "not a weight file of a known format"}));
}

TEST_CASE("the features that PyTorch and NumPy wrote are read") {
  const fs::path shared = shared_data("weights/feature.npy");
  if (shared.empty()) return;
  Clips clips;
  clips.settings.feature_values = 512;
  fs::copy_file(shared, clips.feature(0), fs::copy_options::overwrite_existing);
  const auto decoded = clips.source->decode(clips.list.clips[0], clips.settings);
  REQUIRE(decoded.ok());
  const nlohmann::json expected = nlohmann::json::parse(read_file(shared.parent_path() / "expected.json"));
  const nlohmann::json& array = expected.at("feature.npy").at("tensors").begin().value();
  const std::vector<float>& values = decoded.value().samples;
  CHECK(std::accumulate(values.begin(), values.end(), 0.0) == Approx(array.at("sum").get<double>()).margin(1e-9));
}

}  // namespace
}  // namespace cmkd
