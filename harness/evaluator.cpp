#include "cmkd/harness/evaluator.h"

#include <ATen/Functions.h>
#include <torch/nn/module.h>

#include <algorithm>

namespace cmkd {

void forward_windows(const Predictor& predictor, const std::vector<std::int64_t>& clips, std::int64_t windows,
                     bool test, const WindowReader& reader, std::int64_t batch_size, c10::Device device,
                     const std::function<void(const ModelOutput&)>& sink) {
  const at::NoGradGuard no_grad;
  const bool video = std::ranges::find(predictor.modalities, Modality::kVideo) != predictor.modalities.end();
  const bool audio = std::ranges::find(predictor.modalities, Modality::kAudio) != predictor.modalities.end();
  for (const auto& module : predictor.modules) module->eval();
  std::vector<ClipDraw> draws;
  const auto flush = [&] {
    if (draws.empty()) return;
    sink(predictor.predict(reader.make_batch(draws, test, video, audio, device)));
    draws.clear();
  };
  for (const std::int64_t clip : clips) {
    for (std::int64_t window = 0; window < windows; ++window) {
      draws.push_back(reader.draw_window(clip, window));
      if (static_cast<std::int64_t>(draws.size()) == batch_size) flush();
    }
  }
  flush();
  for (const auto& module : predictor.modules) module->train();
}

at::Tensor evaluate_scores(const Predictor& predictor, const std::vector<std::int64_t>& clips, std::int64_t views,
                           const WindowReader& reader, std::int64_t batch_size, c10::Device device) {
  std::vector<at::Tensor> scores;
  forward_windows(predictor, clips, views, /*test=*/true, reader, batch_size, device, [&](const ModelOutput& output) {
    scores.push_back(output.logits.to(at::kFloat).softmax(1).to(at::kCPU));
  });
  const auto count = static_cast<std::int64_t>(clips.size());
  return at::cat(scores).view({count, views, -1}).mean(1);
}

}  // namespace cmkd
