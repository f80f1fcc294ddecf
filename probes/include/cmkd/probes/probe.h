// Probes: classifiers that are fitted on frozen features and show what these hold.
//
//   const auto trainer = make_probe_trainer(settings, training, targets);
//   const auto probe = trainer->fit(regularisation_of(settings));
//   const std::vector<float> values = probe->decision_values(test);  // [rows, classes]
//
// Results are the same bytes for the same build, input, and kind of processor, whatever ran before in the process and
// on however many threads. Trainers and probes are immutable once made and may be used from several threads, but fits
// of linear_svm wait for each other.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "cmkd/core/named_enum.h"
#include "cmkd/probes/features.h"

namespace cmkd::probes {

enum class ProbeKind {
  kLinearSvm,          // linear_svm.h
  kLinearProbe,        // logistic.h
  kNearestNeighbours,  // nearest_neighbours.h
};
constexpr auto enum_names(ProbeKind) noexcept {
  return std::to_array<EnumName<ProbeKind>>({{ProbeKind::kLinearSvm, "linear_svm"},
                                             {ProbeKind::kLinearProbe, "linear_probe"},
                                             {ProbeKind::kNearestNeighbours, "nearest_neighbours"}});
}

// A kind reads what names it, and `scaling`.
struct ProbeSettings {
  ProbeKind kind = ProbeKind::kLinearSvm;
  FeatureScaling scaling = FeatureScaling::kNone;
  double svm_c = 1;                     // > 0
  double weight_decay = 1e-4;           // > 0, of the linear probe
  std::int64_t neighbours = 20;         // 1 … number of training rows
  double neighbour_temperature = 0.07;  // > 0
  int threads = 1;                      // no result depends on it; the SVM uses one
};

// How near a fit came to its optimum; what has none is there.
struct Convergence {
  bool reached = true;
  double residual =
      0;  // the objective is above its minimum by no more than this share of it (linear_svm: of any class)
};

// A fitted classifier.
class Probe {
 public:
  virtual ~Probe() = default;

  // [rows, classes], higher for the likelier class. For one label a row, a class that no training row shows is below
  // all others. Throws as FeatureScaler::apply.
  [[nodiscard]] virtual std::vector<float> decision_values(const FeatureMatrix& rows) const = 0;
  [[nodiscard]] virtual Convergence convergence() const { return {}; }
};

// The training rows, scaled once for fits with several regularisations.
class ProbeTrainer {
 public:
  ProbeTrainer(ProbeKind kind, std::int64_t classes) : kind_(kind), classes_(classes) {}
  virtual ~ProbeTrainer() = default;

  // `regularisation` is the setting of the kind that regularisation_of names. Throws Error(kUsage) when it is out of
  // its range, Error(kInterrupted) when a signal came.
  [[nodiscard]] virtual std::unique_ptr<Probe> fit(double regularisation) const = 0;

  [[nodiscard]] ProbeKind kind() const noexcept { return kind_; }
  [[nodiscard]] std::int64_t classes() const noexcept { return classes_; }

 private:
  ProbeKind kind_;
  std::int64_t classes_;
};

// Copies what it needs of `training` and `targets`. Throws as check_features and check_targets, and Error(kUsage) for
// settings out of range.
[[nodiscard]] std::unique_ptr<ProbeTrainer> make_probe_trainer(const ProbeSettings& settings,
                                                               const FeatureMatrix& training, const Targets& targets);

// The setting that a kind's regularisation is: svm_c, weight_decay or neighbours.
[[nodiscard]] double regularisation_of(const ProbeSettings& settings);

// The values that are tried where nothing else is said, in rising order. linear_svm: 1e-5 … 1 by tens (the grid of
// XKD's scripts for sound and both modalities; that for video begins at 1e-3); linear_probe: 1e-6 … 1e-1 by tens;
// nearest_neighbours: 10, 20, 100, 200 (DINO's).
[[nodiscard]] std::vector<double> default_regularisations(ProbeKind kind);

// Whether `a` regularises more than `b`: the smaller C, the larger weight decay, the larger number of neighbours.
[[nodiscard]] bool regularises_more(ProbeKind kind, double a, double b) noexcept;

}  // namespace cmkd::probes
