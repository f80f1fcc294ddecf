// A failure that belongs to a run.
#pragma once

#include <stdexcept>

namespace cmkd {

// It becomes a row with this reason; the other runs go on.
class TrainingFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace cmkd
