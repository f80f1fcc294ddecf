#include "cmkd/harness/teacher_maps.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <utility>

namespace cmkd {

namespace {

// Room for `rows` rows like those of `part`.
at::Tensor room_for(const at::Tensor& part, std::int64_t rows) {
  std::vector<std::int64_t> shape = part.sizes().vec();
  shape[0] = rows;
  return at::empty(shape, part.options());
}

std::int64_t bytes_of_first(const at::Tensor& part) {
  return part.defined() ? static_cast<std::int64_t>(part[0].nbytes()) : 0;
}

}  // namespace

TeacherMaps::TeacherMaps(std::shared_ptr<Model> teacher, const OutputRequest& request, View view,
                         const TeacherOutputs& outputs, const WindowReader& reader, c10::Device device)
    : teacher_(std::move(teacher)),
      request_(request),
      view_(std::move(view)),
      outputs_(outputs),
      reader_(reader),
      device_(device) {}

ModelOutput TeacherMaps::compute(const std::vector<ClipDraw>& windows) const {
  const std::lock_guard lock(computing_);
  const at::NoGradGuard no_grad;
  const Modality modality = outputs_.shape.modality;
  const Batch sensed = reader_.make_batch(windows, only(modality), device_);
  ModelOutput output = teacher_->forward(sensed.input(modality), request_);
  if (request_.stages) output.stages = view_(std::move(output.stages));
  return output;
}

void TeacherMaps::keep(std::int64_t batch_size, std::int64_t budget) {
  if (std::exchange(decided_, true)) return;
  std::vector<ClipDraw> windows;
  for (const std::int64_t clip : outputs_.clips) {
    for (std::int64_t window = 0; window < outputs_.windows; ++window) {
      windows.push_back(reader_.draw_window(clip, window));
    }
  }
  const auto rows = static_cast<std::int64_t>(windows.size());
  for (std::int64_t first = 0; first < rows; first += batch_size) {
    const std::int64_t count = std::min(batch_size, rows - first);
    const ModelOutput part = compute({windows.begin() + first, windows.begin() + first + count});
    if (first == 0) {
      std::int64_t bytes = bytes_of_first(part.tokens);
      for (const at::Tensor& stage : part.stages) bytes += bytes_of_first(stage);
      if (bytes * rows > budget) return;
      if (part.tokens.defined()) tokens_ = room_for(part.tokens, rows);
      for (const at::Tensor& stage : part.stages) stages_.push_back(room_for(stage, rows));
    }
    if (tokens_.defined()) tokens_.narrow(0, first, count).copy_(part.tokens);
    for (std::size_t i = 0; i < stages_.size(); ++i) stages_[i].narrow(0, first, count).copy_(part.stages[i]);
  }
}

ModelOutput TeacherMaps::of(const std::vector<ClipDraw>& windows) const {
  if (!tokens_.defined() && stages_.empty()) return compute(windows);
  at::Tensor rows = at::empty({static_cast<std::int64_t>(windows.size())}, at::kLong);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    rows.mutable_data_ptr<std::int64_t>()[i] = outputs_.row_of(windows[i].clip, windows[i].window);
  }
  rows = rows.to(device_);
  ModelOutput output;
  if (tokens_.defined()) output.tokens = tokens_.index_select(0, rows);
  for (const at::Tensor& stage : stages_) output.stages.push_back(stage.index_select(0, rows));
  return output;
}

}  // namespace cmkd
