// The files beside stores, of one store into another. Private to results/.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cmkd/results/store.h"
#include "sqlite.h"

namespace cmkd::results {

// Files that a merge has written, taken back unless it ends well.
class CopiedFiles {
 public:
  CopiedFiles() = default;
  ~CopiedFiles();
  CopiedFiles(const CopiedFiles&) = delete;
  CopiedFiles& operator=(const CopiedFiles&) = delete;

  // Whether it was not there before. `rows`: the database of `from`. Throws Error(kData) when the source's bytes are
  // not those that their name says.
  bool copy(Database& rows, const Store& from, const Store& into, const std::string& relative);
  void keep() { files_.clear(); }

 private:
  std::vector<std::filesystem::path> files_;
};

}  // namespace cmkd::results
