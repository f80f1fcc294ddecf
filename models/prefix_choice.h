// Which prefix of a weight file's names is not the model's: "module.", "_orig_mod.", "model.student.".
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cmkd/runtime/tensors.h"

namespace cmkd::models {

struct RankedPrefix {
  std::string prefix;      // "" or whole parts with their dots: "model.student."
  std::int64_t fits = 0;   // tensors that fit once it is removed, by name and shape
  std::int64_t names = 0;  // that the model has, of whatever shape
  std::int64_t extra = 0;  // names behind the prefix that the model has not
};

// Whether a tensor of the file would be taken under this name of the model's.
using TensorFits = std::function<bool(const std::string& name, const at::Tensor& given)>;

// Every prefix behind which a name of the model stands, and "", the best first: by most fits, most names, no mark of an
// average or a teacher ("ema", "momentum", "teacher", …), fewest extra names, fewest parts, shortest, alphabet.
// `own`: the model's names that count.
[[nodiscard]] std::vector<RankedPrefix> rank_prefixes(const TensorMap& given, const TensorMap& own,
                                                      const TensorFits& fits);

}  // namespace cmkd::models
