// What the benchmark files share: material, and how a benchmark says that its result is right.
#pragma once

#include <benchmark/benchmark.h>
#include <c10/core/Device.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmkd/clips/clip_cache.h"

namespace cmkd::bench {

// Names by which the table finds a measurement; each is registered by its file. items_per_second is the figure.
inline constexpr const char* kDecodeFrames = "decode, whole files (frames/s per core)";
inline constexpr const char* kDecodeClips = "decode, 16 frames from random starts (clips/s per core)";
inline constexpr const char* kCacheBatches = "warm cache batches, 16 frames 112 x 112 (clips/s per core)";
inline constexpr const char* kCacheBatchesJpeg = "the same from JPEG frames (clips/s per core)";
// Followed by model and storage: shown in a table of their own, as ratios of pairs.
inline const std::string kLoaderPairs = "loader, ";
// Followed by the method's id: shown in a table of their own, as ratios to the student alone.
inline const std::string kMethodStep = "method step, ";
// The same as a graph that is repeated (training.graphs), where the device has graphs: as ratios to the step by itself.
inline const std::string kGraphStep = "graph step, ";
// Followed by model and format: likewise, as ratios to the contiguous one.
inline const std::string kFormatStep = "format step, ";
// Followed by the method's id: tiny transformers, 8 frames of 56 x 56 and a second of sound, 16 clips a step.
inline const std::string kXkdStep = "pretraining step (clips/s), ";
inline const std::string kXkdPart = "part of a step of xkd (clips/s), ";
inline constexpr const char* kEncoderWhole = "encoder of a masked autoencoder, nothing hidden (clips/s)";
inline constexpr const char* kEncoderHalf = "the same, half of the patches hidden (clips/s)";
inline constexpr const char* kEncoderMasked = "the same, 85 % of the patches hidden (clips/s)";
inline constexpr const char* kStore = "store, one training with its epochs and outputs (rows/s)";
inline constexpr const char* kReportKept = "leaderboard of 10,000 runs, bootstraps kept (runs/s)";
inline constexpr const char* kReportFresh = "leaderboard of 10,000 runs, bootstraps computed (runs/s)";
inline constexpr const char* kRankTiled = "retrieval, 12,000 x 12,000 x 512, tiled (queries/s)";
inline constexpr const char* kRankUntiled = "retrieval, 12,000 x 12,000 x 512, untiled (queries/s)";
inline constexpr const char* kRankLarge = "retrieval in a gallery of 200,000 x 512, tiled (queries/s)";
// Followed by the size that was asked for.
inline const std::string kRankSized = "retrieval of ";

void register_decode();
void register_loader();
void register_models();
void register_formats();
void register_methods();
void register_xkd();
void register_store();
void register_reports();
void register_retrieval();
// Retrieval of one size, "QUERIESxGALLERY": for `--retrieval=200000x200000`, which may take long.
void register_retrieval_of(const std::string& sizes);
// The peak memory of one of its rankings ("tiled", "untiled", "large"): for the process that does nothing else.
[[nodiscard]] std::optional<double> retrieval_peak(const std::string& name);
// The same of a leaderboard of 10,000 runs ("report"); nothing for another name.
[[nodiscard]] std::optional<double> report_peak(const std::string& name);
// A training of a pretraining: networks, optimiser and two steps. `name`: kXkdStep and a method.
[[nodiscard]] std::optional<double> xkd_peak(const std::string& name);

// Where steps are computed: --device=cuda, by default the CPU. On the CPU a rate is of processor time, elsewhere of the
// time that passes.
[[nodiscard]] c10::Device device();
void choose_device(const std::string& name);  // "": the CPU
// Waits for what the device was given.
void finish_device();
// A benchmark of steps on that device: its unit, and the time that counts there.
void measure_on_device(benchmark::internal::Benchmark* registered);

// The .mp4 files below the folder $CMKD_BENCH_CLIPS (real web clips, say), else clips that are made here: the table
// says which.
struct Material {
  std::vector<std::filesystem::path> files;
  std::string description;
};
[[nodiscard]] const Material& material();

// A folder that is removed at the end of the program.
[[nodiscard]] const std::filesystem::path& scratch();

// Ends the program over an option that means nothing.
[[noreturn]] void refuse_option(const std::string& what);

// Ends the program when a result is wrong: no time is reported for it.
void verify(bool right, const std::string& what);

}  // namespace cmkd::bench
