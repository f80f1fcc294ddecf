// `cmkd describe`: declared parameters and methods, in words and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cmkd/core/parameters.h"
#include "cmkd/methods/method.h"

namespace cmkd::apps {

[[nodiscard]] nlohmann::json specs_json(const std::vector<ParameterSpec>& specs);
[[nodiscard]] std::string specs_text(const std::vector<ParameterSpec>& specs);

[[nodiscard]] nlohmann::json method_json(const MethodInfo& info);
[[nodiscard]] std::string method_text(const MethodInfo& info);
// A page of docs/methods/, in Markdown.
[[nodiscard]] std::string method_markdown(const MethodInfo& info);

// What a role means, and how far a method is verified, in words.
[[nodiscard]] std::string role_text(MethodRole role);
[[nodiscard]] std::string verified_text(Verified verified);

}  // namespace cmkd::apps
