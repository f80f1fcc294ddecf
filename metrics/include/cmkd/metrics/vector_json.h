// Reading a JSON vector so that whatever is wrong with it is named by file and place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cmkd::metrics {

// Numbers in lists of one length at each level; a single number has no sizes.
struct Array {
  std::vector<std::size_t> sizes;  // [C, C]
  std::vector<double> values;      // row-major
};

// A value of a vector file and where it stands. Every reader throws Error(kData) with that place for a value that is
// missing or of another kind. The document must outlive it.
class VectorNode {
 public:
  VectorNode(const nlohmann::json& value, std::string file) : value_(&value), file_(std::move(file)) {}

  [[nodiscard]] std::vector<std::string> names() const;  // of an object
  [[nodiscard]] VectorNode at(const std::string& name) const;
  // null is NaN; "NaN", "Infinity" and "-Infinity" are what they say.
  [[nodiscard]] Array array() const;
  [[nodiscard]] Array matrix() const;  // [N, C], neither 0
  // Whole numbers of [lowest, 2^31 - 1].
  [[nodiscard]] std::vector<std::int32_t> integers(std::int32_t lowest) const;  // [N]
  [[nodiscard]] std::int32_t integer(std::int32_t lowest) const;
  // "case0.json: tagging.truth[3][1]"
  [[nodiscard]] std::string place() const { return path_.empty() ? file_ : file_ + ": " + path_; }
  [[noreturn]] void refuse(const std::string& what, const std::string& allowed) const;

 private:
  [[nodiscard]] VectorNode element(std::size_t index) const;
  [[nodiscard]] double number() const;
  void flatten(std::size_t level, Array& into) const;

  const nlohmann::json* value_;
  std::string file_;
  std::string path_;  // "tagging.truth"
};

// The file as JSON, in which NaN, Infinity and -Infinity may stand for numbers, as Python's json module writes them.
// Throws Error(kData).
[[nodiscard]] nlohmann::json read_vector_json(const std::filesystem::path& file);

}  // namespace cmkd::metrics
