#include "cmkd/core/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "cmkd/core/error.h"

namespace cmkd {

namespace {

std::string bounds(double minimum, double maximum) {
  const bool low = std::isfinite(minimum);
  const bool high = std::isfinite(maximum);
  if (low && high) return fmt::format(" in [{}, {}]", minimum, maximum);
  if (low) return fmt::format(" >= {}", minimum);
  if (high) return fmt::format(" <= {}", maximum);
  return "";
}

// The value in the type that the spec wants, or nothing.
std::optional<ParameterValue> convert(const ParameterSpec& spec, const ParameterValue& value) {
  const auto in_range = [&](double number) { return number >= spec.minimum && number <= spec.maximum; };
  switch (spec.type) {
    case ParameterType::kBool:
      if (std::holds_alternative<bool>(value)) return value;
      break;
    case ParameterType::kInteger:
      if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        if (in_range(static_cast<double>(*integer))) return value;
      }
      break;
    case ParameterType::kNumber:
      if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        if (in_range(static_cast<double>(*integer))) return static_cast<double>(*integer);
      }
      if (const auto* number = std::get_if<double>(&value)) {
        if (std::isfinite(*number) && in_range(*number)) return value;
      }
      break;
    case ParameterType::kText:
      if (std::holds_alternative<std::string>(value)) return value;
      break;
    case ParameterType::kChoice:
      if (const auto* text = std::get_if<std::string>(&value)) {
        if (std::ranges::find(spec.choices, *text) != spec.choices.end()) return value;
      }
      break;
  }
  return std::nullopt;
}

}  // namespace

ParameterSpec ParameterSpec::number(std::string name, double default_value, double minimum, double maximum,
                                    std::string doc, std::string unit) {
  return {
      std::move(name), ParameterType::kNumber, default_value, std::move(doc), std::move(unit), minimum, maximum, {}};
}

ParameterSpec ParameterSpec::integer(std::string name, std::int64_t default_value, double minimum, double maximum,
                                     std::string doc, std::string unit) {
  return {
      std::move(name), ParameterType::kInteger, default_value, std::move(doc), std::move(unit), minimum, maximum, {}};
}

ParameterSpec ParameterSpec::boolean(std::string name, bool default_value, std::string doc) {
  ParameterSpec spec;
  spec.name = std::move(name);
  spec.type = ParameterType::kBool;
  spec.default_value = default_value;
  spec.doc = std::move(doc);
  return spec;
}

ParameterSpec ParameterSpec::choice(std::string name, std::string default_value, std::vector<std::string> choices,
                                    std::string doc) {
  ParameterSpec spec;
  spec.name = std::move(name);
  spec.type = ParameterType::kChoice;
  spec.default_value = std::move(default_value);
  spec.doc = std::move(doc);
  spec.choices = std::move(choices);
  return spec;
}

ParameterSpec ParameterSpec::text(std::string name, std::string default_value, std::string doc) {
  ParameterSpec spec;
  spec.name = std::move(name);
  spec.type = ParameterType::kText;
  spec.default_value = std::move(default_value);
  spec.doc = std::move(doc);
  return spec;
}

std::string ParameterSpec::allowed() const {
  switch (type) {
    case ParameterType::kBool:
      return "true or false";
    case ParameterType::kInteger:
      return "integer" + bounds(minimum, maximum);
    case ParameterType::kNumber:
      return "number" + bounds(minimum, maximum);
    case ParameterType::kText:
      return "text";
    case ParameterType::kChoice:
      break;
  }
  return "one of: " + join(choices);
}

std::string to_text(const ParameterValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *integer);
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  return std::get<std::string>(value);
}

CheckedParameter check_parameter(const std::vector<ParameterSpec>& specs, std::string_view name,
                                 const ParameterValue& value, const std::string& where) {
  const auto spec = std::ranges::find(specs, name, &ParameterSpec::name);
  if (spec == specs.end()) {
    std::vector<std::string> names;
    for (const ParameterSpec& known : specs) names.push_back(known.name);
    throw Error(ErrorKind::kUsage,
                {fmt::format("unknown parameter '{}'", name), where,
                 names.empty() ? "none: it has no parameters" : join(names), did_you_mean(name, names)});
  }
  std::optional<ParameterValue> converted = convert(*spec, value);
  if (!converted) {
    throw Error(ErrorKind::kUsage, {.what = fmt::format("parameter '{}' cannot be {}", name, to_text(value)),
                                    .where = where,
                                    .allowed = spec->allowed()});
  }
  return {static_cast<std::size_t>(spec - specs.begin()), std::move(*converted)};
}

Parameters::Parameters(std::vector<ParameterSpec> specs) : specs_(std::move(specs)) {
  for (const ParameterSpec& spec : specs_) {
    const std::optional<ParameterValue> value = convert(spec, spec.default_value);
    if (!value || !values_.emplace(spec.name, *value).second) {
      throw Error(ErrorKind::kInternal,
                  {.what = "bad declaration of parameter '" + spec.name + "'", .allowed = spec.allowed()});
    }
  }
}

void Parameters::set(std::string_view name, const ParameterValue& value, const std::string& where) {
  CheckedParameter checked = check_parameter(specs_, name, value, where);
  values_[specs_[checked.index].name] = std::move(checked.value);
}

const ParameterValue& Parameters::get(std::string_view name) const {
  const auto found = values_.find(std::string(name));
  if (found == values_.end()) {
    throw Error(ErrorKind::kInternal, {.what = fmt::format("parameter '{}' is read but not declared", name)});
  }
  return found->second;
}

double Parameters::number(std::string_view name) const { return std::get<double>(get(name)); }
std::int64_t Parameters::integer(std::string_view name) const { return std::get<std::int64_t>(get(name)); }
bool Parameters::boolean(std::string_view name) const { return std::get<bool>(get(name)); }
const std::string& Parameters::text(std::string_view name) const { return std::get<std::string>(get(name)); }

}  // namespace cmkd
