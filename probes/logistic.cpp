#include "cmkd/probes/logistic.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "cmkd/core/error.h"
#include "cmkd/core/parallel.h"
#include "lbfgs.h"
#include "products.h"

namespace cmkd::probes {

namespace {

constexpr std::int64_t kLogisticParts = 16;  // of the rows; a constant, so that sums do not depend on threads
constexpr std::int64_t kLogisticRowsTogether = 256;

// What is minimised, as a function of [width + 1, columns]: the weights, then a row of biases. Its columns are the
// classes that can be fitted.
class LogisticObjective {
 public:
  LogisticObjective(const FeatureMatrix& rows, const Targets& targets, std::vector<std::size_t> classes,
                    double weight_decay, int threads)
      : rows_(rows),
        targets_(targets),
        classes_(std::move(classes)),
        weight_decay_(weight_decay),
        threads_(threads),
        column_of_class_(static_cast<std::size_t>(targets.classes), -1) {
    for (std::size_t column = 0; column < classes_.size(); ++column) {
      column_of_class_[classes_[column]] = static_cast<std::int64_t>(column);
    }
  }

  [[nodiscard]] double operator()(std::span<const double> point, std::span<double> gradient) const {
    std::vector<double> losses(kLogisticParts, 0);
    std::vector<std::vector<double>> gradients(kLogisticParts);
    for_each_in_parallel(kLogisticParts, threads_, [&](std::int64_t part) {
      const auto index = static_cast<std::size_t>(part);
      gradients[index].assign(point.size(), 0);
      losses[index] = add_part(part, point, gradients[index]);
    });
    double loss = 0;
    std::ranges::fill(gradient, 0);
    for (std::size_t part = 0; part < losses.size(); ++part) {
      loss += losses[part];
      for (std::size_t k = 0; k < gradient.size(); ++k) gradient[k] += gradients[part][k];
    }
    const auto rows = static_cast<double>(rows_.rows);
    for (double& value : gradient) value /= rows;
    double squares = 0;
    for (std::size_t k = 0; k < point.size(); ++k) {
      squares += point[k] * point[k];
      gradient[k] += weight_decay_ * point[k];
    }
    return loss / rows + weight_decay_ / 2 * squares;
  }

 private:
  // Adds the gradient of the part's rows, and returns their loss.
  double add_part(std::int64_t part, std::span<const double> point, std::vector<double>& gradient) const {
    const auto columns = static_cast<std::int64_t>(classes_.size());
    const std::int64_t end = rows_.rows * (part + 1) / kLogisticParts;
    double loss = 0;
    for (std::int64_t first = rows_.rows * part / kLogisticParts; first < end; first += kLogisticRowsTogether) {
      const std::int64_t count = std::min(kLogisticRowsTogether, end - first);
      const float* x = rows_.values.data() + first * rows_.width;
      const std::span<const double> biases = point.last(classes_.size());
      std::vector<double> values(static_cast<std::size_t>(count * columns));
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = biases[i % classes_.size()];
      add_product(x, count, rows_.width, point.data(), columns, values.data());
      for (std::int64_t r = 0; r < count; ++r) {
        const std::span<double> row = std::span(values).subspan(static_cast<std::size_t>(r * columns), classes_.size());
        loss += targets_.multi_label() ? tags_to_errors(static_cast<std::size_t>(first + r), row)
                                       : label_to_errors(static_cast<std::size_t>(first + r), row);
      }
      add_transposed_product(x, count, rows_.width, values.data(), columns, gradient.data());
      double* bias_gradient = gradient.data() + rows_.width * columns;
      for (std::size_t i = 0; i < values.size(); ++i) bias_gradient[i % classes_.size()] += values[i];
    }
    return loss;
  }

  // Each replaces a row's values by the derivatives of its loss, which it returns.
  double label_to_errors(std::size_t row, std::span<double> values) const {
    const auto label = static_cast<std::size_t>(column_of_class_[static_cast<std::size_t>(targets_.labels[row])]);
    const double highest = *std::ranges::max_element(values);
    const double above = highest - values[label];
    double sum = 0;
    for (double& value : values) sum += value = std::exp(value - highest);
    for (double& value : values) value /= sum;
    values[label] -= 1;
    return std::log(sum) + above;
  }
  double tags_to_errors(std::size_t row, std::span<double> values) const {
    double loss = 0;
    for (std::size_t column = 0; column < values.size(); ++column) {
      const bool tagged = targets_.shows(row, classes_[column]);
      const double value = values[column];
      const double small = std::exp(-std::abs(value));
      loss += std::log1p(small) + std::max(tagged ? -value : value, 0.0);
      values[column] = (value >= 0 ? 1 : small) / (1 + small) - (tagged ? 1 : 0);
    }
    return loss;
  }

  const FeatureMatrix& rows_;
  const Targets& targets_;
  std::vector<std::size_t> classes_;
  double weight_decay_;
  int threads_;
  std::vector<std::int64_t> column_of_class_;  // −1: not fitted
};

}  // namespace

LinearWeights fit_logistic(const FeatureMatrix& rows, const Targets& targets, double weight_decay, int threads) {
  if (!(weight_decay > 0) || !std::isfinite(weight_decay)) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("the weight decay of a linear probe is {}", weight_decay),
                 .allowed = "finite, above 0: without it, features that separate the classes have no best weights"});
  }
  const auto classes = static_cast<std::size_t>(targets.classes);
  const auto width = static_cast<std::size_t>(rows.width);
  const std::vector<std::int64_t> positives = rows_of_classes(targets, rows.rows);
  LinearWeights fitted{
      std::vector<double>(width * classes, 0), std::vector<double>(classes, 0), std::vector<bool>(classes, false), {}};
  std::vector<std::size_t> columns;
  for (std::size_t k = 0; k < classes; ++k) {
    const bool constant = positives[k] == 0 || (targets.multi_label() && positives[k] == rows.rows);
    if (!constant) columns.push_back(k);
    if (!constant) continue;
    fitted.without_rows[k] = !targets.multi_label();
    fitted.biases[k] = (positives[k] == 0 ? -1 : 1) * std::log(static_cast<double>(rows.rows) + 1);
  }
  if (columns.empty()) return fitted;
  const LogisticObjective objective(rows, targets, columns, weight_decay, threads);
  const LbfgsOptions options{.convexity = weight_decay};
  const LbfgsResult result = minimise(objective, std::vector<double>((width + 1) * columns.size(), 0), options);
  for (std::size_t j = 0; j < width; ++j) {
    for (std::size_t k = 0; k < columns.size(); ++k) {
      fitted.weights[j * classes + columns[k]] = result.point[j * columns.size() + k];
    }
  }
  for (std::size_t k = 0; k < columns.size(); ++k) fitted.biases[columns[k]] = result.point[width * columns.size() + k];
  fitted.convergence = {result.relative_gap <= options.largest_gap, result.relative_gap};
  return fitted;
}

}  // namespace cmkd::probes
