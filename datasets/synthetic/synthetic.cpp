// The dataset "synthetic": its clips, its files on disk, its source.
#include "cmkd/synthetic/synthetic.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cmkd/core/csv_field.h"
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/core/interrupt.h"
#include "cmkd/core/parallel.h"
#include "cmkd/core/progress.h"
#include "cmkd/core/random.h"
#include "cmkd/media/encode.h"
#include "cmkd/readers/csv.h"
#include "cmkd/readers/manifest.h"
#include "cmkd/readers/media_source.h"
#include "synthetic_parts.h"

#include <mutex>

namespace cmkd {

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr auto kSyntheticClassCount = static_cast<std::int64_t>(kSyntheticClasses.size());
constexpr std::int64_t kClipsPerScene = 2;

void check(const SyntheticOptions& options) {
  const auto require = [](bool allowed, const std::string& what, const std::string& allowed_text) {
    if (!allowed) throw Error(ErrorKind::kUsage, {.what = what, .where = "dataset synthetic", .allowed = allowed_text});
  };
  require(options.size % 2 == 0 && options.size > 0, fmt::format("size is {}", options.size),
          "an even number of pixels");
  require(options.speed_low <= options.speed_high,
          fmt::format("speed_low {} is above speed_high {}", options.speed_low, options.speed_high), "");
  require(options.noise_snr_low_db <= options.noise_snr_high_db,
          fmt::format("noise_snr_low_db {} is above noise_snr_high_db {}", options.noise_snr_low_db,
                      options.noise_snr_high_db),
          "");
}

// Each block of ten clips holds every class once, in random order.
std::int64_t label_of(const RandomStreams& streams, std::int64_t index) {
  RandomStream stream = streams.stream("labels", 0, index / kSyntheticClassCount);
  return stream.permutation(kSyntheticClassCount)[static_cast<std::size_t>(index % kSyntheticClassCount)];
}

std::string clip_name(const std::string& split, std::int64_t index) {
  return fmt::format("{}/{:06d}.mkv", split, index);
}

// The folder's state: the options it is made with, before and after it is complete.
class SyntheticFolder {
 public:
  SyntheticFolder(const SyntheticOptions& options, fs::path folder) : options_(options), folder_(std::move(folder)) {}

  void make(int jobs, const std::function<void(std::int64_t, std::int64_t)>& progress) {
    prepare();
    const FileLock lock = FileLock::acquire(folder_ / "synthetic.lock");
    if (matches("synthetic.json")) {
      remove_leftovers(folder_, ".tmp");
      fs::remove(folder_ / "synthetic.partial.json");  // a kill may have come between the two
      return;
    }
    if (!matches("synthetic.partial.json")) write_file_atomically(folder_ / "synthetic.partial.json", description());
    // A lossy picture of 32 x 32 with a second of sound takes some 15 KB; raw sizes are a safe bound.
    const std::int64_t total = options_.train_clips + options_.test_clips;
    const double clip_bytes = static_cast<double>(options_.frames) *
                                  (options_.size * options_.size * 1.5 + 2.0 * options_.sample_rate / options_.fps) +
                              8192;
    require_free_space(folder_, static_cast<std::uint64_t>(clip_bytes * static_cast<double>(total)),
                       "the synthetic set");
    fs::create_directories(folder_ / "train");
    fs::create_directories(folder_ / "test");
    std::mutex mutex;
    std::int64_t done = 0;
    rows_.assign(static_cast<std::size_t>(total), "");
    for_each_in_parallel(total, jobs, [&](std::int64_t item) {
      throw_if_interrupted();
      write_clip(item);
      const std::lock_guard lock_progress(mutex);
      if (progress) progress(++done, total);
    });
    commit();
  }

