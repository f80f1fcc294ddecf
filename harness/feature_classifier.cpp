#include "cmkd/harness/feature_classifier.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <span>

#include "cmkd/core/error.h"
#include "cmkd/harness/evaluator.h"
#include "cmkd/metrics/classification.h"
#include "cmkd/metrics/tagging.h"
#include "cmkd/probes/choose_c.h"
#include "cmkd/probes/probe.h"

namespace cmkd {

namespace {

// Embeddings of draws, and of which clip (by position in the list of clips) each is.
struct FeatureRows {
  at::Tensor values;  // [rows, width] float, host
  std::vector<std::int64_t> clip_of_row;

  [[nodiscard]] probes::FeatureMatrix matrix() const {
    return {{values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel())}, values.size(0), values.size(1)};
  }
};

using DrawsOfClip = std::function<std::vector<ClipDraw>(std::int64_t clip)>;

FeatureRows features_of(const std::vector<std::int64_t>& clips, const DrawsOfClip& draws_of, const Predictor& predictor,
                        const WindowReader& reader, std::int64_t batch, c10::Device device) {
  FeatureRows rows;
  std::vector<ClipDraw> draws;
  for (std::size_t i = 0; i < clips.size(); ++i) {
    for (const ClipDraw& draw : draws_of(clips[i])) {
      draws.push_back(draw);
      rows.clip_of_row.push_back(static_cast<std::int64_t>(i));
    }
  }
  std::vector<at::Tensor> parts;
  forward_draws(predictor, draws, reader, batch, device,
                [&](const ModelOutput& output) { parts.push_back(output.embedding.to(at::kFloat).to(at::kCPU)); });
  rows.values = at::cat(parts).contiguous();
  return rows;
}

// Of rows: the label or the tags of their clips.
struct RowTargets {
  std::vector<std::int32_t> labels;
  std::vector<std::uint8_t> tags;
  std::int64_t classes = 0;

  [[nodiscard]] probes::Targets view() const { return {labels, tags, classes}; }
};

RowTargets targets_of(const ClipList& list, const std::vector<std::int64_t>& clips,
                      const std::vector<std::int64_t>& clip_of_row) {
  RowTargets targets;
  targets.classes = static_cast<std::int64_t>(list.classes.size());
  for (const std::int64_t position : clip_of_row) {
    const Clip& clip = list.clips[static_cast<std::size_t>(clips[static_cast<std::size_t>(position)])];
    if (!list.multi_label) {
      targets.labels.push_back(static_cast<std::int32_t>(clip.label));
      continue;
    }
    const std::size_t first = targets.tags.size();
    targets.tags.resize(first + static_cast<std::size_t>(targets.classes), 0);
    for (const std::int64_t tag : clip.tags) targets.tags[first + static_cast<std::size_t>(tag)] = 1;
  }
  return targets;
}

std::vector<std::int64_t> one_row_each(std::size_t clips) {
  std::vector<std::int64_t> rows(clips);
  for (std::size_t i = 0; i < clips; ++i) rows[i] = static_cast<std::int64_t>(i);
  return rows;
}

probes::ProbeKind kind_of(Classifier classifier) {
  switch (classifier) {
    case Classifier::kLinearProbe:
      return probes::ProbeKind::kLinearProbe;
    case Classifier::kLinearSvm:
      return probes::ProbeKind::kLinearSvm;
    case Classifier::kNearestNeighbours:
      return probes::ProbeKind::kNearestNeighbours;
    case Classifier::kNetwork:
      break;
  }
  throw Error(ErrorKind::kInternal, {.what = "a network's own classifier is no probe"});
}

// A linear probe reads standardised features, so that one weight decay means the same for every network; nearest
// neighbours are scale-free; the SVM sees features as they are, as XKD's scripts do.
probes::ProbeSettings probe_settings(const Suite& suite) {
  probes::ProbeSettings settings;
  settings.kind = kind_of(suite.evaluation.values.classifier);
  if (settings.kind == probes::ProbeKind::kLinearProbe) settings.scaling = probes::FeatureScaling::kStandardise;
  settings.neighbours = suite.evaluation.values.neighbours;
  settings.threads = static_cast<int>(suite.runtime.values.threads);
  return settings;
}

probes::ClipScore score_of(const ClipList& list, const RowTargets& truth) {
  if (!list.multi_label) {
    return [&truth](std::span<const float> values) {
      return metrics::top_k_accuracy({values, truth.labels, truth.classes}, 1);
    };
  }
  return [&truth](std::span<const float> values) {
    return metrics::macro_average_precision({values, truth.tags, truth.classes}).value_or(0.0);
  };
}

}  // namespace

