// The embedded synthetic audio-visual set: real media files whose class is a motion in the picture and a timbre with a
// pulse rate in the sound. docs/synthetic.md explains it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cmkd/core/parameters.h"
#include "cmkd/datasets/clip.h"

namespace cmkd {

// Raised whenever the same options give other files.
inline constexpr int kSyntheticVersion = 1;

// The two classes of each pair share a timbre and differ in the pulse rate: 2k is slow, 2k + 1 is fast.
inline constexpr std::array<const char*, 10> kSyntheticClasses = {"move_left",
                                                                  "move_right",
                                                                  "move_up",
                                                                  "move_down",
                                                                  "move_up_left",
                                                                  "move_down_right",
                                                                  "grow",
                                                                  "shrink",
                                                                  "oscillate_horizontally",
                                                                  "oscillate_vertically"};

struct SyntheticOptions {
  std::int64_t train_clips = 3000;
  std::int64_t test_clips = 1000;
  std::int64_t frames = 8;
  double fps = 8;
  int size = 32;           // height and width in pixels, even
  int sample_rate = 8000;  // Hz
  std::int64_t seed = 0;

  // How hard the picture is.
  double speed_low = 0.75;  // of the class's motion; 1 is size / 16 pixels a frame
  double speed_high = 1.35;
  double pixel_noise = 0.06;     // standard deviation; 1 is the range from black to white
  std::int64_t distractors = 2;  // blobs that move on their own
  double distractor_contrast = 0.25;
  double shape_contrast = 0.30;    // brightness of the shape against the background
  double texture_contrast = 0.25;  // of the stripes on the shape
  double background_contrast = 0.10;
  double drift = 0.25;  // speed of the whole scene, as a share of the motion's

  // How hard the sound is.
  double background_snr_db = 20;  // of a hiss beneath every clip
  double noise = 0.2;             // share of the clips into which an unrelated sound is mixed
  double noise_snr_low_db = -5;
  double noise_snr_high_db = 10;
  double mismatch = 0.1;          // share of the clips whose sound is not, or not all, of their class
  double mismatch_partial = 0.5;  // of those: share whose sound is of their class for a part of the time
};

// One clip as it is drawn, before it is encoded.
struct SyntheticClip {
  std::int64_t label = 0;
  std::int64_t scene = 0;            // clips of one scene share shape and background
  std::vector<std::uint8_t> pixels;  // [T, 3, H, W] RGB
  std::vector<std::int16_t> samples;
  // Facts by name: speed, sound_class, correlation (1: the sound is of the clip's class, 0: of another, between:
  // for this share of the time), noise ("" when none), snr_db
  std::map<std::string, std::string> truth;
};

// A pure function of its arguments. `split` is "train" or "test". Thread-safe.
[[nodiscard]] SyntheticClip render_synthetic(const SyntheticOptions& options, const std::string& split,
                                             std::int64_t index);

// Writes <split>/<index>.mkv, manifest.csv and synthetic.json into `folder`, on `jobs` threads. Files that are there
// already are kept: a killed call continues where it was. Throws Error(kData) when the folder holds something else or a
// set made with other options. SIGINT ends it with Error(kInterrupted). One process at a time (file lock).
void make_synthetic(const SyntheticOptions& options, const std::filesystem::path& folder, int jobs,
                    const std::function<void(std::int64_t done, std::int64_t total)>& progress = {});

// The options as declared parameters, for the suite file and for `datasets make`.
[[nodiscard]] std::vector<ParameterSpec> synthetic_parameters();
[[nodiscard]] SyntheticOptions synthetic_options(const Parameters& parameters);

}  // namespace cmkd
