#include "html/pair.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "text.h"

namespace cmkd::reports {

namespace {

constexpr std::size_t kShownClips = 20;
constexpr std::size_t kShownClasses = 24;
constexpr std::size_t kShownConfusions = 12;
constexpr std::int64_t kMatrixClasses = 16;

std::string recall_text(double share) { return metric_text("top1", share); }

void write_pair_counts(Page& page, const ClipPair& pair, const std::vector<DifferingClip>& differing) {
  const auto wins = std::ranges::count_if(differing, [](const DifferingClip& clip) { return clip.difference > 0; });
  page.line(
      "<p>Of {} clips, <b>{}</b> is right more often on <b>{}</b>, <b>{}</b> on <b>{}</b>; on {} they are equally "
      "often right.</p>",
      pair.clips.clips.size(), isolated_html(pair.left_name()), wins, isolated_html(pair.right_name()),
      static_cast<std::ptrdiff_t>(differing.size()) - wins, pair.clips.clips.size() - differing.size());
}

struct ClassPair {
  ClassRecall left, right;
  [[nodiscard]] double difference() const { return left.recall - right.recall; }
};

// Those that differ most, first.
std::vector<ClassPair> class_pairs(const ClipPair& pair) {
  const std::vector<ClassRecall> left = class_recalls(pair.clips, pair.left);
  const std::vector<ClassRecall> right = class_recalls(pair.clips, pair.right);
  std::vector<ClassPair> classes;
  for (std::size_t i = 0; i < left.size(); ++i) classes.push_back({left[i], right[i]});
  std::ranges::stable_sort(classes, std::ranges::greater(),
                           [](const ClassPair& one) { return std::abs(one.difference()); });
  if (classes.size() > kShownClasses) classes.resize(kShownClasses);
  return classes;
}

void write_class_table(Page& page, const ClipPair& pair) {
  page.line(
      "<div class=\"part\"><h4>By class</h4>{}<table class=\"narrow\"><caption>Recognised clips of a class, %; at most "
      "{} classes, those that differ most first</caption>",
      scroll_region("By class"), kShownClasses);
  page.line(
      "<thead><tr><th scope=\"col\">Class</th><th scope=\"col\" class=\"number\">Clips</th><th scope=\"col\" "
      "class=\"number\">{}</th>"
      "<th scope=\"col\" class=\"number\">{}</th><th scope=\"col\" "
      "class=\"number\">Difference</th></tr></thead><tbody>",
      html_escaped(pair.left_name()), html_escaped(pair.right_name()));
  for (const ClassPair& one : class_pairs(pair)) {
    page.line(
        "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td><td "
        "class=\"number\">{}</td><td class=\"number {}\">{}</td></tr>",
        one.left.label, one.left.clips, recall_text(one.left.recall), recall_text(one.right.recall),
        one.difference() > 0   ? "gain"
        : one.difference() < 0 ? "loss"
                               : "",
        difference_text("top1", one.difference()));
  }
  page.line("</tbody></table></div></div>");
}

void write_matrix(Page& page, const ClipPair& pair, const RowClips& row, const std::string& name) {
  std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> counts;
  std::map<std::int32_t, std::int64_t> sums;
  for (const ConfusionCount& count : row.confusion) {
    counts[{count.label, count.predicted}] = count.clips;
    sums[count.label] += count.clips;
  }
  page.line(
      "<div class=\"part\"><h4>Confusion, {}</h4>{}<table class=\"matrix\"><caption>% of the true class (row) named as "
      "each class (column)</caption><thead><tr><td></td>",
      html_escaped(name), scroll_region("Confusion of " + name));
  for (std::int64_t column = 0; column < pair.clips.classes; ++column) page.line("<th scope=\"col\">{}</th>", column);
  page.line("</tr></thead><tbody>");
  for (std::int32_t label = 0; label < pair.clips.classes; ++label) {
    page.line("<tr><th scope=\"row\">{}</th>", label);
    for (std::int32_t predicted = 0; predicted < pair.clips.classes; ++predicted) {
      const auto found = counts.find({label, predicted});
      const double share =
          found == counts.end() ? 0 : static_cast<double>(found->second) / static_cast<double>(sums[label]);
      page.line("<td{} style=\"--share:{:.2f}\">{}</td>", label == predicted ? " class=\"diagonal\"" : "", share,
                found == counts.end() ? "" : fmt::format("{:.0f}", 100 * share));
    }
    page.line("</tr>");
  }
  page.line("</tbody></table></div></div>");
}

void write_confusions(Page& page, const RowClips& row, const std::string& name) {
  std::vector<ConfusionCount> wrong;
  for (const ConfusionCount& count : row.confusion) {
    if (count.label != count.predicted) wrong.push_back(count);
  }
  std::ranges::stable_sort(wrong, std::ranges::greater(), &ConfusionCount::clips);
  if (wrong.size() > kShownConfusions) wrong.resize(kShownConfusions);
  page.line(
      "<div class=\"part\"><h4>Confusion, {}</h4>{}<table class=\"narrow\"><caption>The most frequent errors, over all "
      "seeds</caption><thead><tr><th scope=\"col\">True class</th>"
      "<th scope=\"col\">named</th><th scope=\"col\" class=\"number\">Clips</th></tr></thead><tbody>",
      html_escaped(name), scroll_region("Confusion of " + name));
  for (const ConfusionCount& count : wrong) {
    page.line("<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"number\">{}</td></tr>", count.label, count.predicted,
              count.clips);
  }
  page.line("</tbody></table></div></div>");
}

void write_clip_list(Page& page, const ClipPair& pair, const std::vector<DifferingClip>& differing) {
  page.line(
      "<div class=\"part\"><h4>Clips on which they differ most</h4>{}<table><caption>Seeds that named the clip’s "
      "class; the {} that differ most</caption>"
      "<thead><tr><th scope=\"col\">Clip</th><th scope=\"col\">Source</th><th scope=\"col\" "
      "class=\"number\">Class</th><th scope=\"col\" class=\"number\">{}</th><th scope=\"col\" "
      "class=\"number\">{}</th></tr></thead><tbody>",
      scroll_region("Clips on which they differ most"), kShownClips, html_escaped(pair.left_name()),
      html_escaped(pair.right_name()));
  for (std::size_t i = 0; i < differing.size() && i < kShownClips; ++i) {
    const DifferingClip& clip = differing[i];
    page.line(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{} of {}</td><td "
        "class=\"number\">{} of {}</td></tr>",
        html_escaped(pair.clips.clips[clip.clip]),
        pair.clips.groups[clip.clip] == pair.clips.clips[clip.clip] ? "" : html_escaped(pair.clips.groups[clip.clip]),
        pair.clips.labels[clip.clip], clip.left_right, pair.left.seeds, clip.right_right, pair.right.seeds);
  }
  page.line("</tbody></table></div></div>");
}

}  // namespace

void write_pair(Page& page, const ClipPair& pair) {
  const std::vector<DifferingClip> differing = differing_clips(pair.left, pair.right);
  write_pair_counts(page, pair, differing);
  page.line("<div class=\"parts\">");
  write_class_table(page, pair);
  for (const RowClips* row : {&pair.left, &pair.right}) {
    const std::string& name = pair.table.rows[row->row].name;
    if (pair.clips.classes <= kMatrixClasses) {
      write_matrix(page, pair, *row, name);
    } else {
      write_confusions(page, *row, name);
    }
  }
  write_clip_list(page, pair, differing);
  page.line("</div>");
}

}  // namespace cmkd::reports
