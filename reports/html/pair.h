// A pair of rows, clip by clip.
#pragma once

#include <string>

#include "cmkd/reports/details.h"
#include "html/page.h"

namespace cmkd::reports {

struct ClipPair {
  const Table& table;
  const ClipTable& clips;
  const RowClips& left;
  const RowClips& right;
  std::string id;

  [[nodiscard]] const std::string& left_name() const { return table.rows[left.row].name; }
  [[nodiscard]] const std::string& right_name() const { return table.rows[right.row].name; }
};

// html/page.js builds the same for any other pair: keep the two alike.
void write_pair(Page& page, const ClipPair& pair);

}  // namespace cmkd::reports
