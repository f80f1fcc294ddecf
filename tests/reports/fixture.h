// A fixed suite for the tests of the reports: every case that a leaderboard must be able to show.
#pragma once

#include <string>
#include <vector>

#include "cmkd/results/store.h"

namespace cmkd::reports::fixture {

struct Case {
  std::string label;
  std::string method;
  std::string control;
  std::string note;
  std::string verified;
  std::vector<double> top1;  // by seed from 1; negative: the seed failed
};

// One row of the store for a seed; the values of the other metrics follow from top1.
results::LeaderboardRow row(const Case& one, std::int64_t seed);
results::LeaderboardRow not_run(const results::LeaderboardRow& from);

// Student, two methods of five seeds, one control, one that failed for a seed and was not run for another, the
// teacher, the ceiling, one with both modalities, one that was never run, and one of a hostile name. One excluded
// clip's name is no UTF-8 and turns the direction of writing.
std::vector<results::LeaderboardRow> rows();
std::vector<results::DatasetRecord> datasets();

}  // namespace cmkd::reports::fixture
