// Clips on one clock, and what is found out about them: from the files to the cache and to 'datasets check'.
#ifdef CMKD_HAVE_FFMPEG

#include <algorithm>
#include <cmath>
#include <limits>

#include "../media/clock_material.h"
#include "cmkd/batches/window_reader.h"
#include "cmkd/clips/clip_cache.h"
#include "cmkd/datasets/examine.h"
#include "cmkd/media/encode.h"
#include "cmkd/readers/check.h"
#include "cmkd/readers/media_source.h"
#include "reader_test.h"

namespace cmkd {
namespace {

using namespace test;  // NOLINT: the material of this folder's tests
namespace fs = std::filesystem;

constexpr int kClockRate = 16000;
const IngestSettings kBoth{
    .video = true, .audio = true, .height = 24, .width = 32, .fps = 25, .sample_rate = kClockRate};

class FilesAsTheyAre final : public MediaSource {
 public:
  ClipList list() override { return {}; }
};

Clip clip_at(const fs::path& path, double start_s = 0, std::optional<double> end_s = {}) {
  Clip clip;
  clip.id = path.filename().string();
  clip.path = path;
  clip.label = 0;
  clip.start_s = start_s;
  clip.end_s = end_s;
  return clip;
}

DecodedClip decoded(const Clip& clip, const IngestSettings& settings = kBoth) {
  auto outcome = decode_examined(FilesAsTheyAre(), clip, settings);
  INFO((outcome ? "" : media::describe(outcome.failure())));
  REQUIRE(outcome.ok());
  return std::move(outcome.value());
}

double flash_s(const DecodedClip& clip) {
  const std::size_t frame = clip.pixels.size() / static_cast<std::size_t>(clip.frame_count);
  for (std::size_t k = 0; k < clip.frame_time_s.size(); ++k) {
    if (clip.pixels[k * frame + frame / 2] > 128) return static_cast<double>(clip.frame_time_s[k]);
  }
  return -1;
}

double beep_s(std::span<const float> samples) {
  const auto loud = std::find_if(samples.begin(), samples.end(), [](float x) { return std::abs(x) > 0.2F; });
  return loud == samples.end() ? -1 : static_cast<double>(loud - samples.begin()) / kClockRate;
}

std::vector<std::string> kinds(const DecodedClip& clip) {
  std::vector<std::string> result;
  for (const ClipFinding& finding : clip.findings) result.push_back(finding.kind);
  return result;
}

ClockFile late_sound() {
  ClockFile file;
  file.sound_start_s = 0.8;
  return file;
}

ClockFile late_picture() {
  ClockFile file;
  file.picture_start_s = 0.8;
  return file;
}

TEST_CASE("picture and sound of a clip share the clock of its first picture, and its note says what was done for it") {
  const TemporaryFolder folder;
  write_clock_file(folder / "plain.mkv", {});
  write_clock_file(folder / "late_sound.mkv", late_sound());
  write_clock_file(folder / "late_picture.mkv", late_picture());
  const DecodedClip plain = decoded(clip_at(folder / "plain.mkv"));
  CHECK(plain.note.empty());
  CHECK(beep_s(plain.samples) == Approx(2.0).margin(0.001));
  const DecodedClip sound = decoded(clip_at(folder / "late_sound.mkv"));
  CHECK(sound.note == "sound begins 0.800 s after the picture; silence put in: 0.800 s");
  CHECK(kinds(sound) == std::vector<std::string>{"sound_offset", "silence_put_in"});
  CHECK(flash_s(sound) == Approx(2.0));
  CHECK(beep_s(sound.samples) == Approx(2.0).margin(0.001));
  const DecodedClip picture = decoded(clip_at(folder / "late_picture.mkv"));
  CHECK(picture.note == "sound begins 0.800 s before the picture");
  CHECK(flash_s(picture) == Approx(1.2));
  CHECK(beep_s(picture.samples) == Approx(1.2).margin(0.001));
}

TEST_CASE("a piece that is cut out lies on the clock of its whole file, with every way to its frames") {
  const TemporaryFolder folder;
  ClockFile file = late_sound();
  file.missing = {1.0, 1.5};
  write_clock_file(folder / "a.mkv", file);
  for (const double fps : {25.0, 0.0, 8.0}) {
    IngestSettings settings = kBoth;
    settings.fps = fps;
    const DecodedClip piece = decoded(clip_at(folder / "a.mkv", 1.6, 2.6), settings);
    CHECK(flash_s(piece) == Approx(0.4).margin(fps == 8 ? 0.126 : 1e-5));
    CHECK(beep_s(piece.samples) == Approx(0.4).margin(0.001));
    CHECK(piece.samples.size() == kClockRate);
    // The offset is the file's; no silence lies in this piece.
    CHECK(piece.note == "sound begins 0.800 s after the picture");
  }
  const DecodedClip first = decoded(clip_at(folder / "a.mkv", 0.2, 1.2));
  // 0.2 to 0.8 s before the sound, and the hole from the packet at 1.0133 s (packets of 1024 samples from 0.8 s) on.
  CHECK(first.note.starts_with("sound begins 0.800 s after the picture; silence put in: 0.78"));
  // All of it before the sound: silence, and not an error.
  CHECK(
      decoded(clip_at(folder / "a.mkv", 0.1, 0.6)).note ==
      "sound begins 0.800 s after the picture; silence put in: 0.500 s; silent throughout; the picture never changes");
}

TEST_CASE("sound alone of a file with a picture keeps the picture's clock, and a file of sound alone begins at 0") {
  const TemporaryFolder folder;
  write_clock_file(folder / "both.mkv", late_picture());
  ClockFile alone = late_sound();
  alone.video_codec = "";
  write_clock_file(folder / "sound.mkv", alone);
  ClockFile silent = late_picture();
  silent.audio_codec = "";
  write_clock_file(folder / "picture.mkv", silent);
  IngestSettings sound = kBoth;
  sound.video = false;
  CHECK(beep_s(decoded(clip_at(folder / "both.mkv"), sound).samples) == Approx(1.2).margin(0.001));
  CHECK(beep_s(decoded(clip_at(folder / "both.mkv", 1.0, 2.0), sound).samples) == Approx(0.2).margin(0.001));
  const DecodedClip only = decoded(clip_at(folder / "sound.mkv"), sound);
  CHECK(only.note.empty());
  CHECK(beep_s(only.samples) == Approx(1.2).margin(0.001));  // 0.8 s is its 0
  IngestSettings picture = kBoth;
  picture.audio = false;
  CHECK(flash_s(decoded(clip_at(folder / "picture.mkv"), picture)) == Approx(1.2));
}

TEST_CASE("sound from a file of its own begins at 0 of that file's clock") {
  const TemporaryFolder folder;
  write_clock_file(folder / "picture.mkv", late_picture());
  ClockFile alone = late_sound();
  alone.video_codec = "";
  write_clock_file(folder / "sound.mkv", alone);
  Clip clip = clip_at(folder / "picture.mkv");
  clip.audio_path = folder / "sound.mkv";
  const DecodedClip apart = decoded(clip);
  CHECK(flash_s(apart) == Approx(1.2));
  CHECK(beep_s(apart.samples) == Approx(1.2).margin(0.001));
  CHECK(apart.note.empty());
  // Of a recording with a picture, 0 is when that picture begins.
  write_clock_file(folder / "recording.mkv", late_sound());
  clip.audio_path = folder / "recording.mkv";
  CHECK(beep_s(decoded(clip).samples) == Approx(2.0).margin(0.001));
}

TEST_CASE("windows of a cached clip read the sound of their frames' times") {
  const TemporaryFolder folder;
  write_clock_file(folder / "a.mkv", late_sound());
  put_file(folder / "clips.csv", "path,label,split,start_s,end_s\na.mkv,x,train,0.5,3.5\n");
  const auto source = open_dataset("manifest", {{"csv", (folder / "clips.csv").string()}});
  const ClipList list = source->list();
  for (const double fps : {25.0, 0.0}) {
    IngestSettings settings = kBoth;
    settings.fps = fps;
    const ClipCache cache = ingest(*source, list, settings, source_fingerprint(*source, list, settings, ""),
                                   folder / (fps > 0 ? "grid" : "all"), {});
    CHECK(cache.clip(0).note == "sound begins 0.800 s after the picture; silence put in: 0.300 s");
    // 75 frames; three windows of 25. On the grid they begin at 0, 1 and 2 s of the piece; the source's own frames lie
    // at 0.52, 0.56, … s, so that theirs begin 0.02 s later. Flash and beep lie at 1.5 s of the piece, in the middle
    // window: frame 13 of the grid is the first from then on, and frame 12 of the source's is it.
    const WindowReader reader(cache, {.frames = 25, .windows = 3, .audio_seconds = 1});
    for (std::int64_t window = 0; window < 3; ++window) {
      const at::Tensor sound = reader.gather_audio({reader.draw_window(0, window)});
      const at::Tensor video = reader.gather_video({reader.draw_window(0, window)});
      const std::span<const float> samples(sound.const_data_ptr<float>(), kClockRate);
      CHECK(beep_s(samples) == Approx(window != 1 ? -1.0 : fps > 0 ? 0.5 : 0.48).margin(0.001));
      const auto* pixels = video.const_data_ptr<std::uint8_t>();
      const int middle = kBoth.height / 2 * kBoth.width + kBoth.width / 2;
      int first_bright = -1;
      for (int t = 0; t < 25 && first_bright < 0; ++t) {
        if (pixels[t * kBoth.height * kBoth.width + middle] > 128) first_bright = t;
      }
      CHECK(first_bright == (window != 1 ? -1 : fps > 0 ? 13 : 12));
    }
  }
}

TEST_CASE("what a clip says of itself is noted, each finding beside the others") {
  const TemporaryFolder folder;
  ClockFile still;
  still.flash = {};
  write_clock_file(folder / "still.mkv", still);
  CHECK(decoded(clip_at(folder / "still.mkv")).note == "the picture never changes");
  ClockFile mute = late_sound();
  mute.beep = {};
  write_clock_file(folder / "mute.mkv", mute);
  CHECK(decoded(clip_at(folder / "mute.mkv")).note ==
        "sound begins 0.800 s after the picture; silence put in: 0.800 s; silent throughout");
  ClockFile nothing = mute;
  nothing.flash = {};
  write_clock_file(folder / "nothing.mkv", nothing);
  CHECK(kinds(decoded(clip_at(folder / "nothing.mkv"))) ==
        std::vector<std::string>{"sound_offset", "silence_put_in", "silent_throughout", "static_picture"});
}

// Made in memory, so that the limits can be met exactly.
class MadeClip final : public ClipSource {
 public:
  DecodedClip clip;
  ClipList list() override { return {}; }
  media::Outcome<DecodedClip> decode(const Clip&, const IngestSettings&) const override { return clip; }
  [[nodiscard]] std::string note() const {
    const auto outcome = decode_examined(*this, {}, kBoth);
    return outcome ? outcome.value().note : media::describe(outcome.failure());
  }
};

TEST_CASE("silent is below -80 dB of full scale, static is equal up to compression, and neither is more") {
  MadeClip made;
  made.clip.frame_count = 3;
  made.clip.height = made.clip.width = 32;
  made.clip.frame_time_s = {0, 1, 2};
  made.clip.pixels.assign(std::size_t{3 * 3 * 32 * 32}, 100);
  made.clip.samples.assign(100, 0.99e-4F);
  CHECK(made.note() == "silent throughout; the picture never changes");
  made.clip.samples[70] = -1.01e-4F;
  CHECK(made.note() == "the picture never changes");
  // A block of 2 x 2 pixels of the last frame, in one colour: its mean moves by 5, then by 6.
  std::uint8_t* block = made.clip.pixels.data() + std::ptrdiff_t{2 * 3 + 1} * 32 * 32;
  block[0] = block[1] = block[32] = block[33] = 105;
  CHECK(made.note() == "the picture never changes");
  block[0] = block[1] = block[32] = block[33] = 106;
  CHECK(made.note().empty());
  // One frame changes nothing and is no still.
  made.clip.frame_count = 1;
  made.clip.pixels.resize(std::size_t{3 * 32 * 32});
  made.clip.frame_time_s = {0};
  CHECK(made.note().empty());
}

TEST_CASE("a source of its own that makes samples which are none has its clip excluded, with their number") {
  MadeClip made;
  made.clip.samples.assign(100, 0.5F);
  made.clip.samples[3] = std::numeric_limits<float>::quiet_NaN();
  made.clip.samples[4] = 3e29F;
  CHECK(mentions(made.note(), {"unusable samples", "2 of 100 samples"}));
  IngestSettings features = kBoth;
  features.audio_form = AudioForm::kFeatures;
  const auto outcome = decode_examined(made, {}, features);
  REQUIRE_FALSE(outcome.ok());
  CHECK(mentions(outcome.failure().detail, {"2 of 100 values of the feature"}));
}

TEST_CASE("clipped sound is noted with its share, and loud sound is not") {
  const TemporaryFolder folder;
  const auto note = [&](double gain) {
    std::vector<std::int16_t> samples;
    for (int k = 0; k < 16000; ++k) {
      const double value = gain * std::sin(2 * 3.14159265358979 * 440 * k / 16000);
      samples.push_back(static_cast<std::int16_t>(std::lround(32767 * std::clamp(value, -1.0, 1.0))));
    }
    media::encode_media(folder / "a.mkv", {}, {samples, 16000});
    IngestSettings settings = kBoth;
    settings.video = false;
    return decoded(clip_at(folder / "a.mkv"), settings).note;
  };
  CHECK(note(1.0).empty());
  CHECK(note(0.1).empty());
  CHECK(mentions(note(3.0), {"clipped sound: ", " % of the samples"}));
}

TEST_CASE("a check that decodes counts the findings and what is excluded, and one by headers tells the offset") {
  const TemporaryFolder folder;
  write_clock_file(folder / "plain.mkv", {});
  write_clock_file(folder / "late.mkv", late_sound());
  ClockFile mute = late_picture();
  mute.beep = {};
  write_clock_file(folder / "mute.mkv", mute);
  ClockFile blind;
  blind.audio_codec = "";
  blind.flash = {};
  write_clock_file(folder / "still.mkv", blind);
  put_file(folder / "clips.csv",
           "path,label,split\nplain.mkv,x,train\nlate.mkv,x,train\nmute.mkv,x,test\nstill.mkv,x,test\n");
  const auto source = open_dataset("manifest", {{"csv", (folder / "clips.csv").string()}});
  const auto counts = [&](bool decode) {
    CheckOptions options;
    options.decode = decode;
    const DatasetCheck found = check_dataset("manifest", *source, source->list(), options, [](std::int64_t) {});
    CHECK_FALSE(found.has_real_problem());
    CHECK(found.splits.at("test").used == 2);
    CHECK(found.splits.at("test").silent == 1);
    std::map<std::string, int> kinds;
    for (const ClipProblem& problem : found.problems) ++kinds[problem.kind];
    return kinds;
  };
  CHECK(
      counts(true) ==
      std::map<std::string, int>{
          {"silent", 1}, {"silence_put_in", 1}, {"silent_throughout", 1}, {"sound_offset", 2}, {"static_picture", 1}});
  CHECK(counts(false) == std::map<std::string, int>{{"silent", 1}, {"sound_offset", 2}});
}

TEST_CASE("sound that is not finite is fine by its headers, broken when a check decodes, and excluded by ingest") {
  const fs::path data = shared_data("clock");
  if (data.empty()) return;
  const TemporaryFolder folder;
  fs::copy_file(data / "not_finite.wav", folder / "a.wav");
  put_file(folder / "clips.csv", "path,label,split\na.wav,x,train\n");
  const auto source = open_dataset("manifest", {{"csv", (folder / "clips.csv").string()}});
  const ClipList list = source->list();
  CheckOptions options;
  CHECK(check_dataset("manifest", *source, list, options, [](std::int64_t) {}).splits.at("train").used == 1);
  options.decode = true;
  const DatasetCheck found = check_dataset("manifest", *source, list, options, [](std::int64_t) {});
  CHECK(found.splits.at("train").used == 0);
  CHECK(found.has_real_problem());
  REQUIRE(found.problems.size() == 1);
  CHECK(found.problems[0].kind == "broken");
  CHECK(mentions(found.problems[0].reason, {"unusable samples", "2 of 16000 samples"}));
  IngestSettings settings = kBoth;
  settings.video = false;
  const ClipCache cache =
      ingest(*source, list, settings, source_fingerprint(*source, list, settings, ""), folder / "cache", {});
  CHECK(cache.clip(0).excluded);
  CHECK(mentions(cache.clip(0).reason, {"unusable_samples: 2 of "}));
}

}  // namespace
}  // namespace cmkd

#endif
