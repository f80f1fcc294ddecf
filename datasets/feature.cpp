#include "feature.h"

#include <ATen/Functions.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cmkd/core/error.h"
#include "cmkd/weights/weight_file.h"

namespace cmkd {

using media::Failure;
using media::FailureReason;

media::Outcome<std::vector<float>> read_feature(const std::filesystem::path& path, std::int64_t values) {
  if (path.empty()) return Failure{FailureReason::kNotFound, "the clip has no feature"};
  if (!std::filesystem::is_regular_file(path)) return Failure{FailureReason::kNotFound, path.string()};
  TensorMap tensors;
  try {
    tensors = read_weight_file(path).tensors;
  } catch (const Error& error) {
    return Failure{FailureReason::kNothingDecodable, fmt::format("{}: {}", error.parts().where, error.parts().what)};
  }
  if (tensors.size() != 1) {
    return Failure{FailureReason::kNothingDecodable,
                   fmt::format("{}: {} arrays, where a feature is one", path.string(), tensors.size())};
  }
  const at::Tensor& array = tensors.begin()->second;
  if (array.numel() != values || array.is_complex()) {
    return Failure{FailureReason::kNothingDecodable,
                   fmt::format("{}: an array of [{}], and ingest.feature_values = {}", path.string(),
                               fmt::join(array.sizes(), ", "), values)};
  }
  const at::Tensor flat = array.to(at::kFloat).contiguous().view({-1});
  if (!at::isfinite(flat).all().item<bool>()) {
    return Failure{FailureReason::kNothingDecodable, fmt::format("{}: a value is not finite", path.string())};
  }
  const auto* first = flat.const_data_ptr<float>();
  return std::vector<float>(first, first + values);
}

}  // namespace cmkd
