#include "catch.h"
#include "cmkd/media/media.h"

TEST_CASE("a failure is described by its reason in words and its detail") {
  using cmkd::media::FailureReason;
  CHECK(cmkd::media::describe({FailureReason::kNoVideoStream, ""}) == "no video stream");
  CHECK(cmkd::media::describe({FailureReason::kTruncated, "after 33 of 708 frames"}) ==
        "truncated: after 33 of 708 frames");
  CHECK(std::string(cmkd::media::to_string(FailureReason::kTooLarge)) == "too_large");
}
