// What a comparison with a vector file showed.
#pragma once

#include <string>
#include <vector>

namespace cmkd {

struct VectorCheck {
  // Largest relative error over everything that the file expects; the check says relative to what.
  double error = 0;
  std::string worst;                      // where it stands: "layer3", "retrieval.map"
  std::string problem;                    // a difference that is no number: a missing name, another size; "" when none
  std::vector<std::string> compared;      // names; empty where a check has none
  std::vector<std::string> not_compared;  // computed here, but the file expects no value for it
};

}  // namespace cmkd
