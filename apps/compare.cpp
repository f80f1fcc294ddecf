// cmkd compare: two methods of a suite, or two runs, side by side.
#include <fmt/format.h>

#include "cmkd/core/error.h"
#include "cmkd/reports/compare.h"
#include "commands.h"
#include "store_choice.h"

namespace cmkd::apps {

namespace po = boost::program_options;

namespace {

reports::ComparisonFormat format_of(const CommandLine& line) {
  if (line.flag("json") && line.flag("markdown")) {
    throw Error(ErrorKind::kUsage, {.what = "--json and --markdown exclude each other", .where = "cmkd compare"});
  }
  if (line.flag("json")) return reports::ComparisonFormat::kJson;
  return line.flag("markdown") ? reports::ComparisonFormat::kMarkdown : reports::ComparisonFormat::kText;
}

// 1 when B is worse by more than the limit.
int judge(const reports::Comparison& comparison, double limit) {
  const double worse = reports::worse_by(comparison);
  if (!(worse > limit)) return 0;
  fmt::print(stderr, "{} is worse than {} by {:.2f} points of the primary metric: more than {}\n", comparison.b,
             comparison.a, worse, limit);
  return 1;
}

}  // namespace

int run_compare(const Arguments& arguments) {
  CommandLine line(
      "cmkd compare A B [options]",
      "Compares B with A: what differs in configuration and environment, each metric over the seeds that pair (with\n"
      "interval and p), and the clips on which one of them is right and the other is not (McNemar). A and B are rows "
      "of\n"
      "a suite ('kd', 'kd (shuffled-teacher)') or ids of runs, of which the first digits suffice.",
      "cmkd compare student kd --suite suites/quick.toml\ncmkd compare 3f2a 91bc --store out/quick/results.db\n"
      "cmkd compare kd my_method --suite quick --out out/quick --markdown\n"
      "cmkd compare kd my_method --suite suites/quick.toml --fail-if-worse 0.5   # exit status 1, for CI");
  line.positional("sides", 2);
  add_store_options(line);
  line.add()("suite", po::value<std::string>()->value_name("SUITE"),
             "a suite file, or the name of a suite in the store (default: the only one there)")(
      "markdown", po::bool_switch(), "print Markdown")("json", po::bool_switch(), "print JSON, with every clip")(
      "clips", po::value<std::size_t>()->default_value(20)->value_name("N"), "list at most N clips that flipped")(
      "fail-if-worse", po::value<double>()->value_name("POINTS"),
      "exit status 1 when B's mean of the primary metric, over the seeds that pair, is below A's by more than this");
  if (!line.parse(arguments)) return 0;
  const std::vector<std::string> sides = line.list("sides");
  if (sides.size() != 2) {
    throw Error(ErrorKind::kUsage, {.what = "two sides are compared",
                                    .where = "cmkd compare",
                                    .fix = "for example cmkd compare student kd --suite suites/quick.toml"});
  }
  const reports::ComparisonFormat format = format_of(line);
  const ChosenStore chosen = choose_store(line, /*suite_needed=*/false);
  const reports::Comparison comparison =
      reports::compare_sides(reports::compared_side(chosen.store, chosen.suite, sides[0]),
                             reports::compared_side(chosen.store, chosen.suite, sides[1]));
  print_out(reports::render_comparison(comparison, format, line.get<std::size_t>("clips")));
  return line.has("fail-if-worse") ? judge(comparison, line.get<double>("fail-if-worse")) : 0;
}

}  // namespace cmkd::apps