ProbedScores classify_by_features(const Suite& suite, const SuiteData& data, const ProbeClips& probe,
                                  const std::vector<std::int64_t>& clips, const Predictor& predictor,
                                  const WindowReader& reader, const RandomStreams& streams, c10::Device device) {
  const EvaluationSettings& evaluation = suite.evaluation.values;
  const ClipList& list = data.listed.list;
  const auto at_test = [&reader](std::int64_t clip) {
    std::vector<ClipDraw> draws;
    for (std::int64_t view = 0; view < reader.test_views(); ++view) draws.push_back(reader.draw_test_view(clip, view));
    return draws;
  };
  const auto as_in_training = [&](std::int64_t clip) {
    std::vector<ClipDraw> draws;
    for (std::int64_t i = 0; i < evaluation.feature_windows; ++i) {
      draws.push_back(reader.draw_training(clip, streams.stream("probe-features", i, clip)));
    }
    return draws;
  };
  const auto rows_of = [&](const std::vector<std::int64_t>& some, const DrawsOfClip& draws) {
    return features_of(some, draws, predictor, reader, evaluation.batch, device);
  };

  const FeatureRows training =
      rows_of(probe.known, evaluation.feature_windows > 1 ? DrawsOfClip(as_in_training) : DrawsOfClip(at_test));
  const RowTargets targets = targets_of(list, probe.known, training.clip_of_row);
  probes::ProbeSettings settings = probe_settings(suite);
  const auto trainer = probes::make_probe_trainer(settings, training.matrix(), targets.view());

  ProbedScores result;
  result.regularisation = probes::regularisation_of(settings);
  std::unique_ptr<probes::Probe> fitted;
  if (!probe.choosing.empty() && settings.kind != probes::ProbeKind::kNearestNeighbours) {
    const FeatureRows rows = rows_of(probe.choosing, at_test);
    const RowTargets truth = targets_of(list, probe.choosing, one_row_each(probe.choosing.size()));
    probes::RegularisationChoice choice = probes::choose_c(
        *trainer, probes::default_regularisations(settings.kind),
        {rows.matrix(), rows.clip_of_row, static_cast<std::int64_t>(probe.choosing.size())}, score_of(list, truth));
    result.regularisation = choice.regularisation;
    for (const probes::RegularisationTrial& trial : choice.trials) {
      result.tried.push_back({trial.regularisation, trial.score});
    }
    fitted = std::move(choice.probe);
  } else {
    fitted = trainer->fit(result.regularisation);
  }

  result.converged = fitted->convergence().reached;
  result.residual = fitted->convergence().residual;

  const FeatureRows tested = rows_of(clips, at_test);
  const std::vector<float> values =
      probes::average_by_clip(fitted->decision_values(tested.matrix()), tested.clip_of_row,
                              static_cast<std::int64_t>(clips.size()), trainer->classes());
  at::Tensor scores = at::empty({static_cast<std::int64_t>(clips.size()), trainer->classes()}, at::kFloat);
  std::ranges::copy(values, scores.mutable_data_ptr<float>());
  // The shares of nearest neighbours are probabilities as they are.
  if (settings.kind != probes::ProbeKind::kNearestNeighbours) {
    scores = list.multi_label ? scores.sigmoid() : scores.softmax(1);
  }
  result.probabilities = scores.contiguous();
  return result;
}

}  // namespace cmkd
