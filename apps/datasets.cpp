// cmkd datasets: make the embedded set, check what is on disk.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "cmkd/core/error.h"
#include "cmkd/core/progress.h"
#include "cmkd/datasets/clip.h"
#include "cmkd/datasets/synthetic.h"
#include "cmkd/suites/suite.h"
#include "commands.h"

namespace cmkd::apps {

namespace po = boost::program_options;
using nlohmann::json;

namespace {

int make_dataset(const CommandLine& line, const std::string& name) {
  if (name != "synthetic") {
    throw Error(ErrorKind::kUsage, {fmt::format("dataset '{}' cannot be made here", name), "cmkd datasets make",
                                    "synthetic", did_you_mean(name, {"synthetic"})});
  }
  if (!line.has("out"))
    throw Error(ErrorKind::kUsage, {"no folder given", "cmkd datasets make synthetic", "", "add --out DIR"});
  Parameters parameters(synthetic_parameters());
  for (const std::string& text : line.list("set")) set_parameter(parameters, text);
  const SyntheticOptions options = synthetic_options(parameters);
  const std::filesystem::path folder = line.get<std::string>("out");
  Progress progress("make synthetic", options.train_clips + options.test_clips);
  make_synthetic(options, folder, line.get<int>("jobs"),
                 [&](std::int64_t done, std::int64_t) { progress.update(done); });
  progress.finish();
  const std::int64_t clips = options.train_clips + options.test_clips;
  line.flag("json")
      ? print_json({{"folder", folder.string()}, {"clips", clips}, {"manifest", (folder / "manifest.csv").string()}})
      : print_out(fmt::format("{} clips in {}; what each one holds is in {}\n", clips, folder.string(),
                              (folder / "manifest.csv").string()));
  return 0;
}

// Groups that stand in more than one split: their clips would be both learnt from and tested on.
std::vector<std::string> groups_in_two_splits(const ClipList& list) {
  std::map<std::string, std::set<std::string>> splits;
  for (const Clip& clip : list.clips) splits[clip.group].insert(clip.split);
  std::vector<std::string> shared;
  for (const auto& [group, names] : splits) {
    if (names.size() > 1) shared.push_back(group);
  }
  return shared;
}

int check_dataset(const CommandLine& line, const std::string& name) {
  const DatasetInfo& info = dataset_registry().get(name, "cmkd datasets check");
  Parameters parameters(info.parameters);
  if (line.has("root")) parameters.set("root", line.get<std::string>("root"), "--root");
  for (const std::string& text : line.list("set")) set_parameter(parameters, text);
  const ClipList list = info.open(parameters)->list();
  std::map<std::string, std::int64_t> splits;
  for (const Clip& clip : list.clips) ++splits[clip.split];
  std::int64_t unreadable = 0;
  std::int64_t silent = 0;
  std::int64_t blind = 0;
  json problems = json::array();
  Progress progress("check " + name, static_cast<std::int64_t>(list.clips.size()));
  std::set<std::filesystem::path> seen;
  std::int64_t done = 0;
  for (const Clip& clip : list.clips) {
    progress.update(++done);
    if (clip.path.empty() || !std::filesystem::is_regular_file(clip.path) || !seen.insert(clip.path).second) continue;
    const media::Outcome<media::MediaInfo> probed = media::probe(clip.path, {line.flag("decode")});
    std::string reason;
    if (!probed) {
      ++unreadable;
      reason = media::describe(probed.failure());
    } else {
      if (probed.value().video.empty()) ++blind;
      if (probed.value().audio.empty() && clip.audio_path.empty()) ++silent;
      if (probed.value().video.empty()) reason = "no video stream";
      if (probed.value().audio.empty() && clip.audio_path.empty())
        reason = reason.empty() ? "no audio stream" : "neither video nor audio";
    }
    if (!reason.empty())
      problems.push_back({{"clip", clip.id}, {"path", clip.path.string()}, {"split", clip.split}, {"reason", reason}});
  }
  progress.finish();
  for (const ClipList::Unusable& unusable : list.unusable) {
    problems.push_back({{"clip", unusable.clip.id},
                        {"path", unusable.clip.path.string()},
                        {"split", unusable.clip.split},
                        {"reason", unusable.reason}});
  }
  const std::vector<std::string> shared = groups_in_two_splits(list);
  if (line.flag("json")) {
    print_json({{"dataset", name},
                {"classes", list.classes.size()},
                {"clips", list.clips.size()},
                {"splits", splits},
                {"unusable", list.unusable.size()},
                {"unreadable", unreadable},
                {"silent", silent},
                {"without_picture", blind},
                {"groups_in_two_splits", shared},
                {"problems", problems}});
  } else {
    std::string text = fmt::format("{}: {} clips of {} classes, {} more are listed but not usable\n", name,
                                   list.clips.size(), list.classes.size(), list.unusable.size());
    for (const auto& [split, count] : splits) text += fmt::format("  {:<12} {}\n", split, count);
    text += fmt::format("  unreadable {}, silent {}, without picture {}, groups in two splits {}\n", unreadable, silent,
                        blind, shared.size());
    for (const json& problem : problems)
      text += fmt::format("  {}: {}\n", problem["clip"].get<std::string>(), problem["reason"].get<std::string>());
    print_out(text);
  }
  return unreadable > 0 || !list.unusable.empty() || !shared.empty() ? 1 : 0;
}

}  // namespace

int run_datasets(const Arguments& arguments) {
  CommandLine line(
      "cmkd datasets make|check NAME [options]",
      "make: writes the embedded synthetic set as real media files with a manifest of what each clip holds.\n"
      "check: what of a dataset is there, missing, silent, broken, or in two splits. Exit status 1 when something is "
      "wrong.",
      "cmkd datasets make synthetic --out data/synthetic --jobs 2\n"
      "cmkd datasets make synthetic --out data/noisy --set noise=0.6 --set mismatch=0.3\n"
      "cmkd datasets check manifest --set csv=my.csv\ncmkd datasets check av_mnist --root /data/av_mnist");
  line.positional("words", 2);
  line.add()("out", po::value<std::string>()->value_name("DIR"), "make: where the files go")(
      "root", po::value<std::string>()->value_name("DIR"), "check: where the files are")(
      "set", po::value<std::vector<std::string>>()->value_name("KEY=VALUE"),
      "a parameter of the dataset, see 'cmkd describe NAME' (repeatable)")(
      "jobs,j", po::value<int>()->default_value(1)->value_name("N"), "files made at once")(
      "decode", po::bool_switch(), "check: decode everything instead of reading headers")("json", po::bool_switch(),
                                                                                          "print JSON");
  if (!line.parse(arguments)) return 0;
  const std::vector<std::string> words = line.list("words");
  const std::vector<std::string> verbs{"make", "check"};
  if (words.empty() || (words[0] != "make" && words[0] != "check")) {
    throw Error(ErrorKind::kUsage,
                {words.empty() ? "missing word" : fmt::format("unknown word '{}'", words[0]), "cmkd datasets",
                 join(verbs), words.empty() ? "see --help" : did_you_mean(words[0], verbs)});
  }
  if (words.size() < 2)
    throw Error(ErrorKind::kUsage,
                {"missing name of the dataset", "cmkd datasets " + words[0], join(dataset_registry().names()), ""});
  return words[0] == "make" ? make_dataset(line, words[1]) : check_dataset(line, words[1]);
}

}  // namespace cmkd::apps
