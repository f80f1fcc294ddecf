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
  results::RowRole role = results::RowRole::kMethod;
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

// Per-clip outputs that give each row's top1: 200 clips of 40 videos. As LeaderboardOptions::outputs.
results::ClipOutputs outputs(const std::vector<results::LeaderboardRow>& rows, const std::string& evaluation_key);

// Student, kd and mnf_csc with three seeds on each of `datasets` sets, and crd, which has none on the last.
std::vector<results::LeaderboardRow> dataset_rows(std::int64_t datasets);

// The row under a condition of a sweep.
results::LeaderboardRow at_level(results::LeaderboardRow row, const std::string& setting, double level);

// corruption.share at 0, 0.5 and 0.75: teacher, student (both trained once for all levels), mnf_csc with the areas by
// which it tells the damaged clips, and kd, of which seed 2 failed at 0.75. Three seeds.
std::vector<results::LeaderboardRow> sweep_rows();

// A tuned suite: student, mnf_csc, kd and a teacher, which is not tuned. Two seeds, so that the teacher's t interval
// reaches beyond 100 %.
std::vector<results::LeaderboardRow> tuned_rows();
// The trials behind it, four of two seeds for each method: a trial of mnf_csc failed, one of kd has not run.
std::vector<results::LeaderboardRow> trial_rows();

}  // namespace cmkd::reports::fixture
