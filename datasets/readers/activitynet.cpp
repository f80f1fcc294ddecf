// The dataset "activitynet": ActivityNet 1.3, a clip for each annotated segment.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "cmkd/core/error.h"
#include "cmkd/readers/media_source.h"
#include "parts/annotation.h"
#include "parts/annotation_json.h"
#include "parts/label_tally.h"
#include "parts/youtube.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kActivitynetTree =
    "root/…/v_<id>.mp4                    the whole videos (.mkv, .webm, …), anywhere below root\n"
    "root/activity_net.v1-3.min.json      or the parameter annotations:\n"
    "                                     'database' {id: {duration, subset, annotations: [{label, segment}]}}\n"
    "A clip <id>_<n> is the n-th annotation of a video, from its segment's start to its end. The subset 'validation' "
    "is\n"
    "reported on and therefore the split 'test'; validation clips are cut from the training clips by video. Videos of\n"
    "the subset 'testing' have no annotation, hence no clip: they are not listed. A segment without length, or that\n"
    "begins outside the video, is set aside.";
constexpr const char* kActivitynetForm =
    R"({"database": {id: {"duration": s, "subset": …, "annotations": [{"label": …, "segment": [start_s, end_s]}]}}})";
constexpr std::size_t kActivitynetClasses = 200;
constexpr const char* kFile = "activity_net.v1-3.min.json";

std::string activitynet_split_of(const std::string& subset, const std::string& where) {
  if (subset == "training") return "train";
  if (subset == "validation") return "test";
  if (subset == "testing") return "";
  fail_annotation(fmt::format("unknown subset '{}'", subset), where, "training, validation, testing");
}

// Why nobody can use the segment of a video; "" when there is nothing wrong.
std::string fault_of(const TimeSpan& segment, double duration_s) {
  const std::string text = fmt::format("the segment [{}, {}]", segment.start_s, segment.end_s);
  if (segment.end_s <= segment.start_s) return text + " has no length";
  if (segment.start_s < 0) return text + " begins before the video";
  if (segment.start_s >= duration_s) return text + fmt::format(" begins after the video's end, {} s", duration_s);
  return "";
}

struct AnnotatedClip {
  Clip clip;
  std::string label;
  std::string where;
  std::string fault;  // why it cannot be used, whatever files are there
};

class ActivityNetSource final : public MediaSource {
 public:
  explicit ActivityNetSource(const Parameters& parameters)
      : root_(parameters.text("root")), file_(parameters.text("annotations")) {
    if (root_.empty()) {
      throw Error(ErrorKind::kUsage, {"the dataset 'activitynet' needs to know where its files are", "[dataset]",
                                      kActivitynetTree, "set root = \"folder\" of the videos"});
    }
    if (file_.empty()) file_ = root_ / kFile;
  }

  ClipList list() override {
    std::vector<AnnotatedClip> annotated = read();
    LabelTally labels;
    for (const AnnotatedClip& entry : annotated) labels.add(entry.label, entry.where);
    const ClassNames classes = labels.classes(kActivitynetClasses);
    const MediaTree tree(root_, kActivitynetTree);
    ClipList list;
    list.classes = classes.names();
    for (AnnotatedClip& entry : annotated) {
      entry.clip.label = classes.index(entry.label, entry.where);
      const std::string name = "v_" + entry.clip.youtube_id;
      const fs::path looked_for = root_ / (name + ".mp4");
      const std::optional<fs::path> file = tree.find_stem(name);
      if (entry.fault.empty()) {
        add_or_set_aside(list, std::move(entry.clip), file, looked_for);
      } else {
        entry.clip.path = file.value_or(looked_for);
        list.unusable.push_back({std::move(entry.clip), entry.fault});
      }
    }
    require_some_clips(list, root_, kActivitynetTree);
    return list;
  }

 private:
  [[nodiscard]] std::vector<AnnotatedClip> read() const {
    const AnnotationJson document(file_);
    std::vector<AnnotatedClip> annotated;
    const json& database = json_member(document.value(), "database", document.place(), kActivitynetForm);
    for (const auto& [id, video] : json_object(database, document.place("database"), kActivitynetForm).items()) {
      read_video(id, video, document.place("database", id), annotated);
    }
    if (annotated.empty()) fail_annotation("no annotation is listed", document.place("database"), kActivitynetForm);
    return annotated;
  }

  static void read_video(const std::string& id, const json& video, const std::string& where,
                         std::vector<AnnotatedClip>& annotated) {
    const std::string split = activitynet_split_of(
        json_text(json_member(video, "subset", where, kActivitynetForm), where, kActivitynetForm), where);
    const json& annotations =
        json_array(json_member(video, "annotations", where, kActivitynetForm), where, kActivitynetForm);
    const json& duration = json_member(video, "duration", where, kActivitynetForm);
    if (!duration.is_number() || duration.get<double>() <= 0)
      fail_annotation(fmt::format("the duration is {}", duration.dump()), where, kActivitynetForm);
    if (split.empty()) return;
    std::size_t number = 0;
    for (const json& annotation : annotations) {
      const std::string place = fmt::format("{}, annotation {}", where, number);
      AnnotatedClip entry;
      entry.label = json_text(json_member(annotation, "label", place, kActivitynetForm), place, kActivitynetForm);
      const TimeSpan segment =
          json_segment(json_member(annotation, "segment", place, kActivitynetForm), place, kActivitynetForm);
      entry.where = place;
      entry.fault = fault_of(segment, duration.get<double>());
      entry.clip.id = fmt::format("{}_{}", id, number++);
      entry.clip.youtube_id = youtube_id(id, where);
      entry.clip.group = id;
      entry.clip.split = split;
      entry.clip.start_s = segment.start_s;
      entry.clip.end_s = segment.end_s;
      annotated.push_back(std::move(entry));
    }
  }

  fs::path root_;
  fs::path file_;
};

const DatasetRegistration kActivitynetRegistration({
    .id = "activitynet",
    .title = "ActivityNet 1.3: 200 activities, a clip for each annotated segment",
    .source = "Caba Heilbron, Escorcia, Ghanem, Niebles: ActivityNet (CVPR 2015); published by its authors; the videos "
              "are their uploaders', no licence of the annotations is known here",
    .tree = kActivitynetTree,
    .tested_on = "files made by the format's description",
    .made_here = false,
    .parameters = {ParameterSpec::text("root", "", "Folder below which the videos lie."),
                   ParameterSpec::text("annotations", "", "The JSON file; empty: root/activity_net.v1-3.min.json.")},
    .open = [](const Parameters& parameters) -> std::unique_ptr<ClipSource> {
      return std::make_unique<ActivityNetSource>(parameters);
    },
});

}  // namespace

}  // namespace cmkd
