#include "cmkd/probes/linear_svm.h"

#include <fmt/core.h>
#include <linear.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <mutex>

#include "cmkd/core/error.h"
#include "cmkd/core/interrupt.h"
#include "products.h"

namespace cmkd::probes {

namespace {

constexpr double kSvmTolerance = 1e-4;  // scikit-learn's
constexpr double kSvmGapOfReached = 1e-3;

// rand() from its own first state, and the host program's sequence afterwards as if nothing had happened. With glibc,
// rand() and random() share one state, which initstate and setstate swap. srand is for a C library where they do not.
class OwnRandSequence {
 public:
  OwnRandSequence() : earlier_(::initstate(1, state_.data(), state_.size())) { std::srand(1); }
  ~OwnRandSequence() { ::setstate(earlier_); }
  OwnRandSequence(const OwnRandSequence&) = delete;
  OwnRandSequence& operator=(const OwnRandSequence&) = delete;

 private:
  alignas(8) std::array<char, 128> state_{};  // as large as the C library's default: the same generator
  char* earlier_;
};

struct FreeSvmModel {
  void operator()(::model* fitted) const { ::free_and_destroy_model(&fitted); }
};

void print_no_svm_progress(const char*) {}

// liblinear's later versions (2.40) can leave the bias unregularised, and a zero there would ask for it.
template <typename LiblinearParameter>
void regularise_svm_bias(LiblinearParameter& options) {
  if constexpr (requires { options.regularize_bias; }) options.regularize_bias = 1;
}

// `signs` are ±1, both there. The weights of the width dimensions, then the bias; positive values are for +1.
std::vector<double> solve_one_svm(::feature_node** nodes, std::vector<double>& signs, int dimensions, double c) {
  static std::mutex one_at_a_time;  // rand() and the printing function belong to the process
  const std::lock_guard lock(one_at_a_time);
  ::set_print_string_function(print_no_svm_progress);
  ::problem rows{};
  rows.l = static_cast<int>(signs.size());
  rows.n = dimensions;
  rows.y = signs.data();
  rows.x = nodes;
  rows.bias = -1;  // the constant feature is one of ours
  ::parameter options{};
  options.solver_type = L2R_L2LOSS_SVC_DUAL;
  options.eps = kSvmTolerance;
  options.C = c;
  regularise_svm_bias(options);
  if (const char* refusal = ::check_parameter(&rows, &options)) {
    throw Error(ErrorKind::kEnvironment, {.what = fmt::format("liblinear refuses a linear SVM: {}", refusal)});
  }
  const OwnRandSequence sequence;
  const std::unique_ptr<::model, FreeSvmModel> fitted(::train(&rows, &options));
  const double side = fitted->label[0] > 0 ? 1 : -1;  // values are positive for the class that liblinear names first
  std::vector<double> weights(static_cast<std::size_t>(dimensions));
  for (std::size_t j = 0; j < weights.size(); ++j) weights[j] = side * fitted->w[j];
  return weights;
}

}  // namespace

struct SvmProblem::Rows {
  std::vector<float> values;  // [rows, width]
  std::int64_t count = 0;
  std::int64_t width = 0;
  std::vector<::feature_node> nodes;  // of each row its values, the constant 1, and the end
  std::vector<::feature_node*> first_nodes;

