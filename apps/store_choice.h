// Which store and which of its suites a command reads: --store, --out, --suite, shared by several subcommands.
#pragma once

#include <filesystem>
#include <string>

#include "cmkd/results/store.h"
#include "command.h"

namespace cmkd::apps {

void add_store_options(CommandLine& line);  // --store, --out

// A suite's name: that of the suite file `given`, or `given` itself where it names no file.
[[nodiscard]] std::string suite_name(const std::string& given);

struct ChosenStore {
  results::Store store;
  std::string suite;  // "" when none was asked for and the store holds several
};
// By --store, else in --out, else in out/SUITE. `--suite` is a suite file or a name; without it the only suite of the
// store (one that is no tuning) is taken. Throws Error(kUsage) when nothing names a store, kData when it is not there,
// kNothingSelected for a suite that it does not hold, and when one is needed and cannot be told.
[[nodiscard]] ChosenStore choose_store(const CommandLine& line, bool suite_needed);

// The path alone, for a suite of this name ("" for none).
[[nodiscard]] std::filesystem::path chosen_store_path(const CommandLine& line, const std::string& suite);

}  // namespace cmkd::apps
