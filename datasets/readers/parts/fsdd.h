// The Free Spoken Digit Dataset: root/fsdd/{digit}_{speaker}_{index}.wav.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

namespace cmkd {

struct Utterance {
  std::filesystem::path path;
  std::string name;  // "3_jackson_12"
  std::string speaker;
};
using UtterancesByDigit = std::array<std::vector<Utterance>, 10>;

// By the official split: indices 0 to 4 are the test.
struct Fsdd {
  UtterancesByDigit train;
  UtterancesByDigit test;
};

// Throws Error(kData) when the folder is not there, and for a name of another form.
[[nodiscard]] Fsdd find_utterances(const std::filesystem::path& folder);

}  // namespace cmkd
