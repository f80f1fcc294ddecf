#include "catch.h"
#include "paths.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "../../datasets/synthetic/synthetic_parts.h"
#include "cmkd/clips/clip_cache.h"
#include "cmkd/core/file.h"
#include "cmkd/synthetic/synthetic.h"
#include "error_text.h"

namespace cmkd {
namespace {

using test::error_of;
using test::mentions;
namespace fs = std::filesystem;

SyntheticOptions small() {
  SyntheticOptions options;
  options.train_clips = 20;
  options.test_clips = 10;
  return options;
}

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().lexically_relative(folder).string()] = read_file(entry.path());
  }
  return files;
}

std::vector<std::uint8_t> video_of_class(std::int64_t label, std::int64_t index) {
  const SyntheticOptions options;
  const RandomStreams streams("test", "test", 1);
  return draw_synthetic_video(options,
                              {label, 1.0, streams.stream("scene", 0, index), streams.stream("motion", 0, index),
                               streams.stream("pixels", 0, index), streams.stream("sound", 0, index)});
}

TEST_CASE("a single frame does not tell the class: the same draws give every class the same first frame") {
  constexpr std::size_t kFrame = 3 * 32 * 32;
  for (std::int64_t index = 0; index < 5; ++index) {
    const std::vector<std::uint8_t> reference = video_of_class(0, index);
    for (std::int64_t label = 1; label < 8; ++label) {
      const std::vector<std::uint8_t> other = video_of_class(label, index);
      CHECK(std::equal(reference.begin(), reference.begin() + kFrame, other.begin()));
      CHECK_FALSE(reference == other);
    }
  }
  // An oscillation starts within its swing, at a place that is uniform on the torus all the same. So the share of
  // bright pixels, averaged over many draws, is that of the other classes at every frame.
  const auto brightness = [](std::int64_t label, std::size_t frame) {
    double sum = 0;
    for (std::int64_t index = 0; index < 150; ++index) {
      const std::vector<std::uint8_t> video = video_of_class(label, index);
      for (std::size_t k = frame * kFrame; k < (frame + 1) * kFrame; ++k) sum += std::abs(video[k] - 128.0);
    }
    return sum / (150.0 * kFrame);
  };
  for (const std::size_t frame : {std::size_t{0}, std::size_t{7}}) {
    const double reference = brightness(0, frame);
    for (const std::int64_t label : {4, 6, 7, 8}) CHECK(brightness(label, frame) == Approx(reference).epsilon(0.08));
  }
}

TEST_CASE("opposite motions undo each other on the torus") {
  SyntheticOptions options;
  options.pixel_noise = 0;
  options.distractors = 0;
  options.drift = 0;
  options.frames = 16;
  const auto video = [&](std::int64_t label) {
    const RandomStreams streams("test", "test", 2);
    return draw_synthetic_video(options, {label, 1.0, streams.stream("scene"), streams.stream("motion"),
                                          streams.stream("pixels"), streams.stream("sound")});
  };
  // At speed 1 the shape moves two pixels a frame on a torus of 32: k frames to the left are 16 - k to the right.
  constexpr std::size_t kFrame = 3 * 32 * 32;
  const std::vector<std::uint8_t> left = video(0);
  const std::vector<std::uint8_t> right = video(1);
  for (std::size_t k = 1; k < 16; ++k) {
    int largest = 0;
    for (std::size_t i = 0; i < kFrame; ++i) {
      largest = std::max(largest, std::abs(int{left[k * kFrame + i]} - int{right[(16 - k) * kFrame + i]}));
    }
    CHECK(largest <= 1);  // the wrapped position differs in the last bit
  }
  CHECK_FALSE(std::equal(left.begin() + kFrame, left.begin() + 2 * kFrame, right.begin() + kFrame));
}

TEST_CASE("a clip is a function of its options, split and index alone, and scenes are shared by neighbours") {
  const SyntheticOptions options;
  const SyntheticClip clip = render_synthetic(options, "train", 7);
  CHECK(clip.pixels == render_synthetic(options, "train", 7).pixels);
  CHECK(clip.samples == render_synthetic(options, "train", 7).samples);
  CHECK(clip.samples.size() == 8000);
  CHECK(clip.pixels != render_synthetic(options, "test", 7).pixels);
  CHECK(clip.scene == render_synthetic(options, "train", 6).scene);
  SyntheticOptions other = options;
  other.seed = 1;
  CHECK(clip.pixels != render_synthetic(other, "train", 7).pixels);
  other = options;
  other.train_clips = 10000;
  CHECK(clip.pixels == render_synthetic(other, "train", 7).pixels);
}

TEST_CASE("every block of ten clips holds every class once") {
  for (std::int64_t block = 0; block < 5; ++block) {
    std::set<std::int64_t> labels;
    for (std::int64_t k = 0; k < 10; ++k) labels.insert(render_synthetic({}, "train", 10 * block + k).label);
    CHECK(labels.size() == 10);
  }
}

