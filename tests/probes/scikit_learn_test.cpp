// The linear solvers against scikit-learn 1.9.1, on rows that both make by the same formula:
//   X = [[((i*7 + j*3 + i*j) % 11 - 5) / 4 for j in range(3)] for i in range(30)],  y = [i % 3 for i in range(30)]
//   LinearSVC(C=C, tol=1e-12, max_iter=10**6, dual=False).fit(X, y): coef_ and intercept_
//   LogisticRegression(C=1 / (30 * decay), fit_intercept=False, tol=1e-12, max_iter=10**5).fit(np.c_[X, np.ones(30)],
//   y)
#include "catch.h"
// The test framework comes first.
#include <array>
#include <cstdint>
#include <vector>

#include "cmkd/probes/linear_svm.h"
#include "cmkd/probes/logistic.h"

namespace cmkd::probes {
namespace {

// Of each class its three weights and its bias.
using SolvedClasses = std::array<std::array<double, 4>, 3>;

struct FormulaRows {
  std::vector<float> values;
  std::vector<std::int32_t> labels;

  FormulaRows() {
    for (int i = 0; i < 30; ++i) {
      labels.push_back(i % 3);
      for (int j = 0; j < 3; ++j) values.push_back(static_cast<float>((i * 7 + j * 3 + i * j) % 11 - 5) / 4);
    }
  }
  [[nodiscard]] FeatureMatrix features() const { return {values, 30, 3}; }
  [[nodiscard]] Targets targets() const { return {.labels = labels, .classes = 3}; }
};

void check_solved(const LinearWeights& fitted, const SolvedClasses& expected, double margin) {
  for (std::size_t k = 0; k < 3; ++k) {
    INFO("class " << k);
    for (std::size_t j = 0; j < 3; ++j) CHECK(fitted.weights[j * 3 + k] == Approx(expected[k][j]).margin(margin));
    CHECK(fitted.biases[k] == Approx(expected[k][3]).margin(margin));
  }
}

TEST_CASE("the linear SVM is scikit-learn's LinearSVC") {
  const FormulaRows rows;
  const SvmProblem problem(rows.features(), rows.targets());
  const SolvedClasses weak{{{0.0235324, 0.0299617, 0.0415451, -0.1245341},
                            {-0.0285398, -0.0245418, -0.0234534, -0.1251915},
                            {0.000697, -0.0036118, -0.0090424, -0.1251287}}};
  check_solved(problem.solve(0.01), weak, 1e-5);
  const SolvedClasses strong{{{0.0962196, 0.0842574, 0.1404594, -0.3241504},
                              {-0.1012551, -0.0752882, -0.0958241, -0.3299678},
                              {0.0046912, -0.0089179, -0.0437668, -0.3294538}}};
  check_solved(problem.solve(1), strong, 1e-4);
}

TEST_CASE("the linear probe is scikit-learn's LogisticRegression on features with a constant one") {
  const FormulaRows rows;
  const SolvedClasses weak{{{0.1543742, 0.1317902, 0.2172242, -0.0054535},
                            {-0.1581969, -0.1176498, -0.1533631, -0.0069097},
                            {0.0038227, -0.0141404, -0.0638611, 0.0123632}}};
  check_solved(fit_logistic(rows.features(), rows.targets(), 1e-3, 1), weak, 5e-3);
  const SolvedClasses strong{{{0.0982904, 0.097783, 0.1437537, -0.0010142},
                              {-0.10358, -0.0855752, -0.0998321, -0.0029502},
                              {0.0052895, -0.0122078, -0.0439217, 0.0039644}}};
  check_solved(fit_logistic(rows.features(), rows.targets(), 1e-1, 1), strong, 5e-4);
}

}  // namespace
}  // namespace cmkd::probes
