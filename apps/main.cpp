// cmkd: compare cross-modal distillation methods, regenerate leaderboards, add baselines.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/core/interrupt.h"
#include "cmkd/runtime/errors.h"
#include "command.h"
#include "versions.h"

namespace {

using namespace cmkd;

void print_help() {
  std::string text =
      "cmkd: a reproducible benchmark of cross-modal knowledge distillation\n\nUsage: cmkd COMMAND "
      "[options]\n\nCommands:\n";
  for (const apps::Command& command : apps::all_commands()) {
    if (!command.hidden) text += fmt::format("  {:<12} {}\n", command.name, command.summary);
  }
  text +=
      "\nOptions:\n  --help       this help; cmkd COMMAND --help explains a command\n"
      "  --version    versions of cmkd and of the libraries that results depend on (--json for machines)\n"
      "  --debug      let an internal error end with a core dump instead of one line\n"
      "\nExamples:\n  cmkd run suites/quick.toml --jobs 2\n  cmkd report suites/quick.toml --format markdown\n"
      "  cmkd describe mnf_csc\n"
      "\nExit status: 0 all done, 1 nothing succeeded or a check said no, 2 interrupted, 3 internal error, 4 wrong "
      "usage or "
      "configuration, 5 nothing selected, 6 partly done\n";
  apps::print_out(text);
}

int dispatch(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    print_help();
    return 4;
  }
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") {
    print_help();
    return 0;
  }
  if (name == "--version" || name == "version") {
    const bool as_json = std::ranges::find(arguments, "--json") != arguments.end();
    if (as_json) {
      apps::print_json(apps::versions());
    } else {
      for (const auto& [key, value] : apps::versions()) apps::print_out(fmt::format("{:<14} {}\n", key, value));
    }
    return 0;
  }
  std::vector<std::string> names;
  for (const apps::Command& command : apps::all_commands()) {
    if (command.name == name) return command.run({arguments.begin() + 1, arguments.end()});
    if (!command.hidden) names.push_back(command.name);
  }
  throw Error(
      ErrorKind::kUsage,
      {.what = fmt::format("unknown command '{}'", name), .allowed = join(names), .fix = did_you_mean(name, names)});
}

void print_error(const std::string& text) { fmt::print(stderr, "cmkd: error: {}\n", text); }

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool debug = std::erase(arguments, "--debug") > 0;
  cmkd::install_interrupt_handlers();
  if (debug) return dispatch(arguments);
  try {
    return dispatch(arguments);
  } catch (const cmkd::Error& error) {
    print_error(error.what());
    return cmkd::exit_status(error.kind());
  } catch (const std::filesystem::filesystem_error& error) {
    print_error(cmkd::Error::format(
        {error.code().message(), error.path1().string(), "", "check the path, the permissions and the disk"}));
    return 1;
  } catch (const std::exception& error) {
    print_error(cmkd::Error::format(
        {"internal error: " + cmkd::short_message(error), "", "", "please report it; --debug keeps the stack"}));
    return 3;
  }
}
