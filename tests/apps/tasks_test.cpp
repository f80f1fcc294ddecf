// The three tasks, official splits and sweeps, as a user goes them: run, report, recompute.
#include "catch.h"
// Catch first.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cmkd/core/file.h"
#include "cmkd/results/store.h"
#include "paths.h"
#include "program.h"

namespace {

using namespace cmkd;
using nlohmann::json;
using test::TemporaryFolder;
namespace fs = std::filesystem;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

json run_and_report(const fs::path& folder, const std::string& suite, int expected_status = 0) {
  const auto run = test::cmkd({"run", suite, "--out", "out", "--jobs", "2"}, folder);
  INFO(run.err);
  REQUIRE(run.status == expected_status);
  const auto report = test::cmkd({"report", suite, "--out", "out", "--json"}, folder);
  INFO(report.err);
  REQUIRE(report.status == 0);
  const auto again = test::cmkd({"report", suite, "--out", "out", "--recompute"}, folder);
  INFO(again.out << again.err);
  CHECK(again.status == 0);
  CHECK(again.out.find(", 0 differ") != std::string::npos);
  CHECK(again.out.find("not checked") == std::string::npos);
  return json::parse(report.out);
}

const json& row_of(const json& table, const std::string& name) {
  const auto found = std::ranges::find_if(table.at("rows"), [&](const json& row) { return row.at("name") == name; });
  REQUIRE(found != table.at("rows").end());
  return *found;
}

// One seed, so that a case takes seconds.
std::string one_seed() { return replaced(test::small_suite(), "seeds = 2", "seeds = 1"); }

}  // namespace

TEST_CASE("retrieval: the training split is searched, within the modality and across") {
  const TemporaryFolder folder;
  test::write_text(folder / "search.toml", replaced(one_seed(), "seeds = 1", "seeds = 1\ntask = \"retrieval\""));
  const json board = run_and_report(folder.path(), "search.toml");
  const json& table = board.at("tables").at(0);
  CHECK(table.at("task") == "retrieval");
  CHECK(table.at("primary_metric") == "map");
  const json& metrics = row_of(table, "kd").at("seeds").at(0).at("metrics");
  for (const char* name :
       {"recall@1", "recall@20", "median_rank", "mean_rank", "audio_to_video_map", "video_to_audio_recall@5"}) {
    INFO(name);
    CHECK(metrics.contains(name));
  }
  CHECK_FALSE(metrics.contains("map_truncated"));
  CHECK_FALSE(row_of(table, "student").at("seeds").at(0).at("metrics").contains("audio_to_video_map"));
  const results::Store store = results::Store::open(folder / "out/results.db", results::OpenMode::kReadOnly);
  const auto rows = store.leaderboard_rows("search");
  const auto outputs = store.outputs(rows.at(0).link.evaluation_key);
  CHECK(outputs.queries == 40);
  CHECK(outputs.clip_ids.size() == 40 + 120 - 12);  // the validation clips are not searched

  SECTION("each query leaves itself out of a gallery of the same clips") {
    const auto run = test::cmkd(
        {"run", "search.toml", "--out", "loo", "--set", "evaluation.gallery=leave_one_out", "--only", "student"},
        folder.path());
    INFO(run.err);
    REQUIRE(run.status == 0);
    const auto again = test::cmkd({"report", "search", "--out", "loo", "--recompute"}, folder.path());
    CHECK(again.out.find(", 0 differ") != std::string::npos);
  }
  SECTION("protocol paper adds the truncated metric, chooses on the reported split, and says so") {
    const auto run = test::cmkd(
        {"run", "search.toml", "--out", "paper", "--set", "suite.protocol=paper", "--only", "student"}, folder.path());
    INFO(run.err);
    REQUIRE(run.status == 0);
    const auto report = test::cmkd({"report", "search", "--out", "paper"}, folder.path());
    CHECK(report.out.find("truncated mAP") != std::string::npos);
    CHECK(report.out.find("reported split (protocol paper)") != std::string::npos);
  }
}

