// Clips on one clock, and what is found out about them: from the files to the cache and to 'datasets check'.
#ifdef CMKD_HAVE_FFMPEG

#include <algorithm>
#include <cmath>
#include <limits>

#include "clock_clips.h"
#include "cmkd/batches/window_reader.h"
#include "cmkd/clips/clip_cache.h"
#include "cmkd/datasets/examine.h"
#include "cmkd/media/encode.h"
#include "cmkd/readers/check.h"
#include "cmkd/readers/media_source.h"

namespace cmkd {
namespace {

using namespace test;  // NOLINT: the material of this folder's tests

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

}  // namespace
}  // namespace cmkd

#endif
