#include "merge_files.h"

#include "artifacts.h"
#include "cmkd/core/file.h"
#include "cmkd/core/hash.h"

namespace cmkd::results {

namespace fs = std::filesystem;

CopiedFiles::~CopiedFiles() {
  std::error_code ignored;
  for (const fs::path& file : files_) fs::remove(file, ignored);
}

bool CopiedFiles::copy(Database& rows, const Store& from, const Store& into, const std::string& relative) {
  Statement row(rows, "SELECT fingerprint FROM artifact WHERE path = ?");
  if (!row.bind(relative).step()) return false;
  const fs::path target = into.artifact_path(relative);
  const std::string bytes = read_artifact_file(from.artifact_folder(), relative, row.text(0));
  std::error_code code;
  const bool there = fs::exists(target, code) && hash_file(target) == row.text(0);
  if (there) return false;
  if (!fs::exists(target, code)) files_.push_back(target);
  write_file_atomically(target, bytes);
  return true;
}

}  // namespace cmkd::results
