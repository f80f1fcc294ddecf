#include "export_roles.h"

#include <fmt/format.h>

#include <list>
#include <optional>
#include <set>
#include <utility>

#include "cmkd/core/csv_field.h"
#include "cmkd/core/error.h"
#include "cmkd/harness/clip_view.h"
#include "cmkd/harness/rerun.h"
#include "cmkd/harness/suite_data.h"
#include "scratch.h"

namespace cmkd::apps {

namespace {

std::string roles_csv(const SuiteData& data, const Roles& roles) {
  std::string text = "clip,group,roles\n";
  const std::vector<Clip>& clips = data.listed.list.clips;
  for (std::size_t i = 0; i < clips.size(); ++i) {
    const std::vector<std::string> of = roles_of(roles, static_cast<std::int64_t>(i));
    if (!of.empty())
      text += fmt::format("{},{},{}\n", csv_field(clips[i].id), csv_field(clips[i].group), join(of, "+"));
  }
  return text;
}

// Suites and data that several trainings share are read once.
class RoleReader {
 public:
  RoleReader(const results::Store& store, const RolesFrom& from) : store_(store), from_(from) {
    for (const results::SuiteSummary& suite : store.suites()) {
      for (const results::LeaderboardRow& row : store.leaderboard_rows(suite.suite)) {
        folds_[row.link.training_key] = row.link.fold;
      }
    }
  }

  // "" when they were read.
  std::string read(const results::TrainingRecord& training, std::string& csv) {
    const std::vector<results::Recipe> recipes = store_.recipes(training.key);
    if (recipes.empty()) return "the suite file and settings that made it are not stored";
    const Opened& opened = open(recipes.front());
    if (opened.data.listed.source_fingerprint != training.dataset_fingerprint) return "the data here are other ones";
    csv = roles_csv(opened.data, opened.data.roles(opened.suite, training.seed, folds_[training.key]));
    return "";
  }

 private:
  struct Opened {
    Suite suite;
    SuiteData data;
  };

  const Opened& open(const results::Recipe& recipe) {
    for (const auto& [known, opened] : opened_) {
      if (known == recipe) return opened;
    }
    Suite suite = load_recipe(recipe, folder_.path(), from_.overrides);
    SuiteData data = open_data(suite, from_.cache_root, /*jobs=*/1);
    return opened_.emplace_back(recipe, Opened{std::move(suite), std::move(data)}).second;
  }

  const results::Store& store_;
  const RolesFrom& from_;
  Scratch folder_{"export"};                  // in which recipes are read
  std::map<std::string, std::string> folds_;  // by training
  std::list<std::pair<results::Recipe, Opened>> opened_;
};

}  // namespace

TrainingRoles training_roles(const results::Store& store, const std::vector<std::string>& trainings,
                             const RolesFrom& from) {
  TrainingRoles result;
  RoleReader reader(store, from);
  std::set<std::string> keys(trainings.begin(), trainings.end());
  for (const std::string& key : trainings) {
    if (const auto training = store.training(key); training && !training->teacher_key.empty()) {
      keys.insert(training->teacher_key);
    }
  }
  for (const std::string& key : keys) {
    const std::optional<results::TrainingRecord> training = store.training(key);
    if (!training) continue;  // a teacher that the store does not hold: the export says so
    std::string csv;
    const std::string why_not = reader.read(*training, csv);
    if (why_not.empty()) {
      result.csv[key] = std::move(csv);
    } else {
      result.missing.push_back(fmt::format("{} seed {} ({}): its clips by role: {}", training->label, training->seed,
                                           key.substr(0, 12), why_not));
    }
  }
  return result;
}

}  // namespace cmkd::apps
