// One clock for picture and sound: 0 is the first picture.
#ifdef CMKD_HAVE_FFMPEG

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "catch.h"
#include "clock_material.h"
#include "cmkd/media/audio.h"
#include "cmkd/media/video.h"
#include "material.h"
#include "paths.h"

namespace fs = std::filesystem;
using namespace cmkd::media;
using cmkd::test::ClockFile;
using cmkd::test::write_clock_file;

namespace {

double first_bright_s(const VideoFrames& frames) {
  for (std::int64_t k = 0; k < frames.frame_count; ++k) {
    const std::vector<std::uint8_t> frame = cmkd::test::frame(frames, k);
    const auto bright = std::count_if(frame.begin(), frame.end(), [](std::uint8_t value) { return value > 128; });
    if (2 * bright > static_cast<std::ptrdiff_t>(frame.size())) {
      return frames.presentation_time_s[static_cast<std::size_t>(k)];
    }
  }
  return -1;
}

double first_loud_s(const AudioSamples& sound) {
  const auto loud =
      std::find_if(sound.samples.begin(), sound.samples.end(), [](float x) { return std::abs(x) > 0.2F; });
  return loud == sound.samples.end() ? -1 : static_cast<double>(loud - sound.samples.begin()) / sound.sample_rate;
}

struct Heard {
  double flash_s = -1;
  double beep_s = -1;
  AudioSamples sound;
};

// Both streams on the clock of the first picture; the reader's origin is the full pass's.
Heard look_and_listen(const fs::path& path, int sample_rate) {
  const auto frames = decode_video(path, {});
  REQUIRE(frames.ok());
  auto reader = VideoReader::open(path);
  REQUIRE(reader.ok());
  CHECK(reader.value().origin_s() == frames.value().origin_s);
  const auto sound = decode_audio(path, sample_rate, {.origin_s = frames.value().origin_s});
  REQUIRE(sound.ok());
  return {first_bright_s(frames.value()), first_loud_s(sound.value()), sound.value()};
}

// What is lossy smears a beep's beginning by a little.
double slack_s(const std::string& codec) { return codec.starts_with("pcm") || codec == "flac" ? 0.0011 : 0.003; }

}  // namespace

TEST_CASE("flash and beep at one time of the container are at one time of the clock, whichever stream begins first") {
  const cmkd::test::TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> codecs = {{"matroska", "mpeg4 pcm_s16le"},
                                                                   {"matroska", "mpeg4 aac"},
                                                                   {"matroska", "mpeg4 flac"},
                                                                   {"mp4", "mpeg4 aac"},
                                                                   {"mov", "mpeg4 pcm_s16le"},
                                                                   {"mpegts", "mpeg2video mp2"},
                                                                   {"mpegts", "mpeg2video aac"},
                                                                   {"vob", "mpeg2video ac3"},
                                                                   {"flv", "flv aac"},
                                                                   {"nut", "mpeg4 pcm_s16le"},
                                                                   {"asf", "msmpeg4 wmav2"}};
  for (const auto& [container, both] : codecs) {
    for (const auto& [picture_s, sound_s] : {std::pair(0.0, 0.0), std::pair(0.0, 0.8), std::pair(0.8, 0.0)}) {
      ClockFile file;
      file.container = container;
      file.video_codec = both.substr(0, both.find(' '));
      file.audio_codec = both.substr(both.find(' ') + 1);
      file.reordered_frames = file.video_codec == "mpeg2video" ? 2 : 0;
      file.picture_start_s = picture_s;
      file.sound_start_s = sound_s;
      INFO(container << " " << both << " picture from " << picture_s << " s, sound from " << sound_s << " s");
      if (!cmkd::test::can_write(file)) continue;
      // MOV has every track begin at 0 unless an edit list says otherwise; its late picture is written as the first one
      // lasting longer, and the flash stays where it is.
      const bool edited = (container == "mp4" || container == "mov" || container == "vob") && picture_s > 0;
      write_clock_file(folder / "a", file);
      for (const int rate : {0, 16000}) {
        const Heard heard = look_and_listen(folder / "a", rate);
        CHECK(std::abs(heard.beep_s - heard.flash_s) < slack_s(file.audio_codec));
        if (!edited) CHECK(heard.flash_s == Approx(2.0 - picture_s).margin(0.0011));
        if (picture_s == 0) CHECK(heard.flash_s == Approx(2.0).margin(0.0011));
        CHECK(heard.sound.hole_silence_s == 0);
        CHECK(heard.sound.overlap_dropped_s == 0);
        // The sound itself, besides what a coder puts before it (at most 2048 samples).
        if (sound_s > 0) CHECK(heard.sound.leading_silence_s == Approx(0.8).margin(0.05));
        if (!edited) CHECK(heard.sound.offset_s == Approx(sound_s - picture_s).margin(0.05));
      }
    }
  }
}

