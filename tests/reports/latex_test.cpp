#include "catch.h"
// The test framework comes first.
#include "cmkd/reports/leaderboard.h"
#include "fixture.h"
#include "latex/latex.h"

namespace cmkd::reports {
namespace {

bool latex_contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("what is markup in LaTeX stays text, and what pdfTeX cannot show has its code points beside it") {
  CHECK(latex_escaped("a_b & 50 % #1 {x} $y$") == "a\\_b \\& 50 \\% \\#1 \\{x\\} \\$y\\$");
  CHECK(latex_escaped("\\^~") == "\\textbackslash{}\\textasciicircum{}\\textasciitilde{}");
  CHECK(latex_escaped("<|>") == "$<$$|$$>$");
  CHECK(latex_escaped("é 知识 x") == "é \\cmkdname{知识}{U+77E5 U+8BC6} x");
  CHECK(latex_escaped("−1.5 ± 2") == "$-$1.5 $\\pm$ 2");
}

TEST_CASE("in LaTeX means that are equal as shown share their mark, and a partial row has none") {
  std::vector<results::LeaderboardRow> rows;
  // Shown as 50.0, 50.0 and 40.0; the partial one's 90.0 is not compared.
  for (const fixture::Case& one : {fixture::Case{"first", "kd", "", RowRole::kMethod, "loss", {0.5, 0.5001}},
                                   fixture::Case{"second", "crd", "", RowRole::kMethod, "loss", {0.5, 0.5}},
                                   fixture::Case{"third", "rkd", "", RowRole::kMethod, "loss", {0.4, 0.4}},
                                   fixture::Case{"partial", "at", "", RowRole::kMethod, "loss", {0.9, -1}}}) {
    for (std::int64_t seed = 1; seed <= 2; ++seed) rows.push_back(fixture::row(one, seed));
  }
  const std::string text = render_latex(build_leaderboard(rows, {}));
  CHECK(latex_contains(text, "first & -- & 2 & \\textbf{50.0"));
  CHECK(latex_contains(text, "second & -- & 2 & \\textbf{50.0"));
  CHECK(latex_contains(text, "third & -- & 2 & \\underline{40.0"));
  CHECK(latex_contains(text, "partial & -- & 1 of 2 & 90.0"));
}

}  // namespace
}  // namespace cmkd::reports
