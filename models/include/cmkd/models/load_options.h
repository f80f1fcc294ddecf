// How a file's tensors are taken for a model's: "weights_…" of [student] and [teacher] in a suite file.
#pragma once

#include <array>
#include <string>

#include "cmkd/core/named_enum.h"

namespace cmkd {

enum class ClassifierWeights {
  kLoad,
  kSkip,  // the head (fc.*) keeps its first weights, whatever the file has for it
};
constexpr auto enum_names(ClassifierWeights) noexcept {
  return std::to_array<EnumName<ClassifierWeights>>(
      {{ClassifierWeights::kLoad, "load"}, {ClassifierWeights::kSkip, "skip"}});
}

enum class FirstConvWeights {
  kExact,
  // When the model's first convolution has one input channel and the file's has several, these are added up: a grey
  // picture then gives what a picture of equal channels gave.
  kSum,
};
constexpr auto enum_names(FirstConvWeights) noexcept {
  return std::to_array<EnumName<FirstConvWeights>>(
      {{FirstConvWeights::kExact, "exact"}, {FirstConvWeights::kSum, "sum"}});
}

struct LoadOptions {
  // Removed from the file's names; tensors without it are then left out ("backbone." leaves a projector out). Whole
  // parts of names: a missing last dot is added. "auto": the one with which most tensors fit the model by name and
  // shape (docs/weights.md has the rule for ties). "": nothing. Several, with commas between them: the second and
  // further ones give only what is missing behind those before (blocks that two networks of the file share).
  std::string prefix = "auto";
  ClassifierWeights classifier = ClassifierWeights::kLoad;
  FirstConvWeights first_conv = FirstConvWeights::kExact;
  // Tensors that are missing, unexpected or of another shape are then reported, and no error. At least one must fit.
  bool allow_partial = false;
};

}  // namespace cmkd
