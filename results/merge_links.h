// The links of suites, of one store into another. Private to results/.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "sqlite.h"

namespace cmkd::results {

struct LinkMerge {
  Database& into;
  Database& from;
  const std::set<std::string>& trainings;  // only links to these; empty: all
  std::vector<std::string>& conflicts;     // is added to
};

// Returns how many links are new. A row and seed of a suite must want the same training in both.
std::int64_t merge_links(const LinkMerge& merge);

}  // namespace cmkd::results