TEST_CASE("audio tagging: the teacher sees, the student hears") {
  const TemporaryFolder folder;
  std::string suite = replaced(one_seed(), "seeds = 1", "seeds = 1\ntask = \"audio_tagging\"");
  suite = replaced(suite, R"(modality = "audio"
model = "audio_cnn"
n_fft = 256
hop_length = 80
n_mels = 32
width = 16)",
                   "modality = \"video\"\nmodel = \"r2plus1d_small\"\nwidth = 16");
  suite = replaced(suite, R"([student]
modality = "video"
model = "r2plus1d_small"
width = 16)",
                   "[student]\nmodality = \"audio\"\nmodel = \"audio_cnn\"\nn_fft = 256\nhop_length = 80\nn_mels = "
                   "32\nwidth = 16");
  suite += "[[methods]]\nid = \"at\"\nweight = 1.0\n[[methods]]\nid = \"multimodal\"\n";
  test::write_text(folder / "tags.toml", suite);
  const json board = run_and_report(folder.path(), "tags.toml");
  const json& table = board.at("tables").at(0);
  CHECK(table.at("direction") == "video->audio");
  CHECK(table.at("primary_metric") == "map_macro");
  for (const char* method : {"student", "kd", "mnf_csc", "at", "multimodal"}) {
    INFO(method);
    const json& seed = row_of(table, method).at("seeds").at(0);
    CHECK(seed.at("value").get<double>() > 0);
    for (const char* name : {"map_micro", "auc_macro", "d_prime", "lwlrap", "top1"}) {
      CHECK(seed.at("metrics").contains(name));
    }
  }
}

TEST_CASE("a student that does not hear cannot tag sound, and same-modality pairs refuse what needs two") {
  const TemporaryFolder folder;
  test::write_text(folder / "tags.toml", replaced(one_seed(), "seeds = 1", "seeds = 1\ntask = \"audio_tagging\""));
  const auto tags = test::cmkd({"plan", "tags.toml"}, folder.path());
  CHECK(tags.status == 4);
  CHECK(tags.err.find("student that hears") != std::string::npos);
  const std::string pair = replaced(one_seed(), R"([student]
modality = "video"
model = "r2plus1d_small"
width = 16)",
                                    "[student]\nmodality = \"audio\"\nmodel = \"audio_cnn\"\nn_fft = 256\nhop_length = "
                                    "80\nn_mels = 32\nwidth = 8") +
                           "[[methods]]\nid = \"multimodal\"\n";
  test::write_text(folder / "pair.toml", pair);
  const auto refused = test::cmkd({"run", "pair.toml", "--out", "out"}, folder.path());
  CHECK(refused.status == 4);
  CHECK(refused.err.find("'multimodal' works on two modalities") != std::string::npos);
  const auto rest = test::cmkd(
      {"run", "pair.toml", "--out", "out", "--set", "suite.task=audio_tagging", "--only", "kd"}, folder.path());
  CHECK(rest.status == 4);  // the plan is of the whole suite: the method has to go
}

