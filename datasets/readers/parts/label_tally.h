// The classes of a set whose lists name them row by row.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "annotation.h"

namespace cmkd {

// Which labels the rows have, how often each, and where first.
class LabelTally {
 public:
  void add(const std::string& label, const std::string& where);

  // The labels, sorted. A set has `at_most` classes: where there are more, one of the labels is misspelt, or another
  // set's. Throws Error(kData) at the rarest label then.
  [[nodiscard]] ClassNames classes(std::size_t at_most) const;

 private:
  struct Entry {
    std::int64_t rows = 0;
    std::string where;
  };
  std::map<std::string, Entry> labels_;
};

}  // namespace cmkd