TEST_CASE(
    "sound that begins later is preceded by silence and sound before the first picture is dropped, to the sample") {
  const cmkd::test::TemporaryFolder folder;
  ClockFile file;
  file.sample_rate = 16000;
  file.sound_start_s = 0.8;
  write_clock_file(folder / "late_sound.mkv", file);
  const Heard late = look_and_listen(folder / "late_sound.mkv", 0);
  CHECK(late.sound.samples.size() == 64000);
  CHECK(late.sound.offset_s == Approx(0.8));
  CHECK(late.sound.leading_silence_s == Approx(0.8));
  CHECK(late.beep_s == 2.0);  // sample 32000
  CHECK(late.flash_s == 2.0);
  file.sound_start_s = 0;
  file.picture_start_s = 0.8;
  write_clock_file(folder / "late_picture.mkv", file);
  const Heard early = look_and_listen(folder / "late_picture.mkv", 0);
  CHECK(early.sound.samples.size() == 51200);  // 4 s − 0.8 s
  CHECK(early.sound.offset_s == Approx(-0.8));
  CHECK(early.sound.leading_silence_s == 0);
  CHECK(early.beep_s == Approx(1.2));
  // Without an origin the sound has a clock of its own.
  const auto alone = decode_audio(folder / "late_picture.mkv", 0);
  REQUIRE(alone.ok());
  CHECK(alone.value().offset_s == 0);
  CHECK(first_loud_s(alone.value()) == 2.0);
}

TEST_CASE("a Matroska file in which nothing begins at 0 is not taken for one that ends early") {
  const cmkd::test::TemporaryFolder folder;
  ClockFile file;
  file.picture_start_s = file.sound_start_s = 1.2;
  write_clock_file(folder / "a.mkv", file);
  CHECK_FALSE(decode_video(folder / "a.mkv", {}).value().warning);
  CHECK_FALSE(decode_audio(folder / "a.mkv", 0).value().warning);
}

TEST_CASE("a hole in the timestamps of sound is silence of its length, in every container") {
  const cmkd::test::TemporaryFolder folder;
  for (const auto& [container, codec] : std::vector<std::pair<std::string, std::string>>{{"matroska", "pcm_s16le"},
                                                                                         {"matroska", "aac"},
                                                                                         {"mpegts", "mp2"},
                                                                                         {"mp4", "aac"},
                                                                                         {"flv", "aac"},
                                                                                         {"matroska", "ac3"}}) {
    ClockFile file;
    file.container = container;
    file.video_codec = container == "mpegts" ? "mpeg2video" : container == "flv" ? "flv" : "mpeg4";
    file.audio_codec = codec;
    file.missing = {0.5, 1.5};
    if (!cmkd::test::can_write(file)) continue;
    INFO(container << " " << codec);
    write_clock_file(folder / "a", file);
    const Heard heard = look_and_listen(folder / "a", 16000);
    CHECK(heard.sound.hole_silence_s == Approx(1.0).margin(0.04));  // whole packets of up to 32 ms
    CHECK(std::abs(heard.beep_s - heard.flash_s) < slack_s(codec));
    CHECK(static_cast<double>(heard.sound.samples.size()) / 16000 == Approx(4.0).margin(0.05));
  }
}

TEST_CASE("packets that lie over others do not push back what follows") {
  const cmkd::test::TemporaryFolder folder;
  ClockFile file;
  file.sample_rate = 16000;  // packets of 1024 samples, 64 ms
  file.twice = {0.5, 1.0};
  write_clock_file(folder / "a.mkv", file);
  const Heard heard = look_and_listen(folder / "a.mkv", 0);
  CHECK(heard.sound.samples.size() == 64000);
  CHECK(heard.beep_s == 2.0);
  // 0.5 to 1.0 s holds the beginnings of packets 8 (0.512 s) to 15 (0.960 s).
  CHECK(heard.sound.overlap_dropped_s == Approx(8 * 0.064));
  CHECK(heard.sound.hole_silence_s == 0);
}

TEST_CASE("timestamps that jitter by 20 ms move no sample") {
  const cmkd::test::TemporaryFolder folder;
  ClockFile file;
  file.jitter_s = 0.020;
  write_clock_file(folder / "a.mkv", file);
  const Heard heard = look_and_listen(folder / "a.mkv", 0);
  CHECK(heard.sound.samples.size() == 192000);
  CHECK(heard.beep_s == 2.0);
  CHECK(heard.sound.overlap_dropped_s == 0);
  CHECK(heard.sound.hole_silence_s == 0);
}

