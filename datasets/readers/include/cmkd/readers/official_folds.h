// The official splits of a set, known before its files are: `cmkd list suites` counts trainings without them. A reader
// whose lists may have several folds says so with one registration object beside that of its dataset.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cmkd/core/parameters.h"

namespace cmkd {

// ClipList::folds of the dataset with these parameters; empty for a set of one split.
[[nodiscard]] std::vector<std::string> official_folds(const std::string& dataset, const Parameters& parameters);

struct OfficialFoldsRegistration {
  OfficialFoldsRegistration(const std::string& dataset,
                            std::function<std::vector<std::string>(const Parameters&)> folds);
};

}  // namespace cmkd
