// The frame of `cmkd`: a table of subcommands, and one way to declare, parse and explain their options.
#pragma once

#include <boost/program_options.hpp>

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace cmkd::apps {

struct Command {
  std::string name;
  std::string summary;  // one line
  int (*run)(const std::vector<std::string>& arguments);
  bool hidden = false;
};

// Every subcommand, in the order of `cmkd --help`.
[[nodiscard]] const std::vector<Command>& all_commands();

// Declares a subcommand's options, parses, and answers `--help`.
class CommandLine {
 public:
  // `usage`: "cmkd run SUITE [options]"; `text`: a paragraph; `examples`: one command a line.
  CommandLine(std::string usage, std::string text, std::string examples);

  boost::program_options::options_description_easy_init add() { return options_.add_options(); }
  // Positional arguments all go to this (hidden) option.
  void positional(const std::string& name, int max_count);

  // False when help was asked for and printed. Throws Error(kUsage) with a suggestion for an unknown option.
  [[nodiscard]] bool parse(const std::vector<std::string>& arguments);

  [[nodiscard]] bool has(const std::string& name) const { return values_.count(name) > 0; }
  // Not given: the option's default stands.
  [[nodiscard]] bool is_default(const std::string& name) const { return values_[name].defaulted(); }
  [[nodiscard]] bool flag(const std::string& name) const { return values_[name].as<bool>(); }
  template <typename Value>
  [[nodiscard]] Value get(const std::string& name) const {
    return values_[name].as<Value>();
  }
  [[nodiscard]] std::vector<std::string> list(const std::string& name) const;
  // The one positional argument. Throws Error(kUsage) saying what is missing.
  [[nodiscard]] std::string one(const std::string& name, const std::string& what) const;

 private:
  std::string usage_;
  std::string text_;
  std::string examples_;
  boost::program_options::options_description options_{"Options"};
  boost::program_options::options_description hidden_;
  boost::program_options::positional_options_description positions_;
  boost::program_options::variables_map values_;
};

// Options that several subcommands share.
void add_suite_options(CommandLine& line);                                // --set, --out, --cache
[[nodiscard]] std::filesystem::path suite_path(const std::string& name);  // a file, or the name of an installed suite
[[nodiscard]] std::filesystem::path out_folder(const CommandLine& line, const std::string& suite_name);
[[nodiscard]] std::filesystem::path cache_root(const CommandLine& line);

// Writes data to standard output. Throws Error(kEnvironment) when that fails (a full disk, a closed pipe).
void print_out(const std::string& text);
void print_json(const nlohmann::json& value);

}  // namespace cmkd::apps
