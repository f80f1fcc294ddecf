// The frozen teacher's tokens and feature maps for the clips of a batch: kept when those of all clips fit a budget,
// computed anew otherwise.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "cmkd/batches/window_reader.h"
#include "cmkd/harness/teacher_outputs.h"
#include "cmkd/models/model.h"

namespace cmkd {

class TeacherMaps {
 public:
  // What of the stages is kept and handed out (Training::teacher_maps).
  using View = std::function<std::vector<at::Tensor>(std::vector<at::Tensor>)>;

  // `teacher` is in eval mode. `outputs` and `reader` must outlive this.
  TeacherMaps(std::shared_ptr<Model> teacher, const OutputRequest& request, View view, const TeacherOutputs& outputs,
              const WindowReader& reader, c10::Device device);

  // Computes everything once, in batches of `batch_size`, unless it would take more than `budget` bytes: a rule of
  // shapes alone, so that a training decides it alike wherever it runs. Called again, does nothing.
  void keep(std::int64_t batch_size, std::int64_t budget);

  // Tokens and stages of the given windows, whose centre crops are seen unmirrored, on the device. Thread-safe after
  // keep(): where they are computed anew, one batch at a time.
  [[nodiscard]] ModelOutput of(const std::vector<ClipDraw>& windows) const;

 private:
  [[nodiscard]] ModelOutput compute(const std::vector<ClipDraw>& windows) const;

  std::shared_ptr<Model> teacher_;
  OutputRequest request_;
  View view_;
  const TeacherOutputs& outputs_;
  const WindowReader& reader_;
  c10::Device device_;
  mutable std::mutex computing_;
  bool decided_ = false;
  // Rows as in TeacherOutputs; nothing where maps are computed anew.
  at::Tensor tokens_;
  std::vector<at::Tensor> stages_;
};

}  // namespace cmkd
