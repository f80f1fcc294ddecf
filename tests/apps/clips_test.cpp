// cmkd clips show: the files that a person looks at, and what clip.json says.
#include "catch.h"
// Catch first.
#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cmkd/core/file.h"
#include "paths.h"
#include "program.h"

namespace {

using namespace cmkd;
using nlohmann::json;
using test::TemporaryFolder;
namespace fs = std::filesystem;

// A suite of few clips of the embedded set, which is made and ingested by the command itself.
std::string shown_suite(const std::string& more = "", int windows = 3) {
  return R"([suite]
title = "Shown"
seeds = 2
[dataset]
id = "synthetic"
train_clips = 30
test_clips = 10
[ingest]
height = 20
width = 24
fps = 8.0
sample_rate = 8000
[clip]
frames = 4
crop = 16
test_views = 2
windows = )" +
         std::to_string(windows) + R"(
[labels]
labelled = 6
validation_clips = 4
[teacher]
modality = "audio"
model = "audio_cnn"
n_fft = 256
hop_length = 80
n_mels = 20
[student]
modality = "video"
model = "r2plus1d_small"
[[methods]]
id = "student"
[[methods]]
id = "kd"
)" + more;
}

test::ProcessResult show(const TemporaryFolder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"clips", "show", "shown.toml"});
  return test::cmkd(arguments, folder.path());
}

json shown(const TemporaryFolder& folder, std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const auto result = show(folder, arguments);
  INFO(result.err);
  REQUIRE(result.status == 0);
  return json::parse(result.out);
}

// Ids of clips by their role in the first seed, as `cmkd plan` has them.
json roles(const TemporaryFolder& folder) {
  const auto result = test::cmkd({"plan", "shown.toml", "--roles", "--seed", "0", "--json"}, folder.path());
  INFO(result.err);
  REQUIRE(result.status == 0);
  return json::parse(result.out);
}

std::uint32_t number_at(const std::string& bytes, std::size_t at, int count, bool big_endian = false) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) {
    const auto byte =
        static_cast<unsigned char>(bytes.at(at + static_cast<std::size_t>(big_endian ? count - 1 - i : i)));
    value |= std::uint32_t{byte} << (8 * i);
  }
  return value;
}

std::vector<std::int16_t> wav_samples(const fs::path& path) {
  const std::string bytes = read_file(path);
  REQUIRE(bytes.substr(0, 4) == "RIFF");
  std::vector<std::int16_t> samples((bytes.size() - 44) / 2);
  std::memcpy(samples.data(), bytes.data() + 44, samples.size() * 2);
  return samples;
}

}  // namespace

