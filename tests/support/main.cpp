#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <cstdlib>
#include <iostream>

#include "paths.h"

int main(int argc, char** argv) {
  // Where the caller's own data lie is no business of the tests: those that want a folder set it.
  ::unsetenv("CMKD_DATA");
  const int status = Catch::Session().run(argc, argv);
  std::cout << cmkd::test::skipped_summary();
  return status;
}
