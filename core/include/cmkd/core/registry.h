// Things that register themselves by being linked: methods, datasets, models, report formats.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cmkd/core/error.h"

namespace cmkd {

// Named entries of one kind. Filled by static registration objects before main; read-only afterwards, so that reading
// needs no lock. Iteration is in the order of the names: it never depends on the order of linking.
template <typename Entry>
class Registry {
 public:
  explicit Registry(std::string kind) : kind_(std::move(kind)) {}

  // Throws Error(kInternal) when the name is taken.
  void add(const std::string& name, Entry entry) {
    if (!entries_.emplace(name, std::move(entry)).second) {
      throw Error(ErrorKind::kInternal, {.what = "two entries are registered as " + kind_ + " '" + name + "'"});
    }
  }

  [[nodiscard]] const Entry* find(std::string_view name) const {
    const auto found = entries_.find(std::string(name));
    return found == entries_.end() ? nullptr : &found->second;
  }

  // Throws Error(kUsage) with the allowed names and a suggestion; `where` is the place that named it.
  [[nodiscard]] const Entry& get(std::string_view name, const std::string& where = "") const {
    if (const Entry* entry = find(name)) return *entry;
    throw Error(ErrorKind::kUsage, {"unknown " + kind_ + " '" + std::string(name) + "'", where, join(names()),
                                    did_you_mean(name, names())});
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    names.reserve(entries_.size());
    for (const auto& [name, entry] : entries_) names.push_back(name);
    return names;
  }

 private:
  std::string kind_;
  std::map<std::string, Entry> entries_;
};

}  // namespace cmkd
