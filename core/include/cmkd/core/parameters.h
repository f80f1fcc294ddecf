// Typed, documented parameters: declared once beside the code that uses them, then read from suite files, `--set`,
// checked for type and range, shown by `describe`, and written canonically into keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cmkd {

using ParameterValue = std::variant<bool, std::int64_t, double, std::string>;
using ParameterValues = std::map<std::string, ParameterValue>;

enum class ParameterType { kBool, kInteger, kNumber, kText, kChoice };

struct ParameterSpec {
  std::string name;
  ParameterType type = ParameterType::kNumber;
  ParameterValue default_value;
  std::string doc;                                            // one sentence
  std::string unit;                                           // "", "s", "dB", "epochs"
  double minimum = -std::numeric_limits<double>::infinity();  // inclusive
  double maximum = std::numeric_limits<double>::infinity();   // inclusive
  std::vector<std::string> choices;                           // kChoice only

  [[nodiscard]] static ParameterSpec number(std::string name, double default_value, double minimum, double maximum,
                                            std::string doc, std::string unit = "");
  [[nodiscard]] static ParameterSpec integer(std::string name, std::int64_t default_value, double minimum,
                                             double maximum, std::string doc, std::string unit = "");
  [[nodiscard]] static ParameterSpec boolean(std::string name, bool default_value, std::string doc);
  [[nodiscard]] static ParameterSpec choice(std::string name, std::string default_value,
                                            std::vector<std::string> choices, std::string doc);
  [[nodiscard]] static ParameterSpec text(std::string name, std::string default_value, std::string doc);

  // "number in [0, 1]", "one of: last, both"
  [[nodiscard]] std::string allowed() const;
};

// The canonical text of a value: shortest text that reads back to the same value; booleans as true and false.
[[nodiscard]] std::string to_text(const ParameterValue& value);

// A value for one of the declared parameters, in the type that its declaration wants.
struct CheckedParameter {
  std::size_t index = 0;  // of the declaration
  ParameterValue value;
};
// Throws Error(kUsage) for an unknown name (with a suggestion), a wrong type or a value out of range. An integer is
// accepted where a number is wanted.
[[nodiscard]] CheckedParameter check_parameter(const std::vector<ParameterSpec>& specs, std::string_view name,
                                               const ParameterValue& value, const std::string& where = "");

// The values of one owner's declared parameters, defaults included. Ordered by name.
class Parameters {
 public:
  Parameters() = default;
  explicit Parameters(std::vector<ParameterSpec> specs);

  // Throws as check_parameter.
  void set(std::string_view name, const ParameterValue& value, const std::string& where = "");

  [[nodiscard]] double number(std::string_view name) const;
  [[nodiscard]] std::int64_t integer(std::string_view name) const;
  [[nodiscard]] bool boolean(std::string_view name) const;
  [[nodiscard]] const std::string& text(std::string_view name) const;  // also of kChoice

  [[nodiscard]] const std::vector<ParameterSpec>& specs() const noexcept { return specs_; }
  [[nodiscard]] const ParameterValues& values() const noexcept { return values_; }

 private:
  [[nodiscard]] const ParameterValue& get(std::string_view name) const;

  std::vector<ParameterSpec> specs_;
  ParameterValues values_;
};

}  // namespace cmkd
