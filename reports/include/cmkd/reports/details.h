// What lies behind the numbers of a leaderboard, read from the store when it is asked for, so that a report of 10,000
// runs never holds them all: curves of the trainings, what was right clip by clip, environments.
//
// Every answer depends on the board and the store alone and has a total order. Errors: those of results::Store.
// A Details borrows its store and serves one thread, as the store does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cmkd/reports/leaderboard.h"

namespace cmkd::reports {

inline constexpr std::size_t kCurvePoints = 64;

struct CurvePoint {
  std::int64_t epoch = 0;
  double value = 0;
  friend bool operator==(const CurvePoint&, const CurvePoint&) = default;
};

// At most `most` of the points, in order: the first and the last, and of equal parts between them the lowest and the
// highest, so that no spike is lost. Requires most ≥ 4.
[[nodiscard]] std::vector<CurvePoint> thinned(const std::vector<CurvePoint>& points, std::size_t most = kCurvePoints);

// One series of one training.
struct Curve {
  std::string kind;  // "term", "diagnostic", "validation", "schedule"
  std::string phase;
  std::string name;
  std::int64_t seed = 0;
  std::string fold;
  std::vector<CurvePoint> points;  // thinned; finite
  std::int64_t recorded = 0;       // epochs, before thinning
  std::int64_t not_finite = 0;     // of them without a number
};

struct ConfusionCount {
  std::int32_t label = 0;
  std::int32_t predicted = 0;
  std::int64_t clips = 0;  // summed over the seeds
};

// One row of a table, clip by clip.
struct RowClips {
  std::size_t row = 0;  // position in Table::rows
  std::int64_t seeds = 0;
  std::vector<std::int64_t> right;        // [clips] seeds whose highest score is the true class
  std::vector<ConfusionCount> confusion;  // by label, then predicted; no zeros
};

// The clips of a table that all of its rows were evaluated on.
struct ClipTable {
  std::vector<std::string> clips;    // [N] ids, ascending
  std::vector<std::string> groups;   // [N] source video
  std::vector<std::int32_t> labels;  // [N]
  std::int64_t classes = 0;
  std::vector<RowClips> rows;         // as in the table; only those with outputs of these clips
  std::vector<std::string> left_out;  // "kd: seed 2 has other clips"
  std::string why_not;                // why there are no rows at all
};

// A value of the environment, and how many trainings of the board were made with it.
struct EnvironmentFact {
  std::string name;  // "libtorch"
  struct Value {
    std::string value;
    std::int64_t trainings = 0;
  };
  std::vector<Value> values;  // most trainings first
};

class Details {
 public:
  explicit Details(const results::Store& store) : store_(store) {}

  // For a second reader beside this one.
  [[nodiscard]] const results::Store& store() const noexcept { return store_; }
  // By kind, name, phase, seed, fold.
  [[nodiscard]] std::vector<Curve> curves(const Row& row) const;
  [[nodiscard]] ClipTable clips(const Table& table) const;
  [[nodiscard]] std::vector<EnvironmentFact> environment(const Leaderboard& board) const;

 private:
  const results::Store& store_;
};

// A row's part of one class: its clips, and the share that was recognised, mean over the seeds.
struct ClassRecall {
  std::int32_t label = 0;
  std::int64_t clips = 0;
  double recall = 0;
};
[[nodiscard]] std::vector<ClassRecall> class_recalls(const ClipTable& table, const RowClips& row);

// A clip on which two rows differ; ordered by how much, then by id.
struct DifferingClip {
  std::size_t clip = 0;  // position in ClipTable::clips
  std::int64_t left_right = 0;
  std::int64_t right_right = 0;
  double difference = 0;  // share of left's seeds that are right, minus the share of right's
};
[[nodiscard]] std::vector<DifferingClip> differing_clips(const RowClips& left, const RowClips& right);

}  // namespace cmkd::reports
