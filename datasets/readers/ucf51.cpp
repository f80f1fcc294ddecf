// The dataset "ucf51": the 51 classes of UCF101 whose clips have sound, as one split.
#include <fmt/format.h>

#include <utility>

#include "cmkd/core/error.h"
#include "parts/annotation.h"
#include "parts/prepared.h"
#include "parts/seed_annotation.h"

namespace cmkd {

namespace {

namespace fs = std::filesystem;

constexpr const char* kUcf51Tree =
    "root/annotation.json               'labels' and 'database'; or the parameter annotations\n"
    "root/…/v_<Class>_gGG_cCC.avi       UCF101's files, anywhere below root, any media ending; and/or\n"
    "video_dir/v_<Class>_gGG_cCC.hdf5   dataset 'video': the JPEG file of each frame (needs libhdf5)\n"
    "audio_dir/v_<Class>_gGG_cCC.npy    a feature of the clip's sound, for the teacher\n"
    "The list's subset 'validation' is reported on and therefore the split 'test'; validation clips are cut from the\n"
    "training clips by group (<Class>_gGG, the source video).";

class Ucf51Source final : public PreparedSource {
 public:
  explicit Ucf51Source(const Parameters& parameters) : PreparedSource(parameters), parameters_(parameters) {}

  ClipList list() override {
    const PreparedFolders folders(parameters_, "ucf51", kUcf51Tree);
    const fs::path file = annotation_file(parameters_, "annotation.json");
    const SeedAnnotation annotation = read_seed_annotation(file, /*with_segments=*/false);
    ClipList list;
    list.classes = annotation.classes;
    for (const SeedClip& entry : annotation.clips) {
      const std::string& class_name = annotation.classes[static_cast<std::size_t>(entry.label)];
      Clip clip;
      clip.id = entry.key;
      clip.label = entry.label;
      clip.split = entry.split;
      clip.group = group_of(entry.key, class_name, entry.where);
      const fs::path below = fs::path(class_name) / (entry.key + ".avi");
      folders.add(list, std::move(clip), find(folders, entry.key, below), below);
    }
    require_some_clips(list, folders.first(), kUcf51Tree);
    return list;
  }

 private:
  // "v_<Class>_gGG_cCC" -> "<Class>_gGG".
  static std::string group_of(const std::string& key, const std::string& class_name, const std::string& where) {
    const std::string prefix = "v_" + class_name + "_g";
    const std::size_t end = key.rfind("_c");
    const auto digits = [&](std::size_t from, std::size_t to) {
      return from < to && key.find_first_not_of("0123456789", from) >= to;
    };
    if (!lower_case(key).starts_with(lower_case(prefix)) || end == std::string::npos || !digits(prefix.size(), end) ||
        !digits(end + 2, key.size())) {
      fail_annotation(fmt::format("the key does not name a clip of its label '{}'", class_name), where,
                      "v_<Class>_gGG_cCC");
    }
    return class_name + key.substr(prefix.size() - 2, end - prefix.size() + 2);
  }

  static std::optional<fs::path> find(const PreparedFolders& folders, const std::string& key, const fs::path& below) {
    if (!folders.has_media()) return std::nullopt;
    // By name first; then where letters of the other case are found, too.
    for (const auto& found :
         {folders.media().find_stem(key), folders.media().find(below), folders.media().find("UCF-101" / below)}) {
      if (found) return found;
    }
    return std::nullopt;
  }

  Parameters parameters_;
};

const DatasetRegistration kUcf51Registration({
    .id = "ucf51",
    .title = "UCF51: the classes of UCF101 with sound, one split",
    .source = "clips: UCF101 (Soomro, Zamir, Shah, CRCV-TR-12-01, 2012), University of Central Florida, no licence is "
              "stated; list: published with code for cross-modal distillation, no licence is known here",
    .tree = kUcf51Tree,
    .tested_on = "official annotation files",
    .made_here = false,
    .parameters = prepared_parameters(),
    .open = [](const Parameters& parameters) -> std::unique_ptr<ClipSource> {
      return std::make_unique<Ucf51Source>(parameters);
    },
});

}  // namespace

}  // namespace cmkd