  // Largest relative duality gap of the classes with both kinds of rows. With v = Σ α_i y_i x_i it is ½ |w − v|² /
  // P(w).
  [[nodiscard]] double largest_gap(const LinearWeights& fitted, const Targets& targets, double c,
                                   const std::vector<bool>& constant) const;
};

double SvmProblem::Rows::largest_gap(const LinearWeights& fitted, const Targets& targets, double c,
                                     const std::vector<bool>& constant) const {
  const std::size_t classes = fitted.biases.size();
  std::vector<double> pulls = affine(values.data(), count, width, fitted.weights, fitted.biases, 1);  // to be α_i y_i
  std::vector<double> primal(classes, 0);
  std::vector<double> bias_difference = fitted.biases;
  for (std::size_t row = 0; row < static_cast<std::size_t>(count); ++row) {
    for (std::size_t k = 0; k < classes; ++k) {
      double& pull = pulls[row * classes + k];
      const double sign = targets.shows(row, k) ? 1 : -1;
      const double slack = std::max(0.0, 1 - sign * pull);
      primal[k] += c * slack * slack;
      pull = 2 * c * slack * sign;
      bias_difference[k] -= pull;
    }
  }
  std::vector<double> dual_weights(fitted.weights.size(), 0);
  add_transposed_product(values.data(), count, width, pulls.data(), static_cast<std::int64_t>(classes),
                         dual_weights.data());
  std::vector<double> gap(classes, 0);
  for (std::size_t k = 0; k < classes; ++k) {
    gap[k] = bias_difference[k] * bias_difference[k] / 2;
    primal[k] += fitted.biases[k] * fitted.biases[k] / 2;
  }
  for (std::size_t j = 0; j < static_cast<std::size_t>(width); ++j) {
    for (std::size_t k = 0; k < classes; ++k) {
      const double weight = fitted.weights[j * classes + k];
      const double difference = weight - dual_weights[j * classes + k];
      gap[k] += difference * difference / 2;
      primal[k] += weight * weight / 2;
    }
  }
  double largest = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    if (!constant[k]) largest = std::max(largest, gap[k] / primal[k]);
  }
  return largest;
}

SvmProblem::SvmProblem(const FeatureMatrix& rows, const Targets& targets)
    : rows_(std::make_unique<Rows>()), targets_(targets) {
  if (rows.rows > std::numeric_limits<int>::max() || rows.width > std::numeric_limits<int>::max() - 2) {
    throw Error(ErrorKind::kData, {.what = fmt::format("a linear SVM of {} rows of width {}", rows.rows, rows.width),
                                   .allowed = "what liblinear counts by int"});
  }
  rows_->values.assign(rows.values.begin(), rows.values.end());
  rows_->count = rows.rows;
  rows_->width = rows.width;
  const auto width = static_cast<std::size_t>(rows.width);
  const std::size_t stride = width + 2;
  rows_->nodes.resize(static_cast<std::size_t>(rows.rows) * stride);
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows.rows); ++row) {
    ::feature_node* node = rows_->nodes.data() + row * stride;
    rows_->first_nodes.push_back(node);
    for (std::size_t j = 0; j < width; ++j) node[j] = {static_cast<int>(j) + 1, rows.values[row * width + j]};
    node[width] = {static_cast<int>(width) + 1, 1};
    node[width + 1] = {-1, 0};
  }
}

SvmProblem::~SvmProblem() = default;

LinearWeights SvmProblem::solve(double c) const {
  if (!(c > 0) || !std::isfinite(c)) {
    throw Error(ErrorKind::kUsage, {.what = fmt::format("C of a linear SVM is {}", c), .allowed = "finite, above 0"});
  }
  const auto classes = static_cast<std::size_t>(targets_.classes);
  const auto width = static_cast<std::size_t>(rows_->width);
  const std::vector<std::int64_t> positives = rows_of_classes(targets_, rows_->count);
  LinearWeights fitted{
      std::vector<double>(width * classes, 0), std::vector<double>(classes, 0), std::vector<bool>(classes, false), {}};
  std::vector<bool> constant(classes, false);
  std::vector<double> signs(static_cast<std::size_t>(rows_->count));
  for (std::size_t k = 0; k < classes; ++k) {
    constant[k] = positives[k] == 0 || positives[k] == rows_->count;
    fitted.without_rows[k] = positives[k] == 0 && !targets_.multi_label();
    fitted.biases[k] = positives[k] == 0 ? -1 : 1;
    if (constant[k]) continue;
    throw_if_interrupted();
    for (std::size_t row = 0; row < signs.size(); ++row) signs[row] = targets_.shows(row, k) ? 1 : -1;
    const std::vector<double> solution =
        solve_one_svm(rows_->first_nodes.data(), signs, static_cast<int>(width) + 1, c);
    for (std::size_t j = 0; j < width; ++j) fitted.weights[j * classes + k] = solution[j];
    fitted.biases[k] = solution[width];
  }
  fitted.convergence.residual = rows_->largest_gap(fitted, targets_, c, constant);
  fitted.convergence.reached = fitted.convergence.residual <= kSvmGapOfReached;
  return fitted;
}

}  // namespace cmkd::probes
