// Numbers that are computed once: looked up by a hash of what they follow from, else computed and kept.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cmkd/core/hash.h"
#include "cmkd/reports/statistics/bootstrap.h"
#include "cmkd/results/number_cache.h"

namespace cmkd::reports {

// Begins a key. The version is that of the code behind all kinds of numbers: another draws or counts otherwise.
[[nodiscard]] inline Hasher memo_key(std::string_view kind) {
  Hasher hasher;
  hasher.field("1").field(kind);
  return hasher;
}

inline void add_values(Hasher& key, const Blocks& blocks) {
  key.field(static_cast<std::int64_t>(blocks.size()));
  for (const std::vector<double>& block : blocks) {
    key.field(static_cast<std::int64_t>(block.size()));
    key.update(std::as_bytes(std::span<const double>(block)));
  }
}

// `compute` gives `count` numbers; what is kept in another number is not ours.
template <typename Compute>
[[nodiscard]] std::vector<double> remembered(results::NumberCache* numbers, const Hasher& key, std::size_t count,
                                             Compute compute) {
  if (numbers == nullptr) return compute();
  const std::string name = key.hex();
  if (auto found = numbers->find(name); found && found->size() == count) return std::move(*found);
  std::vector<double> computed = compute();
  numbers->put(name, computed);
  return computed;
}

}  // namespace cmkd::reports
