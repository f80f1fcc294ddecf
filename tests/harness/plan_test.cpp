#include "catch.h"
//
#include <algorithm>
#include <functional>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/harness/plan.h"
#include "cmkd/harness/tuning.h"
#include "paths.h"
#include "tiny_suite.h"

using namespace cmkd;

namespace {

using results::RowRole;
using results::SuiteLink;

Suite suite_of_text(const std::string& methods) {
  const test::TemporaryFolder folder;
  write_file_atomically(
      folder / "test.toml",
      "[suite]\ntitle = \"Test\"\nseeds = 1\n[dataset]\nid = \"synthetic\"\n[teacher]\nmodality = \"audio\"\n"
      "model = \"audio_cnn\"\n[student]\nmodel = \"r2plus1d_small\"\n" +
          methods);
  return load_suite(folder / "test.toml", {});
}

Plan plan_of(const std::string& methods) { return make_plan(suite_of_text(methods), "source"); }

std::vector<SuiteLink> links_where(const Plan& plan, const std::function<bool(const SuiteLink&)>& wanted) {
  std::vector<SuiteLink> links;
  std::ranges::copy_if(plan.links, std::back_inserter(links), wanted);
  return links;
}

SuiteLink link_of_label(const Plan& plan, const std::string& label) {
  const std::vector<SuiteLink> links = links_where(plan, [&](const SuiteLink& link) { return link.label == label; });
  REQUIRE(links.size() == 1);
  return links.front();
}

const char* const kFourRoles =
    "[[methods]]\nid = \"teacher\"\n[[methods]]\nid = \"student\"\n[[methods]]\nid = \"oracle_labels\"\n"
    "[[methods]]\nid = \"multimodal\"\n";
const char* const kControlled = "[[methods]]\nid = \"kd\"\ncontrols = [\"shuffled-teacher\"]\n";

}  // namespace

TEST_CASE("a control of a method that uses both modalities at test is refused, before anything is trained") {
  CHECK(plan_of("[[methods]]\nid = \"multimodal\"\n").trainings.size() == 2);  // the teacher, and itself
  CHECK_THROWS_WITH(plan_of("[[methods]]\nid = \"multimodal\"\ncontrols = [\"shuffled-teacher\"]\n"),
                    message_contains("multimodal") && message_contains("shuffled-teacher"));
}

TEST_CASE("links of a plan carry what every row of the suite has") {
  const Suite suite = suite_of_text(kControlled);
  const Plan plan = make_plan(suite, "source");
  REQUIRE(plan.links.size() == 2);
  for (const SuiteLink& link : plan.links) {
    CHECK(link.suite == suite.name);
    CHECK(link.suite_title == "Test");
    CHECK(link.suite_file == suite.file.generic_string());
    CHECK(link.task == "action_recognition");
    CHECK(link.dataset == "synthetic");
    CHECK(link.direction == "audio->video");
    CHECK(link.protocol == "strict");
    CHECK(link.primary_metric == "top1");
    CHECK(link.student_model == "r2plus1d_small");
    CHECK(link.seed == suite.seeds().front());
    CHECK_FALSE(link.trial);
    CHECK(link.fold.empty());
    CHECK(link.swept_setting.empty());
    CHECK(link.swept_value.empty());
    CHECK_FALSE(link.level);
    REQUIRE(plan.find(link.training_key) != nullptr);
    CHECK(plan.find(link.training_key)->evaluation().key == link.evaluation_key);
  }
}

TEST_CASE("the link of a control names its method, and its commands stand with and without the seed") {
  const Plan plan = plan_of(kControlled);
  CHECK(link_of_label(plan, "kd").role == RowRole::kMethod);
  CHECK(link_of_label(plan, "kd").control.empty());
  const SuiteLink control = link_of_label(plan, "kd (shuffled-teacher)");
  CHECK(control.role == RowRole::kControl);
  CHECK(control.method == "kd");
  CHECK(control.control == "shuffled-teacher");
  CHECK(control.row_rerun_command == "cmkd run " + control.suite_file + " --only 'kd (shuffled-teacher)'");
  CHECK(control.rerun_command == control.row_rerun_command + " --seed " + std::to_string(control.seed));
}

TEST_CASE("links carry the role of each method, and the teacher's its own model") {
  const Plan plan = plan_of(kFourRoles);
  CHECK(link_of_label(plan, "student").role == RowRole::kLowerBound);
  CHECK(link_of_label(plan, "oracle_labels").role == RowRole::kCeiling);
  CHECK(link_of_label(plan, "multimodal").role == RowRole::kUpperBound);
  CHECK(link_of_label(plan, "teacher").role == RowRole::kTeacher);
  CHECK(link_of_label(plan, "teacher").student_model == "audio_cnn");
  CHECK(link_of_label(plan, "multimodal").student_model == "r2plus1d_small");
}

