// Where data lie is no part of what they are: no key depends on it.
#include "catch.h"
// Catch first.
#include <vector>

#include "cmkd/core/file.h"
#include "cmkd/harness/plan.h"
#include "cmkd/harness/suite_data.h"
#include "environment.h"
#include "paths.h"

namespace {

using namespace cmkd;
namespace fs = std::filesystem;

constexpr const char* kSuiteOfSounds = R"(
[suite]
task = "audio_tagging"
seeds = 2
[dataset]
id = "esc50"
subset = "esc10"
root = "data/few_sounds"
[ingest]
video = false
[teacher]
modality = "audio"
model = "audio_cnn"
[student]
modality = "audio"
model = "audio_cnn"
[[methods]]
id = "student"
[[methods]]
id = "kd"
)";

// Two classes in five folds; listing and fingerprint read bytes, whatever they are.
void write_sounds(const fs::path& root) {
  std::string table = "filename,fold,target,category,esc10,src_file,take\n";
  fs::create_directories(root / "audio");
  for (int k = 0; k < 10; ++k) {
    const std::string name = std::to_string(k) + ".wav";
    table += name + "," + std::to_string(1 + k / 2) + "," + std::to_string(k % 2) + "," +
             (k % 2 == 0 ? "dog" : "rain") + ",True," + std::to_string(100 + k) + ",A\n";
    write_file_atomically(root / "audio" / name, "sound " + std::to_string(k));
  }
  write_file_atomically(root / "esc10.csv", table);
}

struct Keys {
  std::string source_fingerprint;
  std::vector<std::string> all;
  bool operator==(const Keys&) const = default;
};

Keys keys_of(const fs::path& suite_file, const std::vector<std::string>& overrides, const fs::path& cache) {
  const Suite suite = load_suite(suite_file, overrides);
  const ListedData listed = list_data(suite, cache);
  Keys keys{listed.source_fingerprint, {}};
  for (const PlannedTraining& planned : make_plan(suite, listed.plan_source()).trainings) {
    keys.all.insert(keys.all.end(), {planned.key, planned.cell_key, planned.evaluation().key});
  }
  return keys;
}

}  // namespace

TEST_CASE("keys and fingerprints are the same wherever the data lie, by CMKD_DATA or by root") {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "sounds.toml", kSuiteOfSounds);
  write_sounds(folder / "here/few_sounds");
  write_sounds(folder / "there/few_sounds");
  const Keys by_root = keys_of(folder / "sounds.toml",
                               {"dataset.root=\"" + (folder / "here/few_sounds").string() + "\""}, folder / "cache");
  CHECK(by_root.all.size() == 3 * 3 * 2 * 5);  // three keys of teacher, student and kd, two seeds, five folds
  for (const char* place : {"here", "there"}) {
    const test::EnvironmentVariable data("CMKD_DATA", (folder / place).string());
    const bool equal = keys_of(folder / "sounds.toml", {}, folder / (std::string("cache of ") + place)) == by_root;
    CHECK(equal);
  }
  write_file_atomically(folder / "there/few_sounds/audio/3.wav", "another sound");
  const test::EnvironmentVariable data("CMKD_DATA", (folder / "there").string());
  const bool equal = keys_of(folder / "sounds.toml", {}, folder / "fresh cache") == by_root;
  CHECK_FALSE(equal);
}
