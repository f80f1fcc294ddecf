// Decoding: whole files, and clips of 16 frames at 8 per second from random starts, as a loader without a cache would.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "bench.h"
#include "cmkd/core/random.h"
#include "cmkd/media/video.h"

namespace cmkd::bench {

namespace {

constexpr int kShortSide = 128;
constexpr std::int64_t kFrames = 16;
constexpr double kFps = 8;

media::VideoOptions options() {
  media::VideoOptions chosen;
  chosen.size.short_side = kShortSide;
  return chosen;
}

void decode_files(benchmark::State& state) {
  std::size_t next = 0;
  std::int64_t frames = 0;
  for (auto _ : state) {
    const auto& file = material().files[next++ % material().files.size()];
    const auto decoded = media::decode_video(file, {}, options());
    verify(decoded.ok() && decoded.value().frame_count > 0, "no frame in " + file.string());
    frames += decoded.value().frame_count;
  }
  state.SetItemsProcessed(frames);
}

// Times of a clip that starts at `start`.
std::vector<double> times_from(double start) {
  std::vector<double> times;
  for (std::int64_t i = 0; i < kFrames; ++i) times.push_back(start + static_cast<double>(i) / kFps);
  return times;
}

// Random access gives the frames that a whole pass gives.
void verify_random_access() {
  for (std::size_t i = 0; i < std::min<std::size_t>(3, material().files.size()); ++i) {
    const auto& file = material().files[i];
    const auto whole = media::decode_video(file, {}, options());
    auto reader = media::VideoReader::open(file, options());
    verify(whole.ok() && reader.ok(), "cannot open " + file.string());
    const std::vector<double> times = times_from(0.7);
    const auto clip = reader.value().frames_at(times);
    verify(clip.ok(), "no clip in " + file.string());
    const auto& all = whole.value();
    const std::size_t bytes =
        std::size_t{3} * static_cast<std::size_t>(all.height) * static_cast<std::size_t>(all.width);
    for (std::size_t k = 0; k < times.size(); ++k) {
      const auto after = std::ranges::upper_bound(all.presentation_time_s, times[k] + 1e-9);
      const auto index =
          static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, after - all.presentation_time_s.begin() - 1));
      verify(std::memcmp(all.pixels.data() + index * bytes, clip.value().pixels.data() + k * bytes, bytes) == 0,
             "random access differs from the whole pass in " + file.string());
    }
  }
}

void decode_clips(benchmark::State& state) {
  verify_random_access();
  std::vector<double> room;  // latest start of each file
  for (const auto& file : material().files) {
    const auto info = media::probe(file, {false});
    verify(info.ok(), "cannot probe " + file.string());
    const double length = info.value().duration_s_from_header.value_or(10.0);
    room.push_back(std::max(0.0, length - static_cast<double>(kFrames) / kFps - 0.5));
  }
  RandomStream stream = RandomStreams("bench", "decode", 0).stream("starts");
  std::size_t next = 0;
  for (auto _ : state) {
    const std::size_t index = next++ % material().files.size();
    auto reader = media::VideoReader::open(material().files[index], options());
    const auto clip = reader.value().frames_at(times_from(stream.uniform(0, room[index] + 1e-6)));
    verify(clip.ok() && clip.value().frame_count == kFrames, "no clip in " + material().files[index].string());
    benchmark::DoNotOptimize(clip.value().pixels.data());
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

void register_decode() {
  benchmark::RegisterBenchmark(kDecodeFrames, decode_files)
      ->Iterations(static_cast<std::int64_t>(material().files.size()))
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark(kDecodeClips, decode_clips)
      ->Iterations(2 * static_cast<std::int64_t>(material().files.size()))
      ->Unit(benchmark::kMillisecond);
}

}  // namespace cmkd::bench
