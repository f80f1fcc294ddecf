#include "cmkd/methods/clip_draws.h"

#include <ATen/ATen.h>

#include <vector>

namespace cmkd {

at::Tensor draw_uniform(std::int64_t clips, double low, double high) {
  return low + (high - low) * at::rand({clips}, at::TensorOptions().dtype(at::kDouble));
}

at::Tensor for_each_clip(const at::Tensor& drawn, const at::Tensor& like) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(like.dim()), 1);
  shape.front() = drawn.size(0);
  return drawn.view(shape).to(like.options());
}

}  // namespace cmkd