TEST_CASE("times that wrap round in a transport stream stay on one clock") {
  const cmkd::test::TemporaryFolder folder;
  constexpr double kWrap_s = 8589934592.0 / 90000;    // 33 bits of 90 kHz
  for (const double before_s : {0.52, 1.52, 2.52}) {  // whole frames of 0.04 s
    ClockFile file;
    file.container = "mpegts";
    file.video_codec = "mpeg2video";
    file.audio_codec = "mp2";
    const double base = std::floor(kWrap_s) - before_s;
    file.picture_start_s = base;
    file.sound_start_s = base + 0.9;
    file.end_s = base + 4;
    file.flash = file.beep = {base + 2, base + 2.2};
    write_clock_file(folder / "a.ts", file);
    const Heard heard = look_and_listen(folder / "a.ts", 16000);
    CHECK(heard.flash_s == Approx(2.0).margin(0.001));
    CHECK(std::abs(heard.beep_s - heard.flash_s) < 0.003);
  }
}

TEST_CASE("in AVI with reordered frames the first picture is that of the first packet") {
  const cmkd::test::TemporaryFolder folder;
  ClockFile file;
  file.container = "avi";
  file.reordered_frames = 2;
  write_clock_file(folder / "a.avi", file);
  const Heard heard = look_and_listen(folder / "a.avi", 0);
  CHECK(heard.flash_s == Approx(2.0));
  CHECK(heard.beep_s == Approx(2.0).margin(0.0001));
}

TEST_CASE("a piece of sound on the picture's clock is that part of the whole") {
  const cmkd::test::TemporaryFolder folder;
  ClockFile file;
  file.sound_start_s = 0.8;
  file.missing = {1.0, 1.5};
  file.sample_rate = 44100;
  write_clock_file(folder / "a.mkv", file);
  for (const int rate : {0, 16000}) {
    const auto whole = decode_audio(folder / "a.mkv", rate, {.origin_s = 0});
    REQUIRE(whole.ok());
    const int out = whole.value().sample_rate;
    for (const auto& [start_s, length_s] : {std::pair(0.25, 0.25), std::pair(0.5, 1.0), std::pair(1.9, 0.5)}) {
      const auto part = decode_audio(folder / "a.mkv", rate, {start_s, length_s, 0.0});
      REQUIRE(part.ok());
      const auto first = std::lround(start_s * out);
      const std::vector<float> expected(whole.value().samples.begin() + first,
                                        whole.value().samples.begin() + std::lround((start_s + length_s) * out));
      CHECK((part.value().samples == expected));
    }
    // 0.25 to 0.5 s lies wholly before the sound; of 0.5 to 1.5 s 0.3 s do, and about 0.5 s are the hole.
    CHECK(decode_audio(folder / "a.mkv", rate, {0.25, 0.25, 0.0}).value().leading_silence_s == Approx(0.25));
    const AudioSamples second = decode_audio(folder / "a.mkv", rate, {0.5, 1.0, 0.0}).value();
    CHECK(second.leading_silence_s == Approx(0.3).margin(0.001));
    CHECK(second.hole_silence_s == Approx(0.5).margin(0.025));
    CHECK(second.offset_s == Approx(0.8).margin(0.001));
  }
}

TEST_CASE("the shared files with a flash and a beep keep them where their table says") {
  const fs::path folder = cmkd::test::shared_data("clock");
  if (folder.empty()) {
    WARN("skipped: no shared data on this machine");
    return;
  }
  std::ifstream table(folder / "expected.tsv");
  std::string line;
  std::getline(table, line);
  int checked = 0;
  while (std::getline(table, line)) {
    std::istringstream cells(line);
    std::vector<std::string> cell;
    for (std::string text; std::getline(cells, text, '\t');) cell.push_back(text);
    if (cell.at(1) == "-") continue;
    INFO(cell[0]);
    for (const int rate : {0, 16000, 44100}) {
      const Heard heard = look_and_listen(folder / cell[0], rate);
      CHECK(heard.flash_s == Approx(std::stod(cell.at(3))).margin(0.001));
      CHECK(heard.beep_s == Approx(std::stod(cell.at(4))).margin(0.002));
      CHECK(heard.sound.offset_s == Approx(std::stod(cell.at(2)) - std::stod(cell.at(1))).margin(0.001));
    }
    ++checked;
  }
  CHECK(checked == 4);
}

#endif
