// A store that an older cmkd wrote, read before it was brought up to date.
#pragma once

#include <utility>

#include "cmkd/core/error.h"

namespace cmkd::results {

// Of kind kData. Opening the store for writing brings it up to date.
class OlderStore : public Error {
 public:
  explicit OlderStore(ErrorParts parts) : Error(ErrorKind::kData, std::move(parts)) {}
};

}  // namespace cmkd::results
