// Which source this program was built of, by hash. tools/source_hashes writes the tables at every build; a table is
// there by being linked. Complete once main runs.
#pragma once

#include <string>
#include <vector>

namespace cmkd {

struct MethodSource {
  std::string file;                // relative to the root of its project: "baselines/kd.cpp"
  std::string hash;                // of `files`: part of the keys of the method's trainings
  std::vector<std::string> files;  // what only this method uses
  // The comment with which `file` begins: paper, formula, shapes, and a paragraph that begins with "Differs:". Not part
  // of the hash.
  std::string head = {};
};

// The paragraph of a head comment that begins with "Differs:": where the method is not what its paper describes, and
// why; its lines joined. "" where there is none.
[[nodiscard]] std::string differences_in(const std::string& head);
// The head without that paragraph.
[[nodiscard]] std::string without_differences(const std::string& head);

// Adds a project's methods and, unless it is "", the hash of the code that all methods share.
struct SourceTable {
  SourceTable(std::vector<MethodSource> methods, const std::string& shared_code);
};

// Of every file that registers a method, by file within each table.
[[nodiscard]] const std::vector<MethodSource>& method_sources();

// What all trainings and evaluations are computed with (losses, models, trainer, optimiser, batches, corruption,
// metrics), 32 digits. Stored with each of them; in no key.
[[nodiscard]] const std::string& shared_code_hash();

// The source of the method that the file `path` registers; null for a file that is in no table. `path` as the compiler
// names it: absolute, or relative to any folder.
[[nodiscard]] const MethodSource* source_of_file(const std::string& path);

}  // namespace cmkd
