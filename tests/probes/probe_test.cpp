// What holds for each kind of probe.
#include "catch.h"
// The test framework comes first.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/metrics/classification.h"
#include "cmkd/metrics/tagging.h"
#include "cmkd/probes/probe.h"
#include "made_rows.h"

namespace cmkd::probes {
namespace {

using test::made_rows;
using test::MadeRows;

const std::vector<ProbeKind> kKinds{ProbeKind::kLinearSvm, ProbeKind::kLinearProbe, ProbeKind::kNearestNeighbours};

std::vector<float> values_of(ProbeSettings settings, const MadeRows& training, const Targets& targets,
                             const MadeRows& test) {
  settings.neighbours = 5;
  return make_probe_trainer(settings, training.features(), targets)
      ->fit(regularisation_of(settings))
      ->decision_values(test.features());
}

TEST_CASE("each kind recognises the classes of separate clouds, with each scaling") {
  const MadeRows training = made_rows(60, 6, 4, 8);
  const MadeRows test = made_rows(40, 6, 4, 8, "test");
  const std::vector<std::uint8_t> tags = test::made_tags(training);
  for (const ProbeKind kind : kKinds) {
    for (const FeatureScaling scaling :
         {FeatureScaling::kNone, FeatureScaling::kStandardise, FeatureScaling::kUnitLength}) {
      INFO(to_string(kind) << " on " << to_string(scaling));
      const ProbeSettings settings{.kind = kind, .scaling = scaling};
      const std::vector<float> values = values_of(settings, training, training.targets(), test);
      CHECK(metrics::top_k_accuracy({values, test.labels, 4}, 1) == 1);
      const std::vector<float> tagged = values_of(settings, training, {.tags = tags, .classes = 4}, test);
      CHECK(metrics::macro_average_precision({tagged, test::made_tags(test), 4}).value() == 1);
    }
  }
}

TEST_CASE("the decision values of each kind are the same bytes at each call, and after fits of other kinds") {
  const MadeRows training = made_rows(60, 6, 4, 0.5);
  const MadeRows test = made_rows(10, 6, 4, 0.5, "test");
  std::vector<std::vector<float>> first;
  for (const ProbeKind kind : kKinds) first.push_back(values_of({.kind = kind}, training, training.targets(), test));
  for (std::size_t i = kKinds.size(); i-- > 0;) {
    CHECK(values_of({.kind = kKinds[i]}, training, training.targets(), test) == first[i]);
    CHECK(values_of({.kind = kKinds[i], .threads = 3}, training, training.targets(), test) == first[i]);
  }
}

TEST_CASE("a class without training rows is never named, and changes nothing for the others") {
  const MadeRows test = made_rows(30, 6, 3, 0.5, "test");
  const MadeRows training = made_rows(60, 6, 3, 0.5);
  MadeRows apart = training;  // the classes 0, 1, 2 as 1, 2, 4 of 6
  for (std::int32_t& label : apart.labels) label = label == 2 ? 4 : label + 1;
  apart.classes = 6;
  for (const ProbeKind kind : kKinds) {
    INFO(to_string(kind));
    const std::vector<float> three = values_of({.kind = kind}, training, training.targets(), test);
    const std::vector<float> six = values_of({.kind = kind}, apart, apart.targets(), test);
    for (std::size_t row = 0; row < 30; ++row) {
      const float* a = three.data() + row * 3;
      const float* b = six.data() + row * 6;
      CHECK((b[1] == a[0] && b[2] == a[1] && b[4] == a[2]));
      const float lowest = std::min({a[0], a[1], a[2]});
      for (const std::size_t absent : {0, 3, 5}) {
        if (kind == ProbeKind::kNearestNeighbours) CHECK(b[absent] == 0);
        if (kind != ProbeKind::kNearestNeighbours) CHECK(b[absent] == Approx(lowest - 1));
      }
    }
  }
}

TEST_CASE("rows of one class alone leave no other class to name") {
  MadeRows training = made_rows(20, 3, 2, 0.5);
  std::ranges::fill(training.labels, 1);
  for (const ProbeKind kind : kKinds) {
    INFO(to_string(kind));
    const std::vector<float> values = values_of({.kind = kind}, training, training.targets(), training);
    for (std::size_t row = 0; row < 20; ++row) CHECK(values[row * 2 + 1] > values[row * 2]);
  }
}

TEST_CASE("a tag that no row or every row has gets a constant, and the other tags are fitted") {
  const MadeRows training = made_rows(20, 3, 2, 2);
  std::vector<std::uint8_t> tags;
  for (const std::int32_t label : training.labels) tags.insert(tags.end(), {0, label == 1, 1});
  const Targets targets{.tags = tags, .classes = 3};
  const double log_odds = std::log(21.0);  // by the rule of succession, 20 rows
  for (const ProbeKind kind : kKinds) {
    INFO(to_string(kind));
    const std::vector<float> values = values_of({.kind = kind}, training, targets, training);
    const double low = kind == ProbeKind::kLinearSvm ? -1 : kind == ProbeKind::kLinearProbe ? -log_odds : 0;
    const double high = kind == ProbeKind::kLinearProbe ? log_odds : 1;
    std::vector<float> of_tag;
    for (std::size_t row = 0; row < 20; ++row) {
      CHECK(values[row * 3] == Approx(low).margin(1e-6));
      CHECK(values[row * 3 + 2] == Approx(high).margin(1e-6));
      of_tag.push_back(values[row * 3 + 1]);
    }
    CHECK(*std::ranges::max_element(of_tag) > *std::ranges::min_element(of_tag));
  }
}

TEST_CASE("each kind refuses rows that it cannot take, in training and in test") {
  const MadeRows training = made_rows(12, 3, 2, 1);
  MadeRows broken = training;
  broken.values[7] = std::nanf("");
  const MadeRows wider = made_rows(4, 5, 2, 1);
  MadeRows labelled = training;
  labelled.labels[3] = 2;
  for (const ProbeKind kind : kKinds) {
    INFO(to_string(kind));
    CHECK_THROWS_WITH(values_of({.kind = kind}, broken, broken.targets(), training),
                      message_contains("training feature"));
    CHECK_THROWS_WITH(values_of({.kind = kind}, labelled, labelled.targets(), training), message_contains("label 2"));
    CHECK_THROWS_WITH(values_of({.kind = kind}, training, training.targets(), broken),
                      message_contains("test feature"));
    CHECK_THROWS_WITH(values_of({.kind = kind}, training, training.targets(), wider),
                      message_contains("trained on width 3"));
    CHECK_THROWS_WITH(values_of({.kind = kind, .threads = 0}, training, training.targets(), training),
                      message_contains("on no thread"));
    CHECK_THROWS_WITH(make_probe_trainer({.kind = kind}, {{}, 0, 3}, {.classes = 2}),
                      message_contains("no training rows"));
  }
}

TEST_CASE("kinds and scalings are read by name, and each kind says what its regularisation is") {
  for (const ProbeKind kind : kKinds) CHECK(parse_named<ProbeKind>(to_string(kind), "probe") == kind);
  CHECK_THROWS_WITH(parse_named<ProbeKind>("linear_svn", "probe"), message_contains("linear_svm"));
  CHECK(regularisation_of({.kind = ProbeKind::kLinearSvm, .svm_c = 3}) == 3);
  CHECK(regularisation_of({.kind = ProbeKind::kLinearProbe, .weight_decay = 2}) == 2);
  CHECK(regularisation_of({.kind = ProbeKind::kNearestNeighbours, .neighbours = 7}) == 7);
  for (const ProbeKind kind : kKinds) CHECK(std::ranges::is_sorted(default_regularisations(kind)));
}

}  // namespace
}  // namespace cmkd::probes
