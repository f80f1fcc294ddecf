// JSON annotation files, and what is wrong with one.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace cmkd {

// The file's value. Throws Error(kData): a file that cannot be read; text that is no JSON, with its line and byte; a
// key that stands twice in one object (JSON readers keep one of them in silence); nesting of more than 100 levels.
[[nodiscard]] nlohmann::json read_annotation_json(const std::filesystem::path& file);

// A place in such a file: "annotation.json: database", "annotation.json: database['v_x']".
[[nodiscard]] std::string json_place(const std::filesystem::path& file, const std::string& member);
[[nodiscard]] std::string json_place(const std::filesystem::path& file, const std::string& member,
                                     const std::string& key);

// The member of an object; throws as fail_annotation does when `value` is no object or has no such member.
[[nodiscard]] const nlohmann::json& json_member(const nlohmann::json& value, const char* name, const std::string& where,
                                                const std::string& form);
// A text that is not empty; an object; an array; likewise.
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