 private:
  // A typo in the path must not fill somebody's folder with clips.
  void prepare() const {
    if (!fs::exists(folder_)) fs::create_directories(folder_);
    if (fs::exists(folder_ / "synthetic.json") || fs::exists(folder_ / "synthetic.partial.json")) return;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().filename().string().starts_with("synthetic.")) continue;
      throw Error(ErrorKind::kData, {fmt::format("the folder holds '{}', which is no part of a synthetic set",
                                                 entry.path().filename().string()),
                                     folder_.string(), "an empty folder, or a synthetic set", "choose another folder"});
    }
  }

  [[nodiscard]] std::string description() const {
    return json{{"dataset", "synthetic"}, {"version", kSyntheticVersion}, {"options", describe_options(options_)}}.dump(
               1) +
           "\n";
  }

  // Throws when the file states another version or other options.
  [[nodiscard]] bool matches(const char* name) const {
    const fs::path path = folder_ / name;
    if (!fs::exists(path)) return false;
    const std::string text = read_file(path);
    if (text == description()) return true;
    const json found = json::parse(text, nullptr, false);
    std::string difference = "it cannot be read";
    if (found.is_object() && found.contains("options")) {
      difference = found.value("version", 0) != kSyntheticVersion
                       ? fmt::format("its version is {}", found.value("version", 0))
                       : "";
      for (const auto& [option, value] : describe_options(options_)) {
        const json& options = found["options"];
        const std::string other = options.contains(option) ? options[option].dump() : "absent";
        if (difference.empty() && other != json(value).dump())
          difference = fmt::format("{} is {} there, {} here", option, other, json(value).dump());
      }
    }
    throw Error(ErrorKind::kData,
                {.what = fmt::format("the folder holds a synthetic set of another kind: {}", difference),
                 .where = path.string(),
                 .fix = "choose another folder, or delete this one"});
  }

  void write_clip(std::int64_t item) {
    const std::string split = item < options_.train_clips ? "train" : "test";
    const std::int64_t index = item < options_.train_clips ? item : item - options_.train_clips;
    const SyntheticClip clip = render_synthetic(options_, split, index);
    const std::string name = clip_name(split, index);
    if (!fs::exists(folder_ / name)) {
      media::encode_media(folder_ / name, {clip.pixels, options_.frames, options_.size, options_.size, options_.fps},
                          {clip.samples, options_.sample_rate});
    }
    std::string row = fmt::format("{},{},{},{}-scene-{:06d}", name,
                                  kSyntheticClasses[static_cast<std::size_t>(clip.label)], split, split, clip.scene);
    for (const char* fact : kFacts) {
      row += ',';
      row += csv_field(clip.truth.contains(fact) ? clip.truth.at(fact) : "");
    }
    rows_[static_cast<std::size_t>(item)] = row + "\n";
  }

  // Temporary files of killed calls.
  static void remove_leftovers(const fs::path& folder, const char* ending) {
    std::vector<fs::path> leftovers;
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ending) leftovers.push_back(entry.path());
    }
    for (const fs::path& path : leftovers) fs::remove(path);
  }

  void commit() const {
    for (const char* split : {"train", "test"}) remove_leftovers(folder_ / split, ".part");
    remove_leftovers(folder_, ".tmp");
    std::string manifest = "path,label,split,group";
    for (const char* fact : kFacts) manifest += fmt::format(",truth_{}", fact);
    manifest += "\n";
    for (const std::string& row : rows_) manifest += row;
    std::string classes;
    for (const char* name : kSyntheticClasses) classes += std::string(name) + "\n";
    write_file_atomically(folder_ / "classes.txt", classes);
    write_file_atomically(folder_ / "manifest.csv", manifest);
    write_file_atomically(folder_ / "synthetic.json", description());
    fs::remove(folder_ / "synthetic.partial.json");
  }

  static constexpr std::array kFacts = {"speed", "sound_class", "correlation", "noise", "snr_db"};

  const SyntheticOptions& options_;
  fs::path folder_;
  std::vector<std::string> rows_;
};

class SyntheticSource final : public MediaSource {
 public:
  explicit SyntheticSource(const Parameters& parameters)
      : root_(parameters.text("root")), options_(synthetic_options(parameters)) {
    check(options_);
    if (root_.empty()) {
      throw Error(ErrorKind::kUsage, {.what = "the dataset 'synthetic' needs a folder for its files",
                                      .where = "[dataset]",
                                      .fix = "set root = \"folder\""});
    }
  }

  ClipList list() override {
    if (!fs::exists(root_ / "synthetic.json")) {
      Progress progress("making the synthetic set", options_.train_clips + options_.test_clips);
      make_synthetic(options_, root_, available_threads(),
                     [&](std::int64_t done, std::int64_t) { progress.update(done); });
      progress.finish();
    } else {
      make_synthetic(options_, root_, 1);  // compares the options only
    }
    return read_manifest(root_ / "manifest.csv", root_, root_ / "classes.txt");
  }

 private:
  fs::path root_;
  SyntheticOptions options_;
};

std::vector<ParameterSpec> source_parameters() {
  std::vector<ParameterSpec> specs = synthetic_parameters();
  specs.insert(specs.begin(),
               ParameterSpec::text("root", "", "Folder of the files; they are made there when it has none."));
  return specs;
}

const DatasetRegistration kSyntheticRegistration({
    .id = "synthetic",
    .title = "Moving shapes with pulsing sounds, made here",
    .source = "this project (docs/synthetic.md)",
    .tree = "root/synthetic.json   options and version of the generator\n"
            "root/manifest.csv     path,label,split,group, and the truth of each clip\n"
            "root/classes.txt\n"
            "root/train/*.mkv, root/test/*.mkv   H.264 and FLAC",
    .tested_on = "the files that this project makes",
    .made_here = true,
    .parameters = source_parameters(),
    .open = [](const Parameters& parameters) -> std::unique_ptr<ClipSource> {
      return std::make_unique<SyntheticSource>(parameters);
    },
});

}  // namespace

SyntheticClip render_synthetic(const SyntheticOptions& options, const std::string& split, std::int64_t index) {
  const RandomStreams streams("synthetic", split, options.seed);
  SyntheticClip clip;
  clip.label = label_of(streams, index);
  clip.scene = index / kClipsPerScene;
  const double speed = streams.stream("speed", 0, index).uniform(options.speed_low, options.speed_high);
  const SyntheticDraw draw{clip.label,
                           speed,
                           streams.stream("scene", 0, clip.scene),
                           streams.stream("motion", 0, index),
                           streams.stream("pixels", 0, index),
                           streams.stream("sound", 0, index)};
  clip.pixels = draw_synthetic_video(options, draw);
  SyntheticSound sound = draw_synthetic_sound(options, draw);
  clip.samples = std::move(sound.samples);
  clip.truth["speed"] = fmt::format("{:.4f}", speed);
  clip.truth["sound_class"] = kSyntheticClasses[static_cast<std::size_t>(sound.sound_class)];
  clip.truth["correlation"] = fmt::format("{:.3f}", sound.correlation);
  if (!sound.noise.empty()) {
    clip.truth["noise"] = sound.noise;
    clip.truth["snr_db"] = fmt::format("{:.2f}", sound.snr_db);
  }
  return clip;
}

void make_synthetic(const SyntheticOptions& options, const fs::path& folder, int jobs,
                    const std::function<void(std::int64_t, std::int64_t)>& progress) {
  check(options);
  SyntheticFolder(options, folder).make(jobs, progress);
}

}  // namespace cmkd
