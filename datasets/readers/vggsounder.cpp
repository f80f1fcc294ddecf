// The dataset VGGSounder: VGGSound's test videos with all their classes, and whether each is heard, seen, or both.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cmkd/core/error.h"
#include "cmkd/readers/media_source.h"
#include "parts/vggsound_lists.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr const char* kVggsounderTree =
    "annotations/vggsounder.csv   video_id,label,modality,background_music,static_image,voice_over\n"
    "annotations/classes.csv      index,mid,display_name\n"
    "annotations/vggsound.csv     VGGSound's own list: its training clips, with their one label; or train_list; or\n"
    "                             none, when the set is for evaluation only\n"
    "root/**/<id>_<start in s, six digits>.mp4, or <id>_<start_ms>_<end_ms>.mp4, or any other ending";

const std::vector<std::string> kFlags = {"background_music", "static_image", "voice_over"};

struct Video {
  std::string where;                  // of its first row
  std::vector<std::string> flags;     // "True" or "False", in the order of kFlags
  std::map<std::int64_t, bool> kept;  // by class: whether the modality asked for is that of its label
};

// Classes by name, in the order of their indices.
ClassNames read_classes(const fs::path& file) {
  const CsvTable table =
      read_csv(required_file(file, kVggsounderTree, "set annotations to the folder of VGGSounder's tables"));
  const std::size_t index = table.column("index");
  const std::size_t name = table.column("display_name");
  ClassNames classes;
  for (const CsvRow& row : table.rows) {
    const std::string where = table.where(row);
    const auto expected = static_cast<std::int64_t>(classes.names().size());
    if (whole_number(row.fields[index], where, "an index") != expected)
      fail_annotation("the index is " + row.fields[index], where, fmt::format("{}, in ascending order", expected));
    if (classes.find(filled_field(table, row, name, "display_name")))
      fail_annotation("class '" + row.fields[name] + "' is listed twice", where, "each class once");
    classes.add(row.fields[name]);
  }
  return classes;
}

// Labels are heard only ("A"), seen only ("V"), or both ("AV"); "audible" and "visible" take both in.
bool is_kept(const std::string& wanted, const std::string& modality) {
  if (wanted == "audible") return modality != "V";
  if (wanted == "visible") return modality != "A";
  return wanted == "all" || wanted == modality;
}

// By video, in the order of their names.
std::map<std::string, Video> read_videos(const fs::path& file, const ClassNames& classes, const std::string& wanted) {
  const CsvTable table =
      read_csv(required_file(file, kVggsounderTree, "set annotations to the folder of VGGSounder's tables"));
  const std::size_t id = table.column("video_id");
  const std::size_t label = table.column("label");
  const std::size_t modality = table.column("modality");
  std::vector<std::size_t> flag_columns;
  for (const std::string& flag : kFlags) flag_columns.push_back(table.column(flag));
  std::map<std::string, Video> videos;
  for (const CsvRow& row : table.rows) {
    const std::string where = table.where(row);
    const std::string& heard_or_seen = row.fields[modality];
    if (heard_or_seen != "A" && heard_or_seen != "V" && heard_or_seen != "AV")
      fail_annotation(fmt::format("the modality is '{}'", heard_or_seen), where, "A, V or AV");
    std::vector<std::string> flags;
    for (std::size_t k = 0; k < kFlags.size(); ++k) {
      flags.push_back(row.fields[flag_columns[k]]);
      if (flags.back() != "True" && flags.back() != "False")
        fail_annotation(fmt::format("{} is '{}'", kFlags[k], flags.back()), where, "True or False");
    }
    Video& video = videos.try_emplace(filled_field(table, row, id, "video_id"), Video{where, flags, {}}).first->second;
    if (video.flags != flags)
      fail_annotation("the video's properties differ from those in " + video.where, where, "the same in all its rows");
    const std::int64_t index = classes.index(row.fields[label], where);
    if (!video.kept.emplace(index, is_kept(wanted, heard_or_seen)).second)
      fail_annotation(fmt::format("the video has the label '{}' twice", row.fields[label]), where, "each label once");
  }
  return videos;
}

