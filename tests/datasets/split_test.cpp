#include "catch.h"
// Catch first: c10 and Catch2 both define CHECK.
#include <algorithm>
#include <set>

#include "cmkd/core/error.h"
#include "cmkd/datasets/split.h"

namespace {

using namespace cmkd;

// 4 classes, groups of three clips, a tenth for test.
ClipList make_list(std::int64_t clips) {
  ClipList list;
  list.classes = {"a", "b", "c", "d"};
  for (std::int64_t i = 0; i < clips; ++i) {
    Clip clip;
    clip.id = "clip" + std::to_string(i);
    clip.group = "group" + std::to_string(i / 3);
    clip.label = i * 7 % 4;
    clip.split = (i / 3) % 10 == 0 ? "test" : "train";
    list.clips.push_back(clip);
  }
  return list;
}

std::vector<bool> all_usable(const ClipList& list) { return std::vector<bool>(list.clips.size(), true); }

std::set<std::string> groups_of(const ClipList& list, const std::vector<std::int64_t>& clips) {
  std::set<std::string> groups;
  for (const std::int64_t clip : clips) groups.insert(list.clips[static_cast<std::size_t>(clip)].group);
  return groups;
}

SplitSettings settings() {
  SplitSettings values;
  values.labelled = 40;
  values.validation_clips = 30;
  values.teacher_share = 0.4;
  return values;
}

}  // namespace

TEST_CASE("no group has two roles, and every usable clip has one") {
  const ClipList list = make_list(300);
  const Roles roles = assign_roles(list, all_usable(list), settings(), "set", 0);
  std::set<std::string> seen;
  std::size_t groups = 0;
  std::size_t clips = 0;
  for (const auto* role : {&roles.teacher, &roles.transfer, &roles.validation, &roles.test}) {
    const auto own = groups_of(list, *role);
    seen.insert(own.begin(), own.end());
    groups += own.size();
    clips += role->size();
  }
  CHECK(groups == seen.size());
  CHECK(clips == 300);
  CHECK(roles.labelled.size() == 40);
  CHECK(std::ranges::includes(roles.transfer, roles.labelled));
}

TEST_CASE("the cut is the same for every seed, the labelled clips are drawn anew unless they are fixed") {
  const ClipList list = make_list(300);
  SplitSettings values = settings();
  const Roles first = assign_roles(list, all_usable(list), values, "set", 0);
  const Roles second = assign_roles(list, all_usable(list), values, "set", 1);
  CHECK(first.transfer == second.transfer);
  CHECK(first.teacher == second.teacher);
  CHECK(first.labelled != second.labelled);
  values.label_draw = LabelDraw::kFixed;
  CHECK(assign_roles(list, all_usable(list), values, "set", 0).labelled ==
        assign_roles(list, all_usable(list), values, "set", 1).labelled);
}

TEST_CASE("hidden labels decide nothing about who is labelled, by default") {
  ClipList list = make_list(300);
  const Roles roles = assign_roles(list, all_usable(list), settings(), "set", 0);
  CHECK(roles.labelled.size() == 40);
  // Change every hidden label: the roles stay.
  for (const std::int64_t clip : roles.transfer) {
    if (!std::ranges::binary_search(roles.labelled, clip)) {
      auto& label = list.clips[static_cast<std::size_t>(clip)].label;
      label = (label + 1) % 4;
    }
  }
  const Roles again = assign_roles(list, all_usable(list), settings(), "set", 0);
  CHECK(again.labelled == roles.labelled);
}

TEST_CASE("a balanced draw takes as many clips of each class") {
  const ClipList list = make_list(300);
  SplitSettings values = settings();
  values.label_selection = LabelSelection::kBalanced;
  const Roles roles = assign_roles(list, all_usable(list), values, "set", 0);
  std::vector<int> counts(4, 0);
  for (const std::int64_t clip : roles.labelled)
    ++counts[static_cast<std::size_t>(list.clips[static_cast<std::size_t>(clip)].label)];
  CHECK(counts == std::vector<int>{10, 10, 10, 10});
}

TEST_CASE("unusable clips have no role") {
  const ClipList list = make_list(300);
  std::vector<bool> usable = all_usable(list);
  for (std::size_t i = 0; i < 100; ++i) usable[i] = false;
  const Roles roles = assign_roles(list, usable, settings(), "set", 0);
  for (const auto* role : {&roles.teacher, &roles.transfer, &roles.validation, &roles.test}) {
    for (const std::int64_t clip : *role) CHECK(clip >= 100);
  }
}

TEST_CASE("more labelled clips than there are is an error that names the limit") {
  const ClipList list = make_list(60);
  SplitSettings values = settings();
  values.validation_clips = 0;
  values.labelled = 1000;
  CHECK_THROWS_WITH(assign_roles(list, all_usable(list), values, "set", 0), message_contains("labels.labelled = 1000"));
}

TEST_CASE("a multi-label set has labelled clips drawn at random, and no balanced draw") {
  ClipList list = make_list(300);
  list.multi_label = true;
  for (Clip& clip : list.clips) {
    clip.tags = {clip.label};
    clip.label = -1;
  }
  SplitSettings values = settings();
  CHECK(assign_roles(list, all_usable(list), values, "set", 0).labelled.size() == 40);
  values.label_selection = LabelSelection::kBalanced;
  CHECK_THROWS_WITH(assign_roles(list, all_usable(list), values, "set", 0),
                    message_contains("not defined for the multi-label set 'set'"));
}

TEST_CASE("a fold gives each clip its split, and a clip without a part in it has no role") {
  ClipList list = make_list(90);
  list.folds = {"1", "2"};
  for (std::size_t i = 0; i < list.clips.size(); ++i) {
    Clip& clip = list.clips[i];
    clip.split.clear();
    const bool tests_first = (i / 3) % 5 == 0;
    const bool tests_second = (i / 3) % 5 == 1;
    clip.fold_splits = {tests_first ? "test" : "train", tests_second ? "test" : ((i / 3) % 5 == 2 ? "" : "train")};
  }
  SplitSettings values;
  values.labelled = 10;
  const Roles first = assign_roles(list, all_usable(list), values, "set", 0, "1");
  const Roles second = assign_roles(list, all_usable(list), values, "set", 0, "2");
  CHECK(first.test.size() == 18);
  CHECK(second.test.size() == 18);
  CHECK(first.test != second.test);
  CHECK(first.teacher.size() + first.transfer.size() == 72);
  CHECK(second.teacher.size() + second.transfer.size() == 54);
  CHECK_THROWS_WITH(assign_roles(list, all_usable(list), values, "set", 0, "3"), message_contains("fold '3'"));
  CHECK_THROWS_AS(assign_roles(list, all_usable(list), values, "set", 0), Error);
  CHECK_THROWS_AS(assign_roles(make_list(90), all_usable(list), values, "set", 0, "1"), Error);
}
