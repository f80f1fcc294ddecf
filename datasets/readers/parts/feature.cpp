#include "feature.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cmkd/core/error.h"
#include "cmkd/media/audio.h"
#include "cmkd/weights/weight_file.h"

namespace cmkd {

using media::Failure;
using media::FailureReason;

media::Outcome<at::Tensor> read_feature_array(const std::filesystem::path& path) {
  if (path.empty()) return Failure{FailureReason::kNotFound, "the clip has no feature"};
  if (!std::filesystem::is_regular_file(path)) return Failure{FailureReason::kNotFound, path.string()};
  TensorMap tensors;
  try {
    tensors = read_weight_file(path).tensors;
  } catch (const Error& error) {
    return Failure{FailureReason::kNothingDecodable, fmt::format("{}: {}", error.parts().where, error.parts().what)};
  }
  const auto fail = [&](const std::string& why) {
    return Failure{FailureReason::kNothingDecodable, fmt::format("{}: {}", path.string(), why)};
  };
  if (tensors.size() != 1) return fail(fmt::format("{} arrays, where a feature is one", tensors.size()));
  const at::Tensor& array = tensors.begin()->second;
  if (array.is_complex()) return fail("complex values");
  at::Tensor values = array.to(at::kFloat).contiguous();
  // A value that is no number compares as false.
  const auto unusable = (values.abs() <= media::kLargestSample).logical_not().sum().item<std::int64_t>();
  if (unusable > 0) {
    return Failure{FailureReason::kUnusableSamples,
                   fmt::format("{}: {} of {} values are not finite or beyond {:.0f}", path.string(), unusable,
                               values.numel(), media::kLargestSample)};
  }
  return values;
}

media::Outcome<std::vector<float>> read_feature(const std::filesystem::path& path, std::int64_t values) {
  const media::Outcome<at::Tensor> array = read_feature_array(path);
  if (!array) return array.failure();
  const at::Tensor& feature = array.value();
  if (feature.numel() != values) {
    return Failure{FailureReason::kNothingDecodable,
                   fmt::format("{}: an array of [{}], and ingest.feature_values = {}", path.string(),
                               fmt::join(feature.sizes(), ", "), values)};
  }
  const auto* first = feature.const_data_ptr<float>();
  return std::vector<float>(first, first + values);
}

}  // namespace cmkd
