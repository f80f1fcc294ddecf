// The parts of the LaTeX report.
#pragma once

#include <string>
#include <string_view>

namespace cmkd::reports {

// Text that stands as itself between words of LaTeX, with the fonts that every installation has. What pdfTeX cannot
// show is given to \cmkdname twice: as it is, for XeTeX and LuaTeX, and by its code points.
[[nodiscard]] std::string latex_escaped(std::string_view text);

}  // namespace cmkd::reports
