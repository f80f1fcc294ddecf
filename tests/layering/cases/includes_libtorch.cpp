// Compiles in runtime/, and must not in metrics/, which is free of LibTorch.
#include <ATen/core/Tensor.h>
