// P-values of one table of counts, and of several tests together. Pure functions, safe from any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cmkd::reports {

// Holm's step-down correction (Scandinavian Journal of Statistics 6, 1979): of the ascending p, max over those up to it
// of (m − k) p_k, k from 0, at most 1. In the order of the input. Requires each in [0, 1].
[[nodiscard]] std::vector<double> holm_adjusted(std::span<const double> p);

// Exact two-sided McNemar test of the clips on which exactly one of two methods is right: 2 P(Bin(n, ½) ≤ min), at most
// 1; 1 where there is no such clip. Requires counts of at least 0.
[[nodiscard]] double mcnemar_exact_p(std::int64_t only_first_right, std::int64_t only_second_right);

}  // namespace cmkd::reports
