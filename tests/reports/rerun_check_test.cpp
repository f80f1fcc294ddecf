#include "cmkd/reports/rerun_check.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "cmkd/results/store.h"

namespace cmkd::reports {
namespace {

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

RunContents stored_contents() {
  RunContents run;
  run.training.key = "0123456789abcdef";
  run.training.config_json = R"({"method":{"id":"kd","source":"11"},"seed":3})";
  run.training.label = "kd";
  run.training.seed = 3;
  run.training.initial_weights_fingerprint = "i";
  run.training.final_weights_fingerprint = "f";
  run.training.selection_rule = results::kLastEpochRule;
  run.training.epochs = {{0, "main", "term", "kd", 1.5}, {0, "main", "validation", "top1", 0.5}};
  run.training.environment.values = {{"libtorch", "2.13.0"}};
  run.training.shared_code = "aa";
  RunContents::Evaluation& evaluation = run.evaluations.emplace_back();
  evaluation.record.task = "action_recognition";
  evaluation.record.protocol = "strict";
  evaluation.record.split = "test";
  evaluation.record.metrics = {{"top1", "test", 0.5, 2}, {"nll", "test", 2.0, 2}};
  evaluation.outputs = {{"c1", "c2"}, {"g", "g"}, {0, 1}, 2, {0.75F, 0.25F, 0.5F, 0.5F}};
  return run;
}

TEST_CASE("a repeated run of the same bytes is bitwise equal, whatever was measured") {
  RunContents now = stored_contents();
  now.training.measured["train_seconds"] = 99;
  now.training.epochs[1].value = 0.25;  // the last epoch is taken: nothing depends on the validation curve
  const RerunCheck check = check_rerun(stored_contents(), now, 0.005);
  CHECK(check.sameness == Sameness::kBitwiseEqual);
  CHECK(check.parts.empty());
  CHECK(check.clips == 2);
  CHECK(rerun_check_text(check) ==
        "kd seed 3 (0123456789ab): bitwise equal\n  configuration, code and environment are the same\n");
}

TEST_CASE("last bits that move no metric beyond the tolerance are within it, and named") {
  RunContents now = stored_contents();
  now.training.final_weights_fingerprint = "other";
  now.training.environment.values["libtorch"] = "2.14.0";
  now.evaluations[0].outputs.scores[2] = 0.25F;
  now.evaluations[0].record.metrics[1].value = 2.0078125;  // 0.005 of 2 is 0.01
  const RerunCheck check = check_rerun(stored_contents(), now, 0.005);
  CHECK(check.sameness == Sameness::kWithinTolerance);
  CHECK(check.parts == std::vector<std::string>{"final weights", "per-clip outputs (action_recognition)"});
  CHECK(check.largest_output_change == 0.25);
  CHECK(check.changed_clips == 1);  // (0.5, 0.5) names the first, (0.25, 0.5) the second
  REQUIRE(check.metrics.size() == 1);
  CHECK(check.metrics[0].within);
  REQUIRE(check.code_and_environment.size() == 1);
  CHECK(check.code_and_environment[0].b == "2.14.0");
  CHECK(check_rerun(stored_contents(), now, 0.001).sameness == Sameness::kDifferent);
}

TEST_CASE("a run whose code was changed is different, with the change of its key and code") {
  RunContents now = stored_contents();
  now.training.config_json = R"({"method":{"id":"kd","source":"22"},"seed":3})";
  now.training.shared_code = "bb";
  now.evaluations[0].record.metrics[0].value = 0.25;
  const RerunCheck check = check_rerun(stored_contents(), now, 0.005);
  CHECK(check.sameness == Sameness::kDifferent);
  REQUIRE(check.configuration.size() == 1);
  CHECK(check.configuration[0].name == "method.source");
  const std::string text = rerun_check_text(check);
  CHECK(holds(text, "top1 (action_recognition, test): stored 0.5, now 0.25, beyond the tolerance of 0.005"));
  CHECK(holds(text, "method.source: stored 11, now 22"));
  CHECK(holds(text, "shared_code: stored aa, now bb"));
  const auto json = nlohmann::json::parse(rerun_check_json(check));
  CHECK(json.at("result") == "different");
  CHECK(json.at("configuration").at(0).at("now") == "22");
}

TEST_CASE("a failure, other clips and a metric that is gone are different") {
  RunContents now = stored_contents();
  SECTION("a failure") {
    now.training.status = results::RunStatus::kFailed;
    now.training.reason = "why";
    now.evaluations.clear();
    const RerunCheck check = check_rerun(stored_contents(), now, 1);
    CHECK(check.sameness == Sameness::kDifferent);
    CHECK(check.parts.at(0) == "outcome (stored: done; now: failed: why)");
    CHECK(check.not_repeated == std::vector<std::string>{"action_recognition, protocol strict, on test"});
  }
  SECTION("other clips") {
    now.evaluations[0].outputs.clip_ids[1] = "c3";
    CHECK(check_rerun(stored_contents(), now, 1).sameness == Sameness::kDifferent);
  }
  SECTION("a metric that is gone") {
    now.evaluations[0].record.metrics.pop_back();
    const RerunCheck check = check_rerun(stored_contents(), now, 1);
    CHECK(check.sameness == Sameness::kDifferent);
    CHECK(std::isnan(check.metrics.at(0).now));
  }
}

}  // namespace
}  // namespace cmkd::reports
