// What a training may spend, and how: [training] and [teacher.training] of a suite file.
#pragma once

#include <array>
#include <cstdint>

#include "cmkd/core/named_enum.h"
#include "cmkd/runtime/precision.h"

namespace cmkd {

enum class OptimizerKind {
  kAdam,   // the weight decay is added to the gradient
  kAdamW,  // decoupled from it
  kSgd,
};
constexpr auto enum_names(OptimizerKind) noexcept {
  return std::to_array<EnumName<OptimizerKind>>(
      {{OptimizerKind::kAdam, "adam"}, {OptimizerKind::kAdamW, "adamw"}, {OptimizerKind::kSgd, "sgd"}});
}

// Of the learning rate, after the warm-up.
enum class Schedule {
  kCosine,  // to 0
  kStep,    // times 0.1 after three quarters
  kConstant,
};
constexpr auto enum_names(Schedule) noexcept {
  return std::to_array<EnumName<Schedule>>(
      {{Schedule::kCosine, "cosine"}, {Schedule::kStep, "step"}, {Schedule::kConstant, "constant"}});
}

// Which epoch's weights are evaluated.
enum class Selection { kLast, kBestValidation };
constexpr auto enum_names(Selection) noexcept {
  return std::to_array<EnumName<Selection>>(
      {{Selection::kLast, "last"}, {Selection::kBestValidation, "best_validation"}});
}

// How the weights of convolutions lie in memory; what they give lies alike.
enum class MemoryFormat { kContiguous, kChannelsLast };
constexpr auto enum_names(MemoryFormat) noexcept {
  return std::to_array<EnumName<MemoryFormat>>(
      {{MemoryFormat::kContiguous, "contiguous"}, {MemoryFormat::kChannelsLast, "channels_last"}});
}

struct TrainingBudget {
  std::int64_t epochs = 10;            // passes over the unlabelled clips (over all, when all are labelled)
  std::int64_t batch_labelled = 32;    // labelled clips a step
  std::int64_t batch_unlabelled = 32;  // unlabelled clips a step
  OptimizerKind optimizer = OptimizerKind::kAdam;
  double learning_rate = 1e-3;  // its peak
  double weight_decay = 5e-4;   // of every parameter
  double momentum = 0.9;        // kSgd
  Schedule schedule = Schedule::kCosine;
  double warmup_epochs = 0;       // linear from 0
  double clip_gradient_norm = 0;  // of each group; 0: no clipping
  Selection select = Selection::kLast;
  std::int64_t teacher_maps_mib = 1024;  // most that the teacher's feature maps may take of the memory to be kept
  bool keep_weights = false;             // of the students, beside the store
  Precision precision = Precision::kFloat32;
  MemoryFormat memory_format = MemoryFormat::kContiguous;
  bool graphs = false;  // steps are recorded once and repeated, for methods whose step can be

  bool operator==(const TrainingBudget&) const = default;
};

}  // namespace cmkd
