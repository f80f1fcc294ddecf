// What a suite's links say of its rows, and the commands that repeat them.
#include <fmt/format.h>

#include "cmkd/methods/method.h"
#include "cmkd/suites/task.h"
#include "plan_parts.h"

namespace cmkd {

namespace {

// Of one seed, or of all of them.
std::string rerun_command(const Suite& suite, const PlannedTraining& planned, bool tuned, bool all_seeds) {
  const std::string file = suite.file.generic_string();
  if (planned.split != Split::kTest) return fmt::format("cmkd tune {} --only '{}'", file, planned.method);
  const std::string seed = all_seeds ? "" : fmt::format(" --seed {}", planned.seed);
  return fmt::format("cmkd run {} --only '{}'{}{}", file, planned.label, seed, tuned ? " --tuned" : "");
}

results::RowRole role_of(const PlannedTraining& planned) {
  if (!planned.control.empty()) return results::RowRole::kControl;
  switch (method_registry().get(planned.method).role) {
    case MethodRole::kLowerBound:
      return results::RowRole::kLowerBound;
    case MethodRole::kCeiling:
      return results::RowRole::kCeiling;
    case MethodRole::kTeacher:
      return results::RowRole::kTeacher;
    case MethodRole::kUpperBound:
      return results::RowRole::kUpperBound;
    case MethodRole::kMethod:
    case MethodRole::kUntrained:
      break;
  }
  return results::RowRole::kMethod;
}

}  // namespace

results::SuiteLink make_link(const Suite& whole, const Suite& suite, const PlannedTraining& planned,
                             std::size_t position, bool tuned) {
  results::SuiteLink link = link_of_suite(whole, suite);
  link.method_order = fmt::format("{:04}", position);
  link.method = planned.method;
  link.control = planned.control;
  link.label = planned.label;
  link.role = role_of(planned);
  link.student_model = planned.is_teacher ? suite.teacher.id : suite.student.id;
  link.seed = planned.seed;
  if (planned.trial >= 0) link.trial = planned.trial;
  link.fold = planned.fold;
  link.training_key = planned.key;
  link.evaluation_key = planned.evaluation().key;
  link.rerun_command = rerun_command(suite, planned, tuned, /*all_seeds=*/false);
  link.row_rerun_command = rerun_command(suite, planned, tuned, /*all_seeds=*/true);
  return link;
}

results::SuiteLink link_of_suite(const Suite& whole, const Suite& suite) {
  results::SuiteLink link;
  link.suite = whole.name;
  link.suite_title = whole.general.values.title;
  link.suite_file = whole.file.generic_string();
  link.task = to_string(suite.general.values.task);
  link.dataset = suite.dataset;
  link.direction = suite.direction();
  link.protocol = to_string(suite.general.values.protocol);
  link.primary_metric = task_info(link.task).primary_metric;
  link.swept_setting = suite.swept_setting;
  link.swept_value = suite.swept_value;
  link.level = suite.level;
  return link;
}

}  // namespace cmkd
