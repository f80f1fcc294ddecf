#include "cmkd/datasets/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "cmkd/core/error.h"
#include "cmkd/core/hash.h"

namespace cmkd {

namespace {

// A number that orders `name` at random, the same on every machine.
std::uint64_t priority(const RandomStreams& streams, const std::string& purpose, const std::string& name) {
  return streams.stream(purpose, 0, static_cast<std::int64_t>(hash64(name))).next_u64();
}

// Takes whole groups, in random order, until `wanted` clips are taken; the rest stays in `pool`.
std::vector<std::int64_t> cut_by_group(std::vector<std::int64_t>& pool, const ClipList& list, std::int64_t wanted,
                                       const RandomStreams& streams, const std::string& purpose) {
  std::map<std::string, std::vector<std::int64_t>> groups;
  for (const std::int64_t clip : pool) groups[list.clips[static_cast<std::size_t>(clip)].group].push_back(clip);
  std::vector<std::tuple<std::uint64_t, std::string>> order;
  order.reserve(groups.size());
  for (const auto& [group, clips] : groups) order.emplace_back(priority(streams, purpose, group), group);
  std::ranges::sort(order);
  std::vector<std::int64_t> taken;
  std::vector<std::int64_t> left;
  for (const auto& [unused, group] : order) {
    std::vector<std::int64_t>& target = static_cast<std::int64_t>(taken.size()) < wanted ? taken : left;
    target.insert(target.end(), groups[group].begin(), groups[group].end());
  }
  std::ranges::sort(taken);
  std::ranges::sort(left);
  pool = std::move(left);
  return taken;
}

// The first `wanted` clips in random order; balanced: in turns over the classes.
std::vector<std::int64_t> choose_labelled(const std::vector<std::int64_t>& pool, const ClipList& list,
                                          std::int64_t wanted, bool balanced, const RandomStreams& streams) {
  std::vector<std::tuple<std::uint64_t, std::int64_t>> order;
  order.reserve(pool.size());
  for (const std::int64_t clip : pool) {
    order.emplace_back(priority(streams, "labelled", list.clips[static_cast<std::size_t>(clip)].id), clip);
  }
  std::ranges::sort(order);
  if (balanced) {
    // Key (rank within the class, priority): one clip of every class, then a second of every class, and so on.
    std::map<std::int64_t, std::uint64_t> seen;
    std::vector<std::tuple<std::uint64_t, std::uint64_t, std::int64_t>> turns;
    turns.reserve(order.size());
    for (const auto& [random, clip] : order) {
      turns.emplace_back(seen[list.clips[static_cast<std::size_t>(clip)].label]++, random, clip);
    }
    std::ranges::sort(turns);
    for (std::size_t i = 0; i < turns.size(); ++i) order[i] = {std::get<1>(turns[i]), std::get<2>(turns[i])};
  }
  std::vector<std::int64_t> chosen;
  for (std::int64_t i = 0; i < wanted; ++i) chosen.push_back(std::get<1>(order[static_cast<std::size_t>(i)]));
  std::ranges::sort(chosen);
  return chosen;
}

void require_clips(const std::vector<std::int64_t>& clips, const std::string& dataset, const std::string& role,
                   const std::string& fix) {
  if (!clips.empty()) return;
  throw Error(ErrorKind::kUsage,
              {.what = fmt::format("dataset '{}' leaves no clip for {}", dataset, role), .fix = fix});
}

// Which of a clip's splits counts.
class SplitOf {
 public:
  SplitOf(const ClipList& list, const std::string& dataset, const std::string& fold) {
    if (list.folds.empty() && fold.empty()) return;
    const auto found = std::ranges::find(list.folds, fold);
    if (found == list.folds.end()) {
      throw Error(ErrorKind::kUsage, {.what = fmt::format("dataset '{}' has no fold '{}'", dataset, fold),
                                      .allowed = list.folds.empty() ? "no folds" : join(list.folds)});
    }
    fold_ = found - list.folds.begin();
  }

  const std::string& operator()(const Clip& clip) const {
    return fold_ < 0 ? clip.split : clip.fold_splits.at(static_cast<std::size_t>(fold_));
  }

 private:
  std::int64_t fold_ = -1;
};

}  // namespace

Roles assign_roles(const ClipList& list, const std::vector<bool>& usable, const SplitSettings& settings,
                   const std::string& dataset, std::int64_t seed, const std::string& fold) {
  Roles roles;
  std::vector<std::int64_t> pool;
  const SplitOf split_of(list, dataset, fold);
  for (std::size_t i = 0; i < list.clips.size(); ++i) {
    const std::string& listed = split_of(list.clips[i]);
    if (!usable[i] || listed.empty()) continue;
    const Split split = find_named<Split>(listed).value_or(Split::kTrain);
    auto& target = split == Split::kTest ? roles.test : (split == Split::kValidation ? roles.validation : pool);
    target.push_back(static_cast<std::int64_t>(i));
  }
  require_clips(pool, dataset, "training", "check the split column and the excluded clips ('cmkd datasets check')");
  require_clips(roles.test, dataset, "the reported split (test)", "give some clips the split 'test'");
  const RandomStreams fixed("split", dataset, 0);
  const auto training_clips = static_cast<double>(pool.size());
  if (roles.validation.empty() && settings.validation_clips > 0) {
    roles.validation = cut_by_group(pool, list, settings.validation_clips, fixed, "validation");
  }
  if (settings.teacher_train == TeacherTrain::kDisjoint) {
    const auto wanted = static_cast<std::int64_t>(training_clips * settings.teacher_share);
    roles.teacher = cut_by_group(pool, list, wanted, fixed, "teacher");
    require_clips(roles.teacher, dataset, "the teacher", "raise labels.teacher_share");
  } else {
    roles.teacher = pool;
  }
  require_clips(pool, dataset, "the student", "lower labels.teacher_share or labels.validation_clips");
  roles.transfer = pool;
  const auto available = static_cast<std::int64_t>(pool.size());
  if (settings.labelled > available) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("labels.labelled = {} exceeds the transfer clips", settings.labelled),
                 .allowed = fmt::format("0 (all) … {}", available),
                 .fix = "lower labels.labelled or labels.teacher_share"});
  }
  const bool balanced = settings.label_selection == LabelSelection::kBalanced;
  if (balanced && list.multi_label) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format(
                     "labels.label_selection = \"balanced\" is not defined for the multi-label set '{}'", dataset),
                 .allowed = "random",
                 .fix = "a clip with several classes cannot count for one of them: use \"random\""});
  }
  const std::int64_t wanted = settings.labelled == 0 ? available : settings.labelled;
  const RandomStreams draw("labels", dataset, settings.label_draw == LabelDraw::kFixed ? 0 : seed);
  roles.labelled = choose_labelled(pool, list, wanted, balanced, draw);
  return roles;
}

}  // namespace cmkd
