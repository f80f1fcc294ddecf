// The three tasks, official splits and sweeps, as a user goes them: run, report, recompute.
#include "suite_runs.h"
// Catch first.
#include <set>

#include "cmkd/results/store.h"

namespace {

using namespace cmkd;
using nlohmann::json;
using test::one_seed, test::replaced, test::row_of, test::run_and_report, test::TemporaryFolder;
namespace fs = std::filesystem;

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
