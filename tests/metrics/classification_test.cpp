#include "catch.h"
// The test framework comes first.
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/metrics/classification.h"
#include "vectors.h"

namespace cmkd::metrics {
namespace {

using test_support::check_close;

TEST_CASE("accuracies and the confusion matrix agree with scikit-learn") {
  for (const auto& [name, part] : test_support::cases_of("classification")) {
    INFO(name);
    const auto [scores, classes] = test_support::matrix(part.at("scores"));
    const auto labels = part.at("labels").get<std::vector<std::int32_t>>();
    const Predictions predictions{scores, labels, classes};
    const nlohmann::json& expected = part.at("expected");
    check_close(top_k_accuracy(predictions, 1), expected.at("top1"));
    check_close(top_k_accuracy(predictions, 5), expected.at("top5"));
    check_close(mean_class_accuracy(predictions), expected.at("mean_class_accuracy"));
    std::vector<std::int64_t> confusion;
    for (const auto& row : expected.at("confusion")) {
      for (const auto& count : row) confusion.push_back(count.get<std::int64_t>());
    }
    CHECK(confusion_matrix(predictions) == confusion);
  }
}

TEST_CASE("of equal scores the lower class ranks first") {
  const std::vector<float> scores{0.25F, 0.25F, 0.25F, 0.25F};
  const std::vector<std::int32_t> labels{2};
  const Predictions predictions{scores, labels, 4};
  CHECK(predicted_classes(scores, 4) == std::vector<std::int32_t>{0});
  CHECK(top_k_accuracy(predictions, 2) == 0);
  CHECK(top_k_accuracy(predictions, 3) == 1);
}

TEST_CASE("mean class accuracy leaves out the classes that do not occur") {
  // Class 0: 1 of 2 recognised; class 1: 1 of 1; class 2 does not occur: (1/2 + 1) / 2.
  const std::vector<float> scores{1, 0, 0, 0, 0, 1, 0, 1, 0};
  const std::vector<std::int32_t> labels{0, 0, 1};
  CHECK(mean_class_accuracy({scores, labels, 3}) == 0.75);
}

TEST_CASE("the calibration error is the one derived by hand") {
  // Two bins. (0, ½]: confidence ½, right: |1 − 0.5| = 0.5 of one clip. (½, 1]: confidences 0.75 (right) and 0.875
  // (wrong): |1 − 1.625| = 0.625 of two. Sum over 3 clips: 1.125 / 3.
  const std::vector<float> scores{0.5F, 0.5F, 0.75F, 0.25F, 0.125F, 0.875F};
  const std::vector<std::int32_t> labels{0, 0, 0};
  check_close(expected_calibration_error({scores, labels, 2}, 2), 0.375);
  // One bin: 2 of 3 right, confidences sum to 2.125: |2 − 2.125| / 3.
  check_close(expected_calibration_error({scores, labels, 2}, 1), 0.125 / 3);
}

TEST_CASE("a certain and right prediction has no calibration error, a certain and wrong one the whole") {
  const std::vector<float> scores{1, 0, 1, 0};
  const std::vector<std::int32_t> right{0, 0};
  const std::vector<std::int32_t> wrong{1, 1};
  CHECK(expected_calibration_error({scores, right, 2}) == 0);
  CHECK(expected_calibration_error({scores, wrong, 2}) == 1);
}

TEST_CASE("the negative log-likelihood is in nats, and finite for a probability of zero") {
  const std::vector<float> scores{0.5F, 0.5F, 0.75F, 0.25F};
  const std::vector<std::int32_t> labels{0, 1};
  check_close(negative_log_likelihood({scores, labels, 2}), (std::log(2.0) + std::log(4.0)) / 2);
  const std::vector<float> certain{1, 0};
  const std::vector<std::int32_t> wrong{1};
  // The smallest normal float is 2^−126.
  check_close(negative_log_likelihood({certain, wrong, 2}), 126 * std::log(2.0));
}

TEST_CASE("the Brier score is the one derived by hand, from 0 for certain and right to 2 for certain and wrong") {
  // Clip 1: (0.5 − 1)² + 0.25² + 0.25² = 0.375. Clip 2: 0.75² + (0.25 − 1)² + 0 = 1.125. Mean 0.75.
  const std::vector<float> scores{0.5F, 0.25F, 0.25F, 0.75F, 0.25F, 0};
  const std::vector<std::int32_t> labels{0, 1};
  check_close(brier_score({scores, labels, 3}), 0.75);
  const std::vector<float> certain{1, 0};
  const std::vector<std::int32_t> right{0};
  const std::vector<std::int32_t> wrong{1};
  CHECK(brier_score({certain, right, 2}) == 0);
  CHECK(brier_score({certain, wrong, 2}) == 2);
}

TEST_CASE("doubles that differ by less than a float can tell are no tie") {
  const std::vector<double> scores{0.5, 0.5 + 1e-12};
  const std::vector<std::int32_t> labels{1};
  CHECK(top_k_accuracy({scores, labels, 2}, 1) == 1);
  CHECK(predicted_classes(scores, 2) == std::vector<std::int32_t>{1});
}

TEST_CASE("a score that is not a number is refused rather than taken for the best") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> scores{0.5F, 0.5F, nan, nan};
  const std::vector<std::int32_t> labels{0, 1};
  CHECK_THROWS_AS(top_k_accuracy({scores, labels, 2}, 1), Error);
  CHECK_THROWS_AS(mean_class_accuracy({scores, labels, 2}), Error);
  CHECK_THROWS_AS(negative_log_likelihood({scores, labels, 2}), Error);
  CHECK_THROWS_AS(agreement(scores, scores, 2), Error);
  CHECK_THROWS_AS(mean_kl_divergence(scores, scores, 2), Error);
}

TEST_CASE("the divergence is the one derived by hand, and zero between equals") {
  // KL((½, ½) ‖ (¼, ¾)) = ½ ln 2 + ½ ln ⅔; the second clip is equal: the mean is half of it.
  const std::vector<float> p{0.5F, 0.5F, 1, 0};
  const std::vector<float> q{0.25F, 0.75F, 1, 0};
  check_close(mean_kl_divergence(p, q, 2), (0.5 * std::log(2.0) + 0.5 * std::log(2.0 / 3)) / 2);
  CHECK(mean_kl_divergence(p, p, 2) == 0);
}

TEST_CASE("agreement counts clips whose highest class is the same, right or wrong") {
  const std::vector<float> a{1, 0, 1, 0, 0, 1, 0, 1};
  const std::vector<float> b{2, 1, 0, 3, 1, 5, 0, 1};
  CHECK(agreement(a, b, 2) == 0.75);
}

TEST_CASE("lists that do not fit together are a bug of the caller") {
  const std::vector<float> scores{0.5F, 0.5F};
  const std::vector<std::int32_t> none;
  const std::vector<std::int32_t> outside{2};
  CHECK_THROWS_AS(top_k_accuracy({scores, none, 2}, 1), Error);
  CHECK_THROWS_AS(top_k_accuracy({scores, outside, 2}, 1), Error);
  CHECK_THROWS_AS(predicted_classes(scores, 3), Error);
  CHECK_THROWS_AS(mean_kl_divergence(scores, std::vector<float>{1, 0, 0, 1}, 2), Error);
}

}  // namespace
}  // namespace cmkd::metrics
