// Official annotation files as the tests' material: found, copied, damaged; and trees of empty files for their clips.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "catch.h"
#include "cmkd/core/error.h"
#include "reader_test.h"

namespace cmkd::test {

// The folder of a set's official files; empty, with the test case counted as skipped, where this machine has none.
inline std::filesystem::path official_annotations(const std::string& name) {
  return shared_data("annotations/" + name);
}

// An empty file: listing looks for files, and does not open them.
inline void make_empty_file(const std::filesystem::path& path) {
  std::filesystem::create_directories(path.parent_path());
  const std::ofstream file(path);
  if (!file) throw Error(ErrorKind::kEnvironment, {.what = "cannot make a file", .where = path.string()});
}

// The text with the first `from` replaced; throws when it is not there, so that no damage is left out in silence.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw Error(ErrorKind::kInternal, {.what = "the text to damage is not there: " + from});
  return text.replace(at, from.size(), to);
}

// The text with CRLF for each LF, and a byte order mark.
inline std::string as_windows_text(const std::string& text) {
  std::string result = "\xEF\xBB\xBF";
  for (const char c : text) {
    if (c == '\r') continue;
    if (c == '\n') result += '\r';
    result += c;
  }
  return result;
}

using Settings = std::map<std::string, ParameterValue>;

// Clips by their split in one fold.
inline std::map<std::string, int> split_counts(const ClipList& list, std::size_t fold) {
  std::map<std::string, int> counts;
  for (const Clip& clip : list.clips) ++counts[clip.fold_splits.at(fold)];
  return counts;
}

}  // namespace cmkd::test
