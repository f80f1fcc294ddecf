#include "cmkd/harness/provenance.h"

#include <fmt/format.h>

#include "cmkd/core/error.h"
#include "cmkd/methods/source_code.h"
#include "cmkd/runtime/determinism.h"

namespace cmkd {

results::Origin origin_here(c10::Device device) {
  return results::origin_of(shared_code_hash(), {describe_runtime(device)});
}

std::string difference_text(const results::Origin& stored, const results::Origin& here) {
  std::vector<std::string> parts;
  const auto compare = [&](const char* what, const std::string& then, const std::string& now) {
    if (then != now) parts.push_back(fmt::format("{} {} (here {})", what, then.empty() ? "not known" : then, now));
  };
  compare("shared code", stored.shared_code.substr(0, 10), here.shared_code.substr(0, 10));
  compare("LibTorch", stored.libtorch, here.libtorch);
  compare("device", stored.device, here.device);
  compare("CPU level", stored.cpu_level, here.cpu_level);
  return join(parts);
}

std::string stored_difference(const results::Store& store, const PlannedTraining& planned,
                              const results::Origin& here) {
  if (store.status(planned.key) != results::RunStatus::kDone) return "";
  std::string of_training = difference_text(*store.origin(planned.key), here);
  if (!of_training.empty()) return of_training;
  for (const PlannedEvaluation& one : planned.evaluations) {
    const std::optional<std::string> code = store.evaluation_code(one.key);
    if (!code || *code == here.shared_code) continue;
    results::Origin of_evaluation = here;
    of_evaluation.shared_code = *code;
    return "an evaluation by " + difference_text(of_evaluation, here);
  }
  return "";
}

std::vector<std::string> missing_evaluations(const results::Store& store, const PlannedTraining& planned) {
  std::vector<std::string> missing;
  for (const PlannedEvaluation& one : planned.evaluations) {
    if (!store.has_evaluation(one.key)) missing.push_back(one.key);
  }
  return missing;
}

bool is_evaluated(const results::Store& store, const PlannedTraining& planned) {
  return missing_evaluations(store, planned).empty();
}

}  // namespace cmkd
