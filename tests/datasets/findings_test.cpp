// What is found out about a clip while it is decoded, from the files to the cache and to 'datasets check'.
#ifdef CMKD_HAVE_FFMPEG

#include <algorithm>
#include <cmath>
#include <limits>

#include "clock_clips.h"
#include "cmkd/clips/clip_cache.h"
#include "cmkd/datasets/examine.h"
#include "cmkd/media/encode.h"
#include "cmkd/readers/check.h"
#include "cmkd/readers/media_source.h"

namespace cmkd {
namespace {

using namespace test;  // NOLINT: the material of this folder's tests
namespace fs = std::filesystem;

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
