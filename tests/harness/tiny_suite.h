#pragma once

#include <string>
#include <vector>

namespace cmkd::test {

// A suite of the embedded set that trains in seconds, with these methods.
inline std::string tiny_suite(const std::string& title, const std::vector<std::string>& methods) {
  std::string text = "[suite]\ntitle = \"" + title + "\"\n" + R"(seeds = 1
[dataset]
id = "synthetic"
train_clips = 60
test_clips = 20
[ingest]
height = 16
width = 16
fps = 8.0
sample_rate = 8000
[clip]
frames = 4
[labels]
labelled = 16
[teacher]
modality = "audio"
model = "audio_cnn"
n_fft = 256
hop_length = 80
n_mels = 16
width = 8
[teacher.training]
epochs = 1
batch_labelled = 0
batch_unlabelled = 8
[student]
modality = "video"
model = "r2plus1d_small"
width = 8
[training]
epochs = 1
batch_labelled = 4
batch_unlabelled = 4
)";
  for (const std::string& id : methods) text += "[[methods]]\nid = \"" + id + "\"\n";
  return text;
}

}  // namespace cmkd::test
