// Which clip a stored training had for what: cut again from the data, as the store does not hold it.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cmkd/results/store.h"

namespace cmkd::apps {

struct RolesFrom {
  std::filesystem::path cache_root;
  std::vector<std::string> overrides;  // after the recipe's: where the data lie here
};

struct TrainingRoles {
  // By training, and by each one's teacher: "clip,group,roles" with roles as "transfer+labelled"; clips without a role
  // are not listed.
  std::map<std::string, std::string> csv;
  std::vector<std::string> missing;  // trainings whose roles cannot be told, one line each
};

// Ingests a dataset whose clip cache is not there (progress on stderr). A training whose recipe is not stored, or whose
// data are other ones here, is in `missing`. Throws Error(kData) where the data cannot be read at all.
[[nodiscard]] TrainingRoles training_roles(const results::Store& store, const std::vector<std::string>& trainings,
                                           const RolesFrom& from);

}  // namespace cmkd::apps
