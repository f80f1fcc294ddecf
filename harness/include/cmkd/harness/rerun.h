// A stored training made again from what the store holds of it: its recipe (the suite file and what the command line
// changed of it), in a folder of its own. The data must be where the recipe says, or where --set puts them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cmkd/harness/runner.h"
#include "cmkd/results/store.h"

namespace cmkd {

// What a run of this suite with these options is stored with.
[[nodiscard]] results::Recipe recipe_of(const Suite& suite, const RunOptions& options);

struct RerunOptions {
  std::filesystem::path folder;  // of the new run: suite file, store, teachers
  std::filesystem::path cache_root;
  std::vector<std::string> overrides;  // after the recipe's: where the data lie here
  std::string device = "cpu";
  int jobs = 1;
};

// A training that stands ready to be made again.
struct Rerun {
  Suite suite;
  RunOptions options;
  std::string stored_key;
  std::string key;  // of the same training as this program plans it: another where code or data changed
  std::string evaluation_key;
};

// Writes the recipe's suite file into the folder and plans it. Throws Error(kUsage) when the store has no such training
// or it came from elsewhere (`cmkd import`), kData when its recipe is not stored (says how it gets one), and when this
// program's plan of the recipe holds nothing like it (a method that is gone).
[[nodiscard]] Rerun prepare_rerun(const results::Store& store, const std::string& training_key,
                                  const RerunOptions& options);
// Trains it, its teacher before it, into the folder's own store. What is there already is not trained again.
RunSummary run_again(const Rerun& rerun);

// Writes `recipe` as `folder`/NAME.toml and reads it with its overrides, and then `more`.
[[nodiscard]] Suite load_recipe(const results::Recipe& recipe, const std::filesystem::path& folder,
                                const std::vector<std::string>& more);

}  // namespace cmkd
