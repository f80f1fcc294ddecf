// The tables of a suite file whose settings this program declares itself, each named once.
#pragma once

#include <span>
#include <string_view>

#include "cmkd/suites/suite.h"

namespace cmkd::suite_file {

struct OwnTable {
  std::string_view name;
  Section& (*section)(Suite&);
};

// [suite], [ingest] and so on, in the order in which documents show them.
[[nodiscard]] std::span<const OwnTable> own_tables();

}  // namespace cmkd::suite_file
