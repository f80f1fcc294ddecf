// cmkd report: leaderboards, regenerated from the store alone.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/harness/run_one.h"
#include "cmkd/reports/leaderboard.h"
#include "cmkd/reports/stored.h"
#include "cmkd/results/store.h"
#include "commands.h"
#include "recompute.h"
#include "report_output.h"
#include "store_choice.h"

namespace cmkd::apps {

namespace po = boost::program_options;

namespace {

// A suite file, the name of a suite in the store, or the only suite of the store.
std::string suite_in(const CommandLine& line) {
  if (!line.has("suite")) return "";
  return suite_name(line.one("suite", "suite"));
}

std::filesystem::path store_path(const CommandLine& line, const std::string& suite) {
  if (line.has("store")) return line.get<std::string>("store");
  return RunFolder{line.has("out") ? std::filesystem::path(line.get<std::string>("out"))
                                   : std::filesystem::path("out") / suite}
      .store();
}

std::string choose_suite(const results::Store& store, const std::string& wanted) {
  std::vector<std::string> names;
  for (const results::SuiteSummary& summary : store.suites()) names.push_back(summary.suite);
  if (wanted.empty() && names.size() == 1) return names.front();
  for (const std::string& name : names) {
    if (name == wanted) return name;
  }
  throw Error(ErrorKind::kNothingSelected,
              {wanted.empty() ? "the store holds several suites" : fmt::format("the store holds no suite '{}'", wanted),
               store.path().string(), join(names), wanted.empty() ? "name one of them" : did_you_mean(wanted, names)});
}

void require_store(const std::filesystem::path& path) {
  if (std::filesystem::exists(path)) return;
  throw Error(ErrorKind::kData, {.what = "there is no store yet",
                                 .where = path.string(),
                                 .fix = "run the suite first ('cmkd run'), or give --store"});
}

// Exit status 1 when a metric does not follow from its outputs.
int print_recomputed(const results::Store& store, const std::string& suite, bool as_json) {
  const Recomputed result = recompute(store, suite);
  if (as_json) {
    print_json({{"suite", suite},
                {"evaluations", result.evaluations},
                {"metrics", result.metrics},
                {"differences", result.differences},
                {"left_out", result.left_out}});
  } else {
    print_out(fmt::format("{}: {} metrics of {} evaluations computed again from the stored outputs, {} differ\n", suite,
                          result.metrics, result.evaluations, result.differences.size()));
    for (const std::string& difference : result.differences) print_out("  " + difference + "\n");
    for (const std::string& left_out : result.left_out) print_out("  not checked: " + left_out + "\n");
  }
  return result.differences.empty() ? 0 : 1;
}

void add_report_options(CommandLine& line) {
  line.positional("suite", 1);
  line.add()("format,f", po::value<std::string>()->value_name("NAME"),
             "markdown (the default), csv, json, html, latex")("output,o", po::value<std::string>()->value_name("FILE"),
                                                               "write to a file instead of standard output")(
      "store", po::value<std::string>()->value_name("FILE"), "the database (default: OUT/results.db)")(
      "out", po::value<std::string>()->value_name("DIR"), "folder of the run (default: out/SUITE)")(
      "plots", po::value<std::string>()->value_name("DIR"), "also write each picture as an SVG file of its own")(
      "open", po::bool_switch(), "show the page: HTML, OUT/leaderboard.html unless --output says otherwise")(
      "watch", po::bool_switch(), "write it again whenever the store changes, until Ctrl-C")(
      "no-cost", po::bool_switch(), "leave out what was measured")(
      "tuned", po::bool_switch(), "the tuned runs ('cmkd run --tuned') and the tuning behind them")(
      "recompute", po::bool_switch(), "no report: compute every metric again from the stored per-clip outputs")(
      "json", po::bool_switch(), "the same as --format json");
}

// What is asked for, once the options have been found to go together.
struct ReportRequest {
  reports::Format format;
  std::string suite;  // as named on the command line; empty: the only one of the store
  std::filesystem::path store;
  ReportTarget target;
  bool tuned;
  bool cost;

