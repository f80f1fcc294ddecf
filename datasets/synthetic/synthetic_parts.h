// What the files of the synthetic set share: the two halves of its renderer, and its options by name.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cmkd/core/random.h"
#include "cmkd/synthetic/synthetic.h"

namespace cmkd {

// Streams are named by split and scene or clip, so that a clip does not depend on how many others there are.
struct SyntheticDraw {
  std::int64_t label = 0;
  double speed = 1;    // drives the motion and the pulse rate
  RandomStream scene;  // shape, textures, colours
  RandomStream motion;
  RandomStream pixels;
  RandomStream sound;
};

[[nodiscard]] std::vector<std::uint8_t> draw_synthetic_video(const SyntheticOptions& options,
                                                             const SyntheticDraw& draw);

struct SyntheticSound {
  std::vector<std::int16_t> samples;
  std::int64_t sound_class = 0;
  double correlation = 1;
  std::string noise;  // "" when none
  double snr_db = 0;
};
[[nodiscard]] SyntheticSound draw_synthetic_sound(const SyntheticOptions& options, const SyntheticDraw& draw);

// Every option by name, as text: what synthetic.json states and what is compared.
[[nodiscard]] std::map<std::string, std::string> describe_options(const SyntheticOptions& options);

}  // namespace cmkd
