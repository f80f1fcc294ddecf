// A comparison for people: one sequence of headings, lines and tables, as aligned text and as Markdown.
#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "cmkd/core/error.h"
#include "compare_parts.h"
#include "markdown.h"
#include "text.h"

namespace cmkd::reports {

namespace {

struct CompareTable {
  std::size_t text_columns = 1;                // flush left
  std::vector<std::vector<std::string>> rows;  // the head first
};
struct CompareHeading {
  int level = 2;
  std::string text;
};
struct CompareLine {
  std::string text;
};
using CompareBlock = std::variant<CompareHeading, CompareLine, CompareTable>;
using CompareBlocks = std::vector<CompareBlock>;

void add_differences(CompareBlocks& out, const std::string& what, const std::vector<ValueDifference>& differences,
                     const Comparison& comparison) {
  out.push_back(CompareHeading{3, what});
  if (differences.empty()) {
    out.push_back(CompareLine{"no difference"});
    return;
  }
  CompareTable table{3, {{"", comparison.a, comparison.b}}};
  for (const ValueDifference& one : differences) table.rows.push_back({one.name, one.a, one.b});
  out.push_back(std::move(table));
}

void add_settings(CompareBlocks& out, const ComparedTable& table, const Comparison& comparison) {
  if (!table.why_no_configuration.empty()) {
    out.push_back(CompareHeading{3, "Configuration and environment"});
    out.push_back(CompareLine{table.why_no_configuration});
    return;
  }
  add_differences(out, "Configuration", table.configuration, comparison);
  add_differences(out, "Environment", table.environment, comparison);
}

void add_metrics(CompareBlocks& out, const ComparedTable& table, const Comparison& comparison) {
  out.push_back(CompareHeading{3, "Metrics (difference: B − A)"});
  std::vector<std::string> seeds;
  for (const std::int64_t seed : table.paired_seeds) seeds.push_back(fmt::format("{}", seed));
  if (seeds.empty()) {
    out.push_back(CompareLine{"No seed pairs: means of all seeds of each side, no interval, no test."});
  } else {
    const auto n = static_cast<std::int64_t>(seeds.size());
    out.push_back(CompareLine{fmt::format("Paired seeds: {} (n = {}; the smallest two-sided exact p is {:.4g}).",
                                          join(seeds), n, smallest_reachable_p(n))});
  }
  if (!table.not_paired.empty()) out.push_back(CompareLine{"Not paired: " + table.not_paired});
  CompareTable values{1, {{"Metric", comparison.a, comparison.b, "Difference", "95 % interval", "p"}}};
  for (const MetricComparison& metric : table.metrics) {
    const bool tested = metric.paired && metric.paired->n > 1;
    values.rows.push_back(
        {metric_heading(metric.metric), metric_text(metric.metric, metric.mean_a),
         metric_text(metric.metric, metric.mean_b), difference_text(metric.metric, metric.difference),
         metric.paired ? interval_text(metric.metric, metric.paired->interval, IntervalOf::kDifference) : kNothing,
         tested ? p_value_text(metric.paired->sign_flip_p) : std::string(kNothing)});
  }
  out.push_back(std::move(values));
}

void add_clips(CompareBlocks& out, const ClipComparison& clips, const Comparison& comparison, std::size_t most) {
  out.push_back(CompareHeading{3, "Clip by clip"});
  if (!clips.why_none.empty()) out.push_back(CompareLine{"Not compared: " + clips.why_none});
  if (clips.seeds.empty()) return;
  out.push_back(CompareLine{fmt::format("A clip is right where {}.", clips.right)});
  CompareTable table{1, {{"Seed", "Clips", "only A right", "only B right", "p (exact McNemar)", "p after Holm"}}};
  for (const SeedFlips& seed : clips.seeds) {
    std::string name = fmt::format("{}", seed.seed_a);
    if (seed.seed_b != seed.seed_a) name += fmt::format(" against {}", seed.seed_b);
    if (!seed.fold.empty()) name += ", fold " + seed.fold;
    table.rows.push_back({name, fmt::format("{}", seed.clips), fmt::format("{}", seed.only_a),
                          fmt::format("{}", seed.only_b), p_value_text(seed.p), p_value_text(seed.p_holm)});
  }
  out.push_back(std::move(table));
  const std::string interval =
      clips.interval ? fmt::format(" {} over {} source videos (bootstrap: another test set)",
                                   interval_text("top1", clips.interval, IntervalOf::kDifference), clips.groups)
                     : std::string(", all clips of one source video");
  out.push_back(CompareLine{
      fmt::format("Share of right clips, B − A: {} points{}.", difference_text("top1", clips.difference), interval)});
  if (clips.flipped.empty()) {
    out.push_back(CompareLine{"No clip flipped."});
    return;
  }
  out.push_back(CompareLine{fmt::format("{} clips flipped; {} shown, those of most seeds first.", clips.flipped.size(),
                                        std::min(most, clips.flipped.size()))});
  CompareTable flipped{3, {{"Clip", "Source", "Class", "seeds only A", "seeds only B", "won by"}}};
  for (std::size_t i = 0; i < clips.flipped.size() && i < most; ++i) {
    const FlippedClip& clip = clips.flipped[i];
    const std::string winner = clip.only_a == clip.only_b  ? kNothing
                               : clip.only_a > clip.only_b ? comparison.a
                                                           : comparison.b;
    flipped.rows.push_back(
        {clip.clip, clip.group, clip.label, fmt::format("{}", clip.only_a), fmt::format("{}", clip.only_b), winner});
  }
  if (flipped.rows.size() > 1) out.push_back(std::move(flipped));
}

CompareBlocks blocks_of(const Comparison& comparison, std::size_t most_clips) {
  CompareBlocks out;
  out.push_back(CompareHeading{1, fmt::format("A: {}, B: {}", comparison.a, comparison.b)});
  for (const ComparedTable& table : comparison.tables) {
    out.push_back(CompareHeading{2, table.title});
    out.push_back(CompareLine{fmt::format("A: {}", join(table.runs_a))});
    out.push_back(CompareLine{fmt::format("B: {}", join(table.runs_b))});
    add_metrics(out, table, comparison);
    add_clips(out, table.clips, comparison, most_clips);
    add_settings(out, table, comparison);
  }
  return out;
}

std::string markdown_of(const CompareBlocks& blocks) {
  MarkdownDocument out;
  for (const CompareBlock& block : blocks) {
    if (const auto* heading = std::get_if<CompareHeading>(&block)) {
      out.line("{} {}", std::string(static_cast<std::size_t>(heading->level), '#'), markdown_escaped(heading->text));
    } else if (const auto* line = std::get_if<CompareLine>(&block)) {
      out.line("{}", markdown_escaped(line->text));
    } else {
      const auto& table = std::get<CompareTable>(block);
      for (std::size_t i = 0; i < table.rows.size(); ++i) {
        std::vector<std::string> cells;
        for (const std::string& cell : table.rows[i]) cells.push_back(markdown_escaped(cell));
        i == 0 ? out.head(cells, table.text_columns) : out.row(cells);
      }
    }
    out.blank();
  }
  std::string text = out.take();
  text.pop_back();  // the last blank line
  return text;
}

// Characters, as a terminal counts them for most scripts.
std::size_t shown_width(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string aligned(const CompareTable& table) {
  std::vector<std::size_t> widths(table.rows.front().size(), 0);
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], shown_width(clean_text(row[i])));
  }
  std::string text;
  for (const auto& row : table.rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = clean_text(row[i]);
      const std::string fill(widths[i] - shown_width(cell), ' ');
      line += " " + (i < table.text_columns ? cell + fill : fill + cell) + " ";
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string text_of(const CompareBlocks& blocks) {
  std::string text;
  for (const CompareBlock& block : blocks) {
    if (const auto* heading = std::get_if<CompareHeading>(&block)) {
      text += fmt::format("{}{}\n", text.empty() ? "" : "\n", clean_text(heading->text));
    } else if (const auto* line = std::get_if<CompareLine>(&block)) {
      text += fmt::format("  {}\n", clean_text(line->text));
    } else {
      text += aligned(std::get<CompareTable>(block));
    }
  }
  return text;
}

}  // namespace

std::string render_comparison(const Comparison& comparison, ComparisonFormat format, std::size_t most_clips) {
  switch (format) {
    case ComparisonFormat::kText:
      return text_of(blocks_of(comparison, most_clips));
    case ComparisonFormat::kMarkdown:
      return markdown_of(blocks_of(comparison, most_clips));
    case ComparisonFormat::kJson:
      break;
  }
  return comparison_json(comparison);
}

}  // namespace cmkd::reports
