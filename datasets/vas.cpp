// The dataset VAS: videos of eight things that sound.
#include <fmt/format.h>

#include <set>

#include "reader_parts.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr const char* kTree =
    "annotations/vas_train.txt   <class>/<clip>: baby/video_00000\n"
    "annotations/vas_valid.txt   the same: the test split\n"
    "root/<class>/<clip>.mp4, or root/<class>/videos/<clip>.mp4, or any other ending";

struct ListedVideo {
  std::string class_name;
  std::string name;
  std::string split;
  std::string where;
};

void read_list(const fs::path& file, const std::string& split, std::vector<ListedVideo>& videos) {
  const AnnotationText text(required_file(file, kTree, "set annotations to the folder of the lists"));
  for (const AnnotationLine& line : text.lines) {
    const std::size_t slash = line.text.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == line.text.size() ||
        line.text.find('/', slash + 1) != std::string::npos || line.text.find_first_of(" \t") != std::string::npos)
      fail_annotation(fmt::format("'{}' names no clip", line.text), text.where(line), "<class>/<clip>");
    videos.push_back({line.text.substr(0, slash), line.text.substr(slash + 1), split, text.where(line)});
  }
}

class VasSource final : public ClipSource {
 public:
  explicit VasSource(Parameters parameters)
      : parameters_(std::move(parameters)), root_(required_root(parameters_, "vas", kTree)) {}

  ClipList list() override {
    std::vector<ListedVideo> videos;
    read_list(annotation_folder(parameters_) / "vas_train.txt", "train", videos);
    std::set<std::string> names;  // every class is in the training list
    for (const ListedVideo& video : videos) names.insert(video.class_name);
    read_list(annotation_folder(parameters_) / "vas_valid.txt", "test", videos);
    const ClassNames classes({names.begin(), names.end()});
    const MediaTree files(root_, kTree);
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
    require_some_clips(list, root_, kTree);
    return list;
  }

 private:
  Parameters parameters_;
  fs::path root_;
};

const DatasetRegistration kRegistration({
    .id = "vas",
    .title = "VAS: eight classes of things that are seen and heard",
    .source = "Chen et al., 'Generating Visually Aligned Sound from Videos' (RegNet), IEEE Transactions on Image "
              "Processing 2020; the videos are their owners'. Which clips come from one recording is not published",
    .tree = kTree,
    .tested_on = "official annotation files and ten real clips",
    .made_here = false,
    .parameters = folder_parameters(),
    .open = [](const Parameters& values) -> std::unique_ptr<ClipSource> { return std::make_unique<VasSource>(values); },
});

}  // namespace

}  // namespace cmkd
