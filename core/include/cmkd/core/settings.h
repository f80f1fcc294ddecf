// A table that binds the names of settings to the fields of a struct: name, field, range, doc and unit of each. The
// default of a setting is what a default-constructed struct holds, and stands nowhere else.
//
//   const SettingTable<Window> table{{"frames", &Window::frames, 1, 1024, "frames of a window"},
//                                    {"flip", &Window::flip, "mirror at random"}};
//
// By name, a field is a ParameterValue: bool; integers; double; std::string; an enum with names (named_enum.h) as the
// text of its name. A table is immutable once made, and so thread-safe.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cmkd/core/named_enum.h"
#include "cmkd/core/parameters.h"

namespace cmkd {

template <typename Value>
[[nodiscard]] ParameterValue to_parameter(const Value& value) {
  if constexpr (NamedEnum<Value>) {
    return std::string(to_string(value));
  } else if constexpr (std::integral<Value> && !std::same_as<Value, bool>) {
    return static_cast<std::int64_t>(value);
  } else {
    return value;
  }
}

// `value` is of the type that to_parameter gives, and in the field's range.
template <typename Value>
[[nodiscard]] Value from_parameter(const ParameterValue& value) {
  if constexpr (NamedEnum<Value>) {
    return parse_named<Value>(std::get<std::string>(value), "value");
  } else if constexpr (std::integral<Value> && !std::same_as<Value, bool>) {
    return static_cast<Value>(std::get<std::int64_t>(value));
  } else {
    return std::get<Value>(value);
  }
}

// One line of a table. `Owner` is the struct or a base of it.
template <typename Struct>
struct Setting {
  ParameterSpec spec;
  std::function<ParameterValue(const Struct&)> get;
  std::function<void(Struct&, const ParameterValue&)> assign;

  // A flag, a text, or one of an enum's names.
  template <typename Owner, typename Value>
  requires std::derived_from<Struct, Owner> Setting(const std::string& name, Value Owner::*field,
                                                    const std::string& doc)
      : Setting(field) {
    if constexpr (NamedEnum<Value>) {
      spec = ParameterSpec::choice(name, to_string(Struct{}.*field), names_of<Value>(), doc);
    } else if constexpr (std::same_as<Value, bool>) {
      spec = ParameterSpec::boolean(name, Struct{}.*field, doc);
    } else {
      static_assert(std::same_as<Value, std::string>, "a number needs its range");
      spec = ParameterSpec::text(name, Struct{}.*field, doc);
    }
  }

  // An integer or a number from `minimum` to `maximum`, both allowed.
  template <typename Owner, typename Value>
  requires std::derived_from<Struct, Owner> Setting(const std::string& name, Value Owner::*field, double minimum,
                                                    double maximum, const std::string& doc,
                                                    const std::string& unit = "")
      : Setting(field) {
    if constexpr (std::same_as<Value, double>) {
      spec = ParameterSpec::number(name, Struct{}.*field, minimum, maximum, doc, unit);
    } else {
      static_assert(std::integral<Value> && !std::same_as<Value, bool>, "only a number has a range");
      spec = ParameterSpec::integer(name, Struct{}.*field, minimum, maximum, doc, unit);
    }
  }

 private:
  template <typename Owner, typename Value>
  explicit Setting(Value Owner::*field)
      : get([field](const Struct& from) { return to_parameter(from.*field); }),
        assign([field](Struct& to, const ParameterValue& value) { to.*field = from_parameter<Value>(value); }) {}
};

template <typename Struct>
class SettingTable {
 public:
  // Throws Error(kInternal) for a name that stands twice and a default out of its range.
  SettingTable(std::initializer_list<Setting<Struct>> settings) : settings_(settings) {
    for (const Setting<Struct>& setting : settings_) specs_.push_back(setting.spec);
    (void)Parameters(specs_);
  }

  [[nodiscard]] const std::vector<ParameterSpec>& specs() const noexcept { return specs_; }

  // Checks and throws as Parameters::set does.
  void set(Struct& values, std::string_view name, const ParameterValue& value, const std::string& where = "") const {
    const CheckedParameter checked = check_parameter(specs_, name, value, where);
    settings_[checked.index].assign(values, checked.value);
  }

  [[nodiscard]] ParameterValues values(const Struct& of) const {
    ParameterValues values;
    for (const Setting<Struct>& setting : settings_) values.emplace(setting.spec.name, setting.get(of));
    return values;
  }

 private:
  std::vector<Setting<Struct>> settings_;
  std::vector<ParameterSpec> specs_;  // in the order of settings_
};

}  // namespace cmkd
