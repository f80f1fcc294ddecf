// Outputs of another program against the clips of a suite.
#include "catch.h"
//
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/harness/import_outputs.h"
#include "paths.h"
#include "tiny_suite.h"

using namespace cmkd;

namespace {

struct Wanted {
  explicit Wanted(const std::vector<std::string>& overrides = {}) {
    write_file_atomically(folder / "tiny.toml", test::tiny_suite("Tiny", {"student"}));
    suite = load_suite(folder / "tiny.toml", overrides);
    data.emplace(stand_in_data(suite, list_data(suite, folder / "cache")));
    clips = clips_to_import(suite, *data, request);
    request.name = "theirs";
  }

  [[nodiscard]] const std::vector<std::string>& classes() const { return data->listed.list.classes; }
  // The class of each clip gets `high`, the others share the rest.
  [[nodiscard]] OutputsFile right_scores(float high) const {
    OutputsFile file;
    file.path = "scores.csv";
    file.content_hash = "content";
    file.clips = clips.clip_ids;
    file.width = static_cast<std::int64_t>(classes().size());
    const float low = (1 - high) / static_cast<float>(file.width - 1);
    for (const std::int32_t label : clips.labels) {
      for (std::int32_t c = 0; c < file.width; ++c) file.values.push_back(c == label ? high : low);
    }
    return file;
  }
  [[nodiscard]] ImportedRow import(const OutputsFile& file) const {
    return import_outputs(suite, suite, *data, file, request);
  }
  [[nodiscard]] std::string refusal(const OutputsFile& file, ErrorKind kind = ErrorKind::kData) const {
    try {
      (void)import(file);
    } catch (const Error& error) {
      CHECK(error.kind() == kind);
      return error.what();
    }
    FAIL("no error");
    return "";
  }

