// Suite files: the TOML text, and the plan of what it asks for.
#include "cmkd/harness/plan.h"
#include "cmkd/suites/suite.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cmkd::fuzz::MemoryFile file({data, size});
  cmkd::fuzz::expect_answer([&] {
    const cmkd::Suite suite = cmkd::load_suite(file.path(), {});
    (void)cmkd::show_config(suite);
  });
  return 0;
}
