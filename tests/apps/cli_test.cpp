// The command line: help, exit statuses, and one clear error for each mistake.
#include "catch.h"
// Catch first.
#include <nlohmann/json.hpp>

#include "paths.h"
#include "program.h"

namespace {

using namespace cmkd;
using test::TemporaryFolder;

// Runs a variant of the small suite whose text `from` is replaced by `to`.
test::ProcessResult run_variant(const std::string& from, const std::string& to) {
  const TemporaryFolder folder;
  std::string suite = test::small_suite();
  REQUIRE(suite.find(from) != std::string::npos);
  suite.replace(suite.find(from), from.size(), to);
  test::write_text(folder / "small.toml", suite);
  return test::cmkd({"run", "small.toml"}, folder.path());
}

void check_error(const test::ProcessResult& result, int status, const std::vector<std::string>& parts) {
  INFO(result.err);
  CHECK(result.status == status);
  CHECK(result.out.empty());
  CHECK(result.err.find("cmkd: error: ") != std::string::npos);
  for (const std::string& part : parts) {
    INFO(part);
    CHECK(result.err.find(part) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("every command explains itself, with examples") {
  const TemporaryFolder folder;
  for (const std::string command : {"list", "describe", "plan", "run", "status", "report", "ingest", "probe", "weights",
                                    "datasets", "conformance", "new", "doctor", "completion"}) {
    INFO(command);
    const auto help = test::cmkd({command, "--help"}, folder.path());
    CHECK(help.status == 0);
    CHECK(help.out.find("Usage: cmkd " + command) == 0);
    CHECK(help.out.find("Examples:") != std::string::npos);
  }
}

TEST_CASE("describe says everything that is known of a method without a run") {
  const TemporaryFolder folder;
  const std::string text = test::cmkd({"describe", "mnf_csc"}, folder.path()).out;
  for (const char* part : {"role: method: ranked", "paper: ", "2304.07775", "formula: ", "verified: ",
                           "checked by 'cmkd conformance' against: ", "needs: ", "student's tokens",
                           "cost of a step: ", "unlabelled clips: ", "threshold = ", "search ranges",
                           "weight: 0.03 to 3, logarithmic", "preset paper: "}) {
    INFO(part);
    CHECK(text.find(part) != std::string::npos);
  }
  const auto methods = nlohmann::json::parse(test::cmkd({"list", "methods", "--json"}, folder.path()).out);
  for (const auto& method : methods.at("methods")) {
    const std::string id = method.at("id");
    INFO(id);
    const auto described = nlohmann::json::parse(test::cmkd({"describe", id, "--json"}, folder.path()).out);
    for (const char* key : {"role", "paper", "formula", "verified", "conformance", "needs", "cost_per_step",
                            "unlabelled", "parameters", "search", "presets"}) {
      INFO(key);
      CHECK(described.contains(key));
    }
    CHECK_FALSE(described.at("cost_per_step").empty());
  }
  const auto nst = nlohmann::json::parse(test::cmkd({"describe", "nst", "--json"}, folder.path()).out);
  CHECK(nst.at("search").at(0).at("scale") == "logarithmic");
  CHECK(nst.at("search").at(1).at("choices") == std::vector<std::string>{"time", "plane"});
}

TEST_CASE("describe --markdown writes a method's page: formula, paper, verification, parameters, where it differs") {
  const TemporaryFolder folder;
  const std::string page = test::cmkd({"describe", "ofa", "--markdown"}, folder.path()).out;
  for (const char* part : {"# `ofa`: One-for-All", "| paper | Hao et al. 2023", "| verified | loss: ", "`ofa` |",
                           "## Formula", "In full, with shapes", "L_ofa(x) = mean_i",
                           "## Where it differs from its paper, and why\n\neach stage is averaged", "## Parameters",
                           "| `epsilon` | 1 | number in [0.1, 10] |", "## Presets", "| parameter | `paper` | `suite` |",
                           "| `weight` | 1 | 0.3 |", "- `epsilon`: 1 to 1.5, linear"}) {
    INFO(part);
    CHECK(page.find(part) != std::string::npos);
  }
  CHECK(page.find("Differs:") == std::string::npos);  // it has a heading of its own
  CHECK(page.find("\n\n\n") == std::string::npos);
  CHECK(test::cmkd({"describe", "ofa", "--markdown", "--json"}, folder.path()).status == 4);
  CHECK(test::cmkd({"describe", "audio_cnn", "--markdown"}, folder.path()).status == 4);
}

TEST_CASE("the version names the libraries that results depend on") {
  const TemporaryFolder folder;
  const auto versions = nlohmann::json::parse(test::cmkd({"--version", "--json"}, folder.path()).out);
  for (const char* name : {"cmkd", "libtorch", "ffmpeg", "sqlite", "compiler"}) CHECK(versions.contains(name));
}

TEST_CASE("a mistake in a suite file is one error with file, line, allowed names and a suggestion") {
  check_error(run_variant("title = \"Small\"", "titel = \"Small\""), 4,
              {"unknown parameter 'titel'", "small.toml:3", "did you mean 'title'?"});
  check_error(run_variant("[training]", "[trainnig]"), 4, {"unknown table 'trainnig'", "did you mean 'training'?"});
  check_error(run_variant("id = \"kd\"", "id = \"kdd\""), 4,
              {"unknown method 'kdd'", "small.toml:", "did you mean 'kd'?"});
  check_error(run_variant("epochs = 3", "epochs = \"three\""), 4, {"parameter 'epochs' cannot be three", "integer"});
  check_error(run_variant("epochs = 3", "epochs = -3"), 4, {"parameter 'epochs' cannot be -3", "[1,"});
  check_error(run_variant("seeds = 2", "seeds = = 2"), 4, {"not valid TOML", "small.toml:4"});
  check_error(run_variant("\"shuffled-teacher\"", "\"shuffled-teachers\""), 4,
              {"unknown control", "did you mean 'shuffled-teacher'?"});
  check_error(run_variant("model = \"audio_cnn\"", "model = \"r2plus1d_small\""), 4, {"is for video, not for audio"});
  check_error(run_variant("labelled = 20", "labelled = 2000"), 4, {"labels.labelled = 2000", "allowed"});
}

TEST_CASE("wrong words on the command line are one error with the allowed ones") {
  const TemporaryFolder folder;
  check_error(test::cmkd({"rum"}, folder.path()), 4, {"unknown command 'rum'", "did you mean 'run'?"});
  check_error(test::cmkd({"run", "--jbos", "2"}, folder.path()), 4, {"--jbos"});
  check_error(test::cmkd({"run", "missing.toml"}, folder.path()), 4, {"there is no suite file 'missing.toml'"});
  check_error(test::cmkd({"describe", "mnf_cs"}, folder.path()), 4, {"did you mean 'mnf_csc'?"});
  check_error(test::cmkd({"report", "--store", "nowhere.db"}, folder.path()), 1,
              {"there is no store yet", "nowhere.db"});
}

TEST_CASE("a filter that selects nothing says so with status 5") {
  const TemporaryFolder folder;
  test::write_text(folder / "small.toml", test::small_suite());
  check_error(test::cmkd({"run", "small.toml", "--only", "fitnet"}, folder.path()), 5, {"selects no training"});
}

TEST_CASE("a store that is another program's is refused and left alone") {
  const TemporaryFolder folder;
  test::write_text(folder / "small.toml", test::small_suite());
  test::write_text(folder / "out/small/results.db", "this is no database, and somebody needs it");
  const auto result = test::cmkd({"run", "small.toml", "--only", "student", "--seed", "0"}, folder.path());
  check_error(result, 1, {"results.db"});
  std::ifstream file(folder / "out/small/results.db");
  std::string text;
  std::getline(file, text);
  CHECK(text == "this is no database, and somebody needs it");
}

TEST_CASE("before the clips are ingested a plan measures made ones, and what does not fit is refused") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "small.toml", test::small_suite());
  const auto plan = test::cmkd({"plan", "small.toml", "--measure", "--json"}, folder.path());
  INFO(plan.err);
  REQUIRE(plan.status == 0);
  const nlohmann::json value = nlohmann::json::parse(plan.out);
  CHECK(value.at("cached") == false);
  CHECK(value.at("measured_on") == "made clips");
  CHECK(value.at("seconds_left").get<double>() > 0);
  const auto quiet = test::cmkd({"plan", "small.toml"}, folder.path());
  CHECK(quiet.out.find("time left: unknown before the clips are ingested; '--measure'") != std::string::npos);
  std::string pair = test::small_suite() + "[[methods]]\nid = \"multimodal\"\n";
  const std::string video = "modality = \"video\"\nmodel = \"r2plus1d_small\"";
  REQUIRE(pair.find(video) != std::string::npos);
  pair.replace(pair.find(video), video.size(), "modality = \"audio\"\nmodel = \"audio_cnn\"");
  test::write_text(folder / "pair.toml", pair);
  for (const char* command : {"plan", "run"}) {
    const auto refused = test::cmkd({command, "pair.toml", "--out", "out"}, folder.path());
    INFO(command << refused.err);
    CHECK(refused.status == 4);
    CHECK(refused.err.find("'multimodal' works on two modalities") != std::string::npos);
  }
  CHECK_FALSE(std::filesystem::exists(folder / "out/cache/clips"));
  const auto ingested = test::cmkd({"ingest", "small.toml"}, folder.path());
  REQUIRE(ingested.status == 0);
  CHECK(std::filesystem::exists(folder / "out/cache/clips"));
}

TEST_CASE("a flipped bit in the clip cache is found before anything is trained on it") {
  const TemporaryFolder folder;
  test::write_text(folder / "small.toml", test::small_suite());
  REQUIRE(test::cmkd({"ingest", "small.toml"}, folder.path()).status == 0);
  bool flipped = false;
  for (const auto& item : std::filesystem::recursive_directory_iterator(folder / "out/cache/clips")) {
    if (flipped || !item.is_regular_file() || item.file_size() < 100'000) continue;
    std::fstream file(item.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(50'000);
    const int byte = file.get();
    file.seekp(50'000);
    file.put(static_cast<char>(byte ^ 1));
    flipped = true;
  }
  REQUIRE(flipped);
  check_error(test::cmkd({"run", "small.toml"}, folder.path()), 1, {"checksum"});
}

TEST_CASE("conformance names what it does not cover with status 6, and a mismatch with status 1") {
  const TemporaryFolder folder;
  const auto whole = test::cmkd({"conformance", test::vectors_dir().string(), "--json"}, folder.path());
  CHECK(whole.status == 0);
  std::map<std::string, std::string> verdicts;
  const auto report = nlohmann::json::parse(whole.out);
  for (const auto& entry : report.at("folders")) verdicts[entry.at("folder")] = entry.at("verdict");
  for (const char* covered : {"kd", "fitnet", "rkd", "ccl", "mnf_csc", "csc", "xkd_step", "statistics"})
    CHECK(verdicts.at(covered) == "pass");
  const auto one = test::cmkd({"conformance", (test::vectors_dir() / "kd").string()}, folder.path());
  CHECK(one.status == 0);
  CHECK(one.out.find("names compared") != std::string::npos);

  const std::filesystem::path own = folder / "own/metrics";
  std::filesystem::create_directories(own);
  const auto empty = test::cmkd({"conformance", (folder / "own").string()}, folder.path());
  CHECK(empty.status == 6);
  CHECK(empty.out.find("not covered: ") != std::string::npos);
  nlohmann::json metrics;
  std::ifstream(test::vectors_dir() / "metrics/case0.json") >> metrics;
  const auto write = [&] { std::ofstream(own / "case.json") << metrics; };
  write();
  CHECK(test::cmkd({"conformance", (folder / "own").string()}, folder.path()).status == 0);
  double& top1 = metrics.at("classification").at("expected").at("top1").get_ref<double&>();
  top1 += 1e-6;
  write();
  const auto mismatch = test::cmkd({"conformance", (folder / "own").string()}, folder.path());
  INFO(mismatch.out);
  CHECK(mismatch.status == 1);
  CHECK(mismatch.out.find("top1") != std::string::npos);
  metrics.at("classification").erase("expected");
  write();
  const auto broken = test::cmkd({"conformance", (folder / "own").string()}, folder.path());
  INFO(broken.out);
  CHECK(broken.status == 1);
  CHECK(broken.out.find("classification") != std::string::npos);
}
