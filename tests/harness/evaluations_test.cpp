// One training that is judged in several ways: a sweep over settings of the evaluation.
#include "catch.h"
//
#include <algorithm>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/harness/plan.h"
#include "paths.h"
#include "tiny_suite.h"

using namespace cmkd;

namespace {

Suite judged_suite(const test::TemporaryFolder& folder, const std::string& sweep) {
  write_file_atomically(folder / "judged.toml", test::tiny_suite("Judged", {"student", "kd"}) + "[sweep]\n" + sweep);
  return load_suite(folder / "judged.toml", {});
}

}  // namespace

TEST_CASE("a sweep over what judges plans each training once, with an evaluation for each value") {
  const test::TemporaryFolder folder;
  const Suite suite = judged_suite(folder, "setting = \"evaluation.classifier\"\nvalues = [\"network\", \"knn\"]\n");
  const Plan plan = make_plan(suite, "fingerprint");
  REQUIRE(suite.variants.size() == 2);
  CHECK(suite.variants[1].swept_value == "knn");
  CHECK_FALSE(suite.variants[1].level);
  std::set<std::string> trainings;
  for (const PlannedTraining& planned : plan.trainings) {
    INFO(planned.label);
    CHECK(trainings.insert(planned.key).second);
    REQUIRE(planned.evaluations.size() == 2);
    CHECK(planned.evaluations[0].variant == 0);
    CHECK(planned.evaluations[1].variant == 1);
    CHECK(planned.evaluations[0].judge != planned.evaluations[1].judge);
    CHECK(planned.evaluations[0].judge == plan.trainings.front().evaluations[0].judge);  // the teacher's
  }
  for (const results::SuiteLink& link : plan.links) {
    const PlannedTraining* planned = plan.find(link.training_key);
    REQUIRE(planned != nullptr);
    CHECK(std::ranges::find(planned->evaluations, link.evaluation_key, &PlannedEvaluation::key) !=
          planned->evaluations.end());
  }
}

TEST_CASE("a sweep's values are numbers, texts or true and false, each once") {
  const test::TemporaryFolder folder;
  const auto refused = [&](const std::string& values, const std::string& why) {
    INFO(values);
    CHECK_THROWS_WITH(judged_suite(folder, "setting = \"evaluation.average\"\nvalues = " + values + "\n"),
                      message_contains(why));
  };
  refused("[\"logits\", \"logits\"]", "lists");
  refused("[[1.0]]", "neither a finite number, nor a text");
  refused("[\"logits\", \"median\"]", "median");
  CHECK(judged_suite(folder, "setting = \"evaluation.average\"\nvalues = [\"probabilities\", \"logits\"]\n")
            .variants.size() == 2);
}
