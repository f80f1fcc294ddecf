#include <ATen/ATen.h>

#include "cmkd/methods/mnf_csc.h"

namespace cmkd {

namespace {

at::Tensor masked_mean(const at::Tensor& values, const at::Tensor& mask) {
  return (values * mask).sum() / mask.sum().clamp_min(1);
}

}  // namespace

Calibration calibrate(const at::Tensor& student, const at::Tensor& filtered, const at::Tensor& similarity,
                      const at::Tensor& labels, const CalibrationOptions& options) {
  Calibration result;
  if (student.size(0) == 0) {  // every clip of the batch has left the term
    const at::Tensor none = zero_of(student.detach());
    return {zero_of(student) + zero_of(filtered), none, none, none};
  }
  at::Tensor tau = options.adaptive ? similarity.detach() + options.threshold
                                    : at::full_like(similarity.detach(), options.threshold);
  result.clamped_share = zero_of(tau);
  if (options.tau_floor > 0) {
    result.clamped_share = tau.lt(options.tau_floor).to(tau.scalar_type()).mean();
    tau = tau.clamp_min(options.tau_floor);
  }
  const at::Tensor positive = same_label(labels, tau);
  result.tau_positive = masked_mean(tau, positive);
  result.tau_negative = masked_mean(tau, 1 - positive);

  const at::Tensor probability = at::softmax(cosine_matrix(student, filtered) / tau, 1);
  const at::Tensor negative_log = -(probability + 1e-10).log();
  result.loss = ((negative_log * positive).sum(1) / positive.sum(1)).mean();
  return result;
}

}  // namespace cmkd
