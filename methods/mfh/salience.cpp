#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "cmkd/methods/mfh.h"

namespace cmkd {

at::Tensor permutation_salience(const EmbeddingClassifier& classify, const at::Tensor& embedding,
                                const at::Tensor& student, const at::Tensor& order) {
  const std::int64_t clips = embedding.size(0);
  const std::int64_t width = embedding.size(1);
  const at::Tensor permuted = embedding.index_select(0, order);
  constexpr std::int64_t kValuesAtOnce = std::int64_t{1} << 22;
  const std::int64_t at_once = std::clamp<std::int64_t>(kValuesAtOnce / (clips * width), 1, width);
  std::vector<at::Tensor> parts;
  for (std::int64_t first = 0; first < width; first += at_once) {
    const std::int64_t count = std::min(at_once, width - first);
    // [count, 1, D]: true at the dimension that is permuted.
    const at::Tensor chosen = at::arange(width, order.options())
                                  .unsqueeze(0)
                                  .eq(at::arange(first, first + count, order.options()).unsqueeze(1))
                                  .unsqueeze(1);
    const at::Tensor changed = at::where(chosen, permuted, embedding);  // [count, B, D]
    const at::Tensor logits = classify(changed.flatten(0, 1)).unflatten(0, {count, clips});
    parts.push_back((logits - student).square().to(at::kDouble).mean(2).sum(1));
  }
  return at::cat(parts);
}

at::Tensor scaled_salience(const at::Tensor& salience) {
  const at::Tensor least = salience.min();
  const at::Tensor range = salience.max() - least;
  return (salience - least) / range.masked_fill(range == 0, 1);
}

at::Tensor replaced_dimensions(const at::Tensor& salience, double ratio, TaughtShare taught, const at::Tensor& order) {
  const std::int64_t width = salience.size(0);
  const auto count = static_cast<std::int64_t>(ratio * static_cast<double>(width));
  at::Tensor first = order;
  if (taught != TaughtShare::kRandom) {
    const bool descending = taught == TaughtShare::kLeastGeneral;
    first = std::get<1>(salience.sort(/*stable=*/true, 0, descending));
  }
  const at::Tensor replaced = at::zeros({width}, salience.options().dtype(at::kBool));
  return replaced.index_fill(0, first.narrow(0, 0, count), true);
}

at::Tensor with_batch_means(const at::Tensor& embedding, const at::Tensor& replaced) {
  return at::where(replaced, embedding.mean(0, /*keepdim=*/true), embedding);
}

}  // namespace cmkd