  test::TemporaryFolder folder;
  Suite suite;
  std::optional<SuiteData> data;
  ImportRequest request;
  results::ClipOutputs clips;
};

double metric_of(const ImportedRow& row, const std::string& name) {
  const auto found = std::ranges::find(row.evaluation.metrics, name, &results::MetricValue::name);
  REQUIRE(found != row.evaluation.metrics.end());
  return found->value;
}

bool tells(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("scores in any order of clips and named columns are judged as they are meant") {
  const Wanted wanted;
  CHECK(wanted.clips.clip_ids.size() == 20);
  OutputsFile file = wanted.right_scores(0.5F);
  file.columns = wanted.classes();
  // Columns and rows backwards.
  std::ranges::reverse(file.values);
  std::ranges::reverse(file.columns);
  std::ranges::reverse(file.clips);
  const ImportedRow row = wanted.import(file);
  CHECK(metric_of(row, "top1") == 1);
  CHECK(std::abs(metric_of(row, "nll") - std::log(2)) < 1e-6);
  CHECK(row.evaluation.outputs.clip_ids == wanted.clips.clip_ids);
  CHECK(row.evaluation.outputs.labels == wanted.clips.labels);
  CHECK(row.training.initial_weights_fingerprint.empty());
  CHECK(row.training.dataset_fingerprint == wanted.data->listed.source_fingerprint);
  CHECK(row.link.role == results::RowRole::kExternal);
  CHECK(row.link.training_key == row.training.key);
  CHECK(row.link.primary_metric == "top1");
  CHECK(row.link.suite == "tiny");
  // Indices name classes, too; without names they stand in their order.
  OutputsFile plain = wanted.right_scores(0.5F);
  CHECK(metric_of(wanted.import(plain), "top1") == 1);
  for (std::size_t i = 0; i < wanted.classes().size(); ++i) plain.columns.push_back(std::to_string(i));
  CHECK(metric_of(wanted.import(plain), "top1") == 1);
}

TEST_CASE("what is imported again has its key by content, name and seed") {
  Wanted wanted;
  const OutputsFile file = wanted.right_scores(0.5F);
  const std::string key = wanted.import(file).training.key;
  CHECK(wanted.import(file).training.key == key);
  OutputsFile other = file;
  other.content_hash = "other";
  CHECK(wanted.import(other).training.key != key);
  wanted.request.seed = 1;
  CHECK(wanted.import(file).training.key != key);
}

TEST_CASE("clips that are missing, doubled or unknown are all named at once") {
  const Wanted wanted;
  OutputsFile file = wanted.right_scores(0.5F);
  const std::string missing = file.clips[3];
  const std::string doubled = file.clips[5];
  file.clips[3] = doubled;
  file.clips.emplace_back("of another set.mp4");
  file.values.insert(file.values.end(), static_cast<std::size_t>(file.width), 0.1F);
  const std::string text = wanted.refusal(file);
  CHECK(tells(text, "1 missing: " + missing));
  CHECK(tells(text, "1 doubled: " + doubled));
  CHECK(tells(text, "1 not of this suite: of another set.mp4"));
  CHECK(tells(text, "scores.csv"));
  CHECK(tells(text, "cmkd import --list"));
}

TEST_CASE("wrong widths, wrong names, values that are not finite and no probabilities are refused with their place") {
  const Wanted wanted;
  const OutputsFile good = wanted.right_scores(0.5F);
  OutputsFile file = good;
  SECTION("width") {
    file.width = 2;
    file.values.resize(2 * file.clips.size());
    CHECK(tells(wanted.refusal(file), "rows are 2 wide, and the dataset has 10 classes"));
  }
  SECTION("a column that is no class") {
    file.columns = wanted.classes();
    file.columns[1] = "no class";
    CHECK(tells(wanted.refusal(file), "no class"));
  }
  SECTION("not a number") {
    file.values[static_cast<std::size_t>(file.width) * 2 + 1] = std::numeric_limits<float>::quiet_NaN();
    const std::string text = wanted.refusal(file);
    CHECK(tells(text, "'" + file.clips[2] + "'"));
    CHECK(tells(text, "column 1"));
  }
  SECTION("logits that are not said to be") {
    for (float& value : file.values) value = value > 0.4F ? 3 : -3;
    CHECK(tells(wanted.refusal(file), "--values logits"));
  }
  SECTION("rows that do not sum to 1") {
    for (float& value : file.values) value = 0.5F;
    CHECK(tells(wanted.refusal(file), "sum to 5"));
  }
}

TEST_CASE("logits go through softmax") {
  Wanted wanted;
  wanted.request.values = OutputValues::kLogits;
  OutputsFile file = wanted.right_scores(0.5F);
  for (float& value : file.values) value = value > 0.4F ? 1000 + std::log(9.0F) : 1000;  // 9 / (9 + 9) against 1 / 18
  CHECK(std::abs(metric_of(wanted.import(file), "nll") - std::log(2)) < 1e-4);
}

TEST_CASE("in retrieval embeddings of any width are taken, of the test clips and of the gallery") {
  const Wanted wanted({"suite.task=retrieval"});
  CHECK(wanted.clips.queries == 20);
  CHECK(wanted.clips.clip_ids.size() == 80);
  OutputsFile file;
  file.path = "embeddings.npz";
  file.clips = wanted.clips.clip_ids;
  file.width = 10;
  for (const std::int32_t label : wanted.clips.labels) {
    for (std::int32_t i = 0; i < 10; ++i) file.values.push_back(i == label ? 2.0F : 0.0F);
  }
  const ImportedRow row = wanted.import(file);
  CHECK(metric_of(row, "map") == 1);
  CHECK(row.evaluation.metrics[0].clips == 20);
  std::fill(file.values.begin(), file.values.begin() + 10, 0.0F);
  CHECK(tells(wanted.refusal(file), "embeddings.npz"));
}

TEST_CASE("a row may not be called as one of the methods, and a fold must be one") {
  Wanted wanted;
  wanted.request.name = "kd";
  CHECK(tells(wanted.refusal(wanted.right_scores(0.5F), ErrorKind::kUsage), "'kd (PyTorch)'"));
  wanted.request.name = "turned\u202Eround";
  (void)wanted.refusal(wanted.right_scores(0.5F), ErrorKind::kUsage);
  wanted.request.name = "theirs";
  wanted.request.fold = "7";
  CHECK(tells(wanted.refusal(wanted.right_scores(0.5F), ErrorKind::kUsage), "'7'"));
}

TEST_CASE("files of outputs: CSV with names, NumPy's archive, and an array with its clips beside it") {
  const test::TemporaryFolder folder;
  const auto refused = [](const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  write_file_atomically(folder / "a.csv", std::string_view("dog,clip,\"c,at\"\n0.25,\"x,1\",7.5e-1\n+1,y,0\n"));
  const OutputsFile csv = read_outputs_file(folder / "a.csv");
  CHECK(csv.clips == std::vector<std::string>{"x,1", "y"});
  CHECK(csv.columns == std::vector<std::string>{"dog", "c,at"});
  CHECK(csv.values == std::vector<float>{0.25F, 0.75F, 1, 0});
  CHECK_FALSE(csv.content_hash.empty());
  const auto npz = read_outputs_file(test::source_dir() / "tests/weights/array_files/outputs.npz");
  CHECK(npz.clips.at(1) == "ä 1");
  CHECK(npz.width == 2);
  CHECK(npz.values.at(5) == 0.875F);
  write_file_atomically(folder / "words.csv", std::string_view("clip,dog\nx,much\n"));
  const std::string words = refused([&] { (void)read_outputs_file(folder / "words.csv"); });
  CHECK(tells(words, "'much' in column 'dog'"));
  CHECK(tells(words, "words.csv:2"));
  write_file_atomically(folder / "nameless.csv", std::string_view("id,dog\nx,1\n"));
  CHECK(tells(refused([&] { (void)read_outputs_file(folder / "nameless.csv"); }), "clip"));
  const auto texts = test::source_dir() / "tests/weights/array_files/outputs_texts.npy";
  CHECK(tells(refused([&] { (void)read_outputs_file(texts); }), "--clips"));
  CHECK(tells(refused([&] { (void)read_outputs_file(texts, folder / "a.csv"); }), "no array of numbers"));
  CHECK(tells(refused([&] { (void)read_outputs_file(folder / "a.csv", folder / "a.csv"); }), "--clips"));
}
