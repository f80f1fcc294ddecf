// The frozen teacher as the batches of one training have it: its outputs for the pairs, damaged where the suite damages
// them, another clip's under a control, and beside them its maps and its own input for methods that read these.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmkd/batches/window_reader.h"
#include "cmkd/core/random.h"
#include "cmkd/harness/teacher_maps.h"
#include "cmkd/harness/teacher_outputs.h"
#include "cmkd/models/model.h"
#include "cmkd/runtime/batch.h"

namespace cmkd {

struct TeacherSideOptions {
  bool outputs = true;           // batches have the teacher's logits, embedding and pseudo-labels
  bool input = false;            // and its own input, for methods that train with its network
  std::string control;           // "", "shuffled-teacher", "shuffled-within-class"
  std::int64_t batch_size = 64;  // of forward passes beside the training
  c10::Device device = c10::kCPU;
};

// `attach` may be called from several threads.
class TeacherSide {
 public:
  // A copy of the trained teacher, in eval mode, on the device.
  using MakeNetwork = std::function<std::shared_ptr<Model>()>;

  // `outputs` are of the clips as they are; where `damaged`, they are computed anew by `reader`, which damages them.
  // `outputs` and `reader` must outlive this.
  TeacherSide(const TeacherOutputs& outputs, const WindowReader& reader, bool damaged, MakeNetwork make_network,
              const RandomStreams& streams, TeacherSideOptions options);

  // What the teacher says of its side of the pairs; a control changes what batches have, not this.
  [[nodiscard]] const TeacherOutputs& outputs() const noexcept { return damaged_ ? *damaged_ : outputs_; }
  // From now on batches have its tokens or stages.
  void add_maps(const OutputRequest& request, TeacherMaps::View view);
  // As TeacherMaps::keep; nothing without maps.
  void keep_maps(std::int64_t budget_bytes);

  void attach(Batch& batch, const std::vector<ClipDraw>& draws) const;

 private:
  const TeacherOutputs& outputs_;
  const WindowReader& reader_;
  MakeNetwork make_network_;
  TeacherSideOptions options_;
  std::optional<TeacherOutputs> damaged_;
  std::optional<TeacherOutputs> shuffled_;  // under a control
  std::optional<TeacherMaps> maps_;
};

}  // namespace cmkd
