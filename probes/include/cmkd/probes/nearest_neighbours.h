// Weighted nearest neighbours by cosine, as in the evaluation of InstDisc (Wu et al., CVPR 2018) and DINO.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cmkd/probes/probe.h"

namespace cmkd::probes {

// The k training rows with the highest cosine s to a row vote for their class, or for each of their tags, with weight
// exp(s / temperature). Decision values are shares of the total weight, in [0, 1], so that each view of a clip counts
// the same in an average (the named protocols do not average; within one row the order of the classes is theirs).
// Of equal cosines the lower training row comes first; but for such ties at the k-th place, the order of the training
// rows changes nothing.
class NearestNeighbourTrainer final : public ProbeTrainer {
 public:
  // Both have been checked. Throws Error(kData) for a row of length zero.
  NearestNeighbourTrainer(FeatureScaler scaler, const FeatureMatrix& training, const Targets& targets,
                          double temperature, int threads);

  // `neighbours` is a whole number from 1 to the number of training rows.
  [[nodiscard]] std::unique_ptr<Probe> fit(double neighbours) const override;

  struct Gallery;

 private:
  std::shared_ptr<const Gallery> gallery_;
};

}  // namespace cmkd::probes
