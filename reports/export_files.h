// Files of an exported folder that several runs share. Private to reports/.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "cmkd/core/file.h"

namespace cmkd::reports {

// Each content once, under the first free of "NAME.ext", "NAME-2.ext", …
class NumberedFiles {
 public:
  NumberedFiles(std::filesystem::path folder, std::string extension)
      : folder_(std::move(folder)), extension_(std::move(extension)) {}

  std::string put(const std::string& name, const std::string& content) {
    const auto [known, is_new] = names_.try_emplace({name, content});
    if (!is_new) return known->second;
    const int number = ++count_[name];
    const std::string file = number == 1 ? name + extension_ : fmt::format("{}-{}{}", name, number, extension_);
    write_file_atomically(folder_ / file, content);
    known->second = folder_.filename().string() + "/" + file;
    return known->second;
  }

 private:
  std::filesystem::path folder_;
  std::string extension_;
  std::map<std::pair<std::string, std::string>, std::string> names_;
  std::map<std::string, int> count_;
};

}  // namespace cmkd::reports
