// Prepared pictures: HDF5 files of JPEG frames, as the readers of UCF51 and ActivityNet's seed form take them.
#include "catch.h"

#include <algorithm>
#include <cmath>

#include "../../datasets/readers/parts/hdf5_frames.h"
#include "../media/clock_material.h"
#include "annotation_material.h"
#include "cmkd/clips/clip_cache.h"
#include "cmkd/media/jpeg.h"
#include "error_text.h"

#ifdef CMKD_HAVE_HDF5
#include <hdf5.h>
#endif

namespace cmkd {
namespace {

using namespace test;  // NOLINT: the material of this folder's tests
namespace fs = std::filesystem;

constexpr const char* kList = R"({"labels": ["Archery"], "database": {
  "v_Archery_g01_c01": {"subset": "validation", "label": "Archery"}}})";

#ifdef CMKD_HAVE_HDF5

using Bytes = std::vector<std::uint8_t>;

// A grey picture of this brightness.
Bytes jpeg_of(std::uint8_t grey, int height, int width) {
  const Bytes planar(std::size_t{3} * static_cast<std::size_t>(height * width), grey);
  return media::encode_jpeg(planar, height, width);
}

// What h5py writes for dtype vlen 'uint8'.
void write_frames(const fs::path& path, std::vector<Bytes> frames, const char* name = "video") {
  fs::create_directories(path.parent_path());
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t count = frames.size();
  const hid_t space = H5Screate_simple(1, &count, nullptr);
  const hid_t type = H5Tvlen_create(H5T_NATIVE_UINT8);
  const hid_t data = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  std::vector<hvl_t> rows;
  for (Bytes& frame : frames) rows.push_back({frame.size(), frame.data()});
  const herr_t written = H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data());
  H5Dclose(data);
  H5Tclose(type);
  H5Sclose(space);
  H5Fclose(file);
  REQUIRE(written >= 0);
}

struct PreparedSet {
  TemporaryFolder folder;
  fs::path file = folder / "video/v_Archery_g01_c01.hdf5";

  PreparedSet() { write_file_atomically(folder / "annotation.json", kList); }

  [[nodiscard]] std::unique_ptr<ClipSource> open(double fps) const {
    return open_dataset("ucf51", {{"annotations", (folder / "annotation.json").string()},
                                  {"video_dir", (folder / "video").string()},
                                  {"video_fps", fps}});
  }
  [[nodiscard]] media::Outcome<DecodedClip> decode(double video_fps, const IngestSettings& settings) const {
    const std::unique_ptr<ClipSource> source = open(video_fps);
    return source->decode(source->list().clips.at(0), settings);
  }
};

IngestSettings pictures(int height, int width, double fps) {
  return {.video = true, .audio = false, .height = height, .width = width, .fps = fps};
}

// The mean of each delivered frame.
std::vector<int> brightness(const DecodedClip& clip) {
  std::vector<int> means;
  const std::size_t size = clip.pixels.size() / static_cast<std::size_t>(clip.frame_count);
  for (auto from = clip.pixels.begin(); from != clip.pixels.end(); from += static_cast<std::ptrdiff_t>(size)) {
    double sum = 0;
    std::for_each(from, from + static_cast<std::ptrdiff_t>(size), [&](std::uint8_t value) { sum += value; });
    means.push_back(static_cast<int>(std::lround(sum / static_cast<double>(size))));
  }
  return means;
}

TEST_CASE("prepared frames are delivered at the working size, at the rate that is asked for") {
  const PreparedSet set;
  write_frames(set.file, {jpeg_of(10, 24, 32), jpeg_of(60, 24, 32), jpeg_of(110, 24, 32), jpeg_of(160, 24, 32),
                          jpeg_of(210, 24, 32)});
  const auto all = set.decode(10, pictures(12, 16, 0));
  REQUIRE(all.ok());
  CHECK(all.value().height == 12);
  CHECK(all.value().width == 16);
  CHECK(all.value().pixels.size() == std::size_t{5 * 3 * 12 * 16});
  CHECK(brightness(all.value()) == std::vector<int>{10, 60, 110, 160, 210});
  CHECK(all.value().frame_time_s[4] == Approx(0.4));
  // 5 frames at 10 per second last 0.5 s: at 4 per second those of 0 and 0.25 s, stored frames 0 and 2.
  const auto fewer = set.decode(10, pictures(12, 16, 4));
  REQUIRE(fewer.ok());
  CHECK(brightness(fewer.value()) == std::vector<int>{10, 110});
  // At 20 per second each stored frame stands twice.
  CHECK(set.decode(10, pictures(12, 16, 20)).value().frame_count == 10);
  IngestSettings brief = pictures(12, 16, 0);
  brief.max_duration_s = 0.3;
  CHECK(brightness(set.decode(10, brief).value()) == std::vector<int>{10, 60, 110});
}

