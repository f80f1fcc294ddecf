// What can be known before anything is trained.
#pragma once

#include "cmkd/harness/suite_data.h"
#include "cmkd/suites/suite.h"

namespace cmkd {

// Every seed's roles are filled, windows and models fit the data, and every method can be built for these models.
// Throws Error(kUsage) otherwise.
void check_suite(const Suite& suite, const SuiteData& data);

}  // namespace cmkd
