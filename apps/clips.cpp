// cmkd clips: what the models see of a clip, for eyes and ears.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "clip_files.h"
#include "clip_search.h"
#include "cmkd/core/error.h"
#include "cmkd/harness/clip_view.h"
#include "commands.h"
#include "plan_context.h"

namespace cmkd::apps {

namespace fs = std::filesystem;
namespace po = boost::program_options;
using nlohmann::ordered_json;

namespace {

std::vector<FoundClip> find_clips(const ClipList& list, const std::vector<std::string>& names) {
  std::vector<FoundClip> clips;
  for (const std::string& name : names) {
    const FoundClip found = find_clip(list, name);
    if (std::ranges::find(clips, found) == clips.end()) clips.push_back(found);
  }
  return clips;
}

ClipWindow window_of(const CommandLine& line, const Suite& suite) {
  const WindowSettings& settings = suite.clip.values;
  if (line.has("window") && line.has("test-view")) {
    throw Error(ErrorKind::kUsage,
                {.what = "--window and --test-view exclude each other", .where = "cmkd clips show", .fix = "give one"});
  }
  ClipWindow window;
  window.test = line.has("test-view");
  const char* option = window.test ? "test-view" : "window";
  if (line.has(option)) window.index = line.get<std::int64_t>(option);
  const std::int64_t count = window.test ? settings.views_at_test() : settings.windows;
  if (window.index < 0 || window.index >= count) {
    throw Error(ErrorKind::kUsage,
                {fmt::format("--{} {} is not one that the suite has", option, window.index), suite.file.string(),
                 fmt::format("0 … {}", count - 1),
                 fmt::format("see {} of [clip]", window.test ? "test_views and test_crops" : "windows")});
  }
  return window;
}

// The values of one dimension of the cells, in their order.
template <typename Value>
std::vector<std::string> distinct(const std::vector<SuiteCell>& cells, Value value) {
  std::vector<std::string> names;
  for (const SuiteCell& cell : cells) {
    const std::string name = value(cell);
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

// Whose damage is shown: the first, or the one that the options name.
const SuiteCell& cell_of(const CommandLine& line, const std::vector<SuiteCell>& cells) {
  const auto condition = [](const SuiteCell& cell) { return cell.suite->condition(); };
  const auto fold = [](const SuiteCell& cell) { return cell.fold; };
  const auto seed = [](const SuiteCell& cell) { return std::to_string(cell.seed); };
  const auto wanted = [&](const char* option, auto value) {
    if (!line.has(option)) return value(cells.front());
    std::string text = line.get<std::string>(option);
    const std::vector<std::string> names = distinct(cells, value);
    if (std::ranges::find(names, text) != names.end()) return text;
    throw Error(ErrorKind::kUsage, {fmt::format("the suite has no {} '{}'", option, text), "cmkd clips show",
                                    join(names), did_you_mean(text, names)});
  };
  const std::string of_condition = wanted("condition", condition);
  const std::string of_fold = wanted("fold", fold);
  const std::string of_seed = wanted("seed", seed);
  return *std::ranges::find_if(cells, [&](const SuiteCell& cell) {
    return condition(cell) == of_condition && fold(cell) == of_fold && seed(cell) == of_seed;
  });
}

std::string shown_label(const ordered_json& label) {
  return label.at("class").is_null() ? std::string("no label") : label.at("class").get<std::string>();
}

// "transfer+labelled (2 of 5), transfer (3 of 5)": of all variants, folds and seeds together.
std::string roles_text(const ordered_json& cells) {
  std::vector<std::pair<std::string, std::size_t>> counts;
  for (const auto& cell : cells) {
    const auto roles = cell.at("roles").get<std::vector<std::string>>();
    const std::string name = roles.empty() ? "not used" : join(roles, "+");
    const auto found = std::ranges::find(counts, name, &std::pair<std::string, std::size_t>::first);
    if (found == counts.end()) {
      counts.emplace_back(name, 1);
    } else {
      ++found->second;
    }
  }
  std::string text;
  for (const auto& [name, count] : counts) {
    text += fmt::format("{}{}", text.empty() ? "  " : ", ", name);
    if (counts.size() > 1) text += fmt::format(" ({} of {})", count, cells.size());
  }
  if (!text.empty()) text += '\n';
  return text;
}

std::string record_text(const ordered_json& record, const fs::path& folder) {
  std::string text = fmt::format("{}\n", record.at("clip").get<std::string>());
  if (record.contains("label")) text += fmt::format("  {}\n", shown_label(record.at("label")));
  if (record.contains("tags")) {
    std::vector<std::string> tags;
    for (const auto& tag : record.at("tags")) tags.push_back(shown_label(tag));
    text += fmt::format("  {}\n", tags.empty() ? "no tags" : join(tags));
  }
  text += roles_text(record.at("cells"));
  if (!record.at("excluded").is_null()) {
    text += fmt::format("  excluded: {}\n", record.at("excluded").get<std::string>());
  }
  if (!record.value("note", "").empty()) text += fmt::format("  note: {}\n", record.at("note").get<std::string>());
  if (record.contains("teacher_side") && record.at("teacher_side").contains("damaged")) {
    text += "  damaged for the teacher\n";
  }
  for (const auto& file : record.at("files")) {
    text += fmt::format("  {}\n", (folder / file.get<std::string>()).string());
  }
  return text;
}

// The training of --model in the cell that is shown, with the weights that were kept of it.
std::pair<PlannedTraining, fs::path> kept_model(const CommandLine& line, const Suite& suite, const SuiteData& data,
                                                const SuiteCell& cell) {
  const std::string label = line.get<std::string>("model");
  const Plan plan = make_plan(suite, data.listed.plan_source());
  std::vector<std::string> labels;
  const PlannedTraining* planned = nullptr;
  for (const PlannedTraining& one : plan.trainings) {
    if (std::ranges::find(labels, one.label) == labels.end()) labels.push_back(one.label);
    if (one.label == label && one.seed == cell.seed && one.fold == cell.fold) planned = &one;
  }
  if (planned == nullptr) {
    throw Error(ErrorKind::kUsage,
                {fmt::format("the suite trains no '{}'", label), "--model", join(labels), did_you_mean(label, labels)});
  }
  const fs::path root = line.has("runs") ? fs::path(line.get<std::string>("runs")) : fs::path("out") / suite.name;
  const std::optional<results::Store> store = open_store(RunFolder{root});
  const auto record = store ? store->training(planned->key) : std::nullopt;
  if (!record || record->status != results::RunStatus::kDone || record->weights_file.empty()) {
    throw Error(ErrorKind::kData,
                {.what = fmt::format("no weights of '{}', {} are kept", label, cell_text(suite, *planned)),
                 .where = root.string(),
                 .fix = "cmkd run with --set training.keep_weights=true; another folder of runs: --runs"});
  }
  return {*planned, store->artifact_path(record->weights_file)};
}

int show_clips(const CommandLine& line, const std::vector<std::string>& words) {
  const Suite suite = load_suite(suite_path(words[1]), line.list("set"));
  const ClipWindow window = window_of(line, suite);
  ListedData listed = list_data(suite, cache_root(line));
  // Before hours of ingest.
  const std::vector<FoundClip> clips = find_clips(listed.list, {words.begin() + 2, words.end()});
  const SuiteData data = open_data(suite, std::move(listed), line.get<int>("jobs"));
  const std::vector<SuiteCell> cells = suite_cells(suite, data);
  const SuiteCell& cell = cell_of(line, cells);
  std::optional<std::pair<PlannedTraining, fs::path>> kept;
  if (line.has("model")) kept = kept_model(line, suite, data, cell);
  ClipShow show{suite,
                data,
                cells,
                cell,
                window,
                log_mel_of(suite, suite.student, data),
                log_mel_of(suite, suite.teacher, data),
                std::nullopt};
  if (kept) show.rebuilder = ClipShow::Rebuilder{&kept->first, kept->second};
  const fs::path out =
      line.has("out") ? fs::path(line.get<std::string>("out")) : fs::path("out") / suite.name / "clips";
  ordered_json all = ordered_json::array();
  for (const FoundClip& found : clips) {
    const fs::path folder = out / safe_folder_name(found.of(data.listed.list).id);
    ordered_json record = write_clip(show, found, folder);
    if (!line.flag("json")) print_out(record_text(record, folder));
    record["folder"] = folder.string();
    all.push_back(std::move(record));
  }
  if (line.flag("json")) print_out(all.dump(2) + "\n");
  return 0;
}

}  // namespace

int run_clips(const Arguments& arguments) {
  CommandLine line(
      "cmkd clips show SUITE CLIP... [options]",
      "Shows what the models see of clips, from the clip cache (made first when it is not there) and by the code that "
      "makes batches:\n"
      "frames.png, the window's frames (nothing interpolated, times below); sound.wav, its sound from the window's "
      "first "
      "picture on;\n"
      "spectrogram.png, the log-mel that the model begins with, low frequencies at the bottom; and clip.json: times, "
      "label, roles\n"
      "and visible labels of each seed, damage of the teacher's side, the clip's note, or why it is excluded. Where "
      "the "
      "suite\n"
      "damages the clip for the teacher, teacher_... files have what the teacher sees. CLIP: an id, or the path of the "
      "clip's file.",
      "cmkd clips show suites/quick.toml test/000001.mkv\ncmkd clips show my.toml speech/001.mp4 dog/002.mp4 --window "
      "1\n"
      "cmkd clips show my.toml --test-view 0 --json -- -1pRmoJIGQc_10000_20000");
  line.positional("words", -1);
  line.add()("window", po::value<std::int64_t>()->value_name("K"), "which of the training windows (default: 0)")(
      "test-view", po::value<std::int64_t>()->value_name("V"), "a view of the evaluation instead")(
      "seed", po::value<std::string>()->value_name("N"), "whose damage is shown (default: the first seed)")(
      "fold", po::value<std::string>()->value_name("NAME"), "the same for sets of folds")(
      "condition", po::value<std::string>()->value_name("TEXT"),
      "the same for a suite with a sweep: \"corruption.share = 0.4\"")(
      "model", po::value<std::string>()->value_name("LABEL"),
      "a pretraining of the suite that rebuilds hidden patches (xkd, mae): also masked_… and rebuilt_… pictures, by "
      "its "
      "kept weights")("runs", po::value<std::string>()->value_name("DIR"),
                      "the folder of the runs of --model (default: out/SUITE)")(
      "out", po::value<std::string>()->value_name("DIR"),
      "a folder for each clip goes here (default: out/SUITE/clips)")(
      "cache", po::value<std::string>()->value_name("DIR"),
      "clip caches and made datasets (default: $CMKD_CACHE or out/cache)")(
      "set", po::value<std::vector<std::string>>()->value_name("KEY=VALUE"),
      "change a setting, in TOML syntax (repeatable)")("jobs,j", po::value<int>()->default_value(1)->value_name("N"),
                                                       "files decoded at once, if the cache is not there")(
      "json", po::bool_switch(), "print what the clips' clip.json say");
  if (!line.parse(arguments)) return 0;
  const std::vector<std::string> words = line.list("words");
  if (words.empty() || words[0] != "show") {
    throw Error(ErrorKind::kUsage,
                {words.empty() ? "missing word" : fmt::format("unknown word '{}'", words[0]), "cmkd clips", "show",
                 words.empty() ? "see --help" : did_you_mean(words[0], {"show"})});
  }
  if (words.size() < 3) {
    throw Error(ErrorKind::kUsage, {words.size() < 2 ? "missing suite file" : "missing clip", "cmkd clips show",
                                    "SUITE CLIP...", "see --help"});
  }
  return show_clips(line, words);
}

}  // namespace cmkd::apps
