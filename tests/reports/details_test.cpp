#include "catch.h"
// The test framework comes first.
#include <algorithm>
#include <map>

#include "cmkd/reports/details.h"
#include "cmkd/reports/page.h"
#include "paths.h"
#include "synthetic_store.h"

namespace cmkd::reports {
namespace {

std::vector<CurvePoint> ramp(std::int64_t epochs) {
  std::vector<CurvePoint> points;
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) points.push_back({epoch, static_cast<double>(epoch)});
  return points;
}

TEST_CASE("a curve of at most 64 points is drawn as it is") { CHECK(thinned(ramp(64)) == ramp(64)); }

TEST_CASE("a thinned curve keeps its ends, its spikes and its order, and has at most 64 points") {
  std::vector<CurvePoint> points = ramp(10'000);
  points[4321].value = 1e6;
  points[777].value = -1e6;
  const std::vector<CurvePoint> kept = thinned(points);
  CHECK(kept.size() <= kCurvePoints);
  CHECK(kept.front() == points.front());
  CHECK(kept.back() == points.back());
  CHECK(std::ranges::count(kept, points[4321]) == 1);
  CHECK(std::ranges::count(kept, points[777]) == 1);
  CHECK(std::ranges::is_sorted(kept, {}, &CurvePoint::epoch));
}

TEST_CASE(
    "clips on which two rows differ stand by the difference of their shares, which are compared as whole numbers") {
  // Right in 1 of 3 and 2 of 6 seeds: no difference. 3 of 3 against 0 of 6: 1. 0 of 3 against 3 of 6: −1/2.
  const RowClips left{0, 3, {1, 3, 0}, {}};
  const RowClips right{1, 6, {2, 0, 3}, {}};
  const std::vector<DifferingClip> clips = differing_clips(left, right);
  REQUIRE(clips.size() == 2);
  CHECK(clips[0].clip == 1);
  CHECK(clips[0].difference == 1);
  CHECK(clips[1].clip == 2);
  CHECK(clips[1].difference == -0.5);
}

struct SmallStore {
  test::TemporaryFolder folder;
  results::Store store;
  Leaderboard board;

  explicit SmallStore(const fixture::SyntheticOptions& options)
      : store(fixture::make_store(folder.path() / "results.db", options)),
        board(build_leaderboard(store.leaderboard_rows(fixture::kSyntheticSuite), store.datasets())) {}

  [[nodiscard]] const Row& row(const std::string& name) const {
    return *std::ranges::find(board.tables[0].rows, name, &Row::name);
  }
};

fixture::SyntheticOptions small_options() {
  fixture::SyntheticOptions options;
  options.datasets = 1;
  options.seeds = 2;
  options.clips = 12;
  options.epochs = 3;
  return options;
}

TEST_CASE("the clips of a table are those of its rows, and agree with their stored accuracy") {
  const SmallStore small(small_options());
  const ClipTable clips = Details(small.store).clips(small.board.tables[0]);
  REQUIRE(clips.clips.size() == 12);
  CHECK(clips.why_not.empty());
  REQUIRE(clips.rows.size() >= 8);
  for (const RowClips& row : clips.rows) {
    std::int64_t right = 0;
    for (const std::int64_t seeds : row.right) right += seeds;
    const Row& shown = small.board.tables[0].rows[row.row];
    INFO(shown.name);
    CHECK(static_cast<double>(right) / static_cast<double>(12 * row.seeds) == Approx(*shown.mean));
    std::int64_t confused = 0;
    for (const ConfusionCount& count : row.confusion) confused += count.clips;
    CHECK(confused == 12 * row.seeds);
    std::int64_t of_classes = 0;
    for (const ClassRecall& recall : class_recalls(clips, row)) of_classes += recall.clips;
    CHECK(of_classes == 12);
  }
}

TEST_CASE("the curves of a row are those of all of its seeds, without what is no number, which is counted") {
  const SmallStore small(small_options());
  const std::vector<Curve> curves = Details(small.store).curves(small.row("mnf_csc"));
  std::map<std::string, std::size_t> count;
  for (const Curve& curve : curves) ++count[curve.kind + " " + curve.name];
  CHECK(count == std::map<std::string, std::size_t>{{"diagnostic gate_entropy", 2},
                                                    {"diagnostic gate_mean", 2},
                                                    {"diagnostic tau_positive", 2},
                                                    {"schedule learning_rate", 2},
                                                    {"term kd", 2},
                                                    {"term student_cls", 2},
                                                    {"validation top1", 2}});
  const auto tau = std::ranges::find(curves, "tau_positive", &Curve::name);
  CHECK(tau->recorded == 3);
  CHECK(tau->not_finite == 1);
  CHECK(tau->points.size() == 2);
}

TEST_CASE("environments are counted by training, and failed ones count") {
  const SmallStore small(small_options());
  for (const EnvironmentFact& fact : Details(small.store).environment(small.board)) {
    std::int64_t trainings = 0;
    for (const auto& value : fact.values) trainings += value.trainings;
    INFO(fact.name);
    // 15 rows of two seeds, less rkd's second and fitnet's, which has not run.
    CHECK(trainings == 2 * 15 - 2);
    CHECK(fact.values.size() == (fact.name == "git_revision" ? 2U : 1U));
  }
}

TEST_CASE("above so many runs the details are pages beside the page, each linked from it") {
  const SmallStore small(small_options());
  PageOptions options;
  options.name = "board.html";
  std::map<std::string, std::string> beside;
  const auto keep = [&](const std::string& name, const std::string& text) { beside[name] = text; };
  const std::string whole = render_page(small.board, Details(small.store), options, keep);
  CHECK(beside.empty());
  CHECK(whole.find("id=\"training\"") != std::string::npos);
  options.runs_in_page = 8;
  const std::string parted = render_page(small.board, Details(small.store), options, keep);
  CHECK(parted.find("id=\"training\"") == std::string::npos);
  CHECK(beside.size() == 4);  // 15 rows, four a page
  for (const auto& [name, text] : beside) {
    INFO(name);
    CHECK(name.starts_with("board_details/"));
    CHECK(parted.find("href=\"" + name + "\"") != std::string::npos);
    CHECK(text.find("href=\"../board.html\"") != std::string::npos);
    CHECK(text.find("id=\"training\"") != std::string::npos);
  }
}

}  // namespace
}  // namespace cmkd::reports
