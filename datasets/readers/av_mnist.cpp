// The dataset "av_mnist": an MNIST image and a spoken digit of the same class, by a seeded pairing.
//
// The 10,000 images are cut once, by seed, into those of the training and those of the test pairs, and each is in one
// pair only. An utterance of FSDD's official test (index 0 to 4) is in test pairs only, any other in training pairs
// only; it may be in several. A pair's group is its utterance, so that no cut by group (teacher, transfer, validation)
// puts an utterance, or an image, on both sides.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"
#include "cmkd/core/random.h"
#include "cmkd/datasets/clip.h"
#include "cmkd/media/audio.h"
#include "cmkd/readers/media_source.h"
#include "parts/fsdd.h"
#include "parts/idx.h"
#include "parts/pca.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSide = 28;
constexpr std::int64_t kPixels = kSide * kSide;
// Rises when the same files and parameters give other pairs or pixels than before.
constexpr std::int64_t kContentVersion = 1;

std::string find_idx(const fs::path& root, const std::string& name) {
  for (const char* ending : {".gz", ""}) {
    if (fs::exists(root / (name + ending))) return (root / (name + ending)).string();
  }
  throw Error(ErrorKind::kData, {.what = fmt::format("MNIST's file '{}.gz' is not there", name),
                                 .where = root.string(),
                                 .fix = "set root to the folder that holds it"});
}

