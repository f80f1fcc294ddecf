// A view of scores that are floats or doubles, read as doubles. Owns nothing: the values must outlive it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>

namespace cmkd::metrics {

class Scores {
 public:
  Scores() = default;
  // From a span, vector or array of float or double. Implicit: a view of the caller's values is all that it is.
  template <std::ranges::contiguous_range Range>
  requires std::ranges::sized_range<Range> && std::same_as < std::ranges::range_value_t<Range>,
  float > Scores(const Range& values) : floats_(std::ranges::data(values)), size_(std::ranges::size(values)) {}
  template <std::ranges::contiguous_range Range>
  requires std::ranges::sized_range<Range> && std::same_as < std::ranges::range_value_t<Range>,
  double > Scores(const Range& values) : doubles_(std::ranges::data(values)), size_(std::ranges::size(values)) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] double operator[](std::size_t i) const noexcept {
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): i < size(), and then one of the two is there
    return doubles_ != nullptr ? doubles_[i] : static_cast<double>(floats_[i]);
  }

  // Row `row` of a matrix of `width` columns.
  [[nodiscard]] Scores row(std::size_t row, std::size_t width) const noexcept {
    Scores part;
    if (floats_ != nullptr) part.floats_ = floats_ + row * width;
    if (doubles_ != nullptr) part.doubles_ = doubles_ + row * width;
    part.size_ = width;
    return part;
  }

 private:
  const float* floats_ = nullptr;
  const double* doubles_ = nullptr;
  std::size_t size_ = 0;
};

// Number of rows of `scores` as a matrix of `columns` columns. Throws Error(kInternal) when they do not fit, or when a
// score is not a number, naming its place: it would compare as neither above nor below any other, and so could pass for
// the best. A training that may end so is to be looked at before its scores come here.
std::size_t checked_rows(const Scores& scores, std::int64_t columns);

}  // namespace cmkd::metrics
