#include "label_tally.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cmkd/core/error.h"

namespace cmkd {

void LabelTally::add(const std::string& label, const std::string& where) {
  Entry& entry = labels_[label];
  if (entry.rows++ == 0) entry.where = where;
}

ClassNames LabelTally::classes(std::size_t at_most) const {
  std::vector<std::string> names;
  for (const auto& [label, entry] : labels_) names.push_back(label);
  if (names.size() <= at_most) return ClassNames(names);
  const auto rarest = std::ranges::min_element(labels_, {}, [](const auto& item) { return item.second.rows; });
  std::erase(names, rarest->first);
  throw Error(
      ErrorKind::kData,
      {fmt::format("label '{}' is one class too many, and the rarest of {}", rarest->first, labels_.size()),
       rarest->second.where, fmt::format("the {} classes of this set", at_most), did_you_mean(rarest->first, names)});
}

}  // namespace cmkd
