// The dataset "activitynet_gewu": pieces of ActivityNet's videos, one action each, by a JSON list of their own.
#include <fmt/format.h>

#include <utility>

#include "cmkd/core/error.h"
#include "parts/annotation.h"
#include "parts/prepared.h"
#include "parts/seed_annotation.h"
#include "parts/youtube.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr const char* kActivitynetGewuTree =
    "root/annotation.json           'labels' and 'database'; or the parameter annotations\n"
    "root/…/v_<id>_<n>.mp4          the piece, anywhere below root, any media ending; or\n"
    "root/…/v_<id>.mp4              the whole video, which is read from the segment's start to its end\n"
    "video_dir/v_<id>_<n>.hdf5      dataset 'video': the JPEG file of each frame of the piece (needs libhdf5)\n"
    "audio_dir/v_<id>_<n>.npy       a feature of the piece's sound, for the teacher\n"
    "The list's subset 'validation' is reported on and therefore the split 'test'; validation clips are cut from the\n"
    "training clips by video. Two keys may have the same segment: both are kept, 'cmkd datasets check' names them.";

// "v_<id>_<n>", split from the right: ids hold '_'.
std::string id_of(const std::string& key, const std::string& where) {
  const std::size_t gap = key.rfind('_');
  const bool numbered = gap != std::string::npos && gap + 1 < key.size() &&
                        key.find_first_not_of("0123456789", gap + 1) == std::string::npos;
  if (!key.starts_with("v_") || !numbered || gap < 2) {
    fail_annotation(fmt::format("'{}' does not name a piece of a video", key), where, "v_<id>_<n>");
  }
  return youtube_id(std::string_view(key).substr(2, gap - 2), where);
}

class ActivityNetGewuSource final : public PreparedSource {
 public:
  explicit ActivityNetGewuSource(const Parameters& parameters) : PreparedSource(parameters), parameters_(parameters) {}

  ClipList list() override {
    const PreparedFolders folders(parameters_, "activitynet_gewu", kActivitynetGewuTree);
    const fs::path file = annotation_file(parameters_, "annotation.json");
    const SeedAnnotation annotation = read_seed_annotation(file, /*with_segments=*/true);
    ClipList list;
    list.classes = annotation.classes;
    for (const SeedClip& entry : annotation.clips) {
      Clip clip;
      clip.id = entry.key;
      clip.label = entry.label;
      clip.split = entry.split;
      clip.youtube_id = id_of(entry.key, entry.where);
      clip.group = clip.youtube_id;
      add(list, folders, std::move(clip), entry.segment.value());
    }
    require_some_clips(list, folders.first(), kActivitynetGewuTree);
    return list;
  }

 private:
  static void add(ClipList& list, const PreparedFolders& folders, Clip clip, const TimeSpan& segment) {
    const std::string whole = "v_" + clip.youtube_id;
    std::optional<fs::path> file;
    if (folders.has_media()) {
      file = folders.media().find_stem(clip.id);
      if (!file) {
        file = folders.media().find_stem(whole);
        clip.start_s = segment.start_s;
        clip.end_s = segment.end_s;
      }
    }
    if (clip.end_s && *clip.end_s <= clip.start_s) {
      clip.path = whole + ".mp4";
      const std::string reason = fmt::format("the segment [{}, {}] has no length", segment.start_s, segment.end_s);
      list.unusable.push_back({std::move(clip), reason});
      return;
    }
    folders.add(list, std::move(clip), file, whole + ".mp4");
  }

  Parameters parameters_;
};

const DatasetRegistration kActivitynetGewuRegistration({
    .id = "activitynet_gewu",
    .title = "ActivityNet by single actions: 200 classes, pieces of videos",
    .source = "videos and labels: ActivityNet (Caba Heilbron, Escorcia, Ghanem, Niebles, CVPR 2015); list: published "
              "with code for cross-modal distillation, no licence is known here; the videos are their uploaders'",
    .tree = kActivitynetGewuTree,
    .tested_on = "official annotation files",
    .made_here = false,
    .parameters = prepared_parameters(),
    .open = [](const Parameters& parameters) -> std::unique_ptr<ClipSource> {
      return std::make_unique<ActivityNetGewuSource>(parameters);
    },
});

}  // namespace

}  // namespace cmkd
