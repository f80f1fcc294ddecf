// cmkd merge: what several machines have trained, in one store.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/results/merge.h"
#include "cmkd/results/older_store.h"
#include "cmkd/results/store.h"
#include "commands.h"

namespace cmkd::apps {

namespace po = boost::program_options;

namespace {

constexpr std::size_t kShownKept = 10;

// A store that this program reads only after bringing it up to date.
bool is_older(const std::filesystem::path& path) {
  std::error_code none;
  const auto bytes = std::filesystem::file_size(path, none);
  if (none || bytes == 0) return false;
  try {
    (void)results::Store::open(path, results::OpenMode::kReadOnly);
    return false;
  } catch (const results::OlderStore&) {
    return true;
  } catch (const Error&) {
    return false;
  }
}

void print_merge_report(const std::filesystem::path& into, const results::MergeReport& report) {
  print_out(fmt::format("{}: {} trainings, {} evaluations, {} links, {} files added; {} trainings were there before\n",
                        into.string(), report.trainings, report.evaluations, report.links, report.artifacts,
                        report.known));
  if (report.kept.empty()) return;
  print_out(fmt::format("  {} differ where they may; what was there first stays:\n", report.kept.size()));
  for (std::size_t i = 0; i < report.kept.size() && i < kShownKept; ++i) print_out("  " + report.kept[i] + "\n");
  if (report.kept.size() > kShownKept) {
    print_out(fmt::format("  … {} more (--json has all)\n", report.kept.size() - kShownKept));
  }
}

}  // namespace

int run_merge(const Arguments& arguments) {
  CommandLine line(
      "cmkd merge INTO.db FROM.db… [options]",
      "Puts everything of the stores FROM into INTO, which is made when it is missing; files beside them "
      "come along. To\n"
      "merge twice changes nothing. A row that contradicts the one that is there is refused with its key "
      "and field, and\n"
      "then nothing is merged. Measured values may differ: the first stays. INTO alone, of an older version, is\n"
      "brought up to date.",
      "cmkd merge all.db node1/results.db node2/results.db\ncmkd report --store all.db");
  line.positional("store", -1);
  line.add()("json", po::bool_switch(), "print JSON");
  if (!line.parse(arguments)) return 0;
  const std::vector<std::string> stores = line.list("store");
  if (stores.size() == 1 && is_older(stores.front())) {
    (void)results::Store::open(stores.front(), results::OpenMode::kReadWriteCreate);
    print_out(fmt::format("{}: brought up to date; the store as it was stays beside it as .backup\n", stores.front()));
    return 0;
  }
  if (stores.size() < 2) {
    throw Error(ErrorKind::kUsage, {.what = "two stores at least: where to, and where from",
                                    .where = "cmkd merge",
                                    .fix = "for example cmkd merge all.db node1/results.db node2/results.db"});
  }
  const results::MergeReport report = results::merge_stores(stores.front(), {stores.begin() + 1, stores.end()});
  if (line.flag("json")) {
    print_json({{"into", stores.front()},
                {"trainings", report.trainings},
                {"evaluations", report.evaluations},
                {"links", report.links},
                {"artifacts", report.artifacts},
                {"known", report.known},
                {"kept", report.kept}});
  } else {
    print_merge_report(stores.front(), report);
  }
  return 0;
}

}  // namespace cmkd::apps
