// What differs between two JSON objects, by path.
#include <map>
#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"
#include "cmkd/reports/compare.h"
#include "compare_parts.h"

namespace cmkd::reports {

namespace {

using nlohmann::json;

json parsed_object(const std::string& text) {
  try {
    json value = text.empty() ? json::object() : json::parse(text);
    if (value.is_object()) return value;
  } catch (const json::exception&) {
  }
  throw Error(ErrorKind::kData, {.what = "a stored configuration is no JSON object: " + text.substr(0, 60),
                                 .fix = "restore a copy of the store"});
}

void flatten(const json& value, const std::string& path, std::map<std::string, std::string>& into) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [name, inner] : value.items()) flatten(inner, path.empty() ? name : path + "." + name, into);
    return;
  }
  if (path.empty()) return;
  into[path] =
      value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::map<std::string, std::string> flat_json(const std::string& text) {
  std::map<std::string, std::string> values;
  flatten(parsed_object(text), "", values);
  return values;
}

std::vector<ValueDifference> map_differences(const std::map<std::string, std::string>& a,
                                             const std::map<std::string, std::string>& b) {
  std::map<std::string, ValueDifference> found;
  const auto text = [](const std::map<std::string, std::string>& values, const std::string& name) {
    const auto value = values.find(name);
    return value == values.end() ? std::string(kNoValue) : value->second.empty() ? "''" : value->second;
  };
  for (const auto* side : {&a, &b}) {
    for (const auto& [name, value] : *side) {
      const ValueDifference difference{name, text(a, name), text(b, name)};
      if (difference.a != difference.b) found.emplace(name, difference);
    }
  }
  std::vector<ValueDifference> differences;
  for (auto& [name, difference] : found) differences.push_back(std::move(difference));
  return differences;
}

std::vector<ValueDifference> json_differences(const std::string& a, const std::string& b) {
  return map_differences(flat_json(a), flat_json(b));
}

void DifferenceCollector::add(const std::vector<ValueDifference>& differences) {
  for (const ValueDifference& one : differences) {
    auto& [a, b] = values_[one.name];
    a.insert(one.a);
    b.insert(one.b);
  }
}

std::vector<ValueDifference> DifferenceCollector::take() const {
  constexpr std::size_t kShown = 3;
  const auto text = [](const std::set<std::string>& values) {
    std::vector<std::string> shown(values.begin(), values.end());
    if (shown.size() > kShown) {
      const std::size_t more = shown.size() - kShown;
      shown.resize(kShown);
      shown.push_back("and " + std::to_string(more) + " more");
    }
    return join(shown);
  };
  std::vector<ValueDifference> result;
  for (const auto& [name, sides] : values_) result.push_back({name, text(sides.first), text(sides.second)});
  return result;
}

}  // namespace cmkd::reports