TEST_CASE("the knobs hit the share of clips that they name, and change no other clip") {
  SyntheticOptions clean;
  clean.noise = 0;
  clean.mismatch = 0;
  SyntheticOptions noisy = clean;
  noisy.noise = 0.4;
  SyntheticOptions mismatched = clean;
  mismatched.mismatch = 0.5;
  int noise = 0;
  int foreign = 0;
  int partial = 0;
  for (std::int64_t k = 0; k < 400; ++k) {
    const SyntheticClip reference = render_synthetic(clean, "train", k);
    CHECK(reference.truth.at("correlation") == "1.000");
    CHECK_FALSE(reference.truth.contains("noise"));
    const SyntheticClip with_noise = render_synthetic(noisy, "train", k);
    CHECK(with_noise.pixels == reference.pixels);
    CHECK(with_noise.truth.contains("noise") == (with_noise.samples != reference.samples));
    if (with_noise.truth.contains("noise")) {
      ++noise;
      const double snr = std::stod(with_noise.truth.at("snr_db"));
      CHECK(snr >= noisy.noise_snr_low_db);
      CHECK(snr <= noisy.noise_snr_high_db);
    }
    const SyntheticClip other = render_synthetic(mismatched, "train", k);
    const double correlation = std::stod(other.truth.at("correlation"));
    CHECK((correlation < 1) == (other.samples != reference.samples));
    CHECK((correlation < 1) ==
          (other.truth.at("sound_class") != kSyntheticClasses[static_cast<std::size_t>(other.label)]));
    foreign += correlation == 0;
    partial += correlation > 0 && correlation < 1;
  }
  // Binomial: 400 x 0.4 = 160 and 400 x 0.25 = 100 each, standard deviations 9.8 and 8.7; four of them on either side.
  CHECK(std::abs(noise - 160) < 40);
  CHECK(std::abs(foreign - 100) < 35);
  CHECK(std::abs(partial - 100) < 35);
}

TEST_CASE("the files are the same for any number of jobs and after kills") {
  const test::TemporaryFolder folder;
  make_synthetic(small(), folder / "whole", 1);
  CHECK(files_of(folder / "whole").size() == 30 + 4);  // clips, and manifest, classes, synthetic.json, lock
  int kills = 0;
  while (!fs::exists(folder / "killed" / "synthetic.json") && kills < 100) {
    const pid_t child = fork();
    if (child == 0) {
      make_synthetic(small(), folder / "killed", 2);
      _exit(0);
    }
    usleep(static_cast<useconds_t>(20000 + 10000 * kills));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    ++kills;
  }
  CHECK(kills > 1);
  make_synthetic(small(), folder / "killed", 1);
  CHECK(files_of(folder / "killed") == files_of(folder / "whole"));
}

TEST_CASE("a folder with something else, or with a set of other options, is refused") {
  const test::TemporaryFolder folder;
  make_synthetic(small(), folder / "set", 2);
  SyntheticOptions other = small();
  other.noise = 0.35;
  CHECK(
      mentions(error_of([&] { make_synthetic(other, folder / "set", 1); }), {"noise is \"0.2\" there, \"0.35\" here"}));
  write_file_atomically(folder / "mine" / "thesis.txt", "x");
  CHECK(mentions(error_of([&] { make_synthetic(small(), folder / "mine", 1); }), {"thesis.txt"}));
  other = small();
  other.size = 33;
  CHECK(mentions(error_of([&] { make_synthetic(other, folder / "odd", 1); }), {"size is 33", "even"}));
}

TEST_CASE("the dataset 'synthetic' makes its files, lists them with their truth, and ingests without an exclusion") {
  const test::TemporaryFolder folder;
  const DatasetInfo& info = dataset_registry().get("synthetic");
  CHECK(info.made_here);
  Parameters parameters(info.parameters);
  parameters.set("root", (folder / "set").string());
  parameters.set("train_clips", std::int64_t{20});
  parameters.set("test_clips", std::int64_t{10});
  const std::unique_ptr<ClipSource> source = info.open(parameters);
  const ClipList list = source->list();
  REQUIRE(list.clips.size() == 30);
  CHECK(list.unusable.empty());
  CHECK(list.classes.size() == 10);
  CHECK(list.classes[4] == "move_up_left");
  CHECK(list.clips[0].truth.contains("speed"));
  CHECK(list.clips[0].group == list.clips[1].group);
  const IngestSettings settings{.video = true, .audio = true, .height = 32, .width = 32, .fps = 8, .sample_rate = 8000};
  const ClipCache cache =
      ingest(*source, list, settings, source_fingerprint(*source, list, settings, ""), folder / "cache", {.jobs = 2});
  for (std::int64_t k = 0; k < cache.size(); ++k) {
    const CachedClip clip = cache.clip(k);
    INFO(clip.id << " " << clip.reason << clip.note);
    CHECK_FALSE(clip.excluded);
    CHECK(clip.note.empty());
    CHECK(clip.frame_count == 8);
    REQUIRE(clip.sample_count == 8000);
    const bool train = k < 20;
    const SyntheticClip drawn = render_synthetic(small(), train ? "train" : "test", train ? k : k - 20);
    // FLAC is lossless; H.264 is not, and halves the colours' resolution.
    for (std::size_t i = 0; i < 8000; i += 97)
      CHECK(clip.samples[i] == Approx(drawn.samples[i] / 32768.0).margin(1e-6));
    double difference = 0;
    for (std::size_t i = 0; i < drawn.pixels.size(); ++i)
      difference += std::abs(int{drawn.pixels[i]} - int{clip.pixels[i]});
    CHECK(difference / static_cast<double>(drawn.pixels.size()) < 6);
  }
}

}  // namespace
}  // namespace cmkd
