// Stored runs as a folder that another machine can make again and a person can read: a store of these runs alone, the
// suite files and settings that make them, the clips that they were tested on, fingerprints, provenance, and their
// weights with a card each. The same store gives the same bytes, but for the database's own pages.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cmkd/results/store.h"

namespace cmkd::reports {

struct ExportOptions {
  bool weights = false;  // of runs that kept theirs, as safetensors, each with a model card
  // By training: which clip had which role in it, as CSV. The store does not hold it: it follows from the data.
  std::map<std::string, std::string> training_clips = {};
};

struct ExportReport {
  std::int64_t trainings = 0;  // with the teachers that they learned from
  std::int64_t weights = 0;
  std::vector<std::string> missing;  // what another machine would need and the store does not hold, one line each
};

// `trainings` are keys; their teachers come along. `folder` is made; it must not be there, or be empty. It appears
// whole or not at all. Throws Error(kUsage) for a folder that is not empty and for a training that is not there.
ExportReport export_folder(const results::Store& store, const std::vector<std::string>& trainings,
                           const std::filesystem::path& folder, const ExportOptions& options = {});

}  // namespace cmkd::reports
