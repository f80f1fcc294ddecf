#include "catch.h"
#include "paths.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "../../datasets/readers/parts/idx.h"
#include "../../datasets/readers/parts/pca.h"
#include "cmkd/clips/clip_cache.h"
#include "cmkd/core/file.h"
#include "cmkd/core/random.h"
#include "error_text.h"

namespace cmkd {
namespace {

using test::error_of;
using test::mentions;
namespace fs = std::filesystem;

std::unique_ptr<ClipSource> open(const fs::path& root, double energy = 0.5, std::int64_t seed = 0) {
  const DatasetInfo& info = dataset_registry().get("av_mnist");
  Parameters parameters(info.parameters);
  parameters.set("root", root.string());
  parameters.set("pca_energy", energy);
  parameters.set("pairing_seed", seed);
  return info.open(parameters);
}

TEST_CASE("an IDX file is read by its header, plain or packed, and refused when it is cut off") {
  const test::TemporaryFolder folder;
  const std::string bytes(
      "\0\0\x08\x02\0\0\0\x02\0\0\0\x03"
      "abcdef",
      18);
  write_file_atomically(folder / "a-idx2", bytes);
  const IdxBytes idx = read_idx(folder / "a-idx2");
  CHECK(idx.shape == std::vector<std::int64_t>{2, 3});
  CHECK(idx.values == std::vector<std::uint8_t>{'a', 'b', 'c', 'd', 'e', 'f'});
  write_file_atomically(folder / "a-idx2", bytes.substr(0, 15));
  CHECK(mentions(error_of([&] { (void)read_idx(folder / "a-idx2"); }), {"ends within its values", "byte 15"}));
  write_file_atomically(folder / "a-idx2", bytes + "g");
  CHECK(mentions(error_of([&] { (void)read_idx(folder / "a-idx2"); }), {"longer than its header", "byte 18"}));
  // It states four thousand million values: none of them is there, and no memory is taken for them.
  write_file_atomically(folder / "a-idx2", std::string("\0\0\x08\x02\0\1\0\0\0\0\xFF\xFF", 12));
  CHECK(mentions(error_of([&] { (void)read_idx(folder / "a-idx2"); }), {"ends within its values", "byte 12"}));
  write_file_atomically(folder / "a-idx2", "PNG and more");
  CHECK(mentions(error_of([&] { (void)read_idx(folder / "a-idx2"); }), {"not an IDX file"}));
}

TEST_CASE("a packed IDX file is refused when its checksum is wrong or cut off") {
  const test::TemporaryFolder folder;
  // gzip of 0 0 8 1, 0 0 0 3, "abc": its last eight bytes are the checksum and the size.
  const std::string bytes(
      "\0\0\x08\x01\0\0\0\x03"
      "abc",
      11);
  const std::string file = (folder / "a-idx1.gz").string();
  gzFile_s* packed = gzopen(file.c_str(), "wb");
  REQUIRE(packed != nullptr);
  CHECK(gzwrite(packed, bytes.data(), static_cast<unsigned>(bytes.size())) == 11);
  REQUIRE(gzclose(packed) == Z_OK);
  CHECK(read_idx(file).values == std::vector<std::uint8_t>{'a', 'b', 'c'});
  const std::string whole = read_file(file);
  const auto error = [&](const std::string& text) {
    write_file_atomically(file, text);
    return error_of([&] { (void)read_idx(file); });
  };
  CHECK(mentions(error(whole.substr(0, whole.size() - 1)), {"compressed file is damaged", "a-idx1.gz"}));
  CHECK(mentions(error(whole.substr(0, whole.size() - 8)), {"compressed file is damaged", "a-idx1.gz"}));
  std::string wrong = whole;
  wrong[wrong.size() - 8] = static_cast<char>(wrong[wrong.size() - 8] ^ 1);
  CHECK(mentions(error(wrong), {"compressed file is damaged", "a-idx1.gz"}));
}

TEST_CASE("the leading components hold the share of the variance that is asked for") {
  // Points on the axes of a square, far along the first axis (variance 40^2 / 2 = 800) and near along the second
  // (10^2 / 2 = 50): the first component holds 800 / 850 = 94 %.
  const std::vector<std::uint8_t> points = {140, 100, 60, 100, 100, 110, 100, 90};
  const PrincipalComponents most(points, 2, 0.9);
  CHECK(most.count() == 1);
  CHECK(most.reduce(std::vector<std::uint8_t>{140, 110}) == std::vector<std::uint8_t>{140, 100});
  const PrincipalComponents more(points, 2, 0.95);
  CHECK(more.count() == 2);
  CHECK(more.reduce(std::vector<std::uint8_t>{140, 110}) == std::vector<std::uint8_t>{140, 110});
}

TEST_CASE("AV-MNIST needs its files and says which") {
  const test::TemporaryFolder folder;
  CHECK(mentions(error_of([&] { (void)open(folder.path())->list(); }), {"t10k-images-idx3-ubyte.gz", "root"}));
  const DatasetInfo& info = dataset_registry().get("av_mnist");
  CHECK(mentions(error_of([&] { (void)info.open(Parameters(info.parameters)); }), {"needs to know where"}));
}

TEST_CASE("AV-MNIST pairs images and spoken digits of one class, and nothing leaks across splits or groups") {
  const fs::path root = test::shared_data("av_mnist");
  if (root.empty()) return;
  const std::unique_ptr<ClipSource> source = open(root);
  const ClipList list = source->list();
  REQUIRE(list.clips.size() == 8500);
  std::set<std::string> ids;
  std::map<std::string, std::set<std::string>> splits_of;  // of each image and utterance
  std::map<std::string, std::set<std::string>> groups_of;
  std::set<std::string> groups;
  std::map<std::int64_t, int> test_of_class;
  for (const Clip& clip : list.clips) {
    ids.insert(clip.id);
    const std::string utterance = clip.truth.at("utterance");
    CHECK(utterance[0] - '0' == clip.label);
    const bool official_test = std::stoi(utterance.substr(utterance.rfind('_') + 1)) < 5;
    CHECK(official_test == (clip.split == "test"));
    for (const std::string& part : {"image " + clip.truth.at("image"), "utterance " + utterance}) {
      splits_of[part].insert(clip.split);
      groups_of[part].insert(clip.group);
    }
    groups.insert(clip.group);
    test_of_class[clip.label] += clip.split == "test";
  }
  CHECK(ids.size() == 8500);
  CHECK(std::ranges::all_of(splits_of, [](const auto& entry) { return entry.second.size() == 1; }));
  CHECK(std::ranges::all_of(groups_of, [](const auto& entry) { return entry.second.size() == 1; }));
  CHECK(groups.size() > 2000);
  for (const auto& [label, count] : test_of_class) CHECK(count > 200);
  CHECK(open(root, 0.5, 1)->list().clips[0].id != list.clips[0].id);
}

TEST_CASE("AV-MNIST decodes to one frame and one sound, and its images lose half of their variance") {
  const fs::path root = test::shared_data("av_mnist");
  if (root.empty()) return;
  const IngestSettings settings{.video = true, .audio = true, .height = 28, .width = 28, .fps = 0, .sample_rate = 8000};
  const std::unique_ptr<ClipSource> whole = open(root, 1);
  const std::unique_ptr<ClipSource> half = open(root, 0.5);
  const ClipList list = whole->list();
  (void)half->list();
  double lost = 0;
  double all = 0;
  constexpr std::size_t kClips = 400;
  std::vector<double> mean(784, 0);
  std::vector<DecodedClip> originals;
  for (std::size_t k = 0; k < kClips; ++k) {
    auto original = whole->decode(list.clips[k], settings);
    REQUIRE(original.ok());
    REQUIRE(original.value().pixels.size() == 3 * 784);
    CHECK(original.value().samples.size() > 500);
    for (std::size_t i = 0; i < 784; ++i) mean[i] += original.value().pixels[i] / static_cast<double>(kClips);
    originals.push_back(std::move(original.value()));
  }
  for (std::size_t k = 0; k < kClips; ++k) {
    const auto reduced = half->decode(list.clips[k], settings);
    REQUIRE(reduced.ok());
    CHECK(reduced.value().samples == originals[k].samples);
    for (std::size_t i = 0; i < 784; ++i) {
      CHECK(reduced.value().pixels[i] == reduced.value().pixels[784 + i]);
      lost += std::pow(double(originals[k].pixels[i]) - reduced.value().pixels[i], 2);
      all += std::pow(originals[k].pixels[i] - mean[i], 2);
    }
  }
  // Bytes below 0 and above 255 are clipped, which brings the picture a little nearer to the original.
  CHECK(lost / all > 0.40);
  CHECK(lost / all < 0.52);
  const std::string fingerprint = source_fingerprint(*whole, list, settings, "");
  CHECK(source_fingerprint(*half, list, settings, "") != fingerprint);
  const test::TemporaryFolder folder;
  for (int run = 0; run < 2; ++run) CHECK(source_fingerprint(*whole, list, settings, folder / "memo") == fingerprint);
  CHECK(source_fingerprint(*half, list, settings, folder / "memo") == source_fingerprint(*half, list, settings, ""));
  IngestSettings larger = settings;
  larger.height = larger.width = 32;
  CHECK(whole->decode(list.clips[0], larger).value().pixels.size() == 3 * 32 * 32);
}

}  // namespace
}  // namespace cmkd
