#include "catch.h"
// Catch first: c10 and Catch2 both define CHECK.
#include <cmath>
#include <map>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/suites/action_recognition.h"
#include "cmkd/suites/suite.h"
#include "paths.h"

namespace {

using namespace cmkd;

const std::string kText = R"(
[suite]
title = "Test"
[dataset]
id = "synthetic"
[clip]
frames = 8
[teacher]
modality = "audio"
model = "audio_cnn"
[teacher.training]
epochs = 7
[student]
model = "r2plus1d_small"
width = 32
[training]
learning_rate = 1   # an integer where a number is wanted
[[methods]]
id = "kd"
weight = 3.5
controls = ["shuffled-teacher"]
)";

Suite load(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "test.toml", text);
  return load_suite(folder / "test.toml", overrides);
}

}  // namespace

TEST_CASE("a suite file is read with defaults for all that it does not say") {
  const Suite suite = load(kText);
  CHECK(suite.name == "test");
  CHECK(suite.direction() == "audio->video");
  CHECK(suite.clip.values.frames == 8);
  CHECK(suite.clip.values.test_views == 3);
  CHECK(suite.teacher.training.values.epochs == 7);
  CHECK(suite.training.values.epochs == 10);
  CHECK(suite.training.values.learning_rate == 1.0);
  CHECK(suite.student.section.values.integer("width") == 32);
  REQUIRE(suite.methods.size() == 1);
  CHECK(suite.methods[0].section.values.number("weight") == 3.5);
  CHECK(suite.seeds() == std::vector<std::int64_t>{0, 1, 2, 3, 4});
}

TEST_CASE("--set comes after the file, in the order given, for every kind of table") {
  const Suite suite =
      load(kText, {"training.epochs=2", "training.epochs=3", "methods.kd.weight=0.5", "teacher.training.epochs=1",
                   "student.width=16", "suite.seeds=1", "labels.label_draw=fixed"});
  CHECK(suite.training.values.epochs == 3);
  CHECK(suite.methods[0].section.values.number("weight") == 0.5);
  CHECK(suite.teacher.training.values.epochs == 1);
  CHECK(suite.student.section.values.integer("width") == 16);
  CHECK(suite.labels.values.label_draw == LabelDraw::kFixed);
  CHECK(suite.training.origin("epochs") == "--set");
  CHECK(suite.training.origin("momentum") == "default");
  CHECK(suite.methods[0].section.origin("weight") == "--set");
}

TEST_CASE("the shown configuration reads back to the same configuration") {
  const Suite suite = load(kText, {"training.epochs=3"});
  const std::string shown = show_config(suite);
  CHECK(show_config(load(shown)).find("epochs = 3") != std::string::npos);
  const Suite again = load(shown);
  CHECK((again.training.values == suite.training.values));
  CHECK((again.methods[0].section.values.values() == suite.methods[0].section.values.values()));
  CHECK(again.methods[0].controls == suite.methods[0].controls);
}

TEST_CASE("an override that names nothing is an error with a suggestion") {
  CHECK_THROWS_WITH(load(kText, {"trainin.epochs=3"}), message_contains("did you mean 'training'?"));
  CHECK_THROWS_WITH(load(kText, {"training.epoch=3"}), message_contains("did you mean 'epochs'?"));
  CHECK_THROWS_WITH(load(kText, {"methods.dk.weight=3"}), message_contains("the suite has no method 'dk'"));
  CHECK_THROWS_WITH(load(kText, {"training.epochs"}), message_contains("key=value"));
}

TEST_CASE("letters beyond ASCII are kept in texts, and refused with their line where none may stand") {
  const auto titled = [](const std::string& title) {
    std::string text = kText;
    return text.replace(text.find("\"Test\""), 6, title);
  };
  CHECK(load(titled("\"\"\"Caf\\\n  \u00e9\"\"\"")).general.values.title == "Caf\u00e9");
  CHECK(load(kText, {"suite.title=\u00dcbung"}).general.values.title == "\u00dcbung");
  CHECK_THROWS_WITH(load(titled("\u01fdon")), message_contains("not valid TOML") && message_contains("test.toml:3"));
  CHECK_THROWS_WITH(load(titled("1\nb\u01fd = 2")),
                    message_contains("expected '='") && message_contains("test.toml:4"));
  CHECK_THROWS_WITH(load(titled("1\u3000")), message_contains("expected space or tab"));
}

TEST_CASE("a control of a method without teacher is refused") {
  std::string text = kText;
  text.replace(text.find("id = \"kd\"\nweight = 3.5"), 22, "id = \"student\"");
  CHECK_THROWS_WITH(load(text), message_contains("no teacher to shuffle"));
}

