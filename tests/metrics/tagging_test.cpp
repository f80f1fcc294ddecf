#include "catch.h"
// The test framework comes first.
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/metrics/tagging.h"
#include "vectors.h"

namespace cmkd::metrics {
namespace {

using test_support::check_close;

TEST_CASE("tagging metrics agree with scikit-learn") {
  for (const auto& [name, part] : test_support::cases_of("tagging")) {
    INFO(name);
    const auto [scores, classes] = test_support::matrix(part.at("scores"));
    std::vector<std::uint8_t> truth;
    for (const double tag : test_support::matrix(part.at("truth")).values) truth.push_back(tag != 0 ? 1 : 0);
    const Tags tags{scores, truth, classes};
    const nlohmann::json& expected = part.at("expected");
    check_close(macro_average_precision(tags).value(), expected.at("map_macro"));
    check_close(micro_average_precision(tags).value(), expected.at("map_micro"));
    check_close(macro_roc_auc(tags).value(), expected.at("auc_macro"));
    check_close(d_prime(macro_roc_auc(tags).value()), expected.at("d_prime"));
    check_close(label_ranking_average_precision(tags), expected.at("lrap"));
    const auto per_class = average_precision(tags);
    REQUIRE(per_class.size() == expected.at("ap_per_class").size());
    for (std::size_t c = 0; c < per_class.size(); ++c) check_close(per_class[c].value(), expected["ap_per_class"][c]);
    // Only where no scores are tied: implementations differ on ties.
    if (expected.contains("lwlrap")) check_close(label_weighted_ranking_precision(tags).value(), expected.at("lwlrap"));
  }
}

TEST_CASE("average precision and the area under the curve are those derived by hand, ties being one threshold") {
  // From the highest: 0.9 (tag), then 0.5 twice (one tag), then 0.1 (no tag).
  // AP: recall ½ at precision 1, recall 1 at precision ⅔: ½ + ⅓. AUC: 0.9 wins 2 of 2, 0.5 wins 1 and ties 1: 3.5 / 4.
  const std::vector<double> scores{0.9, 0.5, 0.5, 0.1};
  const std::vector<std::uint8_t> truth{1, 1, 0, 0};
  const Tags tags{scores, truth, 1};
  check_close(average_precision(tags)[0].value(), 5.0 / 6);
  check_close(roc_auc(tags)[0].value(), 0.875);
}

TEST_CASE("a class without positives or without negatives has no value and is left out of the mean") {
  // Class 0: AP 1. Class 1: no positive. Class 2: no negative.
  const std::vector<double> scores{0.9, 0.3, 0.2, 0.1, 0.4, 0.7};
  const std::vector<std::uint8_t> truth{1, 0, 1, 0, 0, 1};
  const Tags tags{scores, truth, 3};
  CHECK_FALSE(average_precision(tags)[1].has_value());
  CHECK(macro_average_precision(tags).value() == 1);
  CHECK_FALSE(roc_auc(tags)[1].has_value());
  CHECK_FALSE(roc_auc(tags)[2].has_value());
  CHECK(macro_roc_auc(tags).value() == 1);
  const std::vector<std::uint8_t> none(6, 0);
  CHECK_FALSE(macro_average_precision({scores, none, 3}).has_value());
  CHECK_FALSE(micro_average_precision({scores, none, 3}).has_value());
  CHECK_FALSE(label_weighted_ranking_precision({scores, none, 3}).has_value());
}

TEST_CASE("the two label rankings weigh clips and tags as derived by hand") {
  // Clip 1, tags {0, 1}: scores 0.9, 0.1, 0.5 → precisions 1 and ⅔. Clip 2, tag {2}: it stands last → ⅓. Clip 3: none.
  const std::vector<double> scores{0.9, 0.1, 0.5, 0.8, 0.7, 0.6, 0.1, 0.2, 0.3};
  const std::vector<std::uint8_t> truth{1, 1, 0, 0, 0, 1, 0, 0, 0};
  const Tags tags{scores, truth, 3};
  check_close(label_ranking_average_precision(tags), (5.0 / 6 + 1.0 / 3 + 1) / 3);
  check_close(label_weighted_ranking_precision(tags).value(), (1 + 2.0 / 3 + 1.0 / 3) / 3);
}

TEST_CASE("d-prime is 0 at chance, antisymmetric, and infinite at the ends") {
  check_close(d_prime(0.5), 0);
  check_close(d_prime(0.9) + d_prime(0.1), 0);
  // Φ(1) = ½ + ½ erf(1/√2), so d' there is √2.
  check_close(d_prime(0.5 + 0.5 * std::erf(std::sqrt(0.5))), std::sqrt(2.0));
  CHECK(d_prime(1) == std::numeric_limits<double>::infinity());
  CHECK(d_prime(0) == -std::numeric_limits<double>::infinity());
  CHECK_THROWS_AS(d_prime(1.5), Error);
}

TEST_CASE("tags that do not fit their scores are a bug of the caller, and a score that is no number is refused") {
  const std::vector<double> scores{0.5, 0.25};
  const std::vector<std::uint8_t> one{1};
  const std::vector<std::uint8_t> two{1, 2};
  CHECK_THROWS_AS(average_precision({scores, one, 2}), Error);
  CHECK_THROWS_AS(average_precision({scores, two, 2}), Error);
  const std::vector<double> nan{0.5, std::nan("")};
  const std::vector<std::uint8_t> truth{1, 0};
  CHECK_THROWS_AS(micro_average_precision({nan, truth, 2}), Error);
}

}  // namespace
}  // namespace cmkd::metrics
