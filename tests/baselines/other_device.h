// A device that a machine without one has: its tensors lie in the host's memory, and each operator computes on the CPU,
// but to LibTorch they are another device's. What would go wrong on a GPU goes wrong here: an operator of two devices,
// a value that the host reads within a step, an address that the host follows.
#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

namespace cmkd::test {

// Of a type that LibTorch knows and brings no kernels for. Linking other_device.cpp registers it. Random operators draw
// from the CPU's generator, as many numbers in the same order as they would there.
inline const c10::Device kOtherDevice(c10::kHPU, 0);

// False in a build of LibTorch for a real one, beside which it cannot be.
[[nodiscard]] bool has_other_device();

// What passed between host and device, by the operator that made it pass, with sizes: "aten::_local_scalar_dense []".
struct Traffic {
  std::vector<std::string> read;       // values to the host: the device has to finish before the host goes on
  std::vector<std::string> from_host;  // copies to the device, of a number as of an array
};

// Since the last reset, of all threads: a backward pass on a device has its own.
[[nodiscard]] Traffic traffic();
void reset_traffic();

}  // namespace cmkd::test
