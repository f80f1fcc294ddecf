#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include "cmkd/core/error.h"
#include "cmkd/harness/clip_view.h"
#include "cmkd/harness/trainer.h"
#include "cmkd/runtime/determinism.h"

namespace cmkd {

namespace {

// Hidden places at `shade`.
at::Tensor with_hidden(const at::Tensor& input, const at::Tensor& hidden, double shade) {
  return at::where(hidden.gt(0), at::full_like(input, shade), input);
}

}  // namespace

RebuiltClip rebuild_clip(const Suite& suite, const SuiteData& data, const PlannedTraining& planned,
                         const std::filesystem::path& weights, std::int64_t clip, const ClipWindow& window) {
  Trainer trainer(suite_of(suite, planned), planned, data, nullptr, {});
  copy_state(read_safetensors(weights).tensors, trainer.weights(), weights.string());
  const WindowReader& reader = trainer.reader();
  const ClipDraw draw =
      window.test ? reader.draw_test_view(clip, window.index) : reader.draw_window(clip, window.index);
  const ScopedSeed seed(training_streams(suite, planned.seed).seed_for("masks-shown", clip));
  const std::vector<Reconstruction> rebuilt =
      trainer.reconstructions(reader.make_batch({draw}, kBothModalities, c10::kCPU));
  if (rebuilt.empty()) {
    throw Error(ErrorKind::kUsage, {.what = fmt::format("method '{}' rebuilds no clip", planned.method),
                                    .where = "--model",
                                    .allowed = "xkd, xkd_mas, xkd_mats, mae"});
  }
  RebuiltClip shown;
  for (const Reconstruction& one : rebuilt) {
    if (one.modality == Modality::kVideo) {
      shown.masked_frames = reader.pixels_of(with_hidden(one.input, one.hidden, 0.0))[0];
      shown.rebuilt_frames = reader.pixels_of(one.rebuilt)[0];
      shown.hidden_error =
          (((one.rebuilt - one.input).square() * one.hidden).sum() / one.hidden.sum().clamp_min(1)).item<double>();
    } else {
      shown.spectrogram = one.input[0][0];
      shown.masked_spectrogram = with_hidden(one.input, one.hidden, one.input.min().item<double>())[0][0];
      shown.rebuilt_spectrogram = one.rebuilt[0][0];
    }
  }
  return shown;
}

}  // namespace cmkd
