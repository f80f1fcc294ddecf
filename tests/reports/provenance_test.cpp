#include "catch.h"
#include "cmkd/reports/leaderboard.h"

using namespace cmkd;
using namespace cmkd::reports;

namespace {

results::LeaderboardRow made_by(const std::string& key, const std::string& cell, const results::Origin& origin) {
  results::LeaderboardRow row;
  row.link.suite = "quick";
  row.link.suite_file = "suites/quick.toml";
  row.link.evaluation_key = "evaluation of " + key;
  row.state = results::RowState::kEvaluated;
  row.training.key = key;
  row.training.cell_key = cell;
  row.origin = origin;
  row.evaluation_code = origin.shared_code;
  return row;
}

const results::Origin kHereOrigin{"aaaaaaaaaaaa", "2.13.0", "cpu", "AVX2"};

}  // namespace

TEST_CASE("trainings that were all made alike are said to be, in one line, each counted once") {
  const auto row = made_by("a", "cell", kHereOrigin);
  const Provenance provenance = provenance_of({row, row, made_by("b", "cell", kHereOrigin)});
  CHECK_FALSE(provenance.is_mixed());
  REQUIRE(provenance.parts.size() == 1);
  CHECK(provenance.parts.front().trainings == 2);
  CHECK(provenance_lines(provenance) ==
        std::vector<std::string>{"All trainings were made with shared code aaaaaaaaaa, LibTorch 2.13.0, cpu (AVX2)."});
}

TEST_CASE("other code, another LibTorch, device kind or CPU level is told, with the command that makes rows alike") {
  for (const results::Origin& other : {results::Origin{"bbbbbbbbbbbb", "2.13.0", "cpu", "AVX2"},
                                       results::Origin{"aaaaaaaaaaaa", "2.11.0", "cpu", "AVX2"},
                                       results::Origin{"aaaaaaaaaaaa", "2.13.0", "cuda", "AVX2"},
                                       results::Origin{"aaaaaaaaaaaa", "2.13.0", "cpu", "AVX512"}}) {
    const Provenance provenance =
        provenance_of({made_by("a", "one", kHereOrigin), made_by("b", "one", other), made_by("c", "two", kHereOrigin)});
    CHECK(provenance.is_mixed());
    REQUIRE(provenance.parts.size() == 2);
    CHECK(provenance.parts.front().trainings == 2);
    CHECK(provenance.parts.front().origin == kHereOrigin);
    // Other code alone is no other place.
    CHECK(provenance.mixed_cells == (other.shared_code == kHereOrigin.shared_code ? 1 : 0));
    CHECK(provenance_lines(provenance).back() ==
          "Trains again what differs from the program at hand: cmkd run suites/quick.toml --retrain changed");
  }
}

TEST_CASE("an evaluation that was made later by other code is told, and what has not run is not counted") {
  auto later = made_by("a", "cell", kHereOrigin);
  later.evaluation_code = "bbbbbbbbbbbb";
  auto not_run = made_by("b", "cell", {});
  not_run.state = results::RowState::kNotRun;
  const Provenance provenance = provenance_of({later, not_run});
  CHECK(provenance.parts.size() == 1);
  CHECK(provenance.later_evaluations == 1);
  CHECK(provenance.is_mixed());
  CHECK(provenance_lines(provenance_of({})).empty());
}