TEST_CASE("the frame rate of prepared frames is part of the source fingerprint") {
  const PreparedSet set;
  write_frames(set.file, {jpeg_of(10, 24, 32)});
  const auto fingerprint = [&](double fps) {
    const std::unique_ptr<ClipSource> source = set.open(fps);
    return source_fingerprint(*source, source->list(), pictures(12, 16, 0), "");
  };
  CHECK(fingerprint(25) == fingerprint(25));
  CHECK(fingerprint(25) != fingerprint(30));
}

TEST_CASE("prepared files that are no frames give their reason, and none is replaced") {
  const PreparedSet set;
  const IngestSettings settings = pictures(12, 16, 0);
  const auto reason = [&] {
    const auto outcome = set.decode(25, settings);
    return outcome.ok() ? std::string("decoded") : media::describe(outcome.failure());
  };
  write_frames(set.file, {jpeg_of(10, 24, 32)}, "frames");
  CHECK(mentions(reason(), {"no dataset 'video'"}));
  write_frames(set.file, {jpeg_of(10, 24, 32), Bytes{1, 2, 3}});
  CHECK(mentions(reason(), {"frame 1", "JPEG"}));
  write_frames(set.file, {});
  CHECK(mentions(reason(), {"no frame"}));
  write_frames(set.file, {jpeg_of(10, 24, 32)});
  CHECK(reason() == "decoded");
  const std::string whole = read_file(set.file);
  write_file_atomically(set.file, whole.substr(0, whole.size() / 2));
  CHECK(mentions(reason(), {"no HDF5 file, or cut off"}));
  write_file_atomically(set.file, "not HDF5");
  CHECK(mentions(reason(), {"no HDF5 file"}));
  make_empty_file(set.file);
  CHECK(mentions(reason(), {"empty file"}));
  write_frames(set.file, {jpeg_of(10, 24, 32)});
  IngestSettings with_sound = settings;
  with_sound.audio = true;
  with_sound.sample_rate = 16000;
  const auto silent = set.decode(25, with_sound);
  REQUIRE_FALSE(silent.ok());
  CHECK(silent.failure().reason == media::FailureReason::kNoAudioStream);
}

TEST_CASE("pictures of prepared frames have the size that their first frame settles") {
  const PreparedSet set;
  write_frames(set.file, {jpeg_of(10, 24, 32), jpeg_of(60, 48, 64)});
  const auto decoded = set.decode(25, pictures(0, 0, 0));
  REQUIRE(decoded.ok());
  CHECK(decoded.value().height == 24);
  CHECK(decoded.value().width == 32);
  CHECK(brightness(decoded.value()) == std::vector<int>{10, 60});
}

#ifdef CMKD_HAVE_FFMPEG

TEST_CASE("the sound beside prepared frames lies on the clock of the recording's own picture") {
  const PreparedSet set;
  write_frames(set.file, std::vector<Bytes>(100, jpeg_of(10, 24, 32)));
  ClockFile recording;
  recording.sound_start_s = 0.8;  // and a beep at 2 s
  write_clock_file(set.folder / "recording.mkv", recording);
  const std::unique_ptr<ClipSource> source = set.open(25);
  Clip clip = source->list().clips.at(0);
  clip.audio_path = set.folder / "recording.mkv";
  clip.start_s = 1.5;
  clip.end_s = 3.5;
  IngestSettings settings = pictures(12, 16, 25);
  settings.audio = true;
  settings.sample_rate = 16000;
  const auto decoded = source->decode(clip, settings);
  REQUIRE(decoded.ok());
  CHECK(decoded.value().frame_count == 50);
  const std::vector<float>& samples = decoded.value().samples;
  const auto loud = std::find_if(samples.begin(), samples.end(), [](float x) { return std::abs(x) > 0.2F; });
  CHECK(static_cast<double>(loud - samples.begin()) / 16000 == Approx(0.5).margin(0.001));
  CHECK(decoded.value().note == "sound begins 0.800 s after the picture");
}

#endif

#else

TEST_CASE("a build without HDF5 says so, and what to install, when prepared pictures are asked for") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "annotation.json", kList);
  const std::string error = error_of([&] {
    (void)list_dataset("ucf51",
                       {{"annotations", (folder / "annotation.json").string()}, {"video_dir", folder.path().string()}});
  });
  CHECK(mentions(error, {"reads no HDF5", "libhdf5-dev", "CMKD_HDF5"}));
}

#endif

}  // namespace
}  // namespace cmkd
