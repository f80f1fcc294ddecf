// What a statistic requires of its caller.
#pragma once

#include "cmkd/core/error.h"

namespace cmkd::reports {

inline void require_statistic(bool holds, const char* what) {
  if (!holds) throw Error(ErrorKind::kInternal, {.what = what});
}

}  // namespace cmkd::reports
