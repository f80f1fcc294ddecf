// Data sets and their decodings, of one store into another. Private to results/.
#pragma once

#include <string>
#include <vector>

#include "sqlite.h"

namespace cmkd::results {

// Nothing when the source has no such data set. The same clips must have come out of the same files in both.
void merge_dataset(Database& into, Database& from, const std::string& fingerprint, std::vector<std::string>& conflicts);

}  // namespace cmkd::results
