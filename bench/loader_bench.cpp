// Batches from a warm clip cache, and how much of a training step the loader takes: by pairs, because a single pair of
// rates differs by more than the loader's share from one run to the next. What it costs is processor time of the whole
// process; what the training waits for it, when a thread makes batches ahead, is the time that passes.
#include <ATen/Functions.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>

#include "bench.h"
#include "cmkd/batches/batch_queue.h"
#include "cmkd/batches/window_reader.h"
#include "cmkd/core/clock.h"
#include "file_source.h"
#include "made_source.h"
#include "model_step.h"

namespace cmkd::bench {

namespace {

constexpr FrameStorage kStorages[] = {FrameStorage::kRaw, FrameStorage::kJpeg};

// The files of the material, or made clips where none can be read.
std::unique_ptr<ClipSource> clip_source() {
  if (material().files.empty()) return std::make_unique<MadeSource>();
  return std::make_unique<FileSource>(material().files);
}

const ClipCache& cache(FrameStorage frame_storage) {
  static std::map<FrameStorage, ClipCache> opened;
  const auto found = opened.find(frame_storage);
  if (found != opened.end()) return found->second;
  const std::unique_ptr<ClipSource> source = clip_source();
  const ClipList list = source->list();
  IngestSettings settings;
  settings.audio = false;
  settings.height = 128;
  settings.width = 171;
  settings.fps = 8;
  settings.sample_rate = 16000;
  settings.frame_storage = frame_storage;
  const std::string fingerprint = source_fingerprint(*source, list, settings, scratch() / "memo.json");
  ClipCache made =
      ingest(*source, list, settings, fingerprint, scratch() / fmt::format("cache-{}", to_string(frame_storage)), {});
  return opened.emplace(frame_storage, std::move(made)).first->second;
}

WindowSettings window(std::int64_t frames) {
  WindowSettings settings;
  settings.frames = frames;
  settings.crop = 112;
  settings.windows = 8;
  settings.test_views = 1;
  settings.audio_seconds = 1;
  return settings;
}

std::vector<ClipDraw> draws(const WindowReader& reader, const RandomStreams& streams, std::int64_t step,
                            std::int64_t batch) {
  std::vector<ClipDraw> drawn;
  for (std::int64_t i = 0; i < batch; ++i) {
    const std::int64_t clip = (step * batch + i) % cache(FrameStorage::kRaw).size();
    drawn.push_back(reader.draw_training(clip, streams.stream("draw", step, i)));
  }
  return drawn;
}

// A gathered batch holds exactly the cached bytes.
void verify_batch(const WindowReader& reader, const std::vector<ClipDraw>& drawn) {
  const at::Tensor batch = reader.gather_video(drawn);
  const ClipDraw& draw = drawn.front();
  const CachedClip clip = cache(FrameStorage::kRaw).clip(draw.clip);
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

// From JPEG frames the same batch comes, but for what their compression loses: a few grey levels of 255 in the mean.
// The window after the right one of a moving clip is farther away.
void verify_jpeg_batch(const std::vector<ClipDraw>& drawn) {
  const auto batch = [&](FrameStorage storage) {
    return WindowReader(cache(storage), window(16)).gather_video(drawn).to(at::kFloat);
  };
  const auto difference = at::mean(at::abs(batch(FrameStorage::kRaw) - batch(FrameStorage::kJpeg))).item<double>();
  verify(difference > 0 && difference < 8, fmt::format("batches of JPEG frames are {} grey levels off", difference));
}

void cache_batches(benchmark::State& state, FrameStorage storage) {
  const WindowReader reader(cache(storage), window(16));
  const RandomStreams streams("bench", "loader", 0);
  const std::vector<ClipDraw> first = draws(reader, streams, 0, 32);
  storage == FrameStorage::kRaw ? verify_batch(reader, first) : verify_jpeg_batch(first);
  std::int64_t step = 0;
  for (auto _ : state) {
    const at::Tensor batch = reader.gather_video(draws(reader, streams, step++, 32));
    benchmark::DoNotOptimize(batch.const_data_ptr());
  }
  state.SetItemsProcessed(state.iterations() * 32);
}

// A heavy step, beside which a loader hardly shows, and a light one, beside which it does.
constexpr StepInput kStepInputs[] = {{"r2plus1d_small", 8, 16, 112}, {"image_cnn", 64, 1, 112}};

// Of clips of one class.
double step_on(ModelStep& trained, const Batch& batch) {
  return trained.step(batch.video, at::zeros({batch.video.size(0)}, at::TensorOptions(at::kLong).device(device())),
                      1e-3);
}

using Clock = double (*)();

double seconds_of(Clock clock, std::int64_t steps, const std::function<void()>& step) {
  const double start = clock();
  for (std::int64_t i = 0; i < steps; ++i) step();
  return clock() - start;
}

// Linear between the two nearest of the sorted values.
double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  const double at = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

constexpr std::int64_t kPairs = 21;
constexpr double kLeastSecondsOfASide = 0.2;

struct Pairs {
  std::vector<double> in_memory;  // clips/s, by pair
  std::vector<double> loaded;
  std::vector<double> ratios;  // of a pair: speed with the loader over speed in memory
};

// How the loader works beside the step, and what of it counts.
struct LoadingKind {
  const char* suffix;
  int threads;
  Clock clock;
};
constexpr LoadingKind kLoadingKinds[] = {{"", 0, processor_seconds}, {", ahead", 1, steady_seconds}};

// The batch that the queue hands out is the one that is made without it.
void verify_queue(BatchQueue& queue, const std::function<Batch(std::int64_t)>& load) {
  for (std::int64_t index = 0; index < 3; ++index) {
    verify(at::equal(queue.next().batch.video, load(index).video), "a batch made ahead differs");
  }
}

// The step on a tensor in memory against the same step with a batch that the loader has just made, alternately: which
// of the two comes first changes from pair to pair, so that a machine that grows slower or faster favours neither. A
// queue that is full when a side begins gives at most two of its many batches for nothing.
Pairs measure_pairs(const StepInput& kind, const LoadingKind& loading, const WindowReader& reader) {
  const RandomStreams streams("bench", "loader", 0);
  ModelStep trained(kind);
  const auto load = [&](std::int64_t step) {
    return reader.make_batch(draws(reader, streams, step, kind.batch), kOnlyVideo, device());
  };
  const Batch held = load(0);
  const double first = step_on(trained, held);
  for (int i = 0; i < 3; ++i) (void)step_on(trained, held);
  verify(step_on(trained, held) < first, "the training step does not lower its loss");
  constexpr std::int64_t kEndless = std::int64_t{1} << 40;
  BatchQueue queue(0, kEndless, {.threads = loading.threads, .ahead = 2, .held = nullptr}, device(),
                   [&](std::int64_t index) {
                     return DrawnBatch{{}, load(index)};
                   });
  verify_queue(queue, load);
  const auto in_memory = [&] { benchmark::DoNotOptimize(step_on(trained, held)); };
  const auto loaded = [&] { benchmark::DoNotOptimize(step_on(trained, queue.next().batch)); };
  loaded();
  const double once = seconds_of(loading.clock, 1, in_memory);
  const auto steps = std::max<std::int64_t>(1, std::llround(kLeastSecondsOfASide / once));
  Pairs pairs;
  for (std::int64_t pair = 0; pair < kPairs; ++pair) {
    const bool memory_first = pair % 2 == 0;
    const double one =
        memory_first ? seconds_of(loading.clock, steps, in_memory) : seconds_of(loading.clock, steps, loaded);
    const double other =
        memory_first ? seconds_of(loading.clock, steps, loaded) : seconds_of(loading.clock, steps, in_memory);
    const double of_memory = memory_first ? one : other;
    const double of_loaded = memory_first ? other : one;
    const auto clips = static_cast<double>(steps * kind.batch);
    pairs.in_memory.push_back(clips / of_memory);
    pairs.loaded.push_back(clips / of_loaded);
    pairs.ratios.push_back(of_memory / of_loaded);
  }
  return pairs;
}

void loader_pairs(benchmark::State& state, const StepInput& kind, const LoadingKind& loading, FrameStorage storage) {
  const WindowReader reader(cache(storage), window(kind.frames));
  Pairs pairs;
  for (auto _ : state) pairs = measure_pairs(kind, loading, reader);
  state.counters["pairs"] = static_cast<double>(kPairs);
  state.counters["in_memory"] = quantile(pairs.in_memory, 0.5);
  state.counters["loaded"] = quantile(pairs.loaded, 0.5);
  for (const auto& [name, share] :
       {std::pair{"ratio_least", 0.0}, std::pair{"ratio_lower", 0.25}, std::pair{"ratio_median", 0.5},
        std::pair{"ratio_upper", 0.75}, std::pair{"ratio_most", 1.0}}) {
    state.counters[name] = quantile(pairs.ratios, share);
  }
}

}  // namespace

void register_loader() {
  benchmark::RegisterBenchmark(kCacheBatches, cache_batches, kStorages[0])->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark(kCacheBatchesJpeg, cache_batches, kStorages[1])->Unit(benchmark::kMillisecond);
  for (const StepInput& kind : kStepInputs) {
    for (const FrameStorage storage : kStorages) {
      for (const LoadingKind& loading : kLoadingKinds) {
        const std::string name = fmt::format("{}{} x {} frames, {}{}", kLoaderPairs, kind.model, kind.frames,
                                             to_string(storage), loading.suffix);
        benchmark::RegisterBenchmark(name.c_str(), loader_pairs, kind, loading, storage)->Iterations(1)->Repetitions(1);
      }
    }
  }
}

}  // namespace cmkd::bench