TEST_CASE("a sweep trains once what does not notice it, and tells whether the method noticed the damage") {
  const TemporaryFolder folder;
  test::write_text(folder / "sweep.toml", one_seed() +
                                              "[corruption]\nkind = \"swap\"\n[sweep]\nsetting = "
                                              "\"corruption.share\"\nvalues = [0.0, 0.5]\n");
  const json board = run_and_report(folder.path(), "sweep.toml");
  REQUIRE(board.at("tables").size() == 2);
  const json& clean = board.at("tables").at(0);
  const json& damaged = board.at("tables").at(1);
  CHECK(clean.at("level") == 0.0);
  CHECK(damaged.at("level") == 0.5);
  CHECK(damaged.at("condition") == "corruption.share = 0.5");
  const auto key = [](const json& table, const char* row) {
    return row_of(table, row).at("seeds").at(0).at("training_key");
  };
  CHECK(key(clean, "student") == key(damaged, "student"));
  CHECK(key(clean, "teacher") == key(damaged, "teacher"));
  CHECK(key(clean, "kd") != key(damaged, "kd"));
  const json& evidence = row_of(damaged, "mnf_csc").at("seeds").at(0).at("transfer");
  for (const char* name : {"corruption_auc_gate", "corruption_auc_similarity"}) {
    REQUIRE(evidence.contains(name));
    CHECK(evidence.at(name).get<double>() >= 0);
    CHECK(evidence.at(name).get<double>() <= 1);
  }
  CHECK(row_of(clean, "mnf_csc").at("seeds").at(0).at("transfer").empty());
  const results::Store store = results::Store::open(folder / "out/results.db", results::OpenMode::kReadOnly);
  CHECK(store.trainings().size() == 8);  // student and teacher once; kd, its control and mnf_csc at both levels
}

TEST_CASE("official splits: each is trained, and a seed's value is their mean") {
  const fs::path root = test::shared_data("esc10");
  if (root.empty()) return;
  const TemporaryFolder folder;
  test::write_text(folder / "esc10.toml", R"(
[suite]
task = "audio_tagging"
seeds = 1
[dataset]
id = "esc50"
subset = "esc10"
root = ")" + root.string() + R"("
[ingest]
video = false
sample_rate = 4000
[clip]
audio_seconds = 2.0
test_views = 2
[labels]
labelled = 40
folds = "1,4"
[teacher]
modality = "audio"
model = "audio_cnn"
n_fft = 256
hop_length = 128
n_mels = 16
width = 16
[teacher.training]
epochs = 1
batch_labelled = 0
batch_unlabelled = 16
[student]
modality = "audio"
model = "audio_cnn"
n_fft = 256
hop_length = 128
n_mels = 16
width = 8
[training]
epochs = 1
batch_labelled = 8
batch_unlabelled = 8
[[methods]]
id = "student"
[[methods]]
id = "kd"
)");
  const json board = run_and_report(folder.path(), "esc10.toml");
  const json& table = board.at("tables").at(0);
  CHECK(table.at("folds") == json({"1", "4"}));
  CHECK(table.at("direction") == "audio->audio");
  const json& seed = row_of(table, "kd").at("seeds").at(0);
  REQUIRE(seed.at("folds").size() == 2);
  const double mean =
      (seed.at("folds").at(0).at("value").get<double>() + seed.at("folds").at(1).at("value").get<double>()) / 2;
  CHECK(seed.at("value").get<double>() == Approx(mean));
  const auto wrong = test::cmkd({"plan", "esc10.toml", "--set", "labels.folds=\"1,6\""}, folder.path());
  CHECK(wrong.status == 4);
  CHECK(wrong.err.find("'6' is not one of the dataset's folds") != std::string::npos);
}

namespace {

// NumPy's format, version 1 (NEP 1): what numpy.save writes for a vector of float32.
std::string npy(const std::vector<float>& values) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(values.size()) + ",), }";
  header.resize(117, ' ');
  return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + "\n" +
         std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

// Made clips with a table that names a feature for each: the class as a unit vector of 12 values.
void make_featured(const fs::path& folder) {
  const auto made = test::cmkd(
      {"datasets", "make", "synthetic", "--out", "data", "--set", "train_clips=96", "--set", "test_clips=32"}, folder);
  INFO(made.err);
  REQUIRE(made.status == 0);
  std::istringstream lines(read_file(folder / "data/manifest.csv"));
  std::string table;
  std::map<std::string, std::size_t> classes;
  std::string line;
  std::getline(lines, line);
  REQUIRE(line.starts_with("path,label,split,group,"));
  for (int k = 0; std::getline(lines, line); ++k) {
    const std::size_t label = line.find(',') + 1;
    const std::size_t split = line.find(',', label) + 1;
    const std::string name = line.substr(label, split - label - 1);
    std::vector<float> feature(12, 0.0F);
    feature.at(classes.emplace(name, classes.size()).first->second) = 1.0F;
    const std::string file = "features/" + std::to_string(k) + ".npy";
    test::write_text(folder / "data" / file, npy(feature));
    table += line.substr(0, line.find(',', split)) + "," + file + "\n";
  }
  test::write_text(folder / "data/featured.csv", "path,label,split,feature\n" + table);
}

}  // namespace

