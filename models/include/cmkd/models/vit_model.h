// A vision transformer that a suite chose as a model, for trainings that need its backbone by itself.
#pragma once

#include "cmkd/models/model.h"
#include "cmkd/models/vit.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd {

class VitModel : public Model {
 public:
  [[nodiscard]] virtual const VitOptions& vit_options() const = 0;
  // What a VitBackbone of these options takes: pictures as they are; of a waveform [B, n] its normalised spectrogram
  // [B, 1, F, T], filled up with silence to whole patches.
  [[nodiscard]] virtual at::Tensor backbone_input(const at::Tensor& input) = 0;
  // The backbone's own tensors, under a VitBackbone's names; without the classifier.
  [[nodiscard]] virtual TensorMap backbone_state() = 0;
};

}  // namespace cmkd
