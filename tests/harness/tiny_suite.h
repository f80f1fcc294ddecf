#pragma once

#include <string>
#include <vector>

namespace cmkd::test {

// Sixty small clips of the embedded set.
inline const std::string kTinyClips = R"(seeds = 1
[dataset]
id = "synthetic"
train_clips = 60
test_clips = 20
[ingest]
height = 16
width = 16
fps = 8.0
sample_rate = 8000
)";

// A suite of the embedded set that trains in seconds, with these methods.
inline std::string tiny_suite(const std::string& title, const std::vector<std::string>& methods) {
  std::string text = "[suite]\ntitle = \"" + title + "\"\n" + kTinyClips + R"([clip]
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

// The same of transformers of one block, for methods that train both modalities.
inline std::string pretraining_suite(const std::vector<std::string>& methods) {
  std::string text = "[suite]\ntitle = \"Tiny pretraining\"\n" + kTinyClips + R"([clip]
frames = 8
[labels]
labelled = 24
teacher_train = "same"
[teacher]
modality = "audio"
model = "audio_vit_tiny"
depth = 1
n_fft = 256
hop_length = 160
n_mels = 16
[student]
modality = "video"
model = "video_vit_tiny"
depth = 1
patch_frames = 2
patch_size = 8
[training]
epochs = 2
optimizer = "adamw"
batch_labelled = 4
batch_unlabelled = 8
[evaluation]
classifier = "linear_probe"
)";
  for (const std::string& id : methods) {
    text += "[[methods]]\nid = \"" + id + "\"\n";
    if (id == "student" || id == "untrained") continue;
    text += "decoder_width = 16\ndecoder_depth = 1\ndecoder_heads = 2\n";
    if (id != "mae") text += "head_hidden = 16\nhead_bottleneck = 8\nhead_out = 12\nema_start = 0.9\n";
  }
  return text;
}

}  // namespace cmkd::test
