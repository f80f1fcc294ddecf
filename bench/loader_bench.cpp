// Batches from a warm clip cache, and how much of a training step the loader takes.
#include <ATen/Functions.h>

#include <algorithm>
#include <cstring>

#include "bench.h"
#include "cmkd/datasets/batcher.h"
#include "cmkd/harness/optimizer.h"
#include "cmkd/models/model.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd::bench {

namespace {

// The material as a list: one clip a file.
class FileSource : public ClipSource {
 public:
  ClipList list() override {
    ClipList list;
    list.classes = {"any"};
    for (const auto& file : material().files) {
      Clip clip;
      clip.id = file.filename().string();
      clip.group = clip.id;
      clip.path = file;
      clip.label = 0;
      clip.split = "train";
      list.clips.push_back(clip);
    }
    return list;
  }
};

const ClipCache& cache() {
  static const ClipCache opened = [] {
    FileSource source;
    const ClipList list = source.list();
    IngestSettings settings;
    settings.audio = false;
    settings.height = 128;
    settings.width = 171;
    settings.fps = 8;
    settings.sample_rate = 16000;
    const std::string fingerprint = source_fingerprint(source, list, settings, scratch() / "memo.json");
    return ingest(source, list, settings, fingerprint, scratch() / "cache", {});
  }();
  return opened;
}

WindowSettings window() {
  WindowSettings settings;
  settings.frames = 16;
  settings.crop = 112;
  settings.windows = 8;
  settings.audio_seconds = 1;
  return settings;
}

std::vector<ClipDraw> draws(const WindowReader& reader, const RandomStreams& streams, std::int64_t step,
                            std::int64_t batch) {
  std::vector<ClipDraw> drawn;
  for (std::int64_t i = 0; i < batch; ++i) {
    const std::int64_t clip = (step * batch + i) % cache().size();
    drawn.push_back(reader.draw_training(clip, streams.stream("draw", step, i)));
  }
  return drawn;
}

// A gathered batch holds exactly the cached bytes.
void verify_batch(const WindowReader& reader, const std::vector<ClipDraw>& drawn) {
  const at::Tensor batch = reader.gather_video(drawn, false);
  const ClipDraw& draw = drawn.front();
  const CachedClip clip = cache().clip(draw.clip);
  const std::int64_t room = std::max<std::int64_t>(clip.frame_count - 16, 0);
  const std::int64_t first = room * draw.window / 7;
  for (std::int64_t t = 0; t < 16; ++t) {
    const std::int64_t frame = std::min(first + t, clip.frame_count - 1);
    for (std::int64_t c = 0; c < 3; ++c) {
      const std::uint8_t* row = clip.pixels.data() + ((frame * 3 + c) * 128 + draw.top) * 171 + draw.left;
      const auto* got = batch[0][c][t].const_data_ptr<std::uint8_t>();
      verify(std::memcmp(row, got, 112) == 0, "a batch differs from the cache");
    }
  }
}

void cache_batches(benchmark::State& state) {
  const WindowReader reader(cache(), window());
  const RandomStreams streams("bench", "loader", 0);
  verify_batch(reader, draws(reader, streams, 0, 32));
  std::int64_t step = 0;
  for (auto _ : state) {
    const at::Tensor batch = reader.gather_video(draws(reader, streams, step++, 32), false);
    benchmark::DoNotOptimize(batch.const_data_ptr());
  }
  state.SetItemsProcessed(state.iterations() * 32);
}

// The suite's own model and a plain cross-entropy step.
struct Trained {
  std::shared_ptr<Model> model;
  std::unique_ptr<Optimizer> optimizer;
  Trained() {
    ModelConfig config;
    config.classes = 10;
    config.frames = 16;
    config.height = config.width = 112;
    const ModelInfo& info = model_registry().get("r2plus1d_small");
    config.parameters = Parameters(info.parameters);
    const ScopedSeed seed(1);
    model = info.make(config);
    optimizer = std::make_unique<Optimizer>(unique_parameters(*model), OptimizerOptions{});
  }
  double step(const Batch& batch) {
    model->zero_grad();
    const at::Tensor labels = at::zeros({batch.video.size(0)}, at::kLong);
    const at::Tensor loss = at::cross_entropy_loss(model->forward(batch.video).logits, labels);
    loss.backward();
    optimizer->step(1e-3);
    return loss.item<double>();
  }
};

void training_step(benchmark::State& state, bool load) {
  const WindowReader reader(cache(), window());
  const RandomStreams streams("bench", "loader", 0);
  Trained trained;
  Batch batch = reader.make_batch(draws(reader, streams, 0, 8), false, true, false, c10::kCPU);
  const double first = trained.step(batch);
  for (int i = 0; i < 3; ++i) (void)trained.step(batch);
  verify(trained.step(batch) < first, "the training step does not lower its loss");
  std::int64_t step = 0;
  for (auto _ : state) {
    if (load) batch = reader.make_batch(draws(reader, streams, ++step, 8), false, true, false, c10::kCPU);
    benchmark::DoNotOptimize(trained.step(batch));
  }
  state.SetItemsProcessed(state.iterations() * 8);
}

}  // namespace

void register_loader() {
  benchmark::RegisterBenchmark(kCacheBatches, cache_batches)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark(kStepInMemory, training_step, false)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark(kStepWithLoader, training_step, true)->Unit(benchmark::kMillisecond);
}

}  // namespace cmkd::bench
