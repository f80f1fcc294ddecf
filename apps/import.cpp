// cmkd import: per-clip outputs of another program as a row of a suite.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "cmkd/core/csv_field.h"
#include "cmkd/core/error.h"
#include "cmkd/harness/import_outputs.h"
#include "cmkd/harness/run_one.h"
#include "cmkd/readers/csv.h"
#include "cmkd/results/store.h"
#include "cmkd/runtime/determinism.h"
#include "commands.h"

namespace cmkd::apps {

namespace po = boost::program_options;
using nlohmann::json;

namespace {

// The suite, or the variant of its sweep that --at names.
const Suite& chosen_case(const Suite& suite, const CommandLine& line) {
  std::vector<std::string> values;
  for (const Suite& variant : suite.variants) values.push_back(variant.swept_value);
  const std::string wanted = line.has("at") ? line.get<std::string>("at") : "";
  if (values.empty() && wanted.empty()) return suite;
  for (const Suite& variant : suite.variants) {
    if (variant.swept_value == wanted) return variant;
  }
  throw Error(ErrorKind::kUsage, {values.empty()   ? std::string("the suite sweeps nothing")
                                  : wanted.empty() ? fmt::format("the suite sweeps {}: at which value was this made?",
                                                                 suite.variants.front().swept_setting)
                                                   : fmt::format("the sweep has no value '{}'", wanted),
                                  "--at", join(values), did_you_mean(wanted, values)});
}

// A CSV that a script can read: every clip that is wanted, and where its file lies.
void print_wanted(const Suite& suite, const SuiteData& data, const ImportRequest& request) {
  const results::ClipOutputs clips = clips_to_import(suite, data, request);
  const ClipList& list = data.listed.list;
  std::map<std::string, const Clip*> by_id;
  for (const Clip& clip : list.clips) by_id[clip.id] = &clip;
  std::string text = "clip,role,class,path,start_s,end_s\n";
  for (std::size_t i = 0; i < clips.clip_ids.size(); ++i) {
    const Clip& clip = *by_id.at(clips.clip_ids[i]);
    const bool query = clips.queries == 0 || i < static_cast<std::size_t>(clips.queries);
    const std::string name = clip.label >= 0 ? list.classes[static_cast<std::size_t>(clip.label)] : "";
    text += fmt::format("{},{},{},{},{},{}\n", csv_field(clip.id), query ? "test" : "gallery", csv_field(name),
                        csv_field(clip.path.string()), clip.start_s, clip.end_s ? fmt::format("{}", *clip.end_s) : "");
  }
  print_out(text);
}

int print_imported(const ImportedRow& row, bool replaced, const std::filesystem::path& store, bool as_json) {
  if (as_json) {
    json metrics = json::object();
    for (const results::MetricValue& metric : row.evaluation.metrics) metrics[metric.name] = metric.value;
    print_json({{"row", row.link.label},
                {"seed", row.link.seed},
                {"training_key", row.training.key},
                {"evaluation_key", row.evaluation.key},
                {"clips", row.evaluation.outputs.clip_ids.size()},
                {"metrics", metrics},
                {"replaced", replaced},
                {"store", store.string()}});
    return 0;
  }
  const auto primary = std::ranges::find(row.evaluation.metrics, row.link.primary_metric, &results::MetricValue::name);
  const std::string value =
      primary == row.evaluation.metrics.end() ? "" : fmt::format(", {} = {:.4f}", primary->name, primary->value);
  print_out(fmt::format("{} seed {}: {} clips{}. {} in suite '{}'. Store: {}\n", row.link.label, row.link.seed,
                        row.evaluation.outputs.clip_ids.size(), value,
                        replaced ? "In the place of what was imported before" : "External, unpaired", row.link.suite,
                        store.string()));
  return 0;
}

}  // namespace

int run_import(const Arguments& arguments) {
  CommandLine line(
      "cmkd import FILE --suite SUITE --name NAME [options]",
      "Takes the outputs of another program for the clips of a suite: scores of the classes, or in retrieval\n"
      "embeddings. They are checked against the clips, judged by the code that judges our own, and stand in the same\n"
      "tables, marked external: no seed of theirs pairs with one of ours, and no test ranks them. FILE is CSV (a "
      "column\n"
      "'clip', and one a class), .npz ('clips', and 'scores' or 'embeddings') or .npy (with --clips).",
      "cmkd import --list --suite suites/quick.toml > clips.csv     # what is wanted\n"
      "cmkd import scores.csv --suite suites/quick.toml --name 'x3d (PyTorch)' --seed 0\n"
      "cmkd import embeddings.npz --suite suites/av_mnist_retrieval.toml --name clip --seed 0\n"
      "cmkd report suites/quick.toml");
  add_suite_options(line);
  line.positional("file", 1);
  line.add()("suite", po::value<std::string>()->value_name("SUITE"), "a suite file")(
      "name", po::value<std::string>()->value_name("NAME"), "what the row is called")(
      "seed", po::value<std::int64_t>()->default_value(0)->value_name("N"), "the row's seed that this is")(
      "fold", po::value<std::string>()->default_value("")->value_name("F"), "of a dataset with several folds")(
      "at", po::value<std::string>()->value_name("VALUE"), "of a suite with a sweep: the value it was made at")(
      "values", po::value<std::string>()->default_value("probabilities")->value_name("KIND"),
      "of scores: probabilities, or logits, which go through softmax (sigmoid where clips have tags)")(
      "clips", po::value<std::string>()->value_name("FILE"), "with a .npy file: the clips of its rows, one a line")(
      "model", po::value<std::string>()->default_value("")->value_name("TEXT"), "the network's name, shown")(
      "store", po::value<std::string>()->value_name("FILE"), "the database (default: OUT/results.db)")(
      "list", po::bool_switch(), "print the clips that are wanted, as CSV, and import nothing")(
      "json", po::bool_switch(), "print JSON");
  if (!line.parse(arguments)) return 0;
  if (!line.has("suite")) {
    throw Error(ErrorKind::kUsage, {.what = "no suite is named", .where = "cmkd import", .fix = "--suite SUITE"});
  }
  const Suite whole = load_suite(suite_path(line.get<std::string>("suite")), line.list("set"));
  const Suite& suite = chosen_case(whole, line);
  configure_runtime(suite.runtime.values);
  const SuiteData data = open_data(suite, cache_root(line), 1);
  ImportRequest request;
  request.seed = line.get<std::int64_t>("seed");
  request.fold = line.get<std::string>("fold");
  if (line.flag("list")) {
    print_wanted(suite, data, request);
    return 0;
  }
  if (!line.has("name")) {
    throw Error(ErrorKind::kUsage, {.what = "the row has no name", .where = "cmkd import", .fix = "--name NAME"});
  }
  request.name = line.get<std::string>("name");
  request.model = line.get<std::string>("model");
  request.values = parse_named<OutputValues>(line.get<std::string>("values"), "value of --values");
  const OutputsFile file = read_outputs_file(line.one("file", "file of outputs"),
                                             line.has("clips") ? line.get<std::string>("clips") : std::string());
  const ImportedRow row = import_outputs(whole, suite, data, file, request);
  const std::filesystem::path path = line.has("store") ? std::filesystem::path(line.get<std::string>("store"))
                                                       : RunFolder{out_folder(line, whole.name)}.store();
  results::Store store = results::Store::open(path, results::OpenMode::kReadWriteCreate);
  store.put_dataset(data.record(suite));
  const bool replaced = store.put_external(row.training, row.evaluation, row.link);
  return print_imported(row, replaced, path, line.flag("json"));
}

}  // namespace cmkd::apps
