#include "official_splits.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "annotation.h"

namespace cmkd {

ParameterSpec official_split_parameter() {
  return ParameterSpec::choice("split", "all", {"all", "1", "2", "3"},
                               "The official split, or all three as folds (the published number is their mean).");
}

std::vector<std::string> official_splits(const std::string& choice) {
  if (choice == "all") return {"1", "2", "3"};
  return {choice};
}

std::vector<std::string> folds_of_splits(const Parameters& parameters) {
  const std::vector<std::string> splits = official_splits(parameters.text("split"));
  return splits.size() > 1 ? splits : std::vector<std::string>();
}

LastField split_at_last_space(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const std::size_t end = text.find_last_not_of(kSpace);
  if (end == std::string_view::npos) return {};
  text = text.substr(0, end + 1);
  text.remove_prefix(text.find_first_not_of(kSpace));
  const std::size_t gap = text.find_last_of(kSpace);
  if (gap == std::string_view::npos) return {text, {}};
  const std::string_view name = text.substr(0, gap);
  return {name.substr(0, name.find_last_not_of(kSpace) + 1), text.substr(gap + 1)};
}

void SplitRows::add(const Clip& clip, std::size_t k, const std::string& role, const std::string& where) {
  const auto [found, is_new] = index_.emplace(clip.id, rows_.size());
  if (is_new) {
    rows_.push_back({clip, std::vector<std::string>(splits_.size())});
    rows_.back().clip.fold_splits.resize(splits_.size());
  }
  Row& row = rows_[found->second];
  if (!row.places[k].empty()) {
    fail_annotation(fmt::format("'{}' is listed twice in split {}, first in {}", clip.id, splits_[k], row.places[k]),
                    where, "each clip once: for training or for test");
  }
  row.places[k] = where;
  row.clip.fold_splits[k] = role;
}

std::vector<Clip> SplitRows::take() {
  std::vector<Clip> clips;
  for (Row& row : rows_) {
    Clip& clip = row.clip;
    if (std::ranges::all_of(clip.fold_splits, [](const std::string& role) { return role.empty(); })) continue;
    if (splits_.size() == 1) {
      clip.split = clip.fold_splits.front();
      clip.fold_splits.clear();
    }
    clips.push_back(std::move(clip));
  }
  rows_.clear();
  index_.clear();
  return clips;
}

}  // namespace cmkd
