// `cmkd datasets check` in words and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cmkd/readers/check.h"

namespace cmkd::apps {

[[nodiscard]] nlohmann::json check_json(const DatasetCheck& check);
[[nodiscard]] std::string check_text(const DatasetCheck& check);

}  // namespace cmkd::apps
