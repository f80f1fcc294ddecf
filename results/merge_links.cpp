#include "merge_links.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>

#include "cmkd/core/error.h"
#include "merge_rows.h"

namespace cmkd::results {

namespace {

// What a link is a link for. `protocol` and what follows must agree where the keys do.
constexpr const char* kMergedLinkPlace =
    "suite, task, dataset, direction, swept_setting, swept_value, label, student_model, fold, seed, trial";
constexpr int kMergedLinkPlaceColumns = 11;
constexpr const char* kMergedLinkFacts = "protocol, primary_metric, method, control, role, level";
constexpr int kMergedLinkFactColumns = 6;

using Keys = std::pair<std::string, std::string>;  // of training and evaluation
using Facts = std::vector<std::string>;
using Place = std::vector<std::string>;
using LinksByPlace = std::map<Place, std::map<Keys, Facts>>;

std::vector<std::string> texts_of(const Statement& row, int first, int count) {
  std::vector<std::string> texts;
  for (int column = first; column < first + count; ++column) {
    texts.push_back(row.is_null(column) ? "none" : row.text(column));
  }
  return texts;
}

LinksByPlace read_links(Database& database) {
  Statement rows(database, fmt::format("SELECT {}, {}, training_key, evaluation_key FROM suite_link", kMergedLinkPlace,
                                       kMergedLinkFacts));
  LinksByPlace links;
  constexpr int kKeys = kMergedLinkPlaceColumns + kMergedLinkFactColumns;
  while (rows.step()) {
    links[texts_of(rows, 0, kMergedLinkPlaceColumns)][{rows.text(kKeys), rows.text(kKeys + 1)}] =
        texts_of(rows, kMergedLinkPlaceColumns, kMergedLinkFactColumns);
  }
  return links;
}

std::string name_of(const Place& place) {
  std::string text = fmt::format("suite '{}', {} on {}, {} seed {}", place[0], place[1], place[2], place[6], place[9]);
  if (!place[5].empty()) text += fmt::format(", {} = {}", place[4], place[5]);
  if (!place[8].empty()) text += ", fold " + place[8];
  return text;
}

// Nothing when the links go together.
std::optional<std::string> conflict_of(const Place& place, const std::map<Keys, Facts>& here,
                                       const std::map<Keys, Facts>& there) {
  static const std::vector<std::string> names{"protocol", "primary metric", "method", "control", "role", "level"};
  for (const auto& [keys, facts] : there) {
    const auto mine = here.find(keys);
    if (mine == here.end()) {
      const Keys& other = here.begin()->first;
      const bool training = other.first != keys.first;
      return fmt::format("{}: {}: here '{}', there '{}' (the suite was planned from other settings, code or data)",
                         name_of(place), training ? "training" : "evaluation", training ? other.first : other.second,
                         training ? keys.first : keys.second);
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (mine->second[i] == facts[i]) continue;
      return fmt::format("{}: {}: here '{}', there '{}'", name_of(place), names[i], mine->second[i], facts[i]);
    }
  }
  return std::nullopt;
}

}  // namespace

std::int64_t merge_links(const LinkMerge& merge) {
  const LinksByPlace here = read_links(merge.into);
  const std::string suite_columns = "name, title, file";
  const std::string columns =
      "suite, task, dataset, direction, protocol, primary_metric, method_order, method, control, label, role, "
      "student_model, seed, trial, fold, swept_setting, swept_value, level, training_key, evaluation_key, "
      "rerun_command, row_rerun_command";
  std::set<Place> new_places;
  for (const auto& [place, links] : read_links(merge.from)) {
    std::map<Keys, Facts> wanted = links;
    if (!merge.trainings.empty()) {
      std::erase_if(wanted, [&](const auto& link) { return !merge.trainings.contains(link.first.first); });
    }
    if (wanted.empty()) continue;
    const auto mine = here.find(place);
    if (mine == here.end()) {
      new_places.insert(place);
    } else if (const std::optional<std::string> conflict = conflict_of(place, mine->second, wanted)) {
      merge.conflicts.push_back(*conflict);
    }
  }
  std::int64_t added = 0;
  Statement rows(merge.from, fmt::format("SELECT {}, training_key, evaluation_key, method_order FROM suite_link "
                                         "ORDER BY suite, method_order, training_key, evaluation_key",
                                         kMergedLinkPlace));
  std::set<std::string> suites;
  std::set<std::vector<std::string>> done;
  while (rows.step()) {
    const Place place = texts_of(rows, 0, kMergedLinkPlaceColumns);
    const std::string training = rows.text(kMergedLinkPlaceColumns);
    const std::string evaluation = rows.text(kMergedLinkPlaceColumns + 1);
    if (!new_places.contains(place) || (!merge.trainings.empty() && !merge.trainings.contains(training))) continue;
    if (suites.insert(place[0]).second) {
      (void)copy_rows(merge.from, "SELECT name, title, file FROM suite WHERE name = ?", {place[0]}, merge.into,
                      insert_sql("suite", suite_columns, /*or_ignore=*/true));
    }
    const std::string order = rows.text(kMergedLinkPlaceColumns + 2);
    if (!done.insert({place[0], place[1], place[2], place[4], place[5], place[8], order, training, evaluation}).second)
      continue;
    added += copy_rows(merge.from,
                       fmt::format("SELECT {} FROM suite_link WHERE suite = ? AND task = ? AND dataset = ? AND "
                                   "swept_setting = ? AND swept_value = ? AND fold = ? AND method_order = ? AND "
                                   "training_key = ? AND evaluation_key = ?",
                                   columns),
                       {place[0], place[1], place[2], place[4], place[5], place[8], order, training, evaluation},
                       merge.into, insert_sql("suite_link", columns));
  }
  return added;
}

}  // namespace cmkd::results
