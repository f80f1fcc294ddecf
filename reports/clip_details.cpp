// What was right, clip by clip, from the stored outputs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "cmkd/metrics/classification.h"
#include "cmkd/reports/details.h"

namespace cmkd::reports {

namespace {

struct Answer {
  std::string clip;
  std::string group;
  std::int32_t label = 0;
  std::int32_t predicted = 0;
};

struct SeedAnswers {
  std::vector<Answer> answers;  // by clip, each once
  std::int64_t classes = 0;
  std::string why_not;
};

void add_answers(results::ClipOutputs outputs, SeedAnswers& into) {
  if (outputs.clip_ids.empty()) {
    into.why_not = "no outputs of single clips are stored";
  } else if (outputs.queries > 0 || !outputs.tags.empty() || outputs.width < 2 ||
             std::ranges::any_of(outputs.labels,
                                 [&](std::int32_t label) { return label < 0 || label >= outputs.width; })) {
    into.why_not = "clips are told right from wrong only where each has one class";
  } else if (std::ranges::any_of(outputs.scores, [](float score) { return std::isnan(score); })) {
    into.why_not = "a score is not a number";
  }
  if (!into.why_not.empty()) return;
  const std::vector<std::int32_t> predicted =
      metrics::predicted_classes(std::span<const float>(outputs.scores), outputs.width);
  into.answers.reserve(into.answers.size() + predicted.size());
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    into.answers.push_back(
        {std::move(outputs.clip_ids[i]), std::move(outputs.groups[i]), outputs.labels[i], predicted[i]});
  }
  into.classes = outputs.width;
}

// By clip; of a clip that several folds test, what the last says.
void sort_answers(SeedAnswers& seed) {
  if (!std::ranges::is_sorted(seed.answers, {}, &Answer::clip)) {
    std::ranges::stable_sort(seed.answers, {}, &Answer::clip);
  }
  auto kept = seed.answers.begin();
  for (auto answer = seed.answers.begin(); answer != seed.answers.end(); ++answer) {
    if (answer != seed.answers.begin() && kept->clip != answer->clip) ++kept;
    if (kept != answer) *kept = std::move(*answer);
  }
  if (!seed.answers.empty()) seed.answers.erase(kept + 1, seed.answers.end());
}

// Of several folds, the clips of all of them.
SeedAnswers answers_of(const results::Store& store, const SeedResult& seed) {
  SeedAnswers result;
  if (seed.folds.empty()) add_answers(store.outputs(seed.evaluation_key), result);
  for (const SeedResult& fold : seed.folds) add_answers(store.outputs(fold.evaluation_key), result);
  sort_answers(result);
  return result;
}

bool same_clips(const ClipTable& table, const SeedAnswers& seed) {
  if (table.clips.size() != seed.answers.size() || table.classes != seed.classes) return false;
  for (std::size_t i = 0; i < seed.answers.size(); ++i) {
    if (table.clips[i] != seed.answers[i].clip || table.labels[i] != seed.answers[i].label) return false;
  }
  return true;
}

void set_clips(ClipTable& table, const SeedAnswers& seed) {
  table.classes = seed.classes;
  for (const Answer& answer : seed.answers) {
    table.clips.push_back(answer.clip);
    table.groups.push_back(answer.group);
    table.labels.push_back(answer.label);
  }
}

// "" when the seed was added.
std::string add_seed(const results::Store& store, ClipTable& table, const SeedResult& seed, RowClips& row,
                     std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t>& confusion) {
  const SeedAnswers said = answers_of(store, seed);
  if (!said.why_not.empty()) return said.why_not;
  if (table.clips.empty()) set_clips(table, said);
  if (!same_clips(table, said)) return "other clips than the rows before it";
  row.right.resize(table.clips.size());
  ++row.seeds;
  for (std::size_t i = 0; i < said.answers.size(); ++i) {
    const Answer& answer = said.answers[i];
    if (answer.label == answer.predicted) ++row.right[i];
    ++confusion[{answer.label, answer.predicted}];
  }
  return "";
}

}  // namespace

ClipTable Details::clips(const Table& table) const {
  ClipTable result;
  for (std::size_t position = 0; position < table.rows.size(); ++position) {
    const Row& row = table.rows[position];
    // A teacher sees the other modality; what it is to its student stands in other places.
    if (row.role == RowRole::kTeacher) continue;
    RowClips clips{position, 0, {}, {}};
    std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> confusion;
    for (const SeedResult& seed : row.seeds) {
      if (!seed.value) continue;
      const std::string why_not = add_seed(store_, result, seed, clips, confusion);
      if (why_not.empty()) continue;
      result.left_out.push_back(fmt::format("{}, seed {}: {}", row.name, seed.seed, why_not));
      if (result.why_not.empty()) result.why_not = why_not;
    }
    for (const auto& [pair, count] : confusion) clips.confusion.push_back({pair.first, pair.second, count});
    if (clips.seeds > 0) result.rows.push_back(std::move(clips));
  }
  if (!result.rows.empty()) {
    result.why_not.clear();
  } else if (result.why_not.empty()) {
    result.why_not = "no row has a result";
  }
  return result;
}

std::vector<ClassRecall> class_recalls(const ClipTable& table, const RowClips& row) {
  std::map<std::int32_t, std::pair<std::int64_t, std::int64_t>> counts;  // clips, right
  for (std::size_t i = 0; i < table.labels.size(); ++i) {
    auto& [clips, right] = counts[table.labels[i]];
    ++clips;
    right += row.right[i];
  }
  std::vector<ClassRecall> recalls;
  for (const auto& [label, count] : counts) {
    const auto all = static_cast<double>(count.first * row.seeds);
    recalls.push_back({label, count.first, static_cast<double>(count.second) / all});
  }
  return recalls;
}

std::vector<DifferingClip> differing_clips(const RowClips& left, const RowClips& right) {
  std::vector<DifferingClip> clips;
  for (std::size_t i = 0; i < left.right.size(); ++i) {
    // As whole numbers: thirds and fifths are compared without rounding.
    const std::int64_t difference = left.right[i] * right.seeds - right.right[i] * left.seeds;
    if (difference == 0) continue;
    clips.push_back({i, left.right[i], right.right[i],
                     static_cast<double>(difference) / static_cast<double>(left.seeds * right.seeds)});
  }
  std::ranges::stable_sort(clips, std::ranges::greater(),
                           [](const DifferingClip& clip) { return std::abs(clip.difference); });
  return clips;
}

}  // namespace cmkd::reports
