// A store made by the Store itself, with results that nobody trained: material for the tests of the reports, for
// benches and for a look at the page. The same options give the same rows on every machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "cmkd/results/store.h"

namespace cmkd::reports::fixture {

struct SyntheticOptions {
  std::int64_t datasets = 2;
  std::int64_t methods = 12;  // beside student, teacher and a control
  std::int64_t seeds = 5;
  std::int64_t epochs = 12;
  std::int64_t clips = 60;  // 0: none stored
  std::int64_t classes = 5;
  bool both_directions = false;
  bool hostile = true;  // names that are markup, and of other scripts
  bool holes = true;    // failures, seeds that have not run, a row of one seed, ties
};

inline constexpr const char* kSyntheticSuite = "synthetic-store";

// Makes the file, which must not be there.
[[nodiscard]] results::Store make_store(const std::filesystem::path& path, const SyntheticOptions& options);

}  // namespace cmkd::reports::fixture
