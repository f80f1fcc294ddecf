// A suite file as TOML, with the place of everything that an error names.
#pragma once

#include <set>
#include <string>

#define TOML_EXCEPTIONS 1
// What its assertions would end a debug build over ("[#"), its own checks answer with an error.
#define TOML_ASSERT(expr) static_cast<void>(0)
#include <toml++/toml.h>

#include "cmkd/core/parameters.h"
#include "cmkd/suites/section.h"

namespace cmkd::suite_file {

[[noreturn]] void refuse_suite(const std::string& what, const std::string& where, const std::string& allowed = "",
                               const std::string& fix = "");

// A parsed document with the name that its errors carry: a file, or "--set key=value".
struct Document {
  std::string name;
  bool is_override = false;

  [[nodiscard]] std::string where(const toml::node& node) const;
  // Of a value that stands there.
  [[nodiscard]] std::string origin(const toml::node& node) const;
};

[[nodiscard]] toml::table parse(const std::string& text, const std::string& name);
// The table { value = … } that `--set key=value` means: the value in TOML syntax; a bare word is taken as a text.
[[nodiscard]] toml::table parse_override(const std::string& text, const std::string& name);

[[nodiscard]] ParameterValue scalar(const toml::node& node, const std::string& key, const std::string& where);
[[nodiscard]] std::string text_value(const toml::node& node, const std::string& key, const std::string& where);
// A list of texts counts as one text: ["a", "b"] as "a, b".
[[nodiscard]] ParameterValue text_or_list(const toml::node& node, const std::string& key, const Document& document);
// Null when there is none.
[[nodiscard]] const toml::table* table_of(const toml::table& root, const std::string& name, const Document& document);

void set_value(Section& section, const std::string& name, const toml::node& node, const Document& document);
// Writes the entries of `table` that are not in `reserved` into `section`.
void read_section(const toml::table& table, const Document& document, Section& section,
                  const std::set<std::string>& reserved = {});

}  // namespace cmkd::suite_file