TEST_CASE("published features teach: the teacher is a classifier on them, and a changed feature is another teacher") {
  const TemporaryFolder folder;
  make_featured(folder.path());
  std::string suite = replaced(one_seed(), "id = \"synthetic\"\ntrain_clips = 120\ntest_clips = 40",
                               "id = \"manifest\"\ncsv = \"data/featured.csv\"");
  suite = replaced(suite, "sample_rate = 8000", "audio_form = \"features\"\nfeature_values = 12");
  suite = replaced(
      suite,
      "model = \"audio_cnn\"\nn_fft = 256\nhop_length = 80\nn_mels = 32\nwidth = 16\n[teacher.training]\nepochs = 2",
      "model = \"features\"\n[teacher.training]\nlearning_rate = 0.05\nepochs = 10");
  suite += "[[methods]]\nid = \"rkd\"\n[[methods]]\nid = \"crd\"\n";
  test::write_text(folder / "features.toml", suite);
  const json board = run_and_report(folder.path(), "features.toml");
  const json& table = board.at("tables").at(0);
  CHECK(row_of(table, "teacher").at("seeds").at(0).at("value") == 1.0);  // the feature is the class
  for (const char* method : {"student", "kd", "mnf_csc", "rkd", "crd"}) {
    INFO(method);
    CHECK(row_of(table, method).at("seeds").at(0).at("value").get<double>() > 0);
  }
  const auto teacher_key = [&] {
    const auto plan = test::cmkd({"plan", "features.toml", "--out", "out", "--no-measure", "--json"}, folder.path());
    INFO(plan.err);
    REQUIRE(plan.status == 0);
    const json trainings = json::parse(plan.out).at("trainings");
    const auto kd = std::ranges::find_if(trainings, [](const json& one) { return one.at("row") == "kd"; });
    REQUIRE(kd != trainings.end());
    return kd->at("teacher_key").get<std::string>();
  };
  const std::string before = teacher_key();
  CHECK(before == row_of(table, "teacher").at("seeds").at(0).at("training_key"));
  test::write_text(folder / "data/features/0.npy", npy(std::vector<float>(12, 0.5F)));
  CHECK(teacher_key() != before);
  test::write_text(folder / "maps.toml", suite + "[[methods]]\nid = \"at\"\n");
  const auto maps = test::cmkd({"run", "maps.toml", "--out", "maps"}, folder.path());
  CHECK(maps.status == 4);
  CHECK(maps.err.find("method 'at' compares at least 1 stages of feature maps") != std::string::npos);
}

TEST_CASE("datasets check tells of each fold what would be used, and names a root that is not the set's") {
  const TemporaryFolder folder;
  const auto wrong = test::cmkd({"datasets", "check", "ucf101", "--root", folder.path().string()}, folder.path());
  CHECK(wrong.status == 1);
  CHECK(wrong.err.find("classInd.txt") != std::string::npos);
  const fs::path root = test::shared_data("esc10");
  if (root.empty()) return;
  const auto check = test::cmkd(
      {"datasets", "check", "esc50", "--set", "subset=esc10", "--root", root.string(), "--json"}, folder.path());
  INFO(check.err);
  CHECK(check.status == 0);
  const json found = json::parse(check.out);
  CHECK(found.at("has_real_problem") == false);
  CHECK(found.at("splits").at("3 test").at("used") == 80);
  CHECK(found.at("splits").at("3 train").at("listed") == 320);
  CHECK(found.at("counts").at("without_picture") == 400);
}
