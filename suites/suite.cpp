#include "cmkd/suites/suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "cmkd/core/error.h"
#include "own_tables.h"

namespace cmkd {

bool Section::has(std::string_view name) const {
  return std::ranges::find(specs(), name, &ParameterSpec::name) != specs().end();
}

std::string Section::origin(const std::string& name) const {
  const auto found = origins_.find(name);
  return found == origins_.end() ? "default" : found->second;
}

std::vector<std::int64_t> Suite::seeds() const {
  std::vector<std::int64_t> seeds;
  for (std::int64_t i = 0; i < general.values.seeds; ++i) seeds.push_back(general.values.first_seed + i);
  return seeds;
}

std::string Suite::direction() const {
  return std::string(to_string(teacher.modality)) + "->" + to_string(student.modality);
}

std::vector<std::string> Suite::folds(const std::vector<std::string>& of_dataset) const {
  const std::string& wanted = labels.values.folds;
  if (of_dataset.empty()) {
    if (wanted == "all") return {""};
    throw Error(ErrorKind::kUsage,
                {fmt::format("labels.folds = \"{}\", and dataset '{}' has one split", wanted, dataset),
                 labels.origin("folds"), "all", "remove the setting"});
  }
  if (wanted == "all") return of_dataset;
  std::vector<std::string> chosen;
  std::istringstream names(wanted);
  for (std::string fold; std::getline(names, fold, ',');) {
    const std::size_t first = fold.find_first_not_of(' ');
    fold = first == std::string::npos ? "" : fold.substr(first, fold.find_last_not_of(' ') - first + 1);
    if (std::ranges::find(of_dataset, fold) == of_dataset.end() || std::ranges::find(chosen, fold) != chosen.end()) {
      throw Error(ErrorKind::kUsage,
                  {.what = fmt::format("labels.folds = \"{}\": '{}' is not one of the dataset's folds, or stands twice",
                                       wanted, fold),
                   .where = labels.origin("folds"),
                   .allowed = fmt::format("all, or some of {}, with commas", join(of_dataset))});
    }
    chosen.push_back(fold);
  }
  if (chosen.empty()) {
    throw Error(ErrorKind::kUsage, {.what = "labels.folds names no fold",
                                    .where = labels.origin("folds"),
                                    .allowed = fmt::format("all, or some of {}, with commas", join(of_dataset))});
  }
  return chosen;
}

std::string Suite::condition() const {
  return swept_setting.empty() ? "" : fmt::format("{} = {}", swept_setting, swept_value);
}

bool Suite::chooses_on_reported_split() const { return general.values.protocol == Protocol::kPaper; }

bool Suite::chooses_epoch(const TrainingBudget& budget) const {
  return chooses_on_reported_split() || budget.select == Selection::kBestValidation;
}

std::vector<const Suite*> Suite::cases() const {
  std::vector<const Suite*> all;
  for (const Suite& variant : variants) all.push_back(&variant);
  if (all.empty()) all.push_back(this);
  return all;
}

Section* Suite::section(std::string_view table) {
  if (table == "dataset") return &dataset_values;
  if (table == "teacher.training") return &teacher.training;
  const auto tables = suite_file::own_tables();
  const auto found = std::ranges::find(tables, table, &suite_file::OwnTable::name);
  return found == tables.end() ? nullptr : &found->section(*this);
}

}  // namespace cmkd