TEST_CASE("cmkd clips show writes pictures, sound and clip.json of what the models see") {
  const TemporaryFolder folder;
  test::write_text(folder / "shown.toml", shown_suite());
  const auto listed = test::cmkd({"ingest", "shown.toml"}, folder.path());
  INFO(listed.err);
  REQUIRE(listed.status == 0);
  const json plan = roles(folder);
  const std::string hidden = plan.at("hidden")[0];
  const auto result = show(folder, {hidden, "--window", "2"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const json record = shown(folder, {hidden, "--window", "2"})[0];
  const fs::path clip = folder.path() / record.at("folder").get<std::string>();
  CHECK(clip.parent_path() == folder / "out/shown/clips");
  for (const std::string name : {"frames.png", "sound.wav", "spectrogram.png", "clip.json"}) {
    INFO(name);
    CHECK(fs::exists(clip / name));
    CHECK(result.out.find(name) != std::string::npos);
  }
  const json on_disk = json::parse(read_file(clip / "clip.json"));
  CHECK(on_disk.at("cells") == record.at("cells"));
  CHECK(record.at("clip") == hidden);
  CHECK(record.at("excluded").is_null());
  CHECK(record.at("label").at("index").get<int>() >= 0);  // the true one: a person may know it

  // Of clips of 8 frames a second, window 2 of 3 is the last: its 4 frames end with the clip's.
  const auto frames = record.at("cached").at("frames").get<int>();
  const json& times = record.at("frames").at("frames");
  REQUIRE(times.size() == 4);
  for (int t = 0; t < 4; ++t) {
    CHECK(times[static_cast<std::size_t>(t)].at("frame") == frames - 4 + t);
    CHECK(times[static_cast<std::size_t>(t)].at("time_s").get<double>() == Approx((frames - 4 + t) / 8.0));
  }
  CHECK(record.at("window").at("crop") == json{{"top", 2}, {"left", 4}, {"height", 16}, {"width", 16}});
  CHECK(record.at("window").at("of") == 3);

  // The sound begins with the window's first picture: 4 frames of 1/8 s at 8000 Hz are 4000 samples.
  CHECK(record.at("sound").at("start_s").get<double>() == Approx((frames - 4) / 8.0));
  CHECK(record.at("sound").at("samples") == 4000);
  CHECK(record.at("sound").at("sample_rate") == 8000);
  CHECK(record.at("sound").at("seen_by") == json::array({"teacher"}));
  CHECK(record.at("frames").at("seen_by") == json::array({"student"}));
  const std::string wav = read_file(clip / "sound.wav");
  CHECK(number_at(wav, 24, 4) == 8000);
  CHECK(number_at(wav, 22, 2) == 1);
  CHECK(wav.size() == 44 + 2 * 4000);

  // 20 mel bands and 4000 / 80 + 1 steps, each a whole number of pixels. A PNG's size stands at bytes 16 and 20.
  const json& spectrogram = record.at("spectrogram");
  CHECK(spectrogram.at("mel_bands") == 20);
  CHECK(spectrogram.at("frames") == 51);
  CHECK(spectrogram.at("as_in") == "teacher");
  const std::string png = read_file(clip / "spectrogram.png");
  CHECK(number_at(png, 16, 4, true) == 51 * spectrogram.at("scale_right").get<std::uint32_t>());
  CHECK(number_at(png, 20, 4, true) == 20 * spectrogram.at("scale_up").get<std::uint32_t>());
  CHECK(record.at("frames").at("scale") == 8);  // 16 pixels become 128
}

TEST_CASE("clip.json has each seed's roles, and labels as batches have them: hidden ones are not there") {
  const TemporaryFolder folder;
  test::write_text(folder / "shown.toml", shown_suite());
  REQUIRE(test::cmkd({"ingest", "shown.toml"}, folder.path()).status == 0);
  const json plan = roles(folder);
  const json records = shown(folder, {plan.at("hidden")[0].get<std::string>()});
  const json& cells = records[0].at("cells");
  REQUIRE(cells.size() == 2);
  CHECK(cells[0].at("seed") == 0);
  CHECK(cells[0].at("roles") == json::array({"transfer"}));
  CHECK(cells[0].at("student") == json{{"label_known", false}, {"label", -1}});
  const std::string labelled = plan.at("labelled")[0];
  const json known = shown(folder, {labelled})[0];
  CHECK(known.at("cells")[0].at("roles") == json::array({"transfer", "labelled"}));
  CHECK(known.at("cells")[0].at("student") == json{{"label_known", true}, {"label", known.at("label").at("index")}});
  CHECK(known.at("cells")[0].at("teacher").at("label_known") == false);
  const std::string taught = plan.at("teacher")[0];
  CHECK(shown(folder, {taught})[0].at("cells")[0].at("teacher").at("label_known") == true);
}

TEST_CASE("clips are found by id, by path and by the end of a path; unknown and ambiguous ones are told apart") {
  const TemporaryFolder folder;
  test::write_text(folder / "shown.toml", shown_suite());
  REQUIRE(test::cmkd(
              {"datasets", "make", "synthetic", "--out", "data", "--set", "train_clips=12", "--set", "test_clips=10"},
              folder.path())
              .status == 0);
  // The set's own table, its first file as two pieces, and a file that is not there.
  std::ifstream manifest(folder / "data/manifest.csv");
  std::string table = "path,label,split,start_s,end_s\n";
  std::vector<std::string> files;
  std::vector<std::size_t> columns;
  for (std::string line; std::getline(manifest, line);) {
    std::vector<std::string> cells;
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    if (columns.empty()) {
      for (const std::string name : {"path", "label", "split"}) {
        columns.push_back(static_cast<std::size_t>(std::ranges::find(cells, name) - cells.begin()));
      }
      continue;
    }
    const std::string rest = "," + cells[columns[1]] + "," + cells[columns[2]] + ",";
    files.push_back(cells[columns[0]]);
    if (files.size() == 1) table += "absent.mkv" + rest + ",\n";
    table += files.back() + rest + (files.size() == 1 ? "0,0.5\n" + files[0] + rest + "0.25,1\n" : ",\n");
  }
  REQUIRE(files.size() == 22);
  test::write_text(folder / "data/list.csv", table);
  std::string suite = shown_suite("", 1);
  const std::string embedded = "id = \"synthetic\"\ntrain_clips = 30\ntest_clips = 10";
  suite.replace(suite.find(embedded), embedded.size(), "id = \"manifest\"\ncsv = \"data/list.csv\"\nroot = \"data\"");
  suite.replace(suite.find("labelled = 6"), 12, "labelled = 2");
  suite.replace(suite.find("validation_clips = 4"), 20, "validation_clips = 0");
  test::write_text(folder / "shown.toml", suite);

  // By id, by path from here, by absolute path, by the end of the path: the same clip, shown once.
  const std::string id = files[11];  // no test clip has its name
  const json same =
      shown(folder, {id, "data/" + id, (folder / "data").string() + "/" + id, fs::path(id).filename().string()});
  REQUIRE(same.size() == 1);
  CHECK(same[0].at("clip") == id);

  const auto two = show(folder, {"data/" + files[0]});
  CHECK(two.status == 4);
  CHECK(two.err.find("is 2 clips") != std::string::npos);
  CHECK(two.err.find(files[0] + "@0-0.5") != std::string::npos);
  CHECK(shown(folder, {files[0] + "@0.25-1"})[0].at("start_s") == 0.25);

  std::string typo = id;
  typo[typo.size() - 5] = 'x';
  const auto unknown = show(folder, {typo});
  CHECK(unknown.status == 4);
  CHECK(unknown.err.find("there is no clip '" + typo + "'") != std::string::npos);
  CHECK(unknown.err.find("did you mean '") != std::string::npos);

  // An excluded clip has its reason and no picture.
  const json absent = shown(folder, {"absent.mkv"})[0];
  CHECK(absent.at("excluded").get<std::string>().find("not_found") != std::string::npos);
  CHECK(absent.at("files") == json::array({"clip.json"}));
  CHECK(absent.at("cells").empty());
}

TEST_CASE("wrong words, windows and clips of cmkd clips are refused with what is allowed") {
  const TemporaryFolder folder;
  test::write_text(folder / "shown.toml", shown_suite());
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& part) {
    const auto result = test::cmkd(arguments, folder.path());
    INFO(result.err);
    CHECK(result.status == 4);
    CHECK(result.err.find(part) != std::string::npos);
  };
  refused({"clips"}, "allowed: show");
  refused({"clips", "shwo", "shown.toml", "a"}, "did you mean 'show'?");
  refused({"clips", "show", "shown.toml"}, "missing clip");
  refused({"clips", "show", "shown.toml", "a", "--window", "3"}, "allowed: 0 … 2");
  refused({"clips", "show", "shown.toml", "a", "--test-view", "2"}, "allowed: 0 … 1");
  refused({"clips", "show", "shown.toml", "a", "--test-view", "0", "--window", "0"}, "exclude each other");
  CHECK_FALSE(fs::exists(folder / "out/cache/clips"));  // nothing was ingested for that
}

TEST_CASE("what a suite damages for the teacher is written beside what the clip is, with the truth") {
  const TemporaryFolder folder;
  test::write_text(folder / "shown.toml", shown_suite("[corruption]\nkind = \"noise\"\nshare = 1.0\nsnr_db = -20.0\n"));
  REQUIRE(test::cmkd({"ingest", "shown.toml"}, folder.path()).status == 0);
  const json plan = roles(folder);
  const std::string damaged = plan.at("hidden")[0];
  const json record = shown(folder, {damaged})[0];
  const fs::path clip = folder.path() / record.at("folder").get<std::string>();
  CHECK(record.at("sound").at("seen_by").empty());  // the teacher sees the damaged one
  CHECK(record.at("teacher_side").at("damaged") == true);
  const json& truth = record.at("cells")[0].at("corruption");
  CHECK(truth.at("kind") == "noise");
  CHECK(truth.at("corrupted") == true);
  CHECK(truth.at("snr_db") == -20.0);
  CHECK(truth.at("source").at("clip") != damaged);
  CHECK(truth.at("source").at("label") != record.at("label"));
  CHECK(fs::exists(clip / "teacher_spectrogram.png"));
  CHECK_FALSE(fs::exists(clip / "teacher_frames.png"));

  // What is added to the clip's own sound has 100 times its power: 20 dB. Both files are scaled by their own gain.
  const auto own = wav_samples(clip / "sound.wav");
  const auto heard = wav_samples(clip / "teacher_sound.wav");
  REQUIRE(own.size() == heard.size());
  const double own_gain = record.at("sound").at("wav_gain");
  const double heard_gain = record.at("teacher_side").at("sound").at("wav_gain");
  double own_power = 0;
  double added_power = 0;
  for (std::size_t i = 0; i < own.size(); ++i) {
    const double sample = own[i] / own_gain;
    const double added = heard[i] / heard_gain - sample;
    own_power += sample * sample;
    added_power += added * added;
  }
  CHECK(added_power / own_power == Approx(100).epsilon(0.05));

  // Evaluation is never damaged, and clips that teach nobody are not.
  CHECK_FALSE(shown(folder, {damaged, "--test-view", "1"})[0].contains("teacher_side"));
  const json test_clip = shown(folder, {plan.at("test")[0].get<std::string>()})[0];
  CHECK_FALSE(test_clip.contains("teacher_side"));
  CHECK(test_clip.at("cells")[0].at("corruption").at("corrupted") == false);
}
