// Classes from frozen features: a probe (probes/) that is fitted on the embeddings of the clips whose labels a training
// may see, in place of the network's own classifier.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <vector>

#include "cmkd/batches/window_reader.h"
#include "cmkd/core/random.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/methods/training.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

// The clips that a probe is fitted on and those that choose its regularisation.
struct ProbeClips {
  std::vector<std::int64_t> known;     // whose labels may be seen
  std::vector<std::int64_t> choosing;  // empty: the probe's default regularisation stands
};

// How a probe came to its weights.
struct ProbeFit {
  struct Trial {
    double regularisation = 0;
    double score = 0;  // on the choosing clips: top-1 accuracy, or macro average precision
  };
  double regularisation = 0;  // C, weight decay or neighbours
  std::vector<Trial> tried;   // on `choosing`, in rising order; empty: the default stands
  bool converged = true;      // to the solver's tolerance
  double residual = 0;        // as probes::Convergence
};

struct ProbedScores : ProbeFit {
  at::Tensor probabilities;  // [N, C] float on the host; of linear_svm the softmax (tags: sigmoid) of decision values,
                             // which is no calibrated probability
};

// Features of `known`: each clip as at test, or evaluation.feature_windows windows drawn as in training by `streams`.
// Several windows of a clip are averaged after classification. Throws as the probes do.
[[nodiscard]] ProbedScores classify_by_features(const Suite& suite, const SuiteData& data, const ProbeClips& probe,
                                                const std::vector<std::int64_t>& clips, const Predictor& predictor,
                                                const WindowReader& reader, const RandomStreams& streams,
                                                c10::Device device);

}  // namespace cmkd
