#include "catch.h"
// The test framework comes first.
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "cmkd/core/error.h"
#include "cmkd/probes/features.h"

namespace cmkd::probes {
namespace {

TEST_CASE("standardised features have the training rows' mean and deviation, and a constant dimension keeps its unit") {
  // Dimension 0 holds 1 and 3: mean 2, standard deviation 1. Dimension 1 holds 4 twice: mean 4, divided by 1.
  const std::vector<float> training{1, 4, 3, 4};
  const FeatureScaler scaler(FeatureScaling::kStandardise, {training, 2, 2});
  CHECK(scaler.apply({training, 2, 2}, "training") == std::vector<float>{-1, 0, 1, 0});
  const std::vector<float> test{5, 7};
  CHECK(scaler.apply({test, 1, 2}, "test") == std::vector<float>{3, 3});
}

TEST_CASE("a constant dimension whose mean rounds is constant all the same") {
  // 0.1f has no exact sum: divided by the tiny deviation that rounding leaves, the value would be about ±1.
  const std::vector<float> training(7, 0.1F);
  const FeatureScaler scaler(FeatureScaling::kStandardise, {training, 7, 1});
  for (const float value : scaler.apply({training, 7, 1}, "training")) CHECK(std::abs(value) < 1e-8F);
}

TEST_CASE("rows of unit length keep their direction, and those of two modalities stand side by side") {
  const std::vector<float> video{3, 4, 0, -2};  // lengths 5 and 2
  const std::vector<float> audio{-7, 0.5F};
  CHECK(unit_rows({video, 2, 2}, "video") == std::vector<float>{0.6F, 0.8F, 0, -1});
  CHECK(joined_unit_rows({video, 2, 2}, {audio, 2, 1}) == std::vector<float>{0.6F, 0.8F, -1, 0, -1, 1});
  CHECK_THROWS_WITH(joined_unit_rows({video, 2, 2}, {video, 1, 4}), message_contains("2 rows of one modality"));
}

TEST_CASE("a row of length zero has no direction") {
  const std::vector<float> values{1, 2, 0, 0};
  CHECK_THROWS_WITH(unit_rows({values, 2, 2}, "test"), message_contains("length zero") && message_contains("row 1"));
}

TEST_CASE("the decision values of a clip are the mean over its rows, in whatever order they stand") {
  // Clip 0 has row 1; clip 1 has rows 0 and 2.
  const std::vector<float> rows{1, 10, 5, 6, 3, 20};
  const std::vector<std::int64_t> clips{1, 0, 1};
  CHECK(average_by_clip(rows, clips, 2, 2) == std::vector<float>{5, 6, 2, 15});
  CHECK_THROWS_WITH(average_by_clip(rows, clips, 3, 2), message_contains("clip 2 has no row"));
  CHECK_THROWS_WITH(average_by_clip(rows, clips, 1, 2), message_contains("row 0 is of clip 1"));
  CHECK_THROWS_WITH(average_by_clip(rows, clips, 2, 3), message_contains("do not fit"));
}

TEST_CASE("features that no probe can be fitted on are named with their place") {
  std::vector<float> values{1, 2, 3, 4, 5, 6};
  CHECK_NOTHROW(check_features({values, 3, 2}, "training"));
  CHECK_THROWS_WITH(check_features({values, 2, 2}, "training"), message_contains("6 values of training features"));
  CHECK_THROWS_WITH(check_features({{}, 0, 2}, "training"), message_contains("no training rows"));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    values[3] = bad;
    CHECK_THROWS_WITH(check_features({values, 3, 2}, "test"),
                      message_contains("test feature") && message_contains("row 1, dimension 1"));
  }
}

TEST_CASE("labels and tags that do not fit their rows are named with their place") {
  const std::vector<std::int32_t> labels{0, 2, 1};
  CHECK_NOTHROW(check_targets({.labels = labels, .classes = 3}, 3));
  CHECK_THROWS_WITH(check_targets({.labels = labels, .classes = 2}, 3),
                    message_contains("label 2") && message_contains("row 1"));
  CHECK_THROWS_WITH(check_targets({.labels = labels, .classes = 3}, 2), message_contains("3 labels do not fit 2 rows"));
  const std::vector<std::int32_t> hidden{0, -1};
  CHECK_THROWS_WITH(check_targets({.labels = hidden, .classes = 2}, 2), message_contains("label -1"));
  const std::vector<std::uint8_t> tags{0, 1, 1, 2};
  CHECK_THROWS_WITH(check_targets({.tags = tags, .classes = 2}, 2),
                    message_contains("tag value 2") && message_contains("row 1"));
  CHECK_THROWS_WITH(check_targets({.tags = tags, .classes = 2}, 3), message_contains("4 tags do not fit"));
  CHECK_THROWS_WITH(check_targets({.labels = hidden, .tags = tags, .classes = 2}, 2),
                    message_contains("either labels or tags"));
  CHECK_THROWS_WITH(check_targets({.classes = 2}, 2), message_contains("either labels or tags"));
}

}  // namespace
}  // namespace cmkd::probes