class VggSounderSource final : public MediaSource {
 public:
  explicit VggSounderSource(Parameters parameters)
      : parameters_(std::move(parameters)), root_(required_root(parameters_, "vggsounder", kVggsounderTree)) {}

  ClipList list() override {
    const fs::path annotations = annotation_folder(parameters_);
    const ClassNames published = read_classes(annotations / "classes.csv");
    std::vector<std::string> names = published.names();
    if (parameters_.text("class_order") == "sorted") std::ranges::sort(names);
    const ClassNames classes(names);
    const SegmentFiles files(parameters_, root_, kVggsounderTree, vggsound_patterns());
    ClipList list;
    list.classes = names;
    list.multi_label = true;
    const auto videos = read_videos(annotations / "vggsounder.csv", classes, parameters_.text("modality"));
    for (const auto& [id, video] : videos) add(list, files, id, video);
    add_training(list, files, classes, annotations, videos);
    files.require_some(list);
    return list;
  }

 private:
  void add(ClipList& list, const SegmentFiles& files, const std::string& id, const Video& video) const {
    Clip clip;
    clip.id = id;
    clip.split = "test";
    for (const auto& [index, kept] : video.kept) {
      if (kept) clip.tags.push_back(index);
    }
    std::string reason;
    if (clip.tags.empty()) reason = fmt::format("no label of the modality '{}'", parameters_.text("modality"));
    for (std::size_t k = 0; k < kFlags.size(); ++k) {
      if (video.flags[k] == "True" && parameters_.text(kFlags[k]) == "drop")
        reason = fmt::format("dropped: its {} is true", kFlags[k]);
    }
    const Segment segment = vggsound_segment(id, video.where);
    if (reason.empty()) {
      files.add(list, std::move(clip), segment);
      return;
    }
    ClipList aside;
    files.add(aside, std::move(clip), segment);
    Clip& dropped = aside.clips.empty() ? aside.unusable.front().clip : aside.clips.front();
    list.unusable.push_back({std::move(dropped), "out of scope: " + reason});
  }

  // VGGSound's training clips, with the one label that they have there.
  void add_training(ClipList& list, const SegmentFiles& files, const ClassNames& classes, const fs::path& annotations,
                    const std::map<std::string, Video>& videos) const {
    ListedOnce once;
    for (const VggSoundRow& row : read_vggsound_training(annotations, parameters_.text("train_list"))) {
      once.add(row.id(), row.where);
      Clip clip;
      clip.id = row.id();
      if (videos.contains(clip.id)) {
        fail_annotation(fmt::format("the training clip '{}' is in VGGSounder", clip.id), row.where,
                        "training and test clips apart");
      }
      clip.split = row.split;
      clip.tags = {classes.index(row.label, row.where)};
      files.add(list, std::move(clip), row.segment);
    }
  }

  Parameters parameters_;
  fs::path root_;
};

std::vector<ParameterSpec> vggsounder_parameters() {
  std::vector<ParameterSpec> specs = folder_parameters();
  specs.push_back(ParameterSpec::choice("modality", "all", {"all", "A", "V", "AV", "audible", "visible"},
                                        "Which labels count: all, those only heard (A), only seen (V), or both (AV), "
                                        "those heard (A and AV), those seen (V and AV)."));
  for (const std::string& flag : kFlags)
    specs.push_back(ParameterSpec::choice(flag, "keep", {"keep", "drop"}, "Videos marked " + flag + "."));
  for (const auto& more : {vggsound_parameters(), SegmentFiles::parameters(vggsound_patterns())})
    specs.insert(specs.end(), more.begin(), more.end());
  return specs;
}

const DatasetRegistration kVggsounderRegistration({
    .id = "vggsounder",
    .title = "VGGSounder: all classes of VGGSound's test videos, and whether they are heard or seen",
    .source = "Zverev et al., 'VGGSounder: Audio-Visual Evaluations for Foundation Models', ICCV 2025; the videos are "
              "VGGSound's",
    .tree = kVggsounderTree,
    .tested_on = "official annotation files",
    .made_here = false,
    .parameters = vggsounder_parameters(),
    .open = [](const Parameters& values) -> std::unique_ptr<ClipSource> {
      return std::make_unique<VggSounderSource>(values);
    },
});

}  // namespace

}  // namespace cmkd
