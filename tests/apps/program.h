// The built program and a suite small enough for a test.
#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "process.h"

namespace cmkd::test {

inline ProcessResult cmkd(std::vector<std::string> arguments, const std::filesystem::path& folder,
                          std::chrono::milliseconds kill_after = std::chrono::milliseconds::max()) {
  arguments.insert(arguments.begin(), CMKD_PROGRAM);
  return run_process(arguments, folder, kill_after);
}

inline void write_text(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

// Real media, real training, a few seconds: 3 methods and a control, 2 seeds.
inline std::string small_suite() {
  return R"(
[suite]
title = "Small"
seeds = 2
[dataset]
id = "synthetic"
train_clips = 120
test_clips = 40
[ingest]
height = 32
width = 32
fps = 8.0
sample_rate = 8000
[clip]
frames = 8
[labels]
labelled = 20
validation_clips = 12
[teacher]
modality = "audio"
model = "audio_cnn"
n_fft = 256
hop_length = 80
n_mels = 32
width = 16
[teacher.training]
epochs = 2
batch_labelled = 0
batch_unlabelled = 16
[student]
modality = "video"
model = "r2plus1d_small"
width = 16
[training]
epochs = 3
batch_labelled = 8
batch_unlabelled = 8
[[methods]]
id = "student"
[[methods]]
id = "teacher"
[[methods]]
id = "kd"
controls = ["shuffled-teacher"]
[[methods]]
id = "mnf_csc"
)";
}

}  // namespace cmkd::test
