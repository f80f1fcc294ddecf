// One table of a suite file: its values, and where each came from.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cmkd/core/parameters.h"
#include "cmkd/suites/settings.h"

namespace cmkd {

// What every table is by name; its values are read from the two structs below.
class Section {
 public:
  virtual ~Section() = default;

  [[nodiscard]] virtual const std::vector<ParameterSpec>& specs() const = 0;
  [[nodiscard]] virtual ParameterValues by_name() const = 0;
  // Checked and refused as by check_parameter.
  virtual void set(std::string_view name, const ParameterValue& value, const std::string& where = "") = 0;

  [[nodiscard]] bool has(std::string_view name) const;
  // "default", "suites/quick.toml:12", "preset paper", "--set"
  [[nodiscard]] std::string origin(const std::string& name) const;
  void set_origin(const std::string& name, const std::string& origin) { origins_[name] = origin; }

 protected:
  Section() = default;
  Section(const Section&) = default;
  Section& operator=(const Section&) = default;

 private:
  std::map<std::string, std::string> origins_;
};

// A table of this program's own: its settings are fields.
template <typename Struct>
struct TypedSection final : Section {
  Struct values;

  [[nodiscard]] const std::vector<ParameterSpec>& specs() const override { return setting_table<Struct>().specs(); }
  [[nodiscard]] ParameterValues by_name() const override { return setting_table<Struct>().values(values); }
  void set(std::string_view name, const ParameterValue& value, const std::string& where = "") override {
    setting_table<Struct>().set(values, name, value, where);
  }
};

// A table of what a method, model or dataset declares: its values stay by name.
struct NamedSection final : Section {
  NamedSection() = default;
  explicit NamedSection(std::vector<ParameterSpec> declared) : values(std::move(declared)) {}

  Parameters values;

  [[nodiscard]] const std::vector<ParameterSpec>& specs() const override { return values.specs(); }
  [[nodiscard]] ParameterValues by_name() const override { return values.values(); }
  void set(std::string_view name, const ParameterValue& value, const std::string& where = "") override {
    values.set(name, value, where);
  }
};

}  // namespace cmkd
