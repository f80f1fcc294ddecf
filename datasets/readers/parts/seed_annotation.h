// The JSON form in which UCF51 and an ActivityNet of single actions are published:
// {"labels": […], "database": {"<key>": {"subset": "training|validation", "label": …[, "segment": [start, end]]}}}.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "annotation_json.h"

namespace cmkd {

struct SeedClip {
  std::string key;
  std::string split;       // "train", or "test" for "validation": the list's only held-out clips, which are reported on
  std::int64_t label = 0;  // index in "labels"
  std::optional<TimeSpan> segment;
  std::string where;  // "annotation.json:1: database['key']"
};

struct SeedAnnotation {
  std::vector<std::string> classes;  // as "labels" lists them
  std::vector<SeedClip> clips;       // by key
};

// Throws Error(kData) naming the key for an entry that breaks the form; `with_segments` says which of the forms it is.
[[nodiscard]] SeedAnnotation read_seed_annotation(const std::filesystem::path& file, bool with_segments);

}  // namespace cmkd