TEST_CASE("links of a sweep have the data set's own name, and setting and level beside it") {
  const Suite suite = suite_of_text(
      "[corruption]\nkind = \"swap\"\n[sweep]\nsetting = \"corruption.share\"\nvalues = [0.0, 0.50]\n"
      "[[methods]]\nid = \"student\"\n[[methods]]\nid = \"kd\"\n");
  const Plan plan = make_plan(suite, "source");
  REQUIRE(plan.links.size() == 4);
  for (const SuiteLink& link : plan.links) {
    CHECK(link.dataset == "synthetic");
    CHECK(link.swept_setting == "corruption.share");
    CHECK(link.swept_value == (link.level == 0.0 ? "0.0" : "0.5"));
  }
  const auto damaged = links_where(plan, [](const SuiteLink& link) { return link.level == 0.5; });
  REQUIRE(damaged.size() == 2);
  // The student is trained once: its links differ in the level alone.
  const auto student = links_where(plan, [](const SuiteLink& link) { return link.method == "student"; });
  REQUIRE(student.size() == 2);
  CHECK(student[0].training_key == student[1].training_key);
}

TEST_CASE("links of a data set with official splits carry which, and the seed") {
  Suite suite = suite_of_text("[[methods]]\nid = \"kd\"\n");
  suite.general.values.seeds = 2;
  const Plan plan = make_plan(suite, {"source", {"1", "2", "3"}});
  REQUIRE(plan.links.size() == 6);
  for (const std::string fold : {"1", "2", "3"}) {
    const auto of_fold = links_where(plan, [&](const SuiteLink& link) { return link.fold == fold; });
    REQUIRE(of_fold.size() == 2);
    CHECK(of_fold[0].seed != of_fold[1].seed);
  }
}

TEST_CASE("links of trials carry their number and the seeds of the tuning, and those of winners say so") {
  const Suite suite = suite_of_text("[tune]\ntrials = 2\nvalidation_clips = 10\n[[methods]]\nid = \"student\"\n");
  const Suite tuning = tuning_suite(suite);
  const Plan plan = make_tuning_plan(tuning, "source");
  CHECK(plan.links.size() == 2 * tuning.seeds().size());
  for (const SuiteLink& link : plan.links) {
    REQUIRE(link.trial);
    CHECK(link.method == "student");
    CHECK(link.label == "student trial " + std::to_string(*link.trial));
    CHECK(link.role == RowRole::kLowerBound);
    CHECK(std::ranges::count(tuning.seeds(), link.seed) == 1);
    CHECK(link.rerun_command == "cmkd tune " + link.suite_file + " --only 'student'");
    CHECK(link.row_rerun_command == link.rerun_command);
  }
  const SuiteLink tuned = make_plan(tuned_suite(suite), "source", {}, {{"student", 1}}).links.at(0);
  CHECK_FALSE(tuned.trial);
  CHECK(tuned.row_rerun_command == "cmkd run " + tuned.suite_file + " --only 'student' --tuned");
  CHECK(tuned.rerun_command ==
        "cmkd run " + tuned.suite_file + " --only 'student' --seed " + std::to_string(tuned.seed) + " --tuned");
}

TEST_CASE("the shards of a plan have every training once, teachers with their students, and all of its links") {
  const test::TemporaryFolder folder;
  const auto suite_of = [&](const std::string& sweep) {
    write_file_atomically(folder / "sharded.toml", test::tiny_suite("Sharded", {"student", "kd", "rkd"}) + sweep);
    return load_suite(folder / "sharded.toml", {"suite.seeds=5"});
  };
  for (const Suite& suite : {suite_of(""),
                             suite_of("[corruption]\nkind = \"swap\"\n[sweep]\nsetting = "
                                      "\"corruption.share\"\nvalues = [0.0, 0.5, 1.0]\n"),
                             suite_of("[sweep]\nsetting = \"teacher.width\"\nvalues = [8, 16]\n")}) {
    const Plan whole = make_plan(suite, "source");
    for (const std::int64_t count : {1, 2, 3, 8}) {
      std::set<std::string> keys;
      for (std::int64_t index = 0; index < count; ++index) {
        PlanFilter filter;
        filter.shard = {index, count};
        const Plan part = make_plan(suite, "source", filter);
        CHECK(part.links.size() == whole.links.size());
        for (const PlannedTraining& planned : part.trainings) {
          INFO(suite.swept_setting << ", shard " << index << " of " << count << ": " << planned.label);
          CHECK(keys.insert(planned.key).second);
          if (!planned.teacher_key.empty()) CHECK(part.find(planned.teacher_key) != nullptr);
        }
      }
      CHECK(keys.size() == whole.trainings.size());
    }
  }
  CHECK(parse_shard("2/8").index == 2);
  CHECK(parse_shard("2/8").count == 8);
  for (const char* text : {"", "2", "8/8", "-1/8", "1/0", "a/b", "1/2/3", "1/ 2", "/2", "2/"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_shard(text), Error);
  }
}
