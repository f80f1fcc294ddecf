#include "cmkd/methods/maps.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/methods/losses.h"

namespace cmkd {

ParameterSpec grid_parameter() {
  return ParameterSpec::choice("grid", "time", {"time", "plane"},
                               "Where maps of two modalities are compared: along time (space and frequency averaged), "
                               "or in the plane (video averaged over time), pooled to the smaller of both.");
}

Grid parse_grid(const std::string& text) { return text == "plane" ? Grid::kPlane : Grid::kTime; }

namespace {

// Of a row: begin and end of what it averages.
using BoundsOf = std::pair<std::int64_t, std::int64_t> (*)(std::int64_t, std::int64_t, std::int64_t);

at::Tensor made_averaging_rows(std::int64_t from, std::int64_t to, BoundsOf bounds) {
  at::Tensor matrix = at::zeros({to, from}, at::kDouble);
  auto* values = matrix.mutable_data_ptr<double>();
  for (std::int64_t row = 0; row < to; ++row) {
    const auto [begin, end] = bounds(row, from, to);
    for (std::int64_t column = begin; column < end; ++column) {
      values[row * from + column] = 1.0 / static_cast<double>(end - begin);
    }
  }
  return matrix;
}

// Row i is 1 / (end − begin) on [begin, end). Made once for each type and device: what is copied from the host in a
// step holds a device up, and cannot be part of a graph. Any thread.
at::Tensor averaging_rows(std::int64_t from, std::int64_t to, const at::Tensor& like, BoundsOf bounds) {
  using Key = std::tuple<BoundsOf, std::int64_t, std::int64_t, at::ScalarType, std::string>;
  static std::mutex mutex;
  static std::map<Key, at::Tensor> made;
  const std::lock_guard lock(mutex);
  at::Tensor& matrix = made[{bounds, from, to, like.scalar_type(), like.device().str()}];
  if (!matrix.defined()) matrix = made_averaging_rows(from, to, bounds).to(like.options());
  return matrix;
}

}  // namespace

at::Tensor pooling_matrix(std::int64_t from, std::int64_t to, const at::Tensor& like) {
  return averaging_rows(from, to, like, [](std::int64_t row, std::int64_t source, std::int64_t target) {
    return std::pair{row * source / target, ((row + 1) * source + target - 1) / target};
  });
}

at::Tensor nearest_matrix(std::int64_t from, std::int64_t to, const at::Tensor& like) {
  return averaging_rows(from, to, like, [](std::int64_t row, std::int64_t source, std::int64_t target) {
    return std::pair{row * source / target, row * source / target + 1};
  });
}

at::Tensor resampled(const at::Tensor& map, const at::Tensor& rows, const at::Tensor& columns) {
  return at::matmul(at::matmul(rows, map), columns.t());
}

at::Tensor pooled_to(const at::Tensor& map, std::int64_t height, std::int64_t width) {
  at::Tensor pooled = map;
  if (map.size(2) != height) pooled = at::matmul(pooling_matrix(map.size(2), height, map), pooled);
  if (map.size(3) != width) pooled = at::matmul(pooled, pooling_matrix(map.size(3), width, map).t());
  return pooled;
}

at::Tensor on_grid(const at::Tensor& map, Grid grid) {
  if (map.dim() != 4 && map.dim() != 5) {
    throw Error(ErrorKind::kInternal, {.what = fmt::format("a feature map of rank {}", map.dim()),
                                       .allowed = "[B, C, T, H, W] or [B, C, F, T]"});
  }
  if (grid == Grid::kPlane) return map.dim() == 5 ? map.mean(2) : map;
  return (map.dim() == 5 ? map.mean({3, 4}) : map.mean(2)).unsqueeze(2);
}

std::vector<at::Tensor> teacher_on_common_grid(const std::vector<at::Tensor>& stages,
                                               const std::vector<at::Tensor>& student, Grid grid) {
  const std::size_t count = std::min(stages.size(), student.size());
  std::vector<at::Tensor> maps;
  for (std::size_t i = 0; i < count; ++i) {
    maps.push_back(
        on_common_grid(student[student.size() - count + i], stages[stages.size() - count + i], grid).teacher);
  }
  return maps;
}

MapPair on_common_grid(const at::Tensor& student, const at::Tensor& teacher, Grid grid) {
  const at::Tensor own = on_grid(student, grid);
  const at::Tensor other = on_grid(teacher, grid);
  const std::int64_t height = std::min(own.size(2), other.size(2));
  const std::int64_t width = std::min(own.size(3), other.size(3));
  return {pooled_to(own, height, width), pooled_to(other, height, width)};
}

std::vector<MapPair> stage_pairs(const MethodInput& input, Grid grid) {
  const auto& student = input.student.stages;
  const auto& teacher = input.teacher.stages;
  const std::size_t count = std::min(student.size(), teacher.size());
  std::vector<MapPair> pairs;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(on_common_grid(student[student.size() - count + i], teacher[teacher.size() - count + i], grid));
  }
  return pairs;
}

std::vector<std::pair<std::int64_t, std::int64_t>> stage_channel_pairs(const TrainingSetup& setup,
                                                                       const std::string& method, std::size_t least) {
  const auto& student = setup.student_shape.stage_channels;
  const auto& teacher = required_teacher_shape(setup, method).stage_channels;
  const std::size_t count = std::min(student.size(), teacher.size());
  if (count < least) {
    throw Error(
        ErrorKind::kUsage,
        {.what = fmt::format("method '{}' compares at least {} stages of feature maps, and these models show {} "
                             "(student) and {} (teacher)",
                             method, least, student.size(), teacher.size()),
         .fix = "take other models, or leave the method out"});
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.emplace_back(student[student.size() - count + i], teacher[teacher.size() - count + i]);
  }
  return pairs;
}

Needs stage_needs() {
  Needs needs;
  needs.student_stages = true;
  needs.teacher_stages = true;
  return needs;
}

}  // namespace cmkd
