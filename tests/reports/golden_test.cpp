#include "catch.h"
// The test framework comes first.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "cmkd/reports/leaderboard.h"
#include "cmkd/reports/page.h"
#include "cmkd/reports/plots.h"
#include "fixture.h"
#include "paths.h"
#include "synthetic_store.h"

namespace cmkd::reports {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// CMKD_APPROVE=1 writes what is rendered instead of comparing: look at the difference before committing it.
void approve_text(const std::string& rendered, const char* name) {
  const std::filesystem::path path = test::source_dir() / "tests" / "golden" / name;
  if (const char* set = std::getenv("CMKD_APPROVE"); set != nullptr && std::string(set) == "1") {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << rendered;
  }
  INFO("approve a wanted change with CMKD_APPROVE=1: " << path);
  const bool equal = rendered == read(path);  // not in CHECK: it would print two whole pages
  CHECK(equal);
}

void approve(const Leaderboard& board, const char* name, Format format) { approve_text(render(board, format), name); }

LeaderboardOptions with_outputs(const std::vector<results::LeaderboardRow>& rows) {
  LeaderboardOptions options;
  options.outputs = [rows](const std::string& key) { return fixture::outputs(rows, key); };
  return options;
}

Leaderboard plain_board() {
  return build_leaderboard(fixture::rows(), fixture::datasets(), with_outputs(fixture::rows()));
}
Leaderboard sweep_board() { return build_leaderboard(fixture::sweep_rows(), fixture::datasets()); }
Leaderboard tuned_board() {
  Leaderboard board = build_leaderboard(fixture::tuned_rows(), fixture::datasets());
  board.tuning = build_tuning(fixture::trial_rows());
  return board;
}

TEST_CASE("the Markdown report is the approved one") { approve(plain_board(), "leaderboard.md", Format::kMarkdown); }
TEST_CASE("the CSV report is the approved one") { approve(plain_board(), "leaderboard.csv", Format::kCsv); }
TEST_CASE("the JSON report is the approved one") { approve(plain_board(), "leaderboard.json", Format::kJson); }
TEST_CASE("the HTML report is the approved one") { approve(plain_board(), "leaderboard.html", Format::kHtml); }

TEST_CASE("the LaTeX report is the approved one") { approve(plain_board(), "leaderboard.tex", Format::kLatex); }

TEST_CASE("the HTML report with its details is the approved one") {
  fixture::SyntheticOptions options;
  options.datasets = 1;
  options.methods = 5;
  options.seeds = 2;
  options.epochs = 3;
  options.clips = 6;
  options.classes = 3;
  const test::TemporaryFolder folder;
  const results::Store store = fixture::make_store(folder.path() / "results.db", options);
  const Leaderboard board = build_leaderboard(store.leaderboard_rows(fixture::kSyntheticSuite), store.datasets());
  approve_text(render_page(board, Details(store), {}, [](const std::string&, const std::string&) { FAIL("one file"); }),
               "page.html");
  approve(board, "hostile.tex", Format::kLatex);
  approve(board, "hostile.md", Format::kMarkdown);
  approve(board, "hostile.csv", Format::kCsv);
  for (const PlotFile& plot : plots_of(board)) {
    if (plot.name == "means-0.svg") approve_text(plot.svg, "means.svg");
  }
}

TEST_CASE("the reports of a sweep are the approved ones") {
  approve(sweep_board(), "sweep.md", Format::kMarkdown);
  approve(sweep_board(), "sweep.csv", Format::kCsv);
  approve(sweep_board(), "sweep.json", Format::kJson);
  approve(sweep_board(), "sweep.html", Format::kHtml);
}

TEST_CASE("the reports with a tuning are the approved ones") {
  approve(tuned_board(), "tuned.md", Format::kMarkdown);
  approve(tuned_board(), "tuned.csv", Format::kCsv);
  approve(tuned_board(), "tuned.json", Format::kJson);
  approve(tuned_board(), "tuned.html", Format::kHtml);
}

TEST_CASE("the report of six data sets with their tests, and of two without, are the approved ones") {
  approve(build_leaderboard(fixture::dataset_rows(6), {}), "datasets.md", Format::kMarkdown);
  approve(build_leaderboard(fixture::dataset_rows(2), {}), "two-datasets.md", Format::kMarkdown);
}

TEST_CASE("the order in which the rows of a sweep come changes no byte in any format") {
  auto rows = fixture::sweep_rows();
  std::ranges::reverse(rows);
  const Leaderboard backward = build_leaderboard(rows, fixture::datasets());
  for (const Format format : {Format::kMarkdown, Format::kCsv, Format::kJson, Format::kHtml, Format::kLatex}) {
    const bool equal = render(sweep_board(), format) == render(backward, format);
    CHECK(equal);
  }
}

TEST_CASE("the order in which rows and data sets come changes no byte in any format") {
  auto rows = fixture::rows();
  auto datasets = fixture::datasets();
  const Leaderboard forward = build_leaderboard(rows, datasets);
  std::ranges::reverse(rows);
  std::ranges::reverse(datasets);
  for (auto& dataset : datasets) std::ranges::reverse(dataset.excluded);
  const Leaderboard backward = build_leaderboard(rows, datasets);
  for (const Format format : {Format::kMarkdown, Format::kCsv, Format::kJson, Format::kHtml, Format::kLatex}) {
    const bool equal = render(forward, format) == render(backward, format);
    CHECK(equal);
  }
}

TEST_CASE("names that are markup stay text in HTML and in Markdown") {
  const Leaderboard board = build_leaderboard(fixture::rows(), fixture::datasets());
  for (const Format format : {Format::kMarkdown, Format::kHtml}) {
    std::istringstream text(render(board, format));
    for (std::string line; std::getline(text, line);) {
      INFO(line);
      if (format == Format::kMarkdown && line.starts_with("    ")) continue;  // a code block: nothing in it is markup
      const bool tag = line.find("<script>alert") != std::string::npos || line.find("<img") != std::string::npos;
      CHECK_FALSE(tag);
    }
  }
}

TEST_CASE("every format is UTF-8 on lines of its own making, whatever the names of clips are") {
  const Leaderboard board = build_leaderboard(fixture::rows(), fixture::datasets());
  for (const Format format : {Format::kMarkdown, Format::kCsv, Format::kJson, Format::kHtml, Format::kLatex}) {
    const std::string text = render(board, format);
    CHECK(text.find('\xE9') == std::string::npos);  // alone; as part of a character it would stand in 0xC3 0xA9
    if (format != Format::kJson) CHECK(text.find("\u202E") == std::string::npos);
  }
}

TEST_CASE("the HTML report names no address, so it can load nothing") {
  const std::string text = render_html(plain_board()) + render_html(sweep_board()) + render_html(tuned_board());
  for (const char* sign : {"http:", "https:", "url(", "@import", "src=\"", "<link"}) {
    INFO(sign);
    const bool absent = text.find(sign) == std::string::npos;
    CHECK(absent);
  }
}

}  // namespace
}  // namespace cmkd::reports
