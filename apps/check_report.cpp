#include "check_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cmkd/core/error.h"

namespace cmkd::apps {

using nlohmann::json;

namespace {

constexpr std::size_t kNamed = 5;  // of each group of findings; --json has all

json shared_json(const std::vector<SharedThing>& things) {
  json list = json::array();
  for (const SharedThing& thing : things) {
    json entry{{"kind", thing.kind}, {"name", thing.name}, {"clips", thing.clips}};
    if (!thing.splits.empty()) entry["splits"] = thing.splits;
    if (!thing.fold.empty()) entry["fold"] = thing.fold;
    list.push_back(std::move(entry));
  }
  return list;
}

std::map<std::string, std::int64_t> counts_by_kind(const DatasetCheck& check) {
  std::map<std::string, std::int64_t> counts;
  for (const ClipProblem& problem : check.problems) ++counts[problem.kind];
  return counts;
}

std::string more_text(std::size_t all) {
  return all > kNamed ? fmt::format("    … and {} more (--json lists all)\n", all - kNamed) : std::string();
}

std::string problems_text(const DatasetCheck& check) {
  std::string text;
  for (const auto& [kind, count] : counts_by_kind(check)) {
    text += fmt::format("  {}: {}\n", kind, count);
    std::size_t named = 0;
    for (const ClipProblem& problem : check.problems) {
      if (problem.kind != kind || named == kNamed) continue;
      ++named;
      text += fmt::format("    {}: {}\n", problem.clip, problem.reason);
    }
    text += more_text(static_cast<std::size_t>(count));
  }
  return text;
}

std::string shared_text(const std::string& title, const std::vector<SharedThing>& things) {
  if (things.empty()) return "";
  std::string text = fmt::format("  {}: {}\n", title, things.size());
  for (std::size_t i = 0; i < things.size() && i < kNamed; ++i) {
    const SharedThing& thing = things[i];
    const std::vector<std::string> first(
        thing.clips.begin(), thing.clips.begin() + static_cast<std::ptrdiff_t>(std::min(thing.clips.size(), kNamed)));
    text += fmt::format("    {} {}{}{}: {}{}\n", thing.kind, thing.name,
                        thing.splits.empty() ? "" : " in " + join(thing.splits, " and "),
                        thing.fold.empty() ? "" : fmt::format(" of fold {}", thing.fold), join(first),
                        thing.clips.size() > kNamed ? ", …" : "");
  }
  return text + more_text(things.size());
}

std::string pretrained_text(const DatasetCheck& check) {
  if (!check.pretrained_asked) return "";
  if (check.with_video_id == 0) {
    return "  in the pretraining list: cannot be told, no clip of this set names its YouTube video\n";
  }
  std::string text = "  in the pretraining list, by YouTube id:\n";
  for (const auto& [split, count] : check.pretrained) text += fmt::format("    {:<14} {}\n", split, count);
  return text;
}

}  // namespace

json check_json(const DatasetCheck& check) {
  json splits = json::object();
  for (const auto& [name, count] : check.splits) {
    splits[name] = {{"listed", count.listed},
                    {"used", count.used},
                    {"silent", count.silent},
                    {"without_picture", count.without_picture}};
  }
  json problems = json::array();
  for (const ClipProblem& problem : check.problems) {
    problems.push_back({{"clip", problem.clip},
                        {"path", problem.path},
                        {"split", problem.split},
                        {"kind", problem.kind},
                        {"reason", problem.reason}});
  }
  json result{{"dataset", check.dataset},
              {"classes", check.classes},
              {"splits", splits},
              {"counts", counts_by_kind(check)},
              {"problems", problems},
              {"in_two_splits", shared_json(check.in_two_splits)},
              {"listed_twice", shared_json(check.listed_twice)},
              {"has_real_problem", check.has_real_problem()}};
  if (!check.features.empty()) result["features"] = check.features;
  if (check.pretrained_asked) {
    result["in_pretraining_set"] = check.pretrained;
    result["clips_with_youtube_id"] = check.with_video_id;
  }
  return result;
}

std::string check_text(const DatasetCheck& check) {
  std::string text =
      fmt::format("{}: {} classes\n  {:<16} {:>8} / listed\n", check.dataset, check.classes, "split", "used");
  for (const auto& [name, count] : check.splits) {
    text += fmt::format("  {:<16} {:>8} / {:<8} silent {}, without picture {}\n", name, count.used, count.listed,
                        count.silent, count.without_picture);
  }
  text += problems_text(check);
  for (const auto& [shape, count] : check.features) {
    text += fmt::format("  features of the sound {}: {} clips\n", shape, count);
  }
  if (check.features.size() > 1) text += "  features of several shapes: ingest.feature_values is one number for all\n";
  text += shared_text("in two splits", check.in_two_splits);
  text += shared_text("the same piece under several names", check.listed_twice);
  text += pretrained_text(check);
  return text + (check.has_real_problem() ? "  something is wrong: see above\n" : "  nothing is wrong\n");
}

}  // namespace cmkd::apps