  // The suite whose rows are shown.
  [[nodiscard]] std::string shown() const { return tuned ? suite + "-tuned" : suite; }
};

reports::Format format_asked_for(const CommandLine& line) {
  std::string name = line.flag("open") ? "html" : "markdown";
  if (line.has("format")) name = line.get<std::string>("format");
  if (line.flag("json")) name = "json";
  const reports::Format format = reports::format_from_name(name);
  if (line.flag("open") && format != reports::Format::kHtml) {
    throw Error(ErrorKind::kUsage, {.what = fmt::format("--open shows the HTML page, and '{}' is asked for", name),
                                    .where = "cmkd report --open",
                                    .fix = "leave out --format, or --open"});
  }
  return format;
}

ReportRequest read_request(const CommandLine& line) {
  const reports::Format format = format_asked_for(line);
  const std::string wanted = suite_in(line);
  if (wanted.empty() && !line.has("store") && !line.has("out")) {
    throw Error(ErrorKind::kUsage, {.what = "neither a suite nor a store is named",
                                    .where = "cmkd report",
                                    .fix = "for example cmkd report suites/quick.toml"});
  }
  if (wanted.empty() && line.flag("tuned")) {
    throw Error(ErrorKind::kUsage, {.what = "--tuned needs the suite's name",
                                    .where = "cmkd report --tuned",
                                    .fix = "for example cmkd report suites/quick.toml --tuned"});
  }
  ReportRequest request{.format = format,
                        .suite = wanted,
                        .store = store_path(line, wanted),
                        .target = {},
                        .tuned = line.flag("tuned"),
                        .cost = !line.flag("no-cost")};
  if (!line.flag("watch")) require_store(request.store);
  if (line.has("output")) request.target.file = line.get<std::string>("output");
  if (line.has("plots")) request.target.plots = line.get<std::string>("plots");
  if (line.flag("open") && request.target.file.empty()) {
    request.target.file = request.store.parent_path() / "leaderboard.html";
  }
  return request;
}

void write_leaderboard(const ReportRequest& request) {
  require_store(request.store);
  const results::Store store = results::Store::open(request.store, results::OpenMode::kReadOnly);
  reports::LeaderboardOptions options;
  options.cost = request.cost;
  reports::StoredLeaderboard stored = reports::stored_leaderboard(store, choose_suite(store, request.shown()), options);
  for (const std::string& note : stored.notes) fmt::print(stderr, "note: {}\n", note);
  if (request.tuned) stored.board.tuning = reports::build_tuning(store.leaderboard_rows(request.suite + "-tuning"));
  write_report(store, stored.board, request.format, request.target);
}

}  // namespace

int run_report(const Arguments& arguments) {
  CommandLine line(
      "cmkd report [SUITE] [options]",
      "Regenerates a leaderboard from the store: the same store gives the same bytes. SUITE is a suite file or the "
      "name of a\n"
      "suite in the store. Measured times and memory differ from run to run: --no-cost leaves them out.",
      "cmkd report suites/quick.toml\ncmkd report suites/quick.toml --format html --output out/quick/leaderboard.html\n"
      "cmkd report --store out/quick/results.db --format csv --no-cost");
  add_report_options(line);
  if (!line.parse(arguments)) return 0;
  const ReportRequest request = read_request(line);
  if (line.flag("recompute")) {
    const results::Store store = results::Store::open(request.store, results::OpenMode::kReadOnly);
    return print_recomputed(store, choose_suite(store, request.shown()), line.flag("json"));
  }
  if (line.flag("watch") && request.target.file.empty()) {
    throw Error(ErrorKind::kUsage, {.what = "--watch needs a file that it can write again",
                                    .where = "cmkd report --watch",
                                    .fix = "add --output FILE, or --open"});
  }
  bool is_open = !line.flag("open");
  const auto write_and_open = [&] {
    write_leaderboard(request);
    if (!is_open) open_on_screen(request.target.file);
    is_open = true;
  };
  if (line.flag("watch")) return watch_store(request.store, write_and_open);
  write_and_open();
  return 0;
}

}  // namespace cmkd::apps
