// The vocabulary that datasets, models, methods and suites share: modalities, what a model gives, what a step sees.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace cmkd {

enum class Modality { kVideo, kAudio };

[[nodiscard]] const char* to_string(Modality modality) noexcept;  // "video", "audio"
[[nodiscard]] Modality opposite(Modality modality) noexcept;
[[nodiscard]] Modality parse_modality(std::string_view text, const std::string& where = "");

// How pixels of 0 to 1 were normalised, by channel: value = (pixel − mean) / deviation.
struct PixelScale {
  std::array<float, 3> mean{0.5F, 0.5F, 0.5F};
  std::array<float, 3> deviation{0.25F, 0.25F, 0.25F};
};

// What a backbone with its head gives for a batch. Undefined tensors were not asked for.
struct ModelOutput {
  at::Tensor logits;               // [B, C]
  at::Tensor embedding;            // [B, D] pooled penultimate feature
  at::Tensor tokens;               // [B, K, D] last feature map, flattened over time and space
  std::vector<at::Tensor> stages;  // video [B, C_i, T_i, H_i, W_i], audio [B, C_i, F_i, T_i]; shallow to deep
};

// A batch on the training device, augmented and normalised. Clips are those of one split in the order of the batcher.
struct Batch {
  at::Tensor clip_index;  // [B] int64, host: position of the clip in the dataset
  at::Tensor window;      // [B] int64, host: which of the clip's K fixed windows
  at::Tensor video;       // [B, 3, T, H, W] float, normalised; undefined when no model needs it
  at::Tensor audio;       // [B, n] float mono samples in [−1, 1] or a little beyond; undefined when no model needs it
  at::Tensor transfer_index;  // [B] int64: position of the clip among the training's clips, 0 … transfer_clips − 1
  // [B] int64; −1 where the label is hidden: the true value is not here. In a multi-label set [B, C] float of 0 and 1,
  // and a row of −1 where the tags are hidden.
  at::Tensor labels;
  at::Tensor label_known;  // [B] bool
  ModelOutput teacher;  // frozen teacher's outputs for these clips, without gradient; undefined when a method has none
  at::Tensor
      pseudo_labels;  // [B] int64, the teacher's argmax on these clips, also under a control that shuffles `teacher`

  [[nodiscard]] std::int64_t size() const { return labels.size(0); }
  [[nodiscard]] const at::Tensor& input(Modality modality) const {
    return modality == Modality::kVideo ? video : audio;
  }
};

// Calls `use(name, tensor)` for every tensor that the batch holds; those of a Batch that is not const may be exchanged.
template <typename AnyBatch, typename Use>
requires std::same_as<std::remove_const_t<AnyBatch>, Batch>
void for_each_tensor(AnyBatch& batch, const Use& use) {
  const auto give = [&use](const char* name, auto& tensor) {
    if (tensor.defined()) use(name, tensor);
  };
  give("the teacher's logits", batch.teacher.logits);
  give("the teacher's embedding", batch.teacher.embedding);
  give("the teacher's tokens", batch.teacher.tokens);
  for (auto& stage : batch.teacher.stages) give("a stage of the teacher", stage);
  give("the pseudo-labels", batch.pseudo_labels);
  give("the batch's labels", batch.labels);
  give("the batch's label_known", batch.label_known);
  give("the batch's video", batch.video);
  give("the batch's audio", batch.audio);
  give("the batch's clip_index", batch.clip_index);
  give("the batch's transfer_index", batch.transfer_index);
  give("the batch's window", batch.window);
}

}  // namespace cmkd
