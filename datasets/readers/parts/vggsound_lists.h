// The lists of VGGSound, which VGGSounder shares: its clips, and the order of its classes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "reader_parts.h"

namespace cmkd {

struct VggSoundRow {
  Segment segment;  // ten seconds of the video
  std::string label;
  std::string split;
  std::string where;  // "vggsound.csv:12"

  // "<youtube id>_<start, six digits>", the name of the clip's file
  [[nodiscard]] std::string id() const { return segment_name("{id}_{start6}", segment); }
};

// "-0BIyqJj9ZU_000030" as the published lists name a clip; ids hold '_' and begin with '-'.
[[nodiscard]] Segment vggsound_segment(const std::string& name, const std::string& where);

// The parameters "train_list" and "class_order", beside those of the folders.
[[nodiscard]] std::vector<ParameterSpec> vggsound_parameters();

// The names that a clip's file may have.
[[nodiscard]] const std::vector<std::string>& vggsound_patterns();

// vggsound.csv where it is there, else test.csv, and the rows of `train_list`. Throws Error(kData) with file and line.
[[nodiscard]] std::vector<VggSoundRow> read_vggsound(const std::filesystem::path& annotations,
                                                     const std::string& train_list);

// The training rows alone: of `train_list`, else of vggsound.csv; none when neither is there.
[[nodiscard]] std::vector<VggSoundRow> read_vggsound_training(const std::filesystem::path& annotations,
                                                              const std::string& train_list);

// The classes in the order that `class_order` names: "sorted", or "stat" for that of `stat`, a table with a class in
// each row's first field.
[[nodiscard]] ClassNames vggsound_classes(const std::vector<VggSoundRow>& rows, const std::string& class_order,
                                          const std::filesystem::path& stat);

}  // namespace cmkd
