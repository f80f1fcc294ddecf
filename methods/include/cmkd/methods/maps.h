// Feature maps of two modalities on a common grid, for losses that compare maps position by position.
//
// Video maps are [B, C, T, H, W], audio maps [B, C, F, T]; a map of rank 5 is taken for video, of rank 4 for a plane.
// What the two share is time. This grid is this suite's adaptation: the papers compare pictures with pictures.
//   "time"   (default) video averaged over space, audio over frequency, both pooled to the shorter time axis: [B, C, 1,
//   T] "plane"  video averaged over time, then both planes pooled to the smaller height and the smaller width, as the
//            official codes pool square maps: [B, C, H, W]
// Pooling is adaptive average pooling written as a product with a fixed matrix: deterministic on every device.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cmkd/core/parameters.h"
#include "cmkd/methods/method.h"

namespace cmkd {

enum class Grid { kTime, kPlane };
// The parameter "grid" that such a method declares, and its value.
[[nodiscard]] ParameterSpec grid_parameter();
[[nodiscard]] Grid parse_grid(const std::string& text);

struct MapPair {
  at::Tensor student;  // [B, C_s, H, W]
  at::Tensor teacher;  // [B, C_t, H, W]
};

[[nodiscard]] MapPair on_common_grid(const at::Tensor& student, const at::Tensor& teacher, Grid grid);

// One map as the grid sees it, before any pooling: [B, C, H, W].
[[nodiscard]] at::Tensor on_grid(const at::Tensor& map, Grid grid);

// The teacher's side of what stage_pairs gives, which stage_pairs then leaves as it is: the teacher_maps of a method
// that compares so. `student` are stages of the student of one clip.
[[nodiscard]] std::vector<at::Tensor> teacher_on_common_grid(const std::vector<at::Tensor>& stages,
                                                             const std::vector<at::Tensor>& student, Grid grid);

// [to, from] in `like`'s type: adaptive average pooling of an axis, position i from floor(i · from / to) up to
// ceil((i + 1) · from / to).
[[nodiscard]] at::Tensor pooling_matrix(std::int64_t from, std::int64_t to, const at::Tensor& like);
// [to, from]: nearest-neighbour resampling, position i takes floor(i · from / to).
[[nodiscard]] at::Tensor nearest_matrix(std::int64_t from, std::int64_t to, const at::Tensor& like);
// [B, C, H, W] to [B, C, height, width] by the two products rows · map · columnsᵀ.
[[nodiscard]] at::Tensor resampled(const at::Tensor& map, const at::Tensor& rows, const at::Tensor& columns);
// Adaptive average pooling to [B, C, height, width]; the map itself where nothing changes.
[[nodiscard]] at::Tensor pooled_to(const at::Tensor& map, std::int64_t height, std::int64_t width);

// Stages deepest with deepest: the last min(n, m) of both lists, on the common grid, shallow to deep.
[[nodiscard]] std::vector<MapPair> stage_pairs(const MethodInput& input, Grid grid);

// Channels (student, teacher) of these pairs, for a method that builds layers for them. Throws Error(kUsage) naming the
// method when either network shows fewer than `least` stages: the plan is then refused.
[[nodiscard]] std::vector<std::pair<std::int64_t, std::int64_t>> stage_channel_pairs(const TrainingSetup& setup,
                                                                                     const std::string& method,
                                                                                     std::size_t least = 1);

// What a method of maps needs: stages of both sides.
[[nodiscard]] Needs stage_needs();

}  // namespace cmkd
