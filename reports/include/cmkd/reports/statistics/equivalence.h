// Practical equivalence: the Bayesian signed-rank test (Benavoli et al., ICML 2014; Benavoli, Corani, Demšar, Zaffalon,
// JMLR 18, 2017; as baycomp computes it). Pure functions, safe from any thread.
#pragma once

#include <cstdint>
#include <span>

namespace cmkd::reports {

struct EquivalenceOptions {
  double rope = 0.01;  // differences up to it are practically none; in the unit of the values
  std::int64_t draws = 50'000;
};

// Probabilities that sum to 1.
struct Equivalence {
  double first_better = 0;  // by more than the rope
  double equivalent = 0;    // 0 where the rope is 0
  double second_better = 0;
};

// differences: first − second, one a block. Each draw weights zero and the differences by a Dirichlet draw of (½, 1, …,
// 1) and gives the draw to the region with the most weight of the pairs' Walsh averages; an average on the rope's edge
// counts half to either side, and regions with equal weight share the draw. Drawn from a generator keyed by the values.
// Requires a difference, rope ≥ 0.
[[nodiscard]] Equivalence bayesian_signed_rank(std::span<const double> differences,
                                               const EquivalenceOptions& options = {});

}  // namespace cmkd::reports
