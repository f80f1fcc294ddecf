// The files of `cmkd clips show`: pictures and sound of one clip, and what is known of it as JSON.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "clip_search.h"
#include "cmkd/harness/clip_view.h"
#include "cmkd/harness/suite_data.h"
#include "cmkd/suites/suite.h"

namespace cmkd::apps {

// A folder's name for a clip's id: letters, digits and "._-@+=,"; where anything was replaced or cut, a hash of the id
// keeps two ids apart. Never begins with '-' or '.'.
[[nodiscard]] std::string safe_folder_name(const std::string& id);

// What all clips of a call share.
struct ClipShow {
  const Suite& suite;
  const SuiteData& data;
  const std::vector<SuiteCell>& cells;
  const SuiteCell& cell;  // whose pictures and sound are shown
  ClipWindow window;
  std::shared_ptr<LogMel> student_mel;  // null for a model without
  std::shared_ptr<LogMel> teacher_mel;
  // A kept training whose reconstruction is drawn, too; nothing without one.
  struct Rebuilder {
    const PlannedTraining* planned = nullptr;
    std::filesystem::path weights;
  };
  std::optional<Rebuilder> rebuilder;
};

// Writes clip.json and, for a clip that has them, the pictures and sounds into `folder`. Returns what clip.json says,
// with the names of the files under "files".
[[nodiscard]] nlohmann::ordered_json write_clip(const ClipShow& show, const FoundClip& found,
                                                const std::filesystem::path& folder);

}  // namespace cmkd::apps
