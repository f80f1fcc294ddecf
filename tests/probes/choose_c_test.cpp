#include "catch.h"
// The test framework comes first.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/metrics/classification.h"
#include "cmkd/probes/choose_c.h"
#include "made_rows.h"

namespace cmkd::probes {
namespace {

using test::made_rows;
using test::MadeRows;

// Its decision value is the regularisation that it was fitted with, so that a score can be made to depend on it.
class SaysItsRegularisation final : public Probe {
 public:
  explicit SaysItsRegularisation(double regularisation) : value_(static_cast<float>(regularisation)) {}
  std::vector<float> decision_values(const FeatureMatrix& rows) const override {
    return std::vector<float>(static_cast<std::size_t>(rows.rows), value_);
  }

 private:
  float value_;
};

class SaysItsRegularisationTrainer final : public ProbeTrainer {
 public:
  explicit SaysItsRegularisationTrainer(ProbeKind kind) : ProbeTrainer(kind, 1) {}
  std::unique_ptr<Probe> fit(double regularisation) const override {
    return std::make_unique<SaysItsRegularisation>(regularisation);
  }
};

const std::vector<float> kOneValue{0};
const std::vector<std::int64_t> kOneClip{0};

// 2 and 4 score best.
double score_by_value(std::span<const float> values) { return values[0] == 2 || values[0] == 4 ? 0.5 : 0.25; }

RegularisationChoice chosen(ProbeKind kind, const std::vector<double>& candidates, const ClipScore& score) {
  return choose_c(SaysItsRegularisationTrainer(kind), candidates, {{kOneValue, 1, 1}, kOneClip, 1}, score);
}

TEST_CASE("of equal scores the strongest regularisation is chosen, in whatever order they are tried") {
  std::vector<double> candidates{1, 2, 4, 8};
  do {
    CHECK(chosen(ProbeKind::kLinearSvm, candidates, score_by_value).regularisation == 2);
    CHECK(chosen(ProbeKind::kLinearProbe, candidates, score_by_value).regularisation == 4);
    CHECK(chosen(ProbeKind::kNearestNeighbours, candidates, score_by_value).regularisation == 4);
  } while (std::ranges::next_permutation(candidates).found);
}

TEST_CASE("every value that was tried is returned with its score, and the probe is that of the chosen one") {
  const RegularisationChoice choice = chosen(ProbeKind::kLinearSvm, {8, 4, 1}, score_by_value);
  REQUIRE(choice.trials.size() == 3);
  CHECK(choice.trials[0].regularisation == 8);
  CHECK(choice.trials[0].score == 0.25);
  CHECK(choice.trials[1].score == 0.5);
  CHECK(choice.trials[2].regularisation == 1);
  CHECK(choice.probe->decision_values({kOneValue, 1, 1}) == std::vector<float>{4});
}

TEST_CASE("scores below zero choose like any others") {
  const auto score = [](std::span<const float> values) { return -static_cast<double>(values[0]); };
  CHECK(chosen(ProbeKind::kLinearSvm, {8, 4, 16}, score).regularisation == 4);
}

TEST_CASE("no candidate, one twice, and a score that is no number are refused") {
  CHECK_THROWS_WITH(chosen(ProbeKind::kLinearSvm, {}, score_by_value), message_contains("no regularisation"));
  CHECK_THROWS_WITH(chosen(ProbeKind::kLinearSvm, {1, 2, 1}, score_by_value), message_contains("tried twice"));
  CHECK_THROWS_WITH(chosen(ProbeKind::kLinearSvm, {1}, [](std::span<const float>) { return std::nan(""); }),
                    message_contains("not a number"));
}

TEST_CASE("C is chosen by the top-1 of clips whose views are averaged, as trying each by hand does") {
  const MadeRows training = made_rows(90, 12, 3, 0.25);
  const MadeRows views = made_rows(120, 12, 3, 0.25, "views");
  // Rows i, i + 3 and i + 6 of each nine are three views of a clip of class i.
  std::vector<std::int64_t> clip_of_row;
  std::vector<std::int32_t> labels(40);
  for (std::int64_t row = 0; row < 120; ++row) {
    clip_of_row.push_back(row < 117 ? row / 9 * 3 + row % 3 : 39);
    labels[static_cast<std::size_t>(clip_of_row.back())] = views.labels[static_cast<std::size_t>(row)];
  }
  const ClipScore top1 = [&](std::span<const float> values) { return metrics::top_k_accuracy({values, labels, 3}, 1); };
  const auto trainer = make_probe_trainer({.kind = ProbeKind::kLinearSvm}, training.features(), training.targets());
  const std::vector<double> candidates = default_regularisations(ProbeKind::kLinearSvm);
  const RegularisationChoice choice = choose_c(*trainer, candidates, {views.features(), clip_of_row, 40}, top1);
  REQUIRE(choice.trials.size() == candidates.size());
  double best = 0;
  double best_c = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::vector<float> rows = trainer->fit(candidates[i])->decision_values(views.features());
    const double score = top1(average_by_clip(rows, clip_of_row, 40, 3));
    CHECK(choice.trials[i].score == score);
    if (score > best) best_c = candidates[i];
    best = std::max(best, score);
  }
  CHECK(choice.regularisation == best_c);
  CHECK(best > 0.4);  // of three classes: chance is ⅓
}

}  // namespace
}  // namespace cmkd::probes
