// Numbers that take long to compute and follow from what the store holds, kept in a file beside it: bootstraps of a
// report. Keys are hashes of everything that the numbers follow from, so that an entry is right or is not found; the
// file may be deleted at any time, is no part of the store, and a store that is only read needs none.
//
// Not thread-safe. Two processes may save at once: the last file stands, whole.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cmkd::results {

class NumberCache {
 public:
  // In memory alone.
  NumberCache() = default;
  // What is in the file; nothing where there is none, or where it is damaged: `problem` then says so.
  [[nodiscard]] static NumberCache load(const std::filesystem::path& path);

  [[nodiscard]] std::optional<std::vector<double>> find(const std::string& key);
  void put(const std::string& key, std::vector<double> numbers);

  // Writes what was asked for or put since `load`, and nothing else, where that differs from the file. Returns why the
  // file could not be written (a folder that is only read, a full disk), "" when it is as it should be.
  [[nodiscard]] std::string save() const;

  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  [[nodiscard]] std::size_t computed() const noexcept { return computed_; }  // entries put since `load`

 private:
  std::filesystem::path path_;
  std::map<std::string, std::vector<double>> entries_;
  std::set<std::string> used_;
  std::size_t loaded_ = 0;
  std::size_t computed_ = 0;
  std::string problem_;
};

// "<store>.statistics/<hash of the suite's name>.bin"
[[nodiscard]] std::filesystem::path number_cache_path(const std::filesystem::path& store, const std::string& suite);

}  // namespace cmkd::results
