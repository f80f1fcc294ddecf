// What a training says of its epochs: the means of its loss terms and diagnostics, and its validation.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

#include "cmkd/harness/checkpoint.h"
#include "cmkd/methods/training.h"
#include "cmkd/results/records.h"

namespace cmkd {

// Sums on the device: a step makes the host wait for nothing.
class EpochLog {
 public:
  // A training whose loss is beyond this is taken to diverge: losses of all methods start many orders below.
  static constexpr double kDivergence = 1e8;

  explicit EpochLog(std::string method) : method_(std::move(method)) {}

  // Adds a step's terms and diagnostics to the epoch under way.
  void add(const StepResult& result);
  // Ends the epoch of `steps` steps: its means become values. Throws TrainingFailed for a term that is not finite or
  // diverges on average; a diagnostic that is not finite is left out.
  void finish_epoch(const std::string& phase, std::int64_t epoch, std::int64_t steps);
  void add_validation(const std::string& phase, std::int64_t epoch, const std::string& metric, double value);

  [[nodiscard]] const std::vector<results::EpochValue>& values() const noexcept { return values_; }
  // The last validation; −1 before the first.
  [[nodiscard]] double last_validation() const;

  // Everything above as part of a checkpoint, the epoch under way included.
  void save(Checkpoint& checkpoint) const;
  void restore(const Checkpoint& checkpoint, c10::Device device);

 private:
  void add_value(const std::string& name, const at::Tensor& value);

  std::string method_;
  std::vector<results::EpochValue> values_;
  std::vector<std::string> names_;  // of the epoch under way: "term.kd", "diagnostic.gate"
  std::vector<at::Tensor> sums_;    // one a name, 0-d double on the device
};

}  // namespace cmkd
