// The dataset VAS: videos of eight things that sound.
#include <fmt/format.h>

#include <string_view>

#include "cmkd/readers/media_source.h"
#include "parts/label_tally.h"
#include "parts/reader_parts.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kVasClasses = 8;
constexpr const char* kVasTree =
    "annotations/vas_train.txt   <class>/video_<five digits>: baby/video_00000\n"
    "annotations/vas_valid.txt   the same: the test split\n"
    "root/<class>/<clip>.mp4, or root/<class>/videos/<clip>.mp4, or any other ending";

struct ListedVideo {
  std::string class_name;
  std::string name;
  std::string split;
  std::string where;
};

// "video_00000"
bool is_video_name(std::string_view name) {
  constexpr std::string_view kPrefix = "video_";
  constexpr std::size_t kDigits = 5;
  return name.starts_with(kPrefix) && name.size() == kPrefix.size() + kDigits &&
         name.find_first_not_of("0123456789", kPrefix.size()) == std::string_view::npos;
}

void read_vas_list(const fs::path& file, const std::string& split, std::vector<ListedVideo>& videos) {
  const AnnotationText text(required_file(file, kVasTree, "set annotations to the folder of the lists"));
  for (const AnnotationLine& line : text.lines) {
    const std::size_t slash = line.text.find('/');
    if (slash == std::string::npos || slash == 0 || !is_video_name(std::string_view(line.text).substr(slash + 1)))
      fail_annotation(fmt::format("'{}' names no clip", line.text), text.where(line), "<class>/video_<five digits>");
    videos.push_back({line.text.substr(0, slash), line.text.substr(slash + 1), split, text.where(line)});
  }
}

class VasSource final : public MediaSource {
 public:
  explicit VasSource(Parameters parameters)
      : parameters_(std::move(parameters)), root_(required_root(parameters_, "vas", kVasTree)) {}

  ClipList list() override {
    std::vector<ListedVideo> videos;
    read_vas_list(annotation_folder(parameters_) / "vas_train.txt", "train", videos);
    LabelTally labels;  // every class is in the training list
    for (const ListedVideo& video : videos) labels.add(video.class_name, video.where);
    read_vas_list(annotation_folder(parameters_) / "vas_valid.txt", "test", videos);
    const ClassNames classes = labels.classes(kVasClasses);
    const MediaTree files(root_, kVasTree);
    ClipList list;
    list.classes = classes.names();
    ListedOnce once;
    for (const ListedVideo& video : videos) {
      Clip clip;
      clip.id = video.class_name + "/" + video.name;
      once.add(clip.id, video.where);
      clip.label = classes.index(video.class_name, video.where);
      clip.split = video.split;
      clip.group = clip.id;
      const fs::path path = fs::path(video.class_name) / (video.name + ".mp4");
      std::optional<fs::path> file = files.find(path);
      if (!file) file = files.find(path.parent_path() / "videos" / path.filename());
      add_or_set_aside(list, std::move(clip), file, root_ / path);
    }
    require_some_clips(list, root_, kVasTree);
    return list;
  }

 private:
  Parameters parameters_;
  fs::path root_;
};

const DatasetRegistration kVasRegistration({
    .id = "vas",
    .title = "VAS: eight classes of things that are seen and heard",
    .source = "Chen et al., 'Generating Visually Aligned Sound from Videos' (RegNet), IEEE Transactions on Image "
              "Processing 2020; the videos are their owners'. Which clips come from one recording is not published",
    .tree = kVasTree,
    .tested_on = "official annotation files and ten real clips",
    .made_here = false,
    .parameters = folder_parameters(),
    .open = [](const Parameters& values) -> std::unique_ptr<ClipSource> { return std::make_unique<VasSource>(values); },
});

}  // namespace

}  // namespace cmkd
