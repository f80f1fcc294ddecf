// What was recorded of single trainings: curves of the losses and of validation, and the methods' diagnostics.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "html/sections.h"
#include "svg/curves.h"
#include "text.h"

namespace cmkd::reports {

namespace {

constexpr std::size_t kOpenDiagnostics = 4;  // rows whose diagnostics are unfolded

struct KindName {
  const char* kind;
  const char* name;
};
constexpr std::array<KindName, 3> kTrainingKinds{
    {{"validation", "On the validation clips"}, {"term", "Terms of the loss"}, {"schedule", "Schedules"}}};

std::string seeds_legend(const Row& row) {
  std::set<std::int64_t> seeds;
  for (const SeedResult& seed : row.seeds) seeds.insert(seed.seed);
  std::string text = "<p class=\"legend\">";
  std::size_t position = 0;
  for (const std::int64_t seed : seeds)
    text += fmt::format("<span class=\"line{}\"><i></i>seed {}</span>", position++ % 8, seed);
  return text + "</p>";
}

// A picture for each name; `curves` are of one kind, by name, phase and seed.
std::string panels(const std::vector<Curve>& curves, std::string_view kind, const std::string& id, const Row& row) {
  std::string text;
  std::size_t number = 0;
  for (auto begin = curves.begin(); begin != curves.end();) {
    const auto end = std::find_if(begin, curves.end(), [&](const Curve& curve) {
      return curve.kind != begin->kind || curve.name != begin->name || curve.phase != begin->phase;
    });
    if (begin->kind == kind) {
      text += curves_svg({begin, end}, fmt::format("{}{}{}", id, kind.substr(0, 1), number++), row.name) + "\n";
      std::int64_t lost = 0;
      for (auto curve = begin; curve != end; ++curve) lost += curve->not_finite;
      if (lost > 0) {
        text += fmt::format("<p class=\"missing\">{}: {} value{} no number</p>", html_escaped(curve_name(*begin)), lost,
                            lost == 1 ? " is" : "s are");
      }
    }
    begin = end;
  }
  return text.empty() ? text : "<div class=\"panels\">" + text + "</div>";
}

// A failed training has curves up to its failure, or none.
std::string run_list(const Row& row) {
  std::string text = "<ul class=\"runs\">";
  for (const SeedResult& seed : row.seeds) {
    text += fmt::format(
        "<li>seed {}: <code>{}</code>{}</li>", seed.seed, html_escaped(seed.training_key),
        seed.missing.empty() ? "" : fmt::format(" <span class=\"missing\">{}</span>", html_escaped(seed.missing)));
  }
  return text + "</ul>";
}

void write_training_row(Page& page, const Row& row, const std::vector<Curve>& curves, const std::string& id) {
  page.line("<details class=\"row\"><summary>{}{}</summary>", html_escaped(row.name),
            row.partial() ? fmt::format(" <span class=\"missing\">{}</span>", completeness_word(row)) : "");
  bool any = false;
  for (const KindName& kind : kTrainingKinds) {
    const std::string pictures = panels(curves, kind.kind, id, row);
    if (pictures.empty()) continue;
    if (!any) page.raw(seeds_legend(row));
    any = true;
    page.line("<h4>{}</h4>{}", kind.name, pictures);
  }
  if (!any) page.line("<p class=\"quiet\">No series was recorded.</p>");
  page.line("{}</details>", run_list(row));
}

// The head of a table before its first row.
struct TableHeads {
  const Leaderboard& board;
  bool open = false;
  std::size_t table = 0;

  void before(Page& page, std::size_t next) {
    if (open && next == table) return;
    close(page);
    page.line("<section class=\"board\" {}><h3>{}</h3>", board_attributes(board.tables[next]),
              html_escaped(short_title(board.tables[next])));
    open = true;
    table = next;
  }
  void close(Page& page) {
    if (open) page.line("</section>");
    open = false;
  }
};

}  // namespace

std::vector<RowPlace> all_places(const Leaderboard& board) {
  std::vector<RowPlace> places;
  for (std::size_t table = 0; table < board.tables.size(); ++table) {
    for (std::size_t row = 0; row < board.tables[table].rows.size(); ++row) places.push_back({table, row});
  }
  return places;
}

std::size_t run_count(const Leaderboard& board) {
  std::size_t count = 0;
  for (const Table& table : board.tables) {
    for (const Row& row : table.rows) count += row.seeds.size();
  }
  return count;
}

void write_runs(Page& page, const Leaderboard& board, const Details& details, const std::vector<RowPlace>& places) {
  // One reading of the store fills both sections.
  Page diagnostics;
  TableHeads training_heads{board};
  TableHeads diagnostic_heads{board};
  std::size_t with_diagnostics = 0;
  page.line("<section id=\"training\" aria-labelledby=\"trainingh\"><h2 id=\"trainingh\">Training curves</h2>");
  page.line(
      "<p class=\"quiet\">By epoch, a line for each seed; a series of more than {} epochs is drawn with its first, its "
      "last "
      "and the lowest and highest of each part between.</p>",
      kCurvePoints);
  for (const RowPlace& place : places) {
    const Row& row = board.tables[place.table].rows[place.row];
    const std::string id = fmt::format("k{}r{}", place.table, place.row);
    const std::vector<Curve> curves = details.curves(row);
    training_heads.before(page, place.table);
    write_training_row(page, row, curves, id);
    const std::string pictures = panels(curves, "diagnostic", id, row);
    if (pictures.empty()) continue;
    diagnostic_heads.before(diagnostics, place.table);
    diagnostics.line("<details class=\"row\"{}><summary>{}</summary>{}{}</details>",
                     with_diagnostics++ < kOpenDiagnostics && row.role != RowRole::kControl ? " open" : "",
                     html_escaped(row.name), seeds_legend(row), pictures);
  }
  training_heads.close(page);
  page.line("</section>");
  diagnostic_heads.close(diagnostics);
  page.line("<section id=\"diagnostics\" aria-labelledby=\"diagnosticsh\"><h2 id=\"diagnosticsh\">Diagnostics</h2>");
  page.line("<p class=\"quiet\">{}</p>",
            with_diagnostics == 0
                ? "No method recorded any."
                : "What a method says of itself, epoch by epoch; <code>cmkd describe METHOD</code> says what each is.");
  page.raw(diagnostics.take());
  page.line("</section>");
}

}  // namespace cmkd::reports
