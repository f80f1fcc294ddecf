// Data as a user brings it: features that others published, and a check before anything is trained.
#include "suite_runs.h"
// Catch first.
#include <map>
#include <sstream>

#include "cmkd/core/file.h"

namespace {

using namespace cmkd;
using nlohmann::json;
using test::one_seed, test::replaced, test::row_of, test::run_and_report, test::TemporaryFolder;
namespace fs = std::filesystem;

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
  CHECK(before == row_of(table, "teacher").at("seeds").at(0).at("training_key").get<std::string>());
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
