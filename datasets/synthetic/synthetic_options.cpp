// The synthetic set's options, declared once: as parameters, as a struct, and in synthetic.json.
#include "cmkd/core/settings.h"
#include "synthetic_parts.h"

namespace cmkd {

namespace {

const SettingTable<SyntheticOptions>& synthetic_table() {
  using Options = SyntheticOptions;
  static const SettingTable<Options> table{
      {"train_clips", &Options::train_clips, 10, 1e6, "Clips of the training split."},
      {"test_clips", &Options::test_clips, 10, 1e6, "Clips of the test split."},
      {"frames", &Options::frames, 2, 1000, "Frames of a clip."},
      {"fps", &Options::fps, 1, 60, "Frames a second.", "1/s"},
      {"size", &Options::size, 16, 1024, "Height and width, even.", "pixels"},
      {"sample_rate", &Options::sample_rate, 8000, 48000, "Of the sound.", "Hz"},
      {"seed", &Options::seed, 0, 1e9, "Seed of all that is drawn."},
      {"speed_low", &Options::speed_low, 0.1, 3, "Least speed of the motion; 1 is size / 16 pixels a frame."},
      {"speed_high", &Options::speed_high, 0.1, 3, "Greatest speed of the motion."},
      {"pixel_noise", &Options::pixel_noise, 0, 0.5, "Standard deviation of the pixels' noise; 1 is black to white."},
      {"distractors", &Options::distractors, 0, 50, "Blobs that move on their own."},
      {"distractor_contrast", &Options::distractor_contrast, 0, 1, "Brightness of the blobs against the background."},
      {"shape_contrast", &Options::shape_contrast, 0, 1, "Brightness of the shape against the background."},
      {"texture_contrast", &Options::texture_contrast, 0, 1, "Strength of the stripes on the shape."},
      {"background_contrast", &Options::background_contrast, 0, 1, "Strength of the waves in the background."},
      {"drift", &Options::drift, 0, 2, "Greatest speed of the whole scene, as a share of the motion's at speed 1."},
      {"background_snr_db", &Options::background_snr_db, -20, 100, "Of the hiss beneath every clip.", "dB"},
      {"noise", &Options::noise, 0, 1, "Share of the clips with an unrelated sound mixed in."},
      {"noise_snr_low_db", &Options::noise_snr_low_db, -40, 60, "Least signal-to-noise ratio of those clips.", "dB"},
      {"noise_snr_high_db", &Options::noise_snr_high_db, -40, 60, "Greatest signal-to-noise ratio of those clips.",
       "dB"},
      {"mismatch", &Options::mismatch, 0, 1, "Share of the clips whose sound is not, or not all, of their class."},
      {"mismatch_partial", &Options::mismatch_partial, 0, 1,
       "Of those: share whose sound is of their class for a part of the time."},
  };
  return table;
}

}  // namespace

std::vector<ParameterSpec> synthetic_parameters() { return synthetic_table().specs(); }

SyntheticOptions synthetic_options(const Parameters& parameters) {
  SyntheticOptions options;
  for (const ParameterSpec& spec : synthetic_table().specs()) {
    synthetic_table().set(options, spec.name, parameters.values().at(spec.name));
  }
  return options;
}

std::map<std::string, std::string> describe_options(const SyntheticOptions& options) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : synthetic_table().values(options)) texts[name] = to_text(value);
  return texts;
}

}  // namespace cmkd
