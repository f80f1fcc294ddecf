// In which numbers a training step computes.
#pragma once

#include <c10/core/Device.h>

#include <array>

#include "cmkd/core/named_enum.h"

namespace cmkd {

enum class Precision {
  kFloat32,
  kTf32,  // of CUDA devices: products of float32 matrices and convolutions in TF32
  kBf16,  // of CUDA devices: autocast, matrix products and convolutions in bfloat16, the rest where LibTorch holds it
          // safe
};
constexpr auto enum_names(Precision) noexcept {
  return std::to_array<EnumName<Precision>>(
      {{Precision::kFloat32, "float32"}, {Precision::kTf32, "tf32"}, {Precision::kBf16, "bf16"}});
}

// Throws Error(kUsage) where the device has no such numbers, or is known to compute wrongly with them; `setting` is the
// one to be mended.
void require_precision(Precision precision, c10::Device device, const char* setting);

// For forward passes and losses: what LibTorch computes within, it computes under autocast where `precision` says so.
// For the calling thread. The backward pass stays outside: it follows the types of the forward pass.
class ScopedAutocast {
 public:
  ScopedAutocast(Precision precision, c10::Device device);
  ~ScopedAutocast();
  ScopedAutocast(const ScopedAutocast&) = delete;
  ScopedAutocast& operator=(const ScopedAutocast&) = delete;

 private:
  bool active_;
  c10::Device device_;
};

// Of CUDA devices, for the process.
void allow_tf32(bool allowed);

// For forward and backward passes: TF32 is allowed within where `precision` says so, and nowhere else. For the process.
class ScopedTf32 {
 public:
  explicit ScopedTf32(Precision precision);
  ~ScopedTf32();
  ScopedTf32(const ScopedTf32&) = delete;
  ScopedTf32& operator=(const ScopedTf32&) = delete;

 private:
  bool active_;
};

}  // namespace cmkd