// Bilinear, with pixel centres aligned; the images stay 28 x 28 unless ingest asks for another size.
std::vector<std::uint8_t> resize(const std::vector<std::uint8_t>& image, int height, int width) {
  if (height == kSide && width == kSide) return image;
  std::vector<std::uint8_t> result;
  result.reserve(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  const auto position = [](int k, int size) { return std::clamp((k + 0.5) * kSide / size - 0.5, 0.0, kSide - 1.0); };
  for (int y = 0; y < height; ++y) {
    const double top = position(y, height);
    const auto y0 = static_cast<std::int64_t>(top);
    const std::int64_t y1 = std::min(y0 + 1, kSide - 1);
    for (int x = 0; x < width; ++x) {
      const double left = position(x, width);
      const auto x0 = static_cast<std::int64_t>(left);
      const std::int64_t x1 = std::min(x0 + 1, kSide - 1);
      const auto at = [&](std::int64_t row, std::int64_t column) {
        return double{static_cast<double>(image[static_cast<std::size_t>(row * kSide + column)])};
      };
      const double fx = left - static_cast<double>(x0);
      const double fy = top - static_cast<double>(y0);
      const double value =
          (at(y0, x0) * (1 - fx) + at(y0, x1) * fx) * (1 - fy) + (at(y1, x0) * (1 - fx) + at(y1, x1) * fx) * fy;
      result.push_back(static_cast<std::uint8_t>(std::lround(value)));
    }
  }
  return result;
}

class AvMnistSource final : public MediaSource {
 public:
  explicit AvMnistSource(const Parameters& parameters)
      : root_(parameters.text("root")),
        train_pairs_(parameters.integer("train_pairs")),
        test_pairs_(parameters.integer("test_pairs")),
        seed_(parameters.integer("pairing_seed")),
        energy_(parameters.number("pca_energy")) {
    if (root_.empty()) {
      throw Error(ErrorKind::kUsage,
                  {.what = "the dataset 'av_mnist' needs to know where its files are",
                   .where = "[dataset]",
                   .fix = "set root = \"folder\" with t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz and fsdd/"});
    }
  }

  ClipList list() override {
    load_labels();
    const auto total = static_cast<std::int64_t>(labels_.size());
    if (train_pairs_ + test_pairs_ > total) {
      throw Error(ErrorKind::kUsage, {.what = fmt::format("train_pairs + test_pairs is {}", train_pairs_ + test_pairs_),
                                      .where = "[dataset]",
                                      .allowed = fmt::format("at most {}: each image is in one pair", total)});
    }
    const Fsdd fsdd = find_utterances(root_ / "fsdd");
    const RandomStreams streams("av_mnist", "pairing", seed_);
    const std::vector<std::int64_t> order = streams.stream("images").permutation(total);
    const auto images = std::span(order);
    const auto train = images.first(static_cast<std::size_t>(train_pairs_));
    ClipList list;
    list.classes = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
    pair(train, fsdd.train, "train", streams, list);
    pair(images.last(static_cast<std::size_t>(test_pairs_)), fsdd.test, "test", streams, list);
    train_images_.assign(train.begin(), train.end());
    return list;
  }

  media::Outcome<DecodedClip> decode(const Clip& clip, const IngestSettings& settings) const override {
    DecodedClip decoded;
    if (settings.audio) {
      IngestSettings sound = settings;
      sound.video = false;
      media::Outcome<DecodedClip> outcome = MediaSource::decode(clip, sound);
      if (!outcome) return outcome;
      decoded = std::move(outcome.value());
    }
    if (!settings.video) return decoded;
    const std::vector<std::uint8_t> grey = resize(reduced(clip), settings.height, settings.width);
    decoded.frame_count = 1;
    decoded.height = settings.height;
    decoded.width = settings.width;
    decoded.frame_time_s = {0};
    for (int channel = 0; channel < 3; ++channel) decoded.pixels.insert(decoded.pixels.end(), grey.begin(), grey.end());
    return decoded;
  }

  std::string content_hash(const Clip& clip, const FileHash& hash_of) const override {
    const std::vector<std::uint8_t> pixels = reduced(clip);
    return Hasher().update(std::as_bytes(std::span(pixels))).field(hash_of(clip.audio_path)).hex();
  }

  std::string origin_hash(const ClipList& list, const FileHash& hash_of) const override {
    Hasher hasher;
    hasher.field("av_mnist").field(kContentVersion).field(hash_of(image_path_)).field(hash_of(label_path_));
    hasher.field(train_pairs_).field(test_pairs_).field(seed_).field(to_text(energy_));
    std::set<fs::path> utterances;
    for (const Clip& clip : list.clips) utterances.insert(clip.audio_path);
    for (const fs::path& path : utterances) hasher.field(path.filename().string()).field(hash_of(path));
    return hasher.hex();
  }

 private:
  // What the images take long to become; made when the first is asked for.
  struct Content {
    std::vector<std::uint8_t> images;  // [n, 28, 28]
    std::optional<PrincipalComponents> components;

    [[nodiscard]] std::span<const std::uint8_t> pixels_of(std::int64_t image) const {
      return std::span(images).subspan(static_cast<std::size_t>(image * kPixels), kPixels);
    }
  };

  void load_labels() {
    const std::string image_path = find_idx(root_, "t10k-images-idx3-ubyte");
    const std::vector<std::int64_t> images = read_idx_shape(image_path);
    const std::string label_path = find_idx(root_, "t10k-labels-idx1-ubyte");
    IdxBytes labels = read_idx(label_path);
    if (images.size() != 3 || images[1] != kSide || images[2] != kSide) {
      throw Error(ErrorKind::kData, {fmt::format("the file holds an array of {}", fmt::join(images, " x ")), image_path,
                                     "n images, n x 28 x 28", "fetch it again"});
    }
    if (labels.shape.size() != 1 || labels.shape[0] != images[0]) {
      throw Error(ErrorKind::kData,
                  {.what = fmt::format("the file holds an array of {}", fmt::join(labels.shape, " x ")),
                   .where = label_path,
                   .allowed = fmt::format("{} labels, one for each image", images[0])});
    }
    const auto wrong = std::ranges::find_if(labels.values, [](std::uint8_t label) { return label > 9; });
    if (wrong != labels.values.end()) {
      throw Error(ErrorKind::kData,
                  {fmt::format("label {} is {}", wrong - labels.values.begin(), static_cast<int>(*wrong)), label_path,
                   "0 to 9", "fetch it again"});
    }
    image_path_ = image_path;
    label_path_ = label_path;
    labels_ = std::move(labels.values);
    const std::scoped_lock lock(content_mutex_);
    content_.reset();
  }

  // Utterances go round in a random order of their own for each digit, so that they are used evenly.
  void pair(std::span<const std::int64_t> images, const UtterancesByDigit& utterances, const std::string& split,
            const RandomStreams& streams, ClipList& list) const {
    std::array<std::vector<std::int64_t>, 10> order;
    std::array<std::size_t, 10> used{};
    for (std::size_t digit = 0; digit < 10; ++digit) {
      if (utterances[digit].empty()) {
        throw Error(ErrorKind::kData,
                    {.what = fmt::format("no utterance of the digit {} for the split '{}'", digit, split),
                     .where = (root_ / "fsdd").string()});
      }
      order[digit] = streams.stream(split, 0, static_cast<std::int64_t>(digit))
                         .permutation(static_cast<std::int64_t>(utterances[digit].size()));
    }
    for (const std::int64_t image : images) {
      const std::size_t digit = labels_[static_cast<std::size_t>(image)];
      const auto turn = static_cast<std::size_t>(order[digit][used[digit]++ % order[digit].size()]);
      const Utterance& utterance = utterances[digit][turn];
      Clip clip;
      clip.id = fmt::format("mnist_{:05d}+{}", image, utterance.name);
      clip.path = image_path_;
      clip.audio_path = utterance.path;
      clip.label = static_cast<std::int64_t>(digit);
      clip.split = split;
      clip.group = utterance.name;
      clip.truth = {{"image", fmt::format("{}", image)}, {"utterance", utterance.name}, {"speaker", utterance.speaker}};
      list.clips.push_back(std::move(clip));
    }
  }

  // The components are those of the training pairs' images alone.
  [[nodiscard]] std::unique_ptr<const Content> make_content() const {
    auto content = std::make_unique<Content>();
    content->images = read_idx(image_path_).values;
    if (energy_ >= 1) return content;
    std::vector<std::uint8_t> pixels;
    pixels.reserve(train_images_.size() * kPixels);
    for (const std::int64_t image : train_images_) {
      const auto view = content->pixels_of(image);
      pixels.insert(pixels.end(), view.begin(), view.end());
    }
    content->components.emplace(pixels, kPixels, energy_);
    return content;
  }

  [[nodiscard]] const Content& content() const {
    const std::scoped_lock lock(content_mutex_);
    if (!content_) content_ = make_content();
    return *content_;
  }

  [[nodiscard]] std::vector<std::uint8_t> reduced(const Clip& clip) const {
    const Content& content = this->content();
    const auto view = content.pixels_of(std::stoll(clip.truth.at("image")));
    return content.components ? content.components->reduce(view) : std::vector<std::uint8_t>(view.begin(), view.end());
  }

  fs::path root_;
  std::int64_t train_pairs_;
  std::int64_t test_pairs_;
  std::int64_t seed_;
  double energy_;
  fs::path image_path_;
  fs::path label_path_;
  std::vector<std::uint8_t> labels_;
  std::vector<std::int64_t> train_images_;
  mutable std::mutex content_mutex_;
  mutable std::unique_ptr<const Content> content_;
};

const DatasetRegistration kAvMnistRegistration({
    .id = "av_mnist",
    .title = "AV-MNIST: images of digits and spoken digits",
    .source = "MNIST (LeCun et al.); Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0)",
    .tree = "root/t10k-images-idx3-ubyte.gz\n"
            "root/t10k-labels-idx1-ubyte.gz\n"
            "root/fsdd/{digit}_{speaker}_{index}.wav   index 0 to 4: official test",
    .tested_on = "the official files",
    .made_here = false,
    .parameters =
        {ParameterSpec::text("root", "", "Folder of the files."),
         ParameterSpec::integer("train_pairs", 5500, 10, 1e6, "Training pairs, each with an image of its own."),
         ParameterSpec::integer("test_pairs", 3000, 10, 1e6, "Test pairs, each with an image of its own."),
         ParameterSpec::integer("pairing_seed", 0, 0, 1e9, "Seed of the pairing."),
         ParameterSpec::number("pca_energy", 0.5, 0.01, 1,
                               "Share of the images' variance that is kept; 1 keeps the images as they are.")},
    .open = [](const Parameters& parameters) -> std::unique_ptr<ClipSource> {
      return std::make_unique<AvMnistSource>(parameters);
    },
});

}  // namespace

}  // namespace cmkd
