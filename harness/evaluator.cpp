#include "cmkd/harness/evaluator.h"

#include <ATen/Functions.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <utility>

#include "cmkd/batches/batch_queue.h"

namespace cmkd {

void forward_draws(const Predictor& predictor, const std::vector<ClipDraw>& draws, const WindowReader& reader,
                   std::int64_t batch_size, c10::Device device, const std::function<void(const ModelOutput&)>& sink) {
  const at::NoGradGuard no_grad;
  const ModalitySet modalities{std::ranges::count(predictor.modalities, Modality::kVideo) > 0,
                               std::ranges::count(predictor.modalities, Modality::kAudio) > 0};
  for (const auto& module : predictor.modules) module->eval();
  const auto count = static_cast<std::int64_t>(draws.size());
  const std::int64_t batches = (count + batch_size - 1) / batch_size;
  BatchQueue queue(0, batches, reader.loading(), device, [&](std::int64_t index) {
    const std::int64_t end = std::min((index + 1) * batch_size, count);
    std::vector<ClipDraw> part(draws.begin() + index * batch_size, draws.begin() + end);
    Batch batch = reader.make_batch(part, modalities, device);
    return DrawnBatch{std::move(part), std::move(batch)};
  });
  for (std::int64_t i = 0; i < batches; ++i) sink(predictor.predict(queue.next().batch));
  for (const auto& module : predictor.modules) module->train();
}

void forward_windows(const Predictor& predictor, const std::vector<std::int64_t>& clips, std::int64_t windows,
                     WindowKind kind, const WindowReader& reader, std::int64_t batch_size, c10::Device device,
                     const std::function<void(const ModelOutput&)>& sink) {
  std::vector<ClipDraw> draws;
  for (const std::int64_t clip : clips) {
    for (std::int64_t window = 0; window < windows; ++window) {
      draws.push_back(kind == WindowKind::kTestViews ? reader.draw_test_view(clip, window)
                                                     : reader.draw_window(clip, window));
    }
  }
  forward_draws(predictor, draws, reader, batch_size, device, sink);
}

ClipScores score_clips(const Predictor& predictor, const std::vector<std::int64_t>& clips, const WindowReader& reader,
                       const ViewAveraging& averaging, std::int64_t batch_size, c10::Device device) {
  const auto probabilities = [&](const at::Tensor& logits) {
    return averaging.multi_label ? logits.sigmoid() : logits.softmax(-1);
  };
  const std::int64_t views = reader.test_views();
  std::vector<at::Tensor> scores;
  std::vector<at::Tensor> embeddings;
  forward_windows(predictor, clips, views, WindowKind::kTestViews, reader, batch_size, device,
                  [&](const ModelOutput& output) {
                    if (output.logits.defined()) {
                      const at::Tensor logits = output.logits.to(at::kFloat);
                      scores.push_back((averaging.logits ? logits : probabilities(logits)).to(at::kCPU));
                    }
                    embeddings.push_back(output.embedding.to(at::kFloat).to(at::kCPU));
                  });
  const auto mean_over_views = [&](const std::vector<at::Tensor>& parts) {
    return at::cat(parts).view({static_cast<std::int64_t>(clips.size()), views, -1}).mean(1).contiguous();
  };
  ClipScores result;
  result.embeddings = mean_over_views(embeddings);
  if (scores.empty()) return result;
  result.probabilities = mean_over_views(scores);
  if (averaging.logits) result.probabilities = probabilities(result.probabilities).contiguous();
  return result;
}

}  // namespace cmkd
