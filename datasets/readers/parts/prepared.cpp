#include "prepared.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"
#include "cmkd/media/jpeg.h"
#include "cmkd/media/scale.h"
#include "hdf5_frames.h"

namespace cmkd {

namespace fs = std::filesystem;
using media::Failure;
using media::FailureReason;

namespace {

bool is_frame_file(const fs::path& path) {
  const std::string ending = lower_case(path.extension().string());
  return ending == ".hdf5" || ending == ".h5";
}

void require_folder(const fs::path& folder, const char* parameter, const std::string& tree) {
  if (folder.empty() || fs::is_directory(folder)) return;
  throw Error(
      ErrorKind::kData,
      {.what = fmt::format("the folder {} is not there", parameter), .where = folder.string(), .allowed = tree});
}

// Which frames are delivered: delivered frame k is the last one that begins at or before k / fps.
std::vector<std::int64_t> frames_wanted(std::int64_t count, double stored_fps, double fps, double duration_s) {
  std::vector<std::int64_t> wanted;
  const double rate = fps > 0 ? fps : stored_fps;
  // A frame on the edge of another's time is not lost to rounding.
  constexpr double kEdge = 1e-6;
  for (std::int64_t k = 0;; ++k) {
    const double time_s = static_cast<double>(k) / rate;
    const auto source = static_cast<std::int64_t>(std::floor(time_s * stored_fps + kEdge));
    if (time_s >= duration_s - kEdge / rate || source >= count) return wanted;
    wanted.push_back(source);
  }
}

std::optional<Failure> append_frame(const Hdf5Frames& frames, std::int64_t k, media::PictureScaler& scaler,
                                    DecodedClip& decoded) {
  const media::Outcome<std::vector<std::uint8_t>> bytes = frames.frame(k);
  if (!bytes) return bytes.failure();
  try {
    const media::PictureSize size = media::jpeg_size(bytes.value());
    std::vector<std::uint8_t> planar(std::size_t{3} * static_cast<std::size_t>(size.height) *
                                     static_cast<std::size_t>(size.width));
    media::decode_jpeg(bytes.value(), size.height, size.width, planar);
    return scaler.append(planar, size.height, size.width, decoded.pixels);
  } catch (const Error& error) {
    return Failure{FailureReason::kNothingDecodable, fmt::format("frame {}: {}", k, error.parts().what)};
  }
}

std::optional<Failure> decode_frames(const fs::path& path, double stored_fps, double duration_s,
                                     const IngestSettings& settings, DecodedClip& decoded) {
  const media::Outcome<Hdf5Frames> opened = Hdf5Frames::open(path);
  if (!opened) return opened.failure();
  const Hdf5Frames& frames = opened.value();
  media::PictureScaler scaler({.short_side = 0, .width = settings.width, .height = settings.height});
  const double rate = settings.fps > 0 ? settings.fps : stored_fps;
  for (const std::int64_t k : frames_wanted(frames.count(), stored_fps, settings.fps, duration_s)) {
    if (auto failure = append_frame(frames, k, scaler, decoded)) return failure;
    decoded.frame_time_s.push_back(static_cast<float>(static_cast<double>(decoded.frame_count) / rate));
    ++decoded.frame_count;
  }
  decoded.height = scaler.height();
  decoded.width = scaler.width();
  return std::nullopt;
}

}  // namespace

std::vector<ParameterSpec> prepared_parameters() {
  return {ParameterSpec::text("root", "", "Folder below which the media files lie; empty with video_dir: no sound."),
          ParameterSpec::text("annotations", "", "The JSON file of the set; empty: root/annotation.json."),
          ParameterSpec::text("video_dir", "", "Folder of prepared pictures, KEY.hdf5 (JPEG frames)."),
          ParameterSpec::text(
              "audio_dir", "",
              "Folder of features of the sound, KEY.npy or KEY.pt; used by ingest.audio_form = \"features\"."),
          ParameterSpec::number("video_fps", 25, 0.01, 1000, "Frame rate of prepared pictures: their files state none.",
                                "frames/s")};
}

fs::path annotation_file(const Parameters& parameters, const std::string& name) {
  fs::path given = parameters.text("annotations");
  if (!given.empty()) return given;
  const fs::path root = parameters.text("root");
  if (!root.empty()) return root / name;
  throw Error(ErrorKind::kUsage, {.what = "no annotation file is given",
                                  .where = "[dataset]",
                                  .fix = fmt::format("set annotations = \"…/{}\"", name)});
}

PreparedFolders::PreparedFolders(const Parameters& parameters, const std::string& dataset, const std::string& tree)
    : root_(parameters.text("root")),
      video_dir_(parameters.text("video_dir")),
      audio_dir_(parameters.text("audio_dir")) {
  if (root_.empty() && video_dir_.empty()) {
    throw Error(ErrorKind::kUsage, {fmt::format("the dataset '{}' needs to know where its files are", dataset),
                                    "[dataset]", tree, "set root, or video_dir, or both"});
  }
  if (!video_dir_.empty() && !has_hdf5()) {
    throw Error(ErrorKind::kEnvironment, {.what = "this build of cmkd reads no HDF5 files, as video_dir holds them",
                                          .where = video_dir_.string(),
                                          .fix = hdf5_remedy()});
  }
  require_folder(video_dir_, "video_dir", tree);
  require_folder(audio_dir_, "audio_dir", tree);
  if (!root_.empty()) tree_.emplace(root_, tree);
}

const fs::path& PreparedFolders::first() const noexcept { return video_dir_.empty() ? root_ : video_dir_; }

void PreparedFolders::add(ClipList& list, Clip clip, const std::optional<fs::path>& media_file,
                          const fs::path& looked_for) const {
  std::optional<fs::path> missing;
  std::optional<fs::path> picture = media_file;
  if (tree_ && !media_file) missing = root_ / looked_for;
  if (!video_dir_.empty()) {
    picture = video_dir_ / (clip.id + ".hdf5");
    if (!fs::is_regular_file(*picture) && !missing) missing = picture;
    if (media_file) clip.audio_path = *media_file;
  }
  if (!audio_dir_.empty()) {
    clip.feature_path = audio_dir_ / (clip.id + ".npy");
    const fs::path of_torch = audio_dir_ / (clip.id + ".pt");
    if (!fs::is_regular_file(clip.feature_path) && fs::is_regular_file(of_torch)) clip.feature_path = of_torch;
    if (!fs::is_regular_file(clip.feature_path) && !missing) missing = clip.feature_path;
  }
  if (missing) {
    add_or_set_aside(list, std::move(clip), std::nullopt, *missing);
  } else {
    add_or_set_aside(list, std::move(clip), picture, *picture);
  }
}

PreparedSource::PreparedSource(const Parameters& parameters) : video_fps_(parameters.number("video_fps")) {}

media::Outcome<DecodedClip> PreparedSource::decode(const Clip& clip, const IngestSettings& settings) const {
  if (!is_frame_file(clip.path)) return MediaSource::decode(clip, settings);
  DecodedClip decoded;
  if (settings.audio) {
    if (clip.audio_path.empty() && !settings.sound_is_features()) {
      return Failure{FailureReason::kNoAudioStream,
                     "prepared pictures have no sound: give the media's root, or take features"};
    }
    IngestSettings sound = settings;
    sound.video = false;
    media::Outcome<DecodedClip> outcome = MediaSource::decode(clip, sound);
    if (!outcome) return outcome;
    decoded = std::move(outcome.value());
  }
  if (!settings.video) return decoded;
  // The file holds the clip's own frames: its first one lies at the clip's start.
  double duration_s = clip.end_s ? *clip.end_s - clip.start_s : std::numeric_limits<double>::infinity();
  if (settings.max_duration_s > 0) duration_s = std::min(duration_s, settings.max_duration_s);
  if (auto failure = decode_frames(clip.path, video_fps_, duration_s, settings, decoded)) return *std::move(failure);
  return decoded;
}

std::string PreparedSource::content_hash(const Clip& clip, const FileHash& hash_of) const {
  std::string files = ClipSource::content_hash(clip, hash_of);
  if (!is_frame_file(clip.path)) return files;
  return Hasher().field(files).field(to_text(video_fps_)).hex();
}

}  // namespace cmkd
