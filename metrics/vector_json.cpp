#include "cmkd/metrics/vector_json.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <string_view>

#include "cmkd/core/error.h"

namespace cmkd::metrics {

namespace {

using nlohmann::json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The words that are no JSON, in quotes; what stands in quotes stays as it is.
std::string quote_words(std::string_view text) {
  static constexpr std::string_view kWords[] = {"-Infinity", "Infinity", "NaN"};
  std::string result;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (quoted && text[i] == '\\') {
      result += rest.substr(0, 2);
      ++i;
      continue;
    }
    if (text[i] == '"') quoted = !quoted;
    std::string_view word;
    for (const std::string_view candidate : kWords) {
      if (!quoted && word.empty() && rest.starts_with(candidate)) word = candidate;
    }
    if (word.empty()) {
      result += text[i];
    } else {
      result += fmt::format("\"{}\"", word);
      i += word.size() - 1;
    }
  }
  return result;
}

}  // namespace

std::vector<std::string> VectorNode::names() const {
  if (!value_->is_object()) refuse(fmt::format("{} where an object is wanted", value_->type_name()), "{…}");
  std::vector<std::string> result;
  for (const auto& item : value_->items()) result.push_back(item.key());
  return result;
}

VectorNode VectorNode::at(const std::string& name) const {
  if (!value_->is_object() || !value_->contains(name)) refuse(fmt::format("no '{}' here", name), "");
  VectorNode result(value_->at(name), file_);
  result.path_ = path_.empty() ? name : path_ + "." + name;
  return result;
}

VectorNode VectorNode::element(std::size_t index) const {
  VectorNode result((*value_)[index], file_);
  result.path_ = fmt::format("{}[{}]", path_, index);
  return result;
}

double VectorNode::number() const {
  if (value_->is_number()) return value_->get<double>();
  if (value_->is_null() || *value_ == "NaN") return kNaN;
  if (*value_ == "Infinity") return kInfinity;
  if (*value_ == "-Infinity") return -kInfinity;
  if (value_->is_boolean()) return value_->get<bool>() ? 1 : 0;
  refuse(fmt::format("{} where a number is wanted", value_->is_string() ? value_->dump() : value_->type_name()),
         "a number, null, true, false");
}

void VectorNode::flatten(std::size_t level, Array& into) const {
  if (!value_->is_array()) {
    if (level != into.sizes.size()) refuse("a number beside lists", "lists of one length and depth");
    into.values.push_back(number());
    return;
  }
  if (level == into.sizes.size()) {
    if (!into.values.empty()) refuse("a list beside numbers", "lists of one length and depth");
    into.sizes.push_back(value_->size());
  }
  if (value_->size() != into.sizes[level]) {
    refuse(fmt::format("a list of {} beside lists of {}", value_->size(), into.sizes[level]),
           "lists of one length and depth");
  }
  for (std::size_t i = 0; i < value_->size(); ++i) element(i).flatten(level + 1, into);
}

Array VectorNode::array() const {
  Array result;
  flatten(0, result);
  return result;
}

Array VectorNode::matrix() const {
  Array result = array();
  if (result.sizes.size() != 2 || result.values.empty()) refuse("no matrix", "a list of lists of one length");
  return result;
}

std::int32_t VectorNode::integer(std::int32_t lowest) const {
  constexpr double kHighest = std::numeric_limits<std::int32_t>::max();
  const double value = number();
  if (!(value >= lowest && value <= kHighest) || std::floor(value) != value)
    refuse(fmt::format("{} where a whole number is wanted", value_->dump()), fmt::format("{} … {}", lowest, kHighest));
  return static_cast<std::int32_t>(value);
}

std::vector<std::int32_t> VectorNode::integers(std::int32_t lowest) const {
  if (!value_->is_array()) refuse(fmt::format("{} where a list is wanted", value_->type_name()), "whole numbers");
  std::vector<std::int32_t> result;
  for (std::size_t i = 0; i < value_->size(); ++i) result.push_back(element(i).integer(lowest));
  return result;
}

void VectorNode::refuse(const std::string& what, const std::string& allowed) const {
  throw Error(ErrorKind::kData, {.what = what, .where = place(), .allowed = allowed});
}

json read_vector_json(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream) throw Error(ErrorKind::kData, {.what = "the file cannot be read", .where = file.string()});
  try {
    return json::parse(quote_words(text));
  } catch (const json::exception& error) {
    throw Error(ErrorKind::kData, {.what = std::string("no JSON: ") + error.what(), .where = file.string()});
  }
}

}  // namespace cmkd::metrics
