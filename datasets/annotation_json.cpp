#include "annotation_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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

// Goes through the text once, before it becomes a value: what is no JSON, with its place, and keys that stand twice.
class JsonCheck final : public nlohmann::json_sax<json> {
 public:
  JsonCheck(const std::filesystem::path& file, std::string_view text) : file_(file), text_(text) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    if (!level.keys.insert(name).second) {
      fail_annotation(fmt::format("the key '{}' stands twice in one object", name), place_of_object(), "each key once");
    }
    level.key = name;
    return true;
  }

  bool parse_error(std::size_t byte, const std::string&, const json::exception& error) override {
    const auto line = 1 + std::ranges::count(text_.substr(0, byte), '\n');
    const std::string_view why = error.what();
    fail_annotation(fmt::format("the file is no JSON: {}", why.substr(std::min(why.size(), why.find("] ") + 2))),
                    fmt::format("{}:{} (byte {} of {})", file_.string(), line, byte, text_.size()), "");
  }

 private:
  struct Level {
    std::set<std::string> keys;
    std::string key;  // the last of them
  };

  bool open() {
    constexpr std::size_t kDeepest = 100;
    if (levels_.size() == kDeepest) {
      fail_annotation("the file is too deeply nested", file_.string(), fmt::format("{} levels", kDeepest));
    }
    levels_.emplace_back();
    return true;
  }

  bool close() {
    levels_.pop_back();
    return true;
  }

  // "annotation.json: database['v_x']", the file alone for the outermost object.
  [[nodiscard]] std::string place_of_object() const {
    std::string path;
    for (std::size_t k = 0; k + 1 < levels_.size(); ++k) {
      const std::string& key = levels_[k].key;  // none in an array
      if (!key.empty()) path += path.empty() ? key : fmt::format("['{}']", key);
    }
    return path.empty() ? file_.string() : json_place(file_, path);
  }

  const std::filesystem::path& file_;
  std::string_view text_;
  std::vector<Level> levels_;
};

}  // namespace

json read_annotation_json(const std::filesystem::path& file) {
  const std::string text = read_file(file);
  // Not the parser's callback: with one, the parser looks through all members of an object at the end of each.
  JsonCheck check(file, text);
  json::sax_parse(text, &check);
  return json::parse(text);
}

std::string json_place(const std::filesystem::path& file, const std::string& member) {
  return fmt::format("{}: {}", file.string(), member);
}

std::string json_place(const std::filesystem::path& file, const std::string& member, const std::string& key) {
  return fmt::format("{}: {}['{}']", file.string(), member, key);
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

TimeSpan json_segment(const json& value, const std::string& where, const std::string& form) {
  const bool two_numbers = value.is_array() && value.size() == 2 && value[0].is_number() && value[1].is_number();
  if (!two_numbers) fail_annotation(fmt::format("the segment is {}", value.dump()), where, form);
  const TimeSpan segment{value[0].get<double>(), value[1].get<double>()};
  const auto longest = static_cast<double>(kLongestTime_s);
  if (std::abs(segment.start_s) > longest || std::abs(segment.end_s) > longest) {
    fail_annotation(fmt::format("the segment is {}", value.dump()), where,
                    fmt::format("times of up to {} seconds", kLongestTime_s));
  }
  return segment;
}

}  // namespace cmkd
