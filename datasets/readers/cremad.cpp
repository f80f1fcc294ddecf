// The dataset CREMA-D: actors who say twelve sentences in six emotions, seen and heard.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cmkd/core/error.h"
#include "cmkd/readers/media_source.h"
#include "parts/reader_parts.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr const char* kCremadTree =
    "annotations/train.csv, annotations/test.csv   clip,emotion (no header): 1088_IOM_NEU_XX,NEU\n"
    "root/VideoFlash/<clip>.flv, or any other ending; the folder's name is the parameter `video`\n"
    "root/AudioWAV/<clip>.wav, or any other ending; the folder's name is the parameter `audio`";
constexpr const char* kCremadRow = "clip,emotion";

struct Take {
  std::string name;  // "1088_IOM_NEU_XX": actor, sentence, emotion, intensity
  std::string emotion;
  std::string split;
  std::string where;

  [[nodiscard]] std::string actor() const { return name.substr(0, name.find('_')); }
};

// The third of the four parts of a clip's name.
std::string emotion_of(const std::string& name, const std::string& where) {
  std::vector<std::string> parts(1);
  for (const char c : name) {
    if (c == '_') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  static constexpr std::array kIntensities = {"LO", "MD", "HI", "XX"};
  const auto is_made_of = [](const std::string& text, std::size_t size, const char* letters) {
    return text.size() == size && text.find_first_not_of(letters) == std::string::npos;
  };
  if (parts.size() != 4 || !is_made_of(parts[0], 4, "0123456789") ||
      !is_made_of(parts[1], 3, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") ||
      std::ranges::find(kIntensities, parts[3]) == kIntensities.end()) {
    fail_annotation(fmt::format("'{}' names no clip", name), where,
                    "<actor, four digits>_<sentence, three letters>_<emotion>_<LO, MD, HI or XX>");
  }
  return parts[2];
}

void read_cremad_list(const fs::path& file, const std::string& split, std::vector<Take>& takes) {
  const CsvTable table = read_csv_rows(required_file(file, kCremadTree, "set annotations to the folder of the lists"),
                                       {.header = false, .fields = 2, .row = kCremadRow});
  for (const CsvRow& row : table.rows) {
    const Take take{row.fields[0], row.fields[1], split, table.where(row)};
    const std::string emotion = emotion_of(take.name, take.where);
    if (emotion != take.emotion) {
      fail_annotation(fmt::format("clip '{}' has the emotion '{}'", take.name, take.emotion), take.where,
                      fmt::format("'{}', as its name says", emotion));
    }
    takes.push_back(take);
  }
}

class CremadSource final : public MediaSource {
 public:
  explicit CremadSource(Parameters parameters)
      : parameters_(std::move(parameters)),
        root_(required_root(parameters_, "cremad", kCremadTree)),
        video_(parameters_.text("video")),
        audio_(parameters_.text("audio")) {
    if (video_.empty() && audio_.empty()) {
      throw Error(ErrorKind::kUsage, {"the dataset 'cremad' has neither pictures nor sound", "[dataset]",
                                      "video, audio", "name a folder below root with one of them"});
    }
  }

  ClipList list() override {
    std::vector<Take> takes;
    read_cremad_list(annotation_folder(parameters_) / "train.csv", "train", takes);
    read_cremad_list(annotation_folder(parameters_) / "test.csv", "test", takes);
    const ClassNames classes({"ANG", "DIS", "FEA", "HAP", "NEU", "SAD"});
    const MediaTree files(root_, kCremadTree);
    ClipList list;
    list.classes = classes.names();
    ListedOnce once;
    for (const Take& take : takes) {
      once.add(take.name, take.where);
      Clip clip;
      clip.id = take.name;
      clip.label = classes.index(take.emotion, take.where);
      clip.split = take.split;
      clip.group = take.actor();
      add(list, std::move(clip), files);
    }
    require_some_clips(list, root_, kCremadTree);
    return list;
  }

 private:
  // Pictures and sound are in two files; the one that is missing is named.
  void add(ClipList& list, Clip clip, const MediaTree& files) const {
    const fs::path picture = fs::path(video_) / (clip.id + ".flv");
    const fs::path sound = fs::path(audio_) / (clip.id + ".wav");
    if (video_.empty()) return add_or_set_aside(list, std::move(clip), files.find(sound), root_ / sound);
    if (!audio_.empty()) {
      const std::optional<fs::path> found = files.find(sound);
      if (!found) return add_or_set_aside(list, std::move(clip), std::nullopt, root_ / sound);
      clip.audio_path = *found;
    }
    add_or_set_aside(list, std::move(clip), files.find(picture), root_ / picture);
  }

  Parameters parameters_;
  fs::path root_;
  std::string video_;
  std::string audio_;
};

std::vector<ParameterSpec> cremad_parameters() {
  std::vector<ParameterSpec> specs = folder_parameters();
  specs.push_back(ParameterSpec::text("video", "VideoFlash",
                                      "Folder of the pictures below root; empty: sound only (ingest.video = false)."));
  specs.push_back(ParameterSpec::text("audio", "AudioWAV",
                                      "Folder of the sound below root; empty: the sound is in the files of `video`."));
  return specs;
}

const DatasetRegistration kCremadRegistration({
    .id = "cremad",
    .title = "CREMA-D: acted emotions, seen and heard",
    .source =
        "Cao et al., 'CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset', IEEE Transactions on Affective "
        "Computing 2014; Open Database License. Every actor is in the training and in the test list",
    .tree = kCremadTree,
    .tested_on = "official annotation files (the lists of C2KD's authors)",
    .made_here = false,
    .parameters = cremad_parameters(),
    .open = [](const Parameters& values) -> std::unique_ptr<ClipSource> {
      return std::make_unique<CremadSource>(values);
    },
});

}  // namespace

}  // namespace cmkd
