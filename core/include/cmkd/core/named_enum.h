// Enums whose values have a name in files: one table of names each, from which text is written and read.
//
//   enum class Schedule { kCosine, kConstant };
//   constexpr auto enum_names(Schedule) noexcept {
//     return std::to_array<EnumName<Schedule>>({{Schedule::kCosine, "cosine"}, {Schedule::kConstant, "constant"}});
//   }
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cmkd/core/error.h"

namespace cmkd {

template <typename Enum>
struct EnumName {
  Enum value;
  const char* name;
};

template <typename Enum>
concept NamedEnum = std::is_enum_v<Enum> && requires(Enum value) {
  enum_names(value);
};

template <NamedEnum Enum>
[[nodiscard]] constexpr const char* to_string(Enum value) noexcept {
  for (const EnumName<Enum>& known : enum_names(value)) {
    if (known.value == value) return known.name;
  }
  return "?";
}

// In the order of the table.
template <NamedEnum Enum>
[[nodiscard]] std::vector<std::string> names_of() {
  std::vector<std::string> names;
  for (const EnumName<Enum>& known : enum_names(Enum{})) names.emplace_back(known.name);
  return names;
}

template <NamedEnum Enum>
[[nodiscard]] constexpr std::optional<Enum> find_named(std::string_view name) noexcept {
  for (const EnumName<Enum>& known : enum_names(Enum{})) {
    if (name == known.name) return known.value;
  }
  return std::nullopt;
}

// `what` is what a name names: "task". Throws Error(kUsage) with the names and a suggestion.
template <NamedEnum Enum>
[[nodiscard]] Enum parse_named(std::string_view name, const std::string& what, const std::string& where = "") {
  if (const std::optional<Enum> found = find_named<Enum>(name)) return *found;
  const std::vector<std::string> names = names_of<Enum>();
  throw Error(ErrorKind::kUsage,
              {"unknown " + what + " '" + std::string(name) + "'", where, join(names), did_you_mean(name, names)});
}

}  // namespace cmkd
