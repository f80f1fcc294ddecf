// All resamples, or draws of them.
#include <algorithm>
#include <cmath>

#include "cmkd/core/hash.h"
#include "cmkd/core/random.h"
#include "cmkd/reports/statistics/bootstrap.h"
#include "draws.h"
#include "requirement.h"

namespace cmkd::reports {

namespace {

// A multiset of a stratum's members, and its share of the n^n sequences.
struct WeightedMultiset {
  std::vector<std::uint32_t> indices;  // ascending
  double weight;
};

// n! / Π c! / n^n
double multiset_weight(const std::vector<std::uint32_t>& indices) {
  const auto n = static_cast<double>(indices.size());
  double weight = 1;
  std::size_t run = 0;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    run = i > 0 && indices[i] == indices[i - 1] ? run + 1 : 1;
    weight *= static_cast<double>(i + 1) / (n * static_cast<double>(run));
  }
  return weight;
}

std::vector<WeightedMultiset> all_multisets(std::size_t size) {
  std::vector<WeightedMultiset> all;
  std::vector<std::uint32_t> indices(size, 0);
  const auto last = static_cast<std::uint32_t>(size - 1);
  while (true) {
    all.push_back({indices, multiset_weight(indices)});
    std::size_t place = size;
    while (place > 0 && indices[place - 1] == last) --place;
    if (place == 0) return all;
    const std::uint32_t next = indices[place - 1] + 1;
    std::fill(indices.begin() + static_cast<std::ptrdiff_t>(place - 1), indices.end(), next);
  }
}

// Π C(2n − 1, n), or infinity beyond `limit`.
double number_of_resamples(std::span<const std::size_t> sizes, double limit) {
  double product = 1;
  for (const std::size_t size : sizes) {
    for (std::size_t i = 1; i < size; ++i) {
      product *= static_cast<double>(size + i) / static_cast<double>(i);
      if (product > 2 * limit * static_cast<double>(size + i)) return INFINITY;
    }
  }
  return std::round(product);
}

void visit_all(std::span<const std::size_t> sizes, const ResampleVisitor& visit) {
  std::vector<std::vector<WeightedMultiset>> strata;
  for (const std::size_t size : sizes) strata.push_back(all_multisets(size));
  std::vector<std::size_t> position(sizes.size(), 0);
  std::vector<std::vector<std::uint32_t>> indices;
  for (const auto& stratum : strata) indices.push_back(stratum.front().indices);
  while (true) {
    double weight = 1;
    for (std::size_t i = 0; i < strata.size(); ++i) weight *= strata[i][position[i]].weight;
    visit(indices, weight);
    std::size_t moving = 0;
    while (moving < strata.size() && position[moving] + 1 == strata[moving].size()) {
      position[moving] = 0;
      indices[moving] = strata[moving].front().indices;
      ++moving;
    }
    if (moving == strata.size()) return;
    indices[moving] = strata[moving][++position[moving]].indices;
  }
}

}  // namespace

std::uint32_t draw_below(RandomStream& stream, std::uint32_t bound) {
  const std::uint32_t threshold = -bound % bound;
  while (true) {
    const std::uint64_t product = std::uint64_t{stream.next_u32()} * bound;
    if (static_cast<std::uint32_t>(product) >= threshold) return static_cast<std::uint32_t>(product >> 32);
  }
}

bool for_each_resample(std::span<const std::size_t> sizes, const BootstrapPlan& plan, std::uint64_t key,
                       const ResampleVisitor& visit) {
  require_statistic(!sizes.empty() && plan.draws >= 1, "a bootstrap of nothing");
  for (const std::size_t size : sizes) require_statistic(size >= 1, "a bootstrap of a block without seeds");
  const auto limit = static_cast<double>(plan.exact_up_to);
  if (number_of_resamples(sizes, limit) <= limit) {
    visit_all(sizes, visit);
    return true;
  }
  RandomStream stream(key);
  std::vector<std::vector<std::uint32_t>> indices;
  for (const std::size_t size : sizes) indices.emplace_back(size);
  const double weight = 1 / static_cast<double>(plan.draws);
  for (std::int64_t draw = 0; draw < plan.draws; ++draw) {
    for (std::vector<std::uint32_t>& stratum : indices) {
      const auto size = static_cast<std::uint32_t>(stratum.size());
      for (std::uint32_t& index : stratum) index = draw_below(stream, size);
    }
    visit(indices, weight);
  }
  return false;
}

std::uint64_t content_key(std::string_view purpose, const Blocks& values) {
  std::uint64_t key = hash64(purpose);
  for (const std::vector<double>& block : values) {
    std::vector<double> canonical = block;
    for (double& value : canonical) value = value == 0 ? 0 : value;  // −0 equals 0 and has other bytes
    key = hash64(std::as_bytes(std::span<const double>(canonical)), key);
  }
  return key;
}

}  // namespace cmkd::reports
