#include "cmkd/probes/probe.h"

#include <fmt/core.h>

#include <cmath>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/probes/linear_svm.h"
#include "cmkd/probes/linear_weights.h"
#include "cmkd/probes/logistic.h"
#include "cmkd/probes/nearest_neighbours.h"

namespace cmkd::probes {

namespace {

// The trainer's own copy of what its rows show.
struct OwnTargets {
  explicit OwnTargets(const Targets& of)
      : labels(of.labels.begin(), of.labels.end()), tags(of.tags.begin(), of.tags.end()), classes(of.classes) {}
  [[nodiscard]] Targets view() const { return {labels, tags, classes}; }

  std::vector<std::int32_t> labels;
  std::vector<std::uint8_t> tags;
  std::int64_t classes;
};

class SvmTrainer final : public ProbeTrainer {
 public:
  SvmTrainer(FeatureScaler scaler, const FeatureMatrix& training, const Targets& targets, int threads)
      : ProbeTrainer(ProbeKind::kLinearSvm, targets.classes),
        scaler_(std::move(scaler)),
        targets_(targets),
        problem_({scaler_.apply(training, "training"), training.rows, training.width}, targets_.view()),
        threads_(threads) {}

  [[nodiscard]] std::unique_ptr<Probe> fit(double c) const override {
    return std::make_unique<LinearClassifier>(scaler_, problem_.solve(c), threads_);
  }

 private:
  FeatureScaler scaler_;
  OwnTargets targets_;
  SvmProblem problem_;
  int threads_;
};

class LogisticTrainer final : public ProbeTrainer {
 public:
  LogisticTrainer(FeatureScaler scaler, const FeatureMatrix& training, const Targets& targets, int threads)
      : ProbeTrainer(ProbeKind::kLinearProbe, targets.classes),
        scaler_(std::move(scaler)),
        targets_(targets),
        values_(scaler_.apply(training, "training")),
        rows_{values_, training.rows, training.width},
        threads_(threads) {}

  [[nodiscard]] std::unique_ptr<Probe> fit(double weight_decay) const override {
    return std::make_unique<LinearClassifier>(scaler_, fit_logistic(rows_, targets_.view(), weight_decay, threads_),
                                              threads_);
  }

 private:
  FeatureScaler scaler_;
  OwnTargets targets_;
  std::vector<float> values_;
  FeatureMatrix rows_;
  int threads_;
};

}  // namespace

std::unique_ptr<ProbeTrainer> make_probe_trainer(const ProbeSettings& settings, const FeatureMatrix& training,
                                                 const Targets& targets) {
  check_features(training, "training");
  check_targets(targets, training.rows);
  if (settings.threads < 1) throw Error(ErrorKind::kUsage, {.what = "a probe on no thread", .allowed = "1 or more"});
  FeatureScaler scaler(settings.scaling, training);
  switch (settings.kind) {
    case ProbeKind::kLinearSvm:
      return std::make_unique<SvmTrainer>(std::move(scaler), training, targets, settings.threads);
    case ProbeKind::kLinearProbe:
      return std::make_unique<LogisticTrainer>(std::move(scaler), training, targets, settings.threads);
    case ProbeKind::kNearestNeighbours:
      break;
  }
  const double temperature = settings.neighbour_temperature;
  if (!(temperature > 0) || !std::isfinite(temperature)) {
    throw Error(ErrorKind::kUsage, {.what = fmt::format("the temperature of nearest neighbours is {}", temperature),
                                    .allowed = "finite, above 0"});
  }
  return std::make_unique<NearestNeighbourTrainer>(std::move(scaler), training, targets, temperature, settings.threads);
}

double regularisation_of(const ProbeSettings& settings) {
  switch (settings.kind) {
    case ProbeKind::kLinearSvm:
      return settings.svm_c;
    case ProbeKind::kLinearProbe:
      return settings.weight_decay;
    case ProbeKind::kNearestNeighbours:
      break;
  }
  return static_cast<double>(settings.neighbours);
}

std::vector<double> default_regularisations(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::kLinearSvm:
      return {1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1};
    case ProbeKind::kLinearProbe:
      return {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1};
    case ProbeKind::kNearestNeighbours:
      break;
  }
  return {10, 20, 100, 200};
}

bool regularises_more(ProbeKind kind, double a, double b) noexcept {
  return kind == ProbeKind::kLinearSvm ? a < b : a > b;
}

}  // namespace cmkd::probes
