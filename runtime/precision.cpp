#include "cmkd/runtime/precision.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>

#include "cmkd/core/error.h"

namespace cmkd {

void allow_tf32(bool allowed) {
  at::globalContext().setAllowTF32CuDNN(allowed);
  at::globalContext().setAllowTF32CuBLAS(allowed);
}

void require_precision(Precision precision, c10::Device device, const char* setting) {
  if (precision == Precision::kFloat32 || device.is_cuda()) return;
  const bool tf32 = precision == Precision::kTf32;
  // Seen with LibTorch 2.13: weight gradients of a convolution over two frames with a kernel of three are NaN, or
  // finite and wrong.
  throw Error(ErrorKind::kUsage, {.what = tf32 ? "device '" + device.str() + "' has no TF32"
                                               : "LibTorch's gradients of bfloat16 convolutions are wrong on device '" +
                                                     device.str() + "' at some shapes",
                                  .where = std::string(setting) + (tf32 ? " = \"tf32\"" : " = \"bf16\""),
                                  .allowed = "float32; tf32 and bf16 with --device cuda"});
}

ScopedAutocast::ScopedAutocast(Precision precision, c10::Device device)
    : active_(precision == Precision::kBf16), device_(device) {
  if (!active_) return;
  at::autocast::set_autocast_enabled(device_.type(), true);
  at::autocast::set_autocast_dtype(device_.type(), at::kBFloat16);
  at::autocast::increment_nesting();
}

ScopedAutocast::~ScopedAutocast() {
  if (!active_) return;
  // Weights are kept in bfloat16 within a scope, and no longer: the optimiser changes them.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_.type(), false);
}

ScopedTf32::ScopedTf32(Precision precision) : active_(precision == Precision::kTf32) {
  if (active_) allow_tf32(true);
}

ScopedTf32::~ScopedTf32() {
  if (active_) allow_tf32(false);
}

}  // namespace cmkd
