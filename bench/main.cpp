// cmkd_bench: every figure of a verified result, and the ratios between them, in one table.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>

#include "bench.h"
#include "cmkd/media/media.h"
#include "cmkd/runtime/determinism.h"
#include "cmkd/synthetic/synthetic.h"
#include "peak_memory.h"

namespace cmkd::bench {

namespace fs = std::filesystem;

namespace {

struct Scratch {
  fs::path path = fs::temp_directory_path() / fmt::format("cmkd-bench-{}", ::getpid());
  Scratch() { fs::create_directories(path); }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

Material find_material() {
  const char* given = std::getenv("CMKD_BENCH_CLIPS");
  Material found;
  if (given != nullptr) {
    const fs::path folder = given;
    if (!fs::is_directory(folder)) refuse_option(fmt::format("CMKD_BENCH_CLIPS={}: no folder", given));
    for (const auto& item : fs::recursive_directory_iterator(folder)) {
      if (item.path().extension() == ".mp4") found.files.push_back(item.path());
    }
    std::ranges::sort(found.files);
    if (found.files.empty()) refuse_option(fmt::format("CMKD_BENCH_CLIPS={}: no .mp4 file below it", given));
    found.description = fmt::format("{} clips of {}", found.files.size(), folder.string());
    return found;
  }
  if (media::ffmpeg_versions().empty()) {
    found.description = "no files: this build has no FFmpeg, and clips are made in memory";
    return found;
  }
  SyntheticOptions options;
  options.train_clips = 10;
  options.test_clips = 10;
  options.frames = 100;
  options.fps = 25;
  options.size = 256;
  make_synthetic(options, scratch() / "made", 1);
  for (const auto& item : fs::recursive_directory_iterator(scratch() / "made")) {
    if (item.path().extension() == ".mkv") found.files.push_back(item.path());
  }
  std::ranges::sort(found.files);
  found.description = "20 clips made here (CMKD_BENCH_CLIPS names a folder of real ones)";
  return found;
}

// Collects the figures and stays quiet; the table is printed at the end.
class Collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& /*context*/) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type == Run::RT_Aggregate) continue;  // a deviation is no figure
      std::string name = run.run_name.function_name;
      if (run.counters.contains("pairs")) {
        for (const auto& [counter, value] : run.counters) pairs[name][counter] = static_cast<double>(value);
        std::fprintf(stderr, "  measured %s\n", name.c_str());
        continue;
      }
      const auto counter = run.counters.find("items_per_second");
      if (counter == run.counters.end()) continue;
      if (!figures.contains(name)) order.push_back(name);
      figures[name] = std::max(figures[name], static_cast<double>(counter->second));  // the best of the repetitions
      if (const auto added = run.counters.find("parameters_added"); added != run.counters.end()) {
        parameters_added[name] = static_cast<double>(added->second);
      }
      if (const auto peak = run.counters.find("peak_bytes"); peak != run.counters.end()) {
        peak_bytes[name] = static_cast<double>(peak->second);
      }
      std::fprintf(stderr, "  measured %s\n", name.c_str());
    }
  }

  std::map<std::string, double> figures;
  std::map<std::string, double> parameters_added;              // of method steps
  std::map<std::string, double> peak_bytes;                    // of retrieval, above the embeddings
  std::map<std::string, std::map<std::string, double>> pairs;  // by benchmark, then counter
  std::vector<std::string> order;
};

void print_ratio(const std::map<std::string, double>& figures, const char* name, const char* above, const char* below,
                 const char* wanted) {
  const auto a = figures.find(above);
  const auto b = figures.find(below);
  if (a == figures.end() || b == figures.end()) return;
  fmt::print("{:<64} {:>12.3f}   {}\n", name, a->second / b->second, wanted);
}

// A peak that is not known is said to be so: a zero would be taken for one.
void print_peak_of(const Collector& collector, const std::string& name, const char* title, const char* wanted = "") {
  const auto peak = collector.peak_bytes.find(name);
  if (std::ranges::find(collector.order, name) == collector.order.end()) return;
  if (peak == collector.peak_bytes.end()) {
    fmt::print("{:<64} {:>12}   (it raised no high-water mark)\n", title, "not known");
    return;
  }
  fmt::print("{:<64} {:>12.1f}   {}\n", title, peak->second / 1e6, wanted);
}

