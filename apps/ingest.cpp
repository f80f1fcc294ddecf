// cmkd ingest: the clip cache of a suite's dataset.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "cmkd/core/file.h"
#include "cmkd/harness/suite_data.h"
#include "commands.h"

namespace cmkd::apps {

namespace po = boost::program_options;

int run_ingest(const Arguments& arguments) {
  CommandLine line(
      "cmkd ingest SUITE [options]",
      "Decodes every clip of the suite's dataset once into its clip cache, and says which clips are excluded and why.\n"
      "'cmkd run' does this by itself; interrupted, it continues where it was.",
      "cmkd ingest suites/quick.toml --jobs 2\ncmkd ingest my.toml --json");
  add_suite_options(line);
  line.positional("suite", 1);
  line.add()("jobs,j", po::value<int>()->default_value(1)->value_name("N"), "files decoded at once")(
      "json", po::bool_switch(), "print JSON");
  if (!line.parse(arguments)) return 0;
  const Suite suite = load_suite(suite_path(line.one("suite", "suite file")), line.list("set"));
  const SuiteData data = open_data(suite, cache_root(line), line.get<int>("jobs"));
  const results::DatasetRecord record = data.record(suite);
  if (line.flag("json")) {
    nlohmann::json excluded = nlohmann::json::array();
    for (const auto& clip : record.excluded) {
      excluded.push_back({{"clip", clip.clip_id}, {"path", clip.path}, {"split", clip.split}, {"reason", clip.reason}});
    }
    print_json({{"dataset", record.name},
                {"listed", record.listed_clips},
                {"used", record.used_clips},
                {"excluded", excluded},
                {"source_fingerprint", record.source_fingerprint},
                {"decoded_fingerprint", record.decoded_fingerprint},
                {"folder", data.listed.cache_folder.string()},
                {"bytes", data.cache.bytes()}});
    return 0;
  }
  print_out(fmt::format("{}: {} of {} clips used, {} in {}\n", record.name, record.used_clips, record.listed_clips,
                        format_bytes(data.cache.bytes()), data.listed.cache_folder.string()));
  std::map<std::string, std::int64_t> reasons;
  for (const auto& clip : record.excluded) ++reasons[clip.reason.substr(0, clip.reason.find(':'))];
  for (const auto& [reason, count] : reasons) print_out(fmt::format("  {:>6} excluded: {}\n", count, reason));
  return 0;
}

}  // namespace cmkd::apps
