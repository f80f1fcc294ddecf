// Conformance: each vector folder against the code that trains. A vector file is data: nothing in it makes this throw.
#pragma once

#include <c10/core/Device.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cmkd/core/registry.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd {

// What one file of a folder showed. Errors as vectors/README.md defines them, over all tensors of the kind.
struct CaseResult {
  std::string name;  // "case0"
  double value_error = 0.0;
  double gradient_error = 0.0;
  std::string worst;                  // the tensor of the largest error
  std::vector<std::string> rounding;  // gradients that are zero up to rounding on both sides, hence not compared
  // Names of what was compared, and of what is computed without an expected value; empty where a check has no names.
  std::vector<std::string> compared;
  std::vector<std::string> not_compared;
  std::string problem;  // what kept the case from being compared, or a difference that is no number: "" when none
};

enum class ConformanceVerdict { kPass, kMismatch, kNotCovered };
[[nodiscard]] const char* to_string(ConformanceVerdict verdict) noexcept;  // "pass", "mismatch", "not covered"

// A folder as one implementation of it fares.
struct FolderResult {
  std::string folder;          // "kd"
  std::string implementation;  // "kd"; "" when not covered
  ConformanceVerdict verdict = ConformanceVerdict::kNotCovered;
  std::vector<CaseResult> cases;
  double value_error = 0.0;
  double gradient_error = 0.0;
  std::string detail;  // the worst tensor and its case, or the reason
};

struct ConformanceReport {
  std::vector<FolderResult> folders;  // by name
  [[nodiscard]] bool any(ConformanceVerdict verdict) const;
};

// Checks every folder of `directory`, or `directory` itself when it holds cases. Throws Error(kData) only when the
// directory is not there or holds no folder. Methods compute on the device; what is no method's, on the host.
constexpr double kConformanceTolerance = 1e-9;
[[nodiscard]] ConformanceReport run_conformance(const std::filesystem::path& directory,
                                                double tolerance = kConformanceTolerance,
                                                c10::Device device = c10::kCPU);

// Checks of folders that are no method's ("metrics", "backbones"): filled by a program that links their rooms, before
// it calls run_conformance. The name is the folder's.
struct FolderCheck {
  std::string implementation;                                     // shown in the table: "metrics/"
  std::string extension;                                          // of its cases: ".json"
  std::function<CaseResult(const std::filesystem::path&)> check;  // may throw: a mismatch with the reason
};
[[nodiscard]] Registry<FolderCheck>& conformance_registry();

// max|a − b| / max(max|b|, 1e-6 · scale), b expected; 0 where both are equal, infinity where anything but a finite
// difference parts them: shape, places of NaN and infinities, an integer or boolean.
[[nodiscard]] double tensor_error(const at::Tensor& computed, const at::Tensor& expected, double scale);

// All of `expected` (names without "expected.") against `computed`. Names with a part "grad" or "clipped_grad" are
// gradients. A name that was not computed is a problem; one that is not expected is ignored.
//
// A gradient that is mathematically zero (a bias before a batch norm) comes out as rounding noise, here and in the
// official code, which other hardware or another number of threads changes. Where both sides are at most 64 float64
// epsilons of the case's largest gradient, 1.4e-14 of it, they agree, and the name is listed in `rounding`. (Measured:
// PyTorch itself, run on the inputs of the mnf_csc cases, differs by 3e-9 in the measure above, for the noise it
// expects is alone 1.7e-9.)
[[nodiscard]] CaseResult compare_case(const std::string& name, const TensorMap& computed, const TensorMap& expected);

}  // namespace cmkd