TEST_CASE("the protocol's metrics are those of a case worked out by hand") {
  // Three clips, two classes. Right, wrong (0.6 on the wrong class), right.
  const std::vector<float> scores{0.9F, 0.1F, 0.6F, 0.4F, 0.2F, 0.8F};
  const std::vector<std::int32_t> labels{0, 1, 1};
  const std::vector<float> teacher{0.9F, 0.1F, 0.4F, 0.6F, 0.2F, 0.8F};
  std::map<std::string, double> values;
  for (const Metric& metric : action_recognition_metrics(scores, labels, 2, teacher))
    values[metric.name] = metric.value;
  CHECK(values.at("top1") == Approx(2.0 / 3));
  CHECK_FALSE(values.contains("top5"));
  CHECK(values.at("mean_class_accuracy") == Approx((1.0 + 0.5) / 2));
  CHECK(values.at("teacher_agreement") == Approx(2.0 / 3));
  CHECK(values.at("nll") == Approx(-(std::log(0.9) + std::log(0.4) + std::log(0.8)) / 3));
  CHECK(values.at("teacher_kl") == Approx((0.4 * std::log(0.4 / 0.6) + 0.6 * std::log(0.6 / 0.4)) / 3));
}

TEST_CASE("a sweep makes a variant for each value, with everything else as it is") {
  const std::string sweep =
      kText + "[corruption]\nkind = \"noise\"\n[sweep]\nsetting = \"corruption.snr_db\"\nvalues = ";
  const Suite suite = load(sweep + "[-6, 0.5, 12.0]\n", {"training.epochs=2"});
  REQUIRE(suite.variants.size() == 3);
  CHECK(suite.variants[0].corruption.values.snr_db == -6);
  CHECK(suite.variants[1].condition() == "corruption.snr_db = 0.5");
  CHECK(suite.variants[2].level == 12.0);
  for (const Suite& variant : suite.variants) {
    CHECK(variant.training.values.epochs == 2);
    CHECK(variant.variants.empty());
    CHECK(variant.corruption.values.kind == CorruptionKind::kNoise);
  }
  CHECK(suite.cases().size() == 3);
  CHECK(load(kText).cases().size() == 1);
  CHECK_THROWS_WITH(load(sweep + "[1.0, 1.0]\n"), message_contains("twice"));
  CHECK_THROWS_WITH(load(sweep + "[1.0]\n", {"sweep.values=[2.0]"}), message_contains("edit the suite file"));
  CHECK_THROWS_WITH(load(sweep + "[]\n"), message_contains("list of values"));
  CHECK_THROWS_WITH(load(sweep + "[\"loud\"]\n"), message_contains("cannot be loud"));
  CHECK_THROWS_WITH(load(kText + "[sweep]\nsetting = \"dataset.noise\"\nvalues = [0.1]\n"),
                    message_contains("cannot be swept"));
  CHECK_THROWS_WITH(load(kText + "[sweep]\nsettings = \"corruption.share\"\n"), message_contains("setting"));
  CHECK_THROWS_WITH(load(kText + "[corruption]\nkind = \"freeze\"\n"), message_contains("cannot be done to audio"));
}

TEST_CASE("folds: all, some, and what the dataset does not have") {
  const Suite all = load(kText);
  CHECK(all.folds({}) == std::vector<std::string>{""});
  CHECK(all.folds({"1", "2"}) == std::vector<std::string>{"1", "2"});
  const Suite some = load(kText, {"labels.folds=\"2, 1\""});
  CHECK(some.folds({"1", "2", "3"}) == std::vector<std::string>{"2", "1"});
  CHECK_THROWS_AS(some.folds({}), Error);
  CHECK_THROWS_AS(some.folds({"1"}), Error);
  CHECK_THROWS_AS(load(kText, {"labels.folds=\"1,1\""}).folds({"1"}), Error);
}

TEST_CASE("features of the sound: models that take them, their size, and what cannot be done to them") {
  const std::string features = "[ingest]\naudio_form = \"features\"\nfeature_values = 512\n";
  const std::size_t tables = kText.find("[clip]");
  const auto with = [&](const std::string& ingest) { return kText.substr(0, tables) + ingest + kText.substr(tables); };
  std::string text = with(features);
  text.replace(text.find("audio_cnn"), 9, "features");
  CHECK(load(text).ingest.values.sound_is_features());
  CHECK_THROWS_WITH(load(with(features)), message_contains("does not take features of the sound"));
  CHECK_THROWS_WITH(load(text, {"ingest.audio_form=waveform"}),
                    message_contains("does not take sound as it was recorded"));
  CHECK_THROWS_WITH(load(text, {"ingest.feature_values=0"}), message_contains("feature_values is not given"));
  CHECK_THROWS_WITH(load(text, {"ingest.audio_storage=int16"}), message_contains("not as int16"));
  CHECK_THROWS_WITH(load(text + "[corruption]\nkind = \"noise\"\n"), message_contains("needs the sound itself"));
  CHECK(load(text + "[corruption]\nkind = \"swap\"\n").corruption.values.kind == CorruptionKind::kSwap);
}
