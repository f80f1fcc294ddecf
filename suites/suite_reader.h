// The parts of a suite file, each read or checked by a file of its own.
#pragma once

#include <set>
#include <string>

#include "cmkd/suites/suite.h"
#include "suite_document.h"

namespace cmkd::suite_file {

// Names of the tables that a suite file may have.
[[nodiscard]] const std::set<std::string>& known_tables();

void read_dataset(const toml::table& root, const Document& document, Suite& suite);
// [student] or [teacher], by `role`; of an override, the one entry that it sets.
void read_model(const toml::table& table, const Document& document, ModelEntry& entry, const std::string& role);
void read_methods(const toml::table& root, const Document& document, Suite& suite);

// "table.name=value"
void apply_override(Suite& suite, const std::string& text);
// [sweep] setting = "corruption.share", values = [0.0, 0.2]: a variant of the suite for each value.
void read_sweep(const toml::table& root, const Document& document, Suite& suite);

// What must fit between the tables.
void check_suite_tables(const Suite& suite, const Document& document);

}  // namespace cmkd::suite_file
