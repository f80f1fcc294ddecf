#include "catch.h"
// The test framework comes first.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/reports/leaderboard.h"
#include "cmkd/reports/tuning.h"
#include "fixture.h"

namespace cmkd::reports {
namespace {

// The mean of the maximum over all n^k draws with replacement.
double by_enumeration(const std::vector<double>& values, int k) {
  const auto draws = static_cast<std::size_t>(std::llround(std::pow(values.size(), k)));
  double sum = 0;
  for (std::size_t draw = 0; draw < draws; ++draw) {
    double best = -1e300;
    std::size_t rest = draw;
    for (int i = 0; i < k; ++i, rest /= values.size()) best = std::max(best, values[rest % values.size()]);
    sum += best;
  }
  return sum / static_cast<double>(draws);
}

TEST_CASE("the expected best of k agrees with the enumeration of all draws, ties included") {
  for (const std::vector<double>& values : {std::vector<double>{0.3, 0.1, 0.7}, {0.5, 0.5, 0.2, 0.9}, {0.4}}) {
    for (int k = 1; k <= 5; ++k) {
      CHECK(expected_best(values, k) == Approx(by_enumeration(values, k)).epsilon(1e-12));
    }
  }
  CHECK_THROWS_AS(expected_best(std::vector<double>{}, 1), Error);
  CHECK_THROWS_AS(expected_best(std::vector<double>{1}, 0), Error);
}

results::LeaderboardRow trial(const std::string& method, int number, std::int64_t seed, double value,
                              double learning_rate) {
  results::LeaderboardRow row;
  row.link.suite = "s-tuning";
  row.link.primary_metric = "top1";
  row.link.method_order = fmt::format("{:04}", method == "student" ? number : 100 + number);
  row.link.method = method;
  row.link.seed = seed;
  row.link.trial = number;
  row.state = results::RowState::kEvaluated;
  row.training.method = method;
  row.training.seed = seed;
  row.training.config_json = fmt::format(
      R"({{"training": {{"learning_rate": {}, "weight_decay": 0.0}}, "method": {{"parameters": {{"weight": 1.0}}}}}})",
      learning_rate);
  row.metrics = {{"top1", "validation", value, 10}};
  return row;
}

TEST_CASE("each method's trials are averaged over their seeds, and the best one wins, the first of equals") {
  std::vector<results::LeaderboardRow> rows{trial("kd", 0, 7, 0.5, 0.001),      trial("kd", 0, 8, 0.7, 0.001),
                                            trial("kd", 1, 7, 0.6, 0.004),      trial("kd", 1, 8, 0.6, 0.004),
                                            trial("kd", 2, 7, 0.8, 0.002),      trial("kd", 2, 8, 0.2, 0.002),
                                            trial("student", 0, 7, 0.4, 0.001), trial("student", 0, 8, 0.4, 0.001)};
  const Tuning tuning = build_tuning(rows).value();
  CHECK(tuning.trials == 3);
  CHECK(tuning.seeds == 2);
  CHECK(tuning.unfinished == 0);
  REQUIRE(tuning.methods.size() == 2);
  CHECK(tuning.methods[0].name == "student");
  const TunedMethod& kd = tuning.methods[1];
  REQUIRE(kd.values.size() == 3);
  CHECK(kd.values[0].value() == Approx(0.6));
  CHECK(kd.winner == 0);
  CHECK(kd.winning_values == "the suite's own values");
  CHECK(kd.best_of[2] == Approx(expected_best(std::vector<double>{0.6, 0.6, 0.5}, 3)));

  rows[5].metrics[0].value = 0.9;
  const TunedMethod better = build_tuning(rows).value().methods[1];
  CHECK(better.winner == 2);
  CHECK(better.winning_values == "learning_rate = 0.002");
}

TEST_CASE("a trial of which a seed failed has no value, and what is missing is counted") {
  std::vector<results::LeaderboardRow> rows{trial("kd", 0, 7, 0.5, 0.001), trial("kd", 1, 7, 0.9, 0.01),
                                            trial("kd", 2, 7, 0.4, 0.002)};
  rows[1].state = results::RowState::kFailed;
  rows[1].training.status = results::RunStatus::kFailed;
  rows[1].metrics.clear();
  rows[2].state = results::RowState::kNotRun;
  rows[2].training = {};
  rows[2].metrics.clear();
  const Tuning tuning = build_tuning(rows).value();
  CHECK(tuning.unfinished == 1);
  CHECK_FALSE(tuning.methods[0].values[1].has_value());
  CHECK(tuning.methods[0].winner == 0);
  REQUIRE(tuning.methods[0].best_of.size() == 2);
  CHECK(tuning.methods[0].best_of[0] == Approx(0.25));  // the failed trial counts as 0
  CHECK_FALSE(build_tuning({}).has_value());
}

TEST_CASE("a trial that has not run counts for the method, number and seed of its link") {
  results::LeaderboardRow row = trial("kd", 3, 7, 0.5, 0.001);
  row.state = results::RowState::kNotRun;
  row.training = {};
  row.metrics.clear();
  const Tuning tuning = build_tuning({trial("kd", 0, 8, 0.5, 0.001), row}).value();
  REQUIRE(tuning.methods.size() == 1);
  CHECK(tuning.methods[0].values.size() == 2);
  CHECK(tuning.seeds == 2);
  CHECK(tuning.unfinished == 1);
  row.link.trial = std::nullopt;
  CHECK_FALSE(build_tuning({row}).has_value());
}

TEST_CASE("the tuning stands in every format that shows prose, and in JSON") {
  Leaderboard board;
  board.title = "T";
  board.tuning = build_tuning({trial("kd", 0, 7, 0.5, 0.001), trial("kd", 1, 7, 0.9, 0.01)});
  const std::string markdown = render(board, Format::kMarkdown);
  CHECK(markdown.find("| kd | trial 1 of 2 | 90.0 |") != std::string::npos);
  CHECK(markdown.find("learning\\_rate = 0.01") != std::string::npos);
  CHECK(render(board, Format::kHtml).find("trial 1 of 2") != std::string::npos);
  CHECK(render(board, Format::kJson).find("\"expected_best_of\"") != std::string::npos);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The cells of the column `name`, by line; no cell of these rows has a comma.
std::vector<std::string> column(const std::string& csv, const std::string& name) {
  std::vector<std::vector<std::string>> cells;
  for (const std::string& line : lines_of(csv)) {
    std::vector<std::string>& row = cells.emplace_back();
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) row.push_back(cell);
  }
  const auto at = std::ranges::find(cells.front(), name) - cells.front().begin();
  std::vector<std::string> found;
  for (const auto& row : cells) found.push_back(row.at(static_cast<std::size_t>(at)));
  return found;
}

TEST_CASE("CSV stays one line for each seed: a tuning adds the trial that each method runs with, and of how many") {
  Leaderboard board = build_leaderboard(fixture::tuned_rows(), {});
  const std::string without = render_csv(board);
  CHECK(without.find("tuned_trial") == std::string::npos);
  board.tuning = build_tuning(fixture::trial_rows());
  const std::string with = render_csv(board);
  CHECK(lines_of(with).size() == lines_of(without).size());
  using Strings = std::vector<std::string>;
  CHECK(column(with, "row") ==
        Strings{"row", "teacher", "teacher", "mnf_csc", "mnf_csc", "kd", "kd", "student", "student"});
  // The teacher is not tuned; the highest of 0.56, failed, 0.60, 0.50; of 0.55, 0.52, 0.48; of 0.40, 0.44, 0.36, 0.42.
  CHECK(column(with, "tuned_trial") == Strings{"tuned_trial", "", "", "2", "2", "0", "0", "1", "1"});
  CHECK(column(with, "tuned_trials") == Strings{"tuned_trials", "", "", "4", "4", "4", "4", "4", "4"});
}

}  // namespace
}  // namespace cmkd::reports