void print_seconds(const Collector& collector, const char* name, const char* title, const char* wanted) {
  const auto figure = collector.figures.find(name);
  if (figure == collector.figures.end()) return;
  fmt::print("{:<64} {:>12.2f}   {}\n", title, 10'000 / figure->second, wanted);
}

void print_table(const Collector& collector) {
  fmt::print("material: {}\ndevice: {}\n\n{:<64} {:>12}\n", material().description, device().str(), "figure", "value");
  for (const std::string& name : collector.order) {
    if (name.starts_with(kMethodStep) || name.starts_with(kGraphStep) || name.starts_with(kFormatStep))
      continue;  // in tables of their own
    fmt::print("{:<64} {:>12.1f}\n", name, collector.figures.at(name));
  }
  print_ratio(collector.figures, "ratio: warm cache batches / per-epoch decode", kCacheBatches, kDecodeClips,
              "(wanted: at least 300)");
  print_ratio(collector.figures, "ratio: cost of the encoder, half hidden / nothing hidden", kEncoderWhole,
              kEncoderHalf, "(wanted: at most 0.55)");
  print_ratio(collector.figures, "ratio: cost of the encoder, 85 % hidden / nothing hidden", kEncoderWhole,
              kEncoderMasked, "(wanted: at most 0.25)");
  print_ratio(collector.figures, "ratio: time of the tiled retrieval / of the untiled", kRankUntiled, kRankTiled,
              "(wanted: at most 1.2)");
  print_ratio(collector.peak_bytes, "ratio: peak memory of the tiled retrieval / of the untiled", kRankTiled,
              kRankUntiled, "(wanted: at most 0.05)");
  print_seconds(collector, kReportKept, "leaderboard of 10,000 runs, bootstraps kept (s)", "(wanted: at most 2)");
  print_seconds(collector, kReportFresh, "leaderboard of 10,000 runs, bootstraps computed (s)", "(wanted: at most 60)");
  print_peak_of(collector, kReportFresh, "its peak memory, bootstraps computed (MB)", "(wanted: at most 500)");
  for (const std::string& name : collector.order) {
    if (name == kRankTiled) print_peak_of(collector, name, "tiled retrieval, above the embeddings (MB)");
    if (name == kRankUntiled) print_peak_of(collector, name, "untiled retrieval, above the embeddings (MB)");
    if (name == kRankLarge) {
      print_peak_of(collector, name, "retrieval in a gallery of 200,000, above the embeddings (MB)",
                    "(wanted: at most 2000)");
    }
    if (name.starts_with(kXkdStep))
      print_peak_of(collector, name, ("peak memory of training " + name.substr(kXkdStep.size()) + " (MB)").c_str());
    if (name.starts_with(kRankSized))
      print_peak_of(collector, name, "peak memory above the embeddings (MB)", "(wanted: at most 2000)");
  }
}

void print_pairs(const Collector& collector) {
  if (collector.pairs.empty()) return;
  fmt::print("\n{:<36} {:>12} {:>12} {:>8} {:>14} {:>14}\n", "step with the loader / in memory", "clips/s", "clips/s",
             "ratio", "quartiles", "all pairs");
  fmt::print("{:<36} {:>12} {:>12} {:>8} {:>14} {:>14}\n", "(processor time; ahead: time passed)", "in memory",
             "loader", "median", "", "");
  for (const auto& [name, of] : collector.pairs) {
    fmt::print(
        "{:<36} {:>12.1f} {:>12.1f} {:>8.3f} {:>14} {:>14}   {}\n", name.substr(kLoaderPairs.size()),
        of.at("in_memory"), of.at("loaded"), of.at("ratio_median"),
        fmt::format("{:.3f}-{:.3f}", of.at("ratio_lower"), of.at("ratio_upper")),
        fmt::format("{:.3f}-{:.3f}", of.at("ratio_least"), of.at("ratio_most")),
        fmt::format("{:.0f} pairs (wanted: at least {})", of.at("pairs"), name.ends_with("ahead") ? 0.98 : 0.95));
  }
}

// Of a whole step's time; the parts are measured by themselves.
void print_xkd_shares(const Collector& collector) {
  const auto whole = collector.figures.find(kXkdStep + "xkd");
  if (whole == collector.figures.end()) return;
  double rest = 1;
  std::string text;
  for (const std::string& name : collector.order) {
    if (!name.starts_with(kXkdPart)) continue;
    const double share = whole->second / collector.figures.at(name);
    rest -= share;
    text += fmt::format("{:<40} {:>7.1f} %\n", name.substr(kXkdPart.size()), 100 * share);
  }
  if (text.empty()) return;
  fmt::print("\nshares of a step of xkd\n{}{:<40} {:>7.1f} %\n", text, "backward, heads, optimiser, averages",
             100 * rest);
}

void print_formats(const Collector& collector) {
  double base = 0;  // of the model's contiguous row, which comes first
  for (const std::string& name : collector.order) {
    if (!name.starts_with(kFormatStep)) continue;
    if (base == 0) fmt::print("\n{:<44} {:>12} {:>12}\n", "step by memory format", "clips/s", "x contiguous");
    const double figure = collector.figures.at(name);
    if (name.ends_with("contiguous")) base = figure;
    fmt::print("{:<44} {:>12.1f} {:>12.2f}\n", name.substr(kFormatStep.size()), figure, figure / base);
  }
}

void print_methods(const Collector& collector) {
  const auto student = collector.figures.find(kMethodStep + "student");
  if (student == collector.figures.end()) return;
  fmt::print("\n{:<24} {:>12} {:>12} {:>18} {:>12}\n", "step of a method", "clips/s", "x student", "parameters added",
             "graph");
  for (const std::string& name : collector.order) {
    if (!name.starts_with(kMethodStep)) continue;
    const double figure = collector.figures.at(name);
    const std::string id = name.substr(kMethodStep.size());
    const auto graph = collector.figures.find(kGraphStep + id);
    const std::string faster = graph == collector.figures.end() ? "" : fmt::format("{:.2f} x", graph->second / figure);
    fmt::print("{:<24} {:>12.1f} {:>12.2f} {:>18.0f} {:>12}\n", id, figure, student->second / figure,
               collector.parameters_added.at(name), faster);
  }
}

}  // namespace

