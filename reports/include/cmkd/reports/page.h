// The HTML report with what lies behind its numbers. One file that loads nothing; of very many runs, their details are
// pages of their own in a folder beside it. Free functions; they serve one thread, as the store of `details` does.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "cmkd/reports/details.h"

namespace cmkd::reports {

struct PageOptions {
  std::string name = "leaderboard.html";                                 // of the page, as its details link back to it
  std::size_t runs_in_page = 500;                                        // with more, details go to the folder
  std::function<void(std::size_t done, std::size_t all)> progress = {};  // rows whose details are written
};

// A file beside the page: "leaderboard_details/t0-1.html".
using WriteBeside = std::function<void(const std::string& name, const std::string& text)>;

// The page itself. UTF-8, with a newline at the end.
[[nodiscard]] std::string render_page(const Leaderboard& board, const Details& details, const PageOptions& options,
                                      const WriteBeside& write);

}  // namespace cmkd::reports
