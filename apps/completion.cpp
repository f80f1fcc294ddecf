// cmkd completion: a bash completion script, made from the table of subcommands and the registries.
#include <fmt/format.h>

#include "cmkd/core/error.h"
#include "cmkd/methods/method.h"
#include "cmkd/models/model.h"
#include "commands.h"

namespace cmkd::apps {

namespace {

constexpr const char* kScript = R"bash(_cmkd() {
  local word="${COMP_WORDS[COMP_CWORD]}" command="${COMP_WORDS[1]:-}"
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "@COMMANDS@ --help --version" -- "$word"))
  elif [[ $word == --* ]]; then
    COMPREPLY=($(compgen -W "$(cmkd "$command" --help 2>/dev/null | grep -oE -- '--[a-z-]+' | sort -u)" -- "$word"))
  elif [[ $command == describe ]]; then
    COMPREPLY=($(compgen -W "@NAMES@" -- "$word"))
  elif [[ $command == new && $COMP_CWORD -eq 2 ]]; then
    COMPREPLY=($(compgen -W "baseline" -- "$word"))
  elif [[ $command == clips && $COMP_CWORD -eq 2 ]]; then
    COMPREPLY=($(compgen -W "show" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _cmkd cmkd
)bash";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

int run_completion(const Arguments& arguments) {
  CommandLine line(
      "cmkd completion bash", "Prints a completion script for the shell.",
      "source <(cmkd completion bash)\ncmkd completion bash > ~/.local/share/bash-completion/completions/cmkd");
  line.positional("shell", 1);
  if (!line.parse(arguments)) return 0;
  const std::string shell = line.one("shell", "shell (bash)");
  if (shell != "bash") {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("no completion for '{}'", shell), .where = "cmkd completion", .allowed = "bash"});
  }
  std::vector<std::string> commands;
  for (const Command& command : all_commands()) {
    if (!command.hidden) commands.push_back(command.name);
  }
  std::vector<std::string> names = method_registry().names();
  for (const std::string& model : model_registry().names()) names.push_back(model);
  print_out(replaced(replaced(kScript, "@COMMANDS@", join(commands, " ")), "@NAMES@", join(names, " ")));
  return 0;
}

}  // namespace cmkd::apps