const fs::path& scratch() {
  static const Scratch folder;
  return folder.path;
}

const Material& material() {
  static const Material found = find_material();
  return found;
}

void refuse_option(const std::string& what) {
  fmt::print(stderr, "cmkd_bench: {}\n", what);
  std::exit(4);
}

void verify(bool right, const std::string& what) {
  if (right) return;
  fmt::print(stderr, "cmkd_bench: wrong result: {}\n", what);
  std::exit(1);
}

// The value of `--name=value`, taken out of the arguments; "" when it is not there.
std::string take_option(std::vector<char*>& arguments, const std::string& name) {
  const std::string start = "--" + name + "=";
  const auto found =
      std::ranges::find_if(arguments, [&](const char* one) { return std::string_view(one).starts_with(start); });
  if (found == arguments.end()) return "";
  std::string value = std::string(*found).substr(start.size());
  arguments.erase(found);
  return value;
}

// Options of our own: --threads=N, --device=NAME and --retrieval=QUERIESxGALLERY, the one benchmark that is then run.
void register_wanted(const std::string& retrieval) {
  if (!retrieval.empty()) return register_retrieval_of(retrieval);
  if (!media::ffmpeg_versions().empty()) register_decode();
  register_loader();
  register_models();
  register_formats();
  register_methods();
  register_xkd();
  register_store();
  register_reports();
  register_retrieval();
}

}  // namespace cmkd::bench

int main(int argc, char** argv) {
  using namespace cmkd::bench;
  // Several short repetitions, of which the best counts: the machine may have other things to do.
  std::vector<char*> arguments(argv, argv + argc);
  const std::string retrieval = take_option(arguments, "retrieval");
  const std::string threads = take_option(arguments, "threads");
  const std::string peak = take_option(arguments, "peak-of");  // of this program alone: see peak_memory.h
  if (threads.find_first_not_of("0123456789") != std::string::npos || threads.size() > 3 || threads == "0")
    refuse_option("--threads=" + threads + ": give a number from 1");
  const std::string device_name = take_option(arguments, "device");
  std::string repetitions = "--benchmark_repetitions=3";
  arguments.insert(arguments.begin() + 1, repetitions.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 4;
  cmkd::configure_runtime({threads.empty() ? 1 : std::stoi(threads), /*deterministic=*/true});
  choose_device(device_name);
  if (!peak.empty()) {
    print_peak(peak == "report"             ? report_peak(peak)
               : peak.starts_with(kXkdStep) ? xkd_peak(peak)
                                            : retrieval_peak(peak));
    return 0;
  }
  register_wanted(retrieval);
  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  benchmark::Shutdown();
  print_table(collector);
  print_pairs(collector);
  print_formats(collector);
  print_methods(collector);
  print_xkd_shares(collector);
  return 0;
}
