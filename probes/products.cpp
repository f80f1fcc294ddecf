#include "products.h"

#include <algorithm>

#include "cmkd/core/parallel.h"

namespace cmkd::probes {

namespace {

constexpr std::int64_t kRowsTogether = 8;  // rows that share one pass over the other matrix

// The loop that a compiler turns into vector instructions without reordering any sum.
inline void add_multiple(double* __restrict out, double factor, const double* __restrict row, std::int64_t columns) {
  for (std::int64_t c = 0; c < columns; ++c) out[c] += factor * row[c];
}

}  // namespace

void add_product(const float* x, std::int64_t rows, std::int64_t width, const double* b, std::int64_t columns,
                 double* out) {
  for (std::int64_t first = 0; first < rows; first += kRowsTogether) {
    const std::int64_t end = std::min(rows, first + kRowsTogether);
    for (std::int64_t j = 0; j < width; ++j) {
      for (std::int64_t r = first; r < end; ++r) {
        add_multiple(out + r * columns, x[r * width + j], b + j * columns, columns);
      }
    }
  }
}

void add_transposed_product(const float* x, std::int64_t rows, std::int64_t width, const double* d,
                            std::int64_t columns, double* out) {
  for (std::int64_t first = 0; first < rows; first += kRowsTogether) {
    const std::int64_t end = std::min(rows, first + kRowsTogether);
    for (std::int64_t j = 0; j < width; ++j) {
      for (std::int64_t r = first; r < end; ++r) {
        add_multiple(out + j * columns, x[r * width + j], d + r * columns, columns);
      }
    }
  }
}

std::vector<double> affine(const float* x, std::int64_t rows, std::int64_t width, const std::vector<double>& b,
                           const std::vector<double>& biases, int threads) {
  constexpr std::int64_t kRowsOfPart = 256;
  const auto columns = static_cast<std::int64_t>(biases.size());
  std::vector<double> out(static_cast<std::size_t>(rows * columns));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = biases[i % biases.size()];
  for_each_in_parallel((rows + kRowsOfPart - 1) / kRowsOfPart, threads, [&](std::int64_t part) {
    const std::int64_t first = part * kRowsOfPart;
    add_product(x + first * width, std::min(kRowsOfPart, rows - first), width, b.data(), columns,
                out.data() + first * columns);
  });
  return out;
}

}  // namespace cmkd::probes
