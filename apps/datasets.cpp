// cmkd datasets: make the embedded set, check what is on disk.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "check_report.h"
#include "cmkd/core/error.h"
#include "cmkd/core/progress.h"
#include "cmkd/datasets/clip.h"
#include "cmkd/readers/data_root.h"
#include "cmkd/readers/video_ids.h"
#include "cmkd/suites/suite.h"
#include "cmkd/synthetic/synthetic.h"
#include "commands.h"

namespace cmkd::apps {

namespace po = boost::program_options;
namespace {

int make_dataset(const CommandLine& line, const std::string& name) {
  if (name != "synthetic") {
    throw Error(ErrorKind::kUsage, {fmt::format("dataset '{}' cannot be made here", name), "cmkd datasets make",
                                    "synthetic", did_you_mean(name, {"synthetic"})});
  }
  if (!line.has("out")) {
    throw Error(ErrorKind::kUsage,
                {.what = "no folder given", .where = "cmkd datasets make synthetic", .fix = "add --out DIR"});
  }
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

int check_dataset(const CommandLine& line, const std::string& name) {
  const DatasetInfo& info = dataset_registry().get(name, "cmkd datasets check");
  Parameters parameters(info.parameters);
  if (line.has("root")) parameters.set("root", line.get<std::string>("root"), "--root");
  for (const std::string& text : line.list("set")) set_parameter(parameters, text);
  CheckOptions options;
  options.decode = line.flag("decode");
  options.pretrained_asked = line.has("pretrained-list");
  if (options.pretrained_asked) options.pretrained_ids = read_video_ids(line.get<std::string>("pretrained-list"));
  const std::unique_ptr<ClipSource> source = open_dataset(info, parameters);
  const ClipList list = source->list();
  Progress progress("check " + name, static_cast<std::int64_t>(list.clips.size()));
  const DatasetCheck found =
      check_dataset(name, *source, list, options, [&](std::int64_t done) { progress.update(done); });
  progress.finish();
  line.flag("json") ? print_json(check_json(found)) : print_out(check_text(found));
  return found.has_real_problem() ? 1 : 0;
}

}  // namespace

int run_datasets(const Arguments& arguments) {
  CommandLine line(
      "cmkd datasets make|check NAME [options]",
      "make: writes the embedded synthetic set as real media files with a manifest of what each clip holds.\n"
      "check: what of a dataset is there, missing, silent, broken, in two splits or in a pretraining set, and how many "
      "clips it would use. Exit status 1 for missing or broken files, for what stands in two splits, and for reported "
      "clips in the pretraining set; silent clips and pieces that are listed twice in one split are only named.\n"
      "With --decode every clip is decoded as ingest does it. Counted, and used all the same: sound that begins more "
      "than "
      "25 ms from the picture, silence put in for it or for holes, overlapping sound, sound that is silent throughout "
      "or "
      "clipped, pictures that never change, streams that end early. Broken: sound with samples that are not finite or "
      "beyond any recording. Without --decode the headers tell only the sound's offset.",
      "cmkd datasets make synthetic --out data/synthetic --jobs 2\n"
      "cmkd datasets make synthetic --out data/noisy --set noise=0.6 --set mismatch=0.3\n"
      "cmkd datasets check manifest --set csv=my.csv\ncmkd datasets check av_mnist --root /data/av_mnist\n"
      "cmkd datasets check ucf101 --root /data/ucf101 --json\n"
      "cmkd datasets check vggsound --root /data/vggsound --decode\n"
      "cmkd datasets check kinetics_sounds --root /data/ks --pretrained-list kinetics-400_train.csv");
  line.positional("words", 2);
  line.add()("out", po::value<std::string>()->value_name("DIR"), "make: where the files go")(
      "root", po::value<std::string>()->value_name("DIR"), "check: where the files are")(
      "set", po::value<std::vector<std::string>>()->value_name("KEY=VALUE"),
      "a parameter of the dataset, see 'cmkd describe NAME' (repeatable)")(
      "jobs,j", po::value<int>()->default_value(1)->value_name("N"), "files made at once")(
      "pretrained-list", po::value<std::string>()->value_name("FILE"),
      "check: YouTube ids, one a line, or a list of Kinetics: how many clips are of these videos")(
      "decode", po::bool_switch(), "check: decode every clip instead of reading headers")("json", po::bool_switch(),
                                                                                          "print JSON");
  if (!line.parse(arguments)) return 0;
  const std::vector<std::string> words = line.list("words");
  const std::vector<std::string> verbs{"make", "check"};
  if (words.empty() || (words[0] != "make" && words[0] != "check")) {
    throw Error(ErrorKind::kUsage,
                {words.empty() ? "missing word" : fmt::format("unknown word '{}'", words[0]), "cmkd datasets",
                 join(verbs), words.empty() ? "see --help" : did_you_mean(words[0], verbs)});
  }
  if (words.size() < 2) {
    throw Error(ErrorKind::kUsage, {.what = "missing name of the dataset",
                                    .where = "cmkd datasets " + words[0],
                                    .allowed = join(dataset_registry().names())});
  }
  return words[0] == "make" ? make_dataset(line, words[1]) : check_dataset(line, words[1]);
}

}  // namespace cmkd::apps
