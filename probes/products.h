// Products of row-major matrices whose every sum runs in one fixed order, so that they are the same bytes on every
// number of threads. Single precision in, double precision sums.
#pragma once

#include <cstdint>
#include <vector>

namespace cmkd::probes {

// out[r, c] += Σ_j x[r, j] · b[j, c]; x is [rows, width], b [width, columns], out [rows, columns].
void add_product(const float* x, std::int64_t rows, std::int64_t width, const double* b, std::int64_t columns,
                 double* out);

// out[j, c] += Σ_r x[r, j] · d[r, c]; x is [rows, width], d [rows, columns], out [width, columns].
void add_transposed_product(const float* x, std::int64_t rows, std::int64_t width, const double* d,
                            std::int64_t columns, double* out);

// [rows, columns]: x · b + biases[c], on up to `threads` threads.
[[nodiscard]] std::vector<double> affine(const float* x, std::int64_t rows, std::int64_t width,
                                         const std::vector<double>& b, const std::vector<double>& biases, int threads);

}  // namespace cmkd::probes
