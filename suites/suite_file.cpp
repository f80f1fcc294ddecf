// Reads a suite file (TOML) and `--set` against the declared settings.
#include <fmt/format.h>

#include <set>
#include <utility>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "own_tables.h"
#include "suite_reader.h"

namespace cmkd {

namespace suite_file {

const std::set<std::string>& known_tables() {
  static const std::set<std::string> names = [] {
    std::set<std::string> all{"dataset", "teacher", "student", "methods", "sweep"};
    for (const OwnTable& table : own_tables()) all.emplace(table.name);
    return all;
  }();
  return names;
}

namespace {

void check_tables(const toml::table& root, const Document& document) {
  const std::vector<std::string> names(known_tables().begin(), known_tables().end());
  for (const auto& [key, node] : root) {
    const std::string name(key.str());
    if (!known_tables().contains(name)) {
      refuse_suite(fmt::format("unknown table '{}'", name), document.where(node), join(names),
                   did_you_mean(name, names));
    }
  }
}

// The tables whose settings are this program's own.
void read_own_tables(const toml::table& root, const Document& document, Suite& suite) {
  for (const OwnTable& own : own_tables()) {
    const toml::table* table = table_of(root, std::string(own.name), document);
    if (table == nullptr) continue;
    if (own.name != "suite") {
      read_section(*table, document, own.section(suite));
      continue;
    }
    if (const toml::node* node = table->get("name")) suite.name = text_value(*node, "name", document.where(*node));
    read_section(*table, document, suite.general, {"name"});
  }
}

void read_models(const toml::table& root, const Document& document, Suite& suite) {
  suite.teacher.modality = Modality::kAudio;
  suite.student.modality = Modality::kVideo;
  for (const auto& [name, entry] : {std::pair{"teacher", &suite.teacher}, std::pair{"student", &suite.student}}) {
    const toml::table* table = table_of(root, name, document);
    if (table == nullptr) {
      refuse_suite(fmt::format("the suite has no [{}] table", name), document.name, "",
                   fmt::format("add [{}] with model = \"…\"", name));
    }
    read_model(*table, document, *entry, name);
  }
}

}  // namespace

}  // namespace suite_file

void set_parameter(Parameters& parameters, const std::string& text) {
  const std::string where = "--set " + text;
  const toml::table table = suite_file::parse_override(text, where);
  const std::string key = text.substr(0, text.find('='));
  parameters.set(key, suite_file::scalar(*table.get("value"), key, where), where);
}

Suite load_suite(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  using namespace suite_file;  // NOLINT: the parts of this function
  const Document document{file.string(), false};
  const std::string content = read_file(file);
  const toml::table root = parse(content, document.name);
  check_tables(root, document);
  Suite suite;
  suite.file = file;
  suite.text = content;
  suite.name = file.stem().string();
  read_own_tables(root, document, suite);
  read_dataset(root, document, suite);
  read_models(root, document, suite);
  read_methods(root, document, suite);
  for (const std::string& text : overrides) apply_override(suite, text);
  read_sweep(root, document, suite);
  check_suite_tables(suite, document);
  return suite;
}

}  // namespace cmkd
