// The classes of a user's dataset, and what its reading shares.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cmkd/datasets/clip.h"

namespace cmkd {

class ClassList {
 public:
  explicit ClassList(const std::set<std::string>& labels);  // sorted
  explicit ClassList(const std::filesystem::path& file);    // one a line; throws Error(kData)

  // Throws Error(kData) for a label that is not in the list.
  [[nodiscard]] std::int64_t index(const std::string& label, const std::string& where) const;
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

 private:
  void add(const std::string& name, const std::string& where);

  std::filesystem::path file_;
  std::vector<std::string> names_;
  std::map<std::string, std::int64_t> index_;
};

// Moves clips whose file is not there to `unusable`, with the reason. Throws Error(kData) when a split loses all.
void set_missing_files_aside(ClipList& list, const std::string& where);

}  // namespace cmkd
