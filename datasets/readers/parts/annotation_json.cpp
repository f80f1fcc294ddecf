#include "annotation_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "annotation.h"
#include "cmkd/core/error.h"
#include "cmkd/core/file.h"

namespace cmkd {

using nlohmann::json;

namespace {

// Counts the lines of what the parser has read.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, std::int64_t* line) : at_(at), line_(line) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    if (*at_ == '\n') ++*line_;
    ++at_;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  std::int64_t* line_;
};

// Goes through the text once, before it becomes a value: what is no JSON, with its place, keys that stand twice, and
// the lines of keys and items.
class JsonCheck final : public nlohmann::json_sax<json> {
 public:
  JsonCheck(const std::filesystem::path& file, std::string_view text, std::map<std::string, std::int64_t>& lines)
      : file_(file), text_(text), lines_(lines) {}

  void run() {
    const char* end = text_.data() + text_.size();
    json::sax_parse(CountingIterator(text_.data(), &line_), CountingIterator(end, &line_), this);
  }

  bool null() override { return item(); }
  bool boolean(bool) override { return item(); }
  bool number_integer(number_integer_t) override { return item(); }
  bool number_unsigned(number_unsigned_t) override { return item(); }
  bool number_float(number_float_t, const string_t&) override { return item(); }
  bool string(string_t&) override { return item(); }
  bool binary(binary_t&) override { return item(); }
  bool start_object(std::size_t) override { return open(false); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(true); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    if (!level.keys.insert(name).second) {
      fail_annotation(fmt::format("the key '{}' stands twice in one object", name), place_at(level.path, line_),
                      "each key once");
    }
    level.member = level.path.empty() ? name : fmt::format("{}['{}']", level.path, name);
    note(level.member);
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
    std::string path;  // "database", "" for the outermost
    bool is_array = false;
    std::int64_t items = 0;      // of an array
    std::string member;          // of an object: the path of the last key
    std::set<std::string> keys;  // of an object
  };

  // A value begins; its path is known then.
  bool item() {
    if (levels_.empty() || !levels_.back().is_array) return true;
    Level& level = levels_.back();
    level.member = fmt::format("{}[{}]", level.path, level.items++);
    note(level.member);
    return true;
  }

  bool open(bool is_array) {
    constexpr std::size_t kDeepest = 100;
    if (levels_.size() == kDeepest) {
      fail_annotation("the file is too deeply nested", place_at("", line_), fmt::format("{} levels", kDeepest));
    }
    item();
    Level level;
    if (!levels_.empty()) level.path = levels_.back().member;
    level.is_array = is_array;
    levels_.push_back(std::move(level));
    return true;
  }

  bool close() {
    levels_.pop_back();
    return true;
  }

  void note(const std::string& path) {
    constexpr std::size_t kNoted = 2;  // what errors name
    if (levels_.size() <= kNoted) lines_.emplace(path, line_);
  }

  [[nodiscard]] std::string place_at(const std::string& path, std::int64_t line) const {
    return fmt::format("{}:{}{}{}", file_.string(), line, path.empty() ? "" : ": ", path);
  }

  const std::filesystem::path& file_;
  std::string_view text_;
  std::map<std::string, std::int64_t>& lines_;
  std::int64_t line_ = 1;
  std::vector<Level> levels_;
};

}  // namespace

AnnotationJson::AnnotationJson(std::filesystem::path file) : file_(std::move(file)) {
  const std::string text = read_file(file_);
  // Not the parser's callback: with one, the parser looks through all members of an object at the end of each.
  JsonCheck(file_, text, lines_).run();
  value_ = json::parse(text);
}

std::string AnnotationJson::place(const std::string& path) const {
  const auto found = lines_.find(path);
  const std::int64_t line = found == lines_.end() ? 1 : found->second;
  return fmt::format("{}:{}{}{}", file_.string(), line, path.empty() ? "" : ": ", path);
}

std::string AnnotationJson::place(const std::string& member, const std::string& key) const {
  return place(fmt::format("{}['{}']", member, key));
}

std::string AnnotationJson::place_of_item(const std::string& member, std::size_t index) const {
  return place(fmt::format("{}[{}]", member, index));
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
  if (has_outer_space(text)) fail_annotation(fmt::format("'{}' begins or ends with white space", text), where, form);
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
