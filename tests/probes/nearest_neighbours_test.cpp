#include "catch.h"
// The test framework comes first.
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/probes/probe.h"
#include "made_rows.h"

namespace cmkd::probes {
namespace {

using test::made_rows;
using test::MadeRows;

std::unique_ptr<ProbeTrainer> neighbours_of(const FeatureMatrix& rows, const Targets& targets, double temperature,
                                            int threads = 1) {
  return make_probe_trainer(
      {.kind = ProbeKind::kNearestNeighbours, .neighbour_temperature = temperature, .threads = threads}, rows, targets);
}

TEST_CASE("the nearest rows by cosine vote with exponential weights, as derived by hand") {
  // Cosines of the query (5, 0) with the rows: 1, 0, 1/√2. Two neighbours: rows 0 and 2, whose weights are as
  // 1 : exp((1/√2 − 1) / T).
  const std::vector<float> rows{2, 0, 0, 9, 3, 3};
  const std::vector<std::int32_t> labels{0, 1, 2};
  const std::vector<float> query{5, 0};
  for (const double temperature : {0.07, 0.5}) {
    const double weight = std::exp((std::sqrt(0.5) - 1) / temperature);
    const auto trainer = neighbours_of({rows, 3, 2}, {.labels = labels, .classes = 4}, temperature);
    const std::vector<float> values = trainer->fit(2)->decision_values({query, 1, 2});
    REQUIRE(values.size() == 4);
    CHECK(values[0] == Approx(1 / (1 + weight)));
    CHECK(values[1] == 0);
    CHECK(values[2] == Approx(weight / (1 + weight)));
    CHECK(values[3] == 0);  // no row shows this class
  }
}

TEST_CASE("a neighbour votes for each of its tags") {
  const std::vector<float> rows{2, 0, 0, 9, 3, 3};
  const std::vector<std::uint8_t> tags{1, 1, 0, 1, 0, 0, 0, 1, 0};
  const std::vector<float> query{5, 0};
  const double weight = std::exp((std::sqrt(0.5) - 1) / 0.5);
  const auto trainer = neighbours_of({rows, 3, 2}, {.tags = tags, .classes = 3}, 0.5);
  const std::vector<float> values = trainer->fit(2)->decision_values({query, 1, 2});
  CHECK(values[0] == Approx(1 / (1 + weight)));
  CHECK(values[1] == Approx(1));
  CHECK(values[2] == 0);
}

TEST_CASE("of rows that are equally near, the first counts") {
  const std::vector<float> rows{0, 1, 1, 0, 2, 0};
  const std::vector<float> query{1, 0};
  const std::vector<std::int32_t> labels{0, 1, 2};
  const auto trainer = neighbours_of({rows, 3, 2}, {.labels = labels, .classes = 3}, 0.07);
  CHECK(trainer->fit(1)->decision_values({query, 1, 2}) == std::vector<float>{0, 1, 0});
}

TEST_CASE("a temperature at which the weights themselves have no double leaves shares") {
  const std::vector<float> rows{1, 0, 0, 1};
  const std::vector<std::int32_t> labels{0, 1};
  const auto trainer = neighbours_of({rows, 2, 2}, {.labels = labels, .classes = 2}, 1e-4);
  CHECK(trainer->fit(2)->decision_values({rows, 2, 2}) == std::vector<float>{1, 0, 0, 1});
}

TEST_CASE("over several blocks, neighbours are those of a search by the definition, in any order of the rows") {
  // More rows than the 256 that are compared together, more queries than 64.
  const MadeRows training = made_rows(700, 6, 5, 0.5);
  const MadeRows test = made_rows(150, 6, 5, 0.5, "test");
  const std::vector<float> values =
      neighbours_of(training.features(), training.targets(), 0.07)->fit(20)->decision_values(test.features());
  for (std::size_t query = 0; query < test.labels.size(); ++query) {
    const auto cosine = [&](std::size_t row) {
      double product = 0;
      double a = 0;
      double b = 0;
      for (std::size_t j = 0; j < 6; ++j) {
        const double x = training.values[row * 6 + j];
        const double y = test.values[query * 6 + j];
        product += x * y;
        a += x * x;
        b += y * y;
      }
      return product / std::sqrt(a * b);
    };
    std::vector<std::pair<double, std::int32_t>> all;
    for (std::size_t row = 0; row < training.labels.size(); ++row) all.emplace_back(cosine(row), training.labels[row]);
    std::ranges::sort(all, std::greater{});
    std::vector<double> votes(5, 0);
    double total = 0;
    for (std::size_t i = 0; i < 20; ++i) {
      votes[static_cast<std::size_t>(all[i].second)] += std::exp(all[i].first / 0.07);
      total += std::exp(all[i].first / 0.07);
    }
    for (std::size_t c = 0; c < 5; ++c) CHECK(values[query * 5 + c] == Approx(votes[c] / total).margin(1e-5));
  }
  const MadeRows other = test::reversed(training);
  CHECK(neighbours_of(other.features(), other.targets(), 0.07)->fit(20)->decision_values(test.features()) == values);
  CHECK(neighbours_of(training.features(), training.targets(), 0.07, 3)->fit(20)->decision_values(test.features()) ==
        values);
}

TEST_CASE("a number of neighbours that the rows do not have, or no number, is refused") {
  const MadeRows made = made_rows(6, 2, 2, 0.5);
  const auto trainer = neighbours_of(made.features(), made.targets(), 0.07);
  CHECK_NOTHROW(trainer->fit(6));
  for (const double neighbours : {0.0, 7.0, 2.5, std::nan("")}) {
    CHECK_THROWS_WITH(trainer->fit(neighbours), message_contains("nearest neighbours") && message_contains("1 … 6"));
  }
  CHECK_THROWS_WITH(neighbours_of(made.features(), made.targets(), 0), message_contains("temperature"));
}

}  // namespace
}  // namespace cmkd::probes
