#include "cmkd/harness/epoch_log.h"

#include <ATen/Functions.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cmkd/harness/training_failed.h"

namespace cmkd {

namespace {

// Within a checkpoint's tensors.
constexpr const char* kEpochSums = "sums";

void require_converging(const std::string& method, const std::string& term, double mean, const std::string& phase,
                        std::int64_t epoch) {
  if (std::isfinite(mean) && std::abs(mean) < EpochLog::kDivergence) return;
  throw TrainingFailed(fmt::format("the loss of method '{}' {}: term '{}' is {} on average in phase '{}', epoch {}",
                                   method, std::isfinite(mean) ? "diverges" : "is not finite", term, mean, phase,
                                   epoch));
}

}  // namespace

void EpochLog::add(const StepResult& result) {
  const at::NoGradGuard no_grad;
  for (const LossTerm& term : result.terms) add_value("term." + term.name, term.value);
  for (const Diagnostic& diagnostic : result.diagnostics) add_value("diagnostic." + diagnostic.name, diagnostic.value);
}

void EpochLog::add_value(const std::string& name, const at::Tensor& value) {
  const at::Tensor number = value.detach().to(at::kDouble);
  const auto found = std::ranges::find(names_, name);
  if (found != names_.end()) {
    sums_[static_cast<std::size_t>(found - names_.begin())].add_(number);
    return;
  }
  names_.push_back(name);
  sums_.push_back(number.clone());
}

void EpochLog::finish_epoch(const std::string& phase, std::int64_t epoch, std::int64_t steps) {
  for (std::size_t i = 0; i < sums_.size(); ++i) {
    const std::size_t dot = names_[i].find('.');
    const std::string kind = names_[i].substr(0, dot);
    const std::string name = names_[i].substr(dot + 1);
    const double mean = sums_[i].item<double>() / static_cast<double>(steps);
    if (kind == "term") require_converging(method_, name, mean, phase, epoch);
    if (std::isfinite(mean)) values_.push_back({epoch, phase, kind, name, mean});
  }
  names_.clear();
  sums_.clear();
}

void EpochLog::add_validation(const std::string& phase, std::int64_t epoch, const std::string& metric, double value) {
  values_.push_back({epoch, phase, "validation", metric, value});
}

double EpochLog::last_validation() const {
  const auto last = std::find_if(values_.rbegin(), values_.rend(),
                                 [](const results::EpochValue& value) { return value.kind == "validation"; });
  return last == values_.rend() ? -1 : last->value;
}

void EpochLog::save(Checkpoint& checkpoint) const {
  checkpoint.epochs = values_;
  checkpoint.sum_names = names_;
  if (!sums_.empty()) checkpoint.tensors.emplace(kEpochSums, at::stack(sums_));
}

void EpochLog::restore(const Checkpoint& checkpoint, c10::Device device) {
  values_ = checkpoint.epochs;
  names_ = checkpoint.sum_names;
  sums_.clear();
  const auto sums = checkpoint.tensors.find(kEpochSums);
  if (sums == checkpoint.tensors.end()) return;
  for (const at::Tensor& sum : sums->second.to(device).unbind(0)) sums_.push_back(sum.clone());
}

}  // namespace cmkd
