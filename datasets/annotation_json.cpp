#include "annotation_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <vector>

#include "annotation.h"
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"

namespace cmkd {

using nlohmann::json;

namespace {

// Follows the parser through the objects that are open, each with its keys.
class KeyWatch {
 public:
  explicit KeyWatch(const std::filesystem::path& file) : file_(file) {}

  bool operator()(int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) {
      open_.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      open_.pop_back();
    } else if (event == json::parse_event_t::key) {
      const std::string key = parsed.get<std::string>();
      if (!open_.back().insert(key).second) {
        fail_annotation(fmt::format("the key '{}' stands twice in one object", key), file_.string(), "");
      }
    }
    return true;
  }

 private:
  const std::filesystem::path& file_;
  std::vector<std::set<std::string>> open_;
};

}  // namespace

json read_annotation_json(const std::filesystem::path& file) {
  const std::string text = read_file(file);
  try {
    KeyWatch watch(file);
    return json::parse(text, std::ref(watch));
  } catch (const json::parse_error& error) {
    const auto line =
        1 +
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(error.byte, text.size())), '\n');
    const std::string_view why = error.what();
    fail_annotation(fmt::format("the file is no JSON: {}", why.substr(std::min(why.size(), why.find("] ") + 2))),
                    fmt::format("{}:{} (byte {} of {})", file.string(), line, error.byte, text.size()), "");
  }
}

std::string json_place(const std::filesystem::path& file, const std::string& member, const std::string& key) {
  return key.empty() ? fmt::format("{}: {}", file.string(), member)
                     : fmt::format("{}: {}['{}']", file.string(), member, key);
}

const json& json_member(const json& value, const char* name, const std::string& where, const std::string& form) {
  const json& object = json_object(value, where, form);
  const auto found = object.find(name);
  if (found == object.end()) fail_annotation(fmt::format("there is no \"{}\"", name), where, form);
  return *found;
}

std::string json_text(const json& value, const std::string& where, const std::string& form) {
  if (!value.is_string()) fail_annotation(fmt::format("{} is no text", value.dump()), where, form);
  std::string text = value.get<std::string>();
  if (text.empty()) fail_annotation("a text is empty", where, form);
  return text;
}

const json& json_object(const json& value, const std::string& where, const std::string& form) {
  if (!value.is_object())
    fail_annotation(fmt::format("{} stands where an object is expected", value.type_name()), where, form);
  return value;
}

const json& json_array(const json& value, const std::string& where, const std::string& form) {
  if (!value.is_array())
    fail_annotation(fmt::format("{} stands where an array is expected", value.type_name()), where, form);
  return value;
}

Segment json_segment(const json& value, const std::string& where, const std::string& form) {
  const bool two_numbers = value.is_array() && value.size() == 2 && value[0].is_number() && value[1].is_number();
  if (!two_numbers) fail_annotation(fmt::format("the segment is {}", value.dump()), where, form);
  const Segment segment{value[0].get<double>(), value[1].get<double>()};
  if (!std::isfinite(segment.start_s) || !std::isfinite(segment.end_s)) {
    fail_annotation(fmt::format("the segment is {}", value.dump()), where, form);
  }
  return segment;
}

}  // namespace cmkd
