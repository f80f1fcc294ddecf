#include "catch.h"
//
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/core/file.h"
#include "cmkd/harness/tuning.h"
#include "cmkd/methods/method.h"
#include "paths.h"

using namespace cmkd;

namespace {

Suite load_tuned_suite(const std::string& methods, const std::vector<std::string>& overrides = {}) {
  const test::TemporaryFolder folder;
  write_file_atomically(
      folder / "test.toml",
      "[suite]\ntitle = \"Test\"\nseeds = 2\n[dataset]\nid = \"synthetic\"\n[teacher]\nmodality = \"audio\"\n"
      "model = \"audio_cnn\"\n[student]\nmodel = \"r2plus1d_small\"\n" +
          methods);
  return load_suite(folder / "test.toml", overrides);
}

std::string all_methods() {
  std::string text;
  for (const std::string& id : method_registry().names()) text += "[[methods]]\nid = \"" + id + "\"\n";
  return text;
}

}  // namespace

TEST_CASE("Every method's trials lie within what it declares, and the first is the suite's own setting") {
  const Suite suite = load_tuned_suite(all_methods());
  const double rate = suite.training.values.learning_rate;
  const double factor = suite.tune.values.learning_rate_factor;
  for (const MethodEntry& entry : suite.methods) {
    INFO(entry.id);
    CHECK((draw_trial(suite, entry, 0).parameters.values() == entry.section.values.values()));
    CHECK((draw_trial(suite, entry, 0).budget == suite.training.values));
    for (std::int64_t number = 1; number < 30; ++number) {
      const Trial trial = draw_trial(suite, entry, number);
      CHECK(trial.budget.learning_rate >= rate / factor * 0.999);
      CHECK(trial.budget.learning_rate <= rate * factor * 1.001);
      for (const SearchRange& range : method_registry().get(entry.id).search) {
        if (!range.choices.empty()) continue;
        const ParameterValue value = trial.parameters.values().at(range.parameter);
        const double number_value = std::holds_alternative<double>(value)
                                        ? std::get<double>(value)
                                        : static_cast<double>(std::get<std::int64_t>(value));
        CHECK(number_value >= range.low * 0.999);
        CHECK(number_value <= range.high * 1.001);
      }
    }
  }
}

TEST_CASE("A trial depends on its method and number alone, and no two are alike") {
  const Suite two = load_tuned_suite("[[methods]]\nid = \"kd\"\n[[methods]]\nid = \"rkd\"\n");
  const Suite one = load_tuned_suite("[[methods]]\nid = \"kd\"\n", {"tune.trials=3"});
  std::set<std::string> seen;
  for (std::int64_t number = 0; number < 8; ++number) {
    const Trial trial = draw_trial(two, two.methods[0], number);
    CHECK((trial.parameters.values() == draw_trial(one, one.methods[0], number).parameters.values()));
    CHECK((trial.budget == draw_trial(one, one.methods[0], number).budget));
    seen.insert(trial_text(two, two.methods[0], number));
  }
  CHECK(seen.size() == 8);
}

TEST_CASE("Every method gets the same number of trials, on clips and seeds that are not reported") {
  const Suite suite =
      load_tuned_suite("[[methods]]\nid = \"student\"\n[[methods]]\nid = \"kd\"\n", {"tune.trials=5", "tune.seeds=2"});
  const Plan plan = make_tuning_plan(tuning_suite(suite), "source");
  std::map<std::string, int> count;
  std::set<std::int64_t> seeds;
  for (const PlannedTraining& planned : plan.trainings) {
    CHECK(planned.split == Split::kValidation);
    CHECK(planned.evaluation().config.find("\"split\":\"validation\"") != std::string::npos);
    ++count[planned.method];
    seeds.insert(planned.seed);
  }
  CHECK(count == std::map<std::string, int>{{"teacher", 2}, {"student", 10}, {"kd", 10}});
  for (const std::int64_t seed : suite.seeds()) CHECK_FALSE(seeds.contains(seed));
  CHECK_THROWS_WITH(tuning_suite(load_tuned_suite("[[methods]]\nid = \"kd\"\n", {"tune.first_seed=1"})),
                    message_contains("tuned on and reported"));
}

TEST_CASE("A winner's values are what is trained, within the same cell; the first trial changes nothing") {
  const Suite suite = load_tuned_suite("[[methods]]\nid = \"kd\"\ncontrols = [\"shuffled-teacher\"]\n");
  const Plan plain = make_plan(suite, "source");
  const Plan tuned = make_plan(suite, "source", {}, {{"kd", 3}});
  const Trial trial = draw_trial(suite, suite.methods[0], 3);
  REQUIRE(plain.trainings.size() == tuned.trainings.size());
  for (std::size_t i = 0; i < plain.trainings.size(); ++i) {
    const PlannedTraining& planned = tuned.trainings[i];
    CHECK(planned.cell_key == plain.trainings[i].cell_key);
    CHECK((planned.key == plain.trainings[i].key) == planned.is_teacher);
    if (planned.is_teacher) continue;
    CHECK((planned.parameters.values() == trial.parameters.values()));
    CHECK((planned.budget == trial.budget));
  }
  const Plan first = make_plan(suite, "source", {}, {{"kd", 0}});
  CHECK(first.trainings[1].key == plain.trainings[1].key);
}
