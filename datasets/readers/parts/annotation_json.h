// JSON annotation files, and what is wrong with one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace cmkd {

// A JSON file with the lines of its parts.
class AnnotationJson {
 public:
  // Throws Error(kData): a file that cannot be read; text that is no JSON, with its line and byte; a key that stands
  // twice in one object (JSON readers keep one of them in silence); nesting of more than 100 levels.
  explicit AnnotationJson(std::filesystem::path file);

  [[nodiscard]] const nlohmann::json& value() const noexcept { return value_; }

  // Where a part stands: "annotation.json:3: labels", "annotation.json:40: database['v_x']", "annotation.json:7: [6]".
  // The whole file for an empty path. Lines are known of the outermost members or items, and of theirs.
  [[nodiscard]] std::string place(const std::string& path = "") const;
  [[nodiscard]] std::string place(const std::string& member, const std::string& key) const;
  [[nodiscard]] std::string place_of_item(const std::string& member, std::size_t index) const;

 private:
  std::filesystem::path file_;
  std::map<std::string, std::int64_t> lines_;
  nlohmann::json value_;
};

// The member of an object; throws as fail_annotation does when `value` is no object or has no such member.
[[nodiscard]] const nlohmann::json& json_member(const nlohmann::json& value, const char* name, const std::string& where,
                                                const std::string& form);
// A text that is not empty, without white space at its ends; an object; an array; likewise.
[[nodiscard]] std::string json_text(const nlohmann::json& value, const std::string& where, const std::string& form);
[[nodiscard]] const nlohmann::json& json_object(const nlohmann::json& value, const std::string& where,
                                                const std::string& form);
[[nodiscard]] const nlohmann::json& json_array(const nlohmann::json& value, const std::string& where,
                                               const std::string& form);

struct TimeSpan {
  double start_s = 0;  // neither is checked against the other: published files hold segments without length
  double end_s = 0;
};
// "[start_s, end_s]", neither of them beyond kLongestTime_s.
[[nodiscard]] TimeSpan json_segment(const nlohmann::json& value, const std::string& where, const std::string& form);

}  // namespace cmkd
