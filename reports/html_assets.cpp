// The style sheet and the script of the HTML report. Colours have a contrast of at least 4.5 to their ground.
#include "html.h"

namespace cmkd::reports {

namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light; --ground: #fcfbf9; --raised: #f5f3ee; --ink: #1d1c1a; --quiet: #5c5850; --rule: #e0dcd3;
  --firm: #8f897c; --accent: #0b5a87; --warn: #8a3b12;
  --line0: #0b5a87; --line1: #9a4a00; --line2: #1b6e3c; --line3: #8b2a7c;
  --line4: #6a5a00; --line5: #b3261e; --line6: #00696b; --line7: #4f46b5; }
@media (prefers-color-scheme: dark) {
  :root:not([data-theme="light"]) { color-scheme: dark; --ground: #15171a; --raised: #1c1f23; --ink: #e9e7e2;
    --quiet: #aaa69d; --rule: #31353a; --firm: #6d7178; --accent: #86c5ec; --warn: #f0a57e;
    --line0: #86c5ec; --line1: #f0a860; --line2: #7fd39b; --line3: #e79bdc;
    --line4: #d6c65a; --line5: #ff9a90; --line6: #6fd0d0; --line7: #b3adff; }
}
:root[data-theme="dark"] { color-scheme: dark; --ground: #15171a; --raised: #1c1f23; --ink: #e9e7e2;
  --quiet: #aaa69d; --rule: #31353a; --firm: #6d7178; --accent: #86c5ec; --warn: #f0a57e;
  --line0: #86c5ec; --line1: #f0a860; --line2: #7fd39b; --line3: #e79bdc;
  --line4: #d6c65a; --line5: #ff9a90; --line6: #6fd0d0; --line7: #b3adff; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 88rem; padding: 2.5rem 2rem 4rem; background: var(--ground); color: var(--ink);
  font: 400 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
h1 { font-size: 1.75rem; line-height: 1.2; font-weight: 600; letter-spacing: -0.01em; margin: 0; text-wrap: balance; }
h2 { font-size: 1.2rem; font-weight: 600; margin: 0 0 0.5rem; }
h3 { font-size: 1rem; font-weight: 600; margin: 2rem 0 0.25rem; }
header { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: center; justify-content: space-between; }
section { margin-top: 2.5rem; }
p, ul, dl { max-width: 62rem; }
dl { margin: 0.75rem 0 1.25rem; }
dl div { display: grid; grid-template-columns: 8.5rem 1fr; gap: 0 1rem; padding: 0.2rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; }
ul { padding-left: 1.1rem; margin: 0.5rem 0 1rem; }
li { margin: 0.15rem 0; }
.quiet, small { color: var(--quiet); }
small { display: block; font-size: 0.8125rem; font-weight: 400; line-height: 1.35; }
.tools { display: flex; gap: 0.75rem; align-items: center; flex-wrap: wrap; }
.tools[hidden] { display: none; }
input, button { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--rule);
  border-radius: 0.375rem; padding: 0.35rem 0.7rem; }
button { cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--quiet); padding: 0.5rem 0; max-width: min(62rem, calc(100vw - 4rem)); }
th, td { text-align: left; vertical-align: middle; padding: 0.5rem 0.75rem; border-bottom: 1px solid var(--rule); }
thead th { border-bottom-color: var(--firm); font-weight: 500; color: var(--quiet); font-size: 0.8125rem; vertical-align: bottom; line-height: 1.3; }
thead th button { all: unset; cursor: pointer; }
thead th button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
thead th[aria-sort="ascending"] button::after { content: " ▲"; }
thead th[aria-sort="descending"] button::after { content: " ▼"; }
tbody th { font-weight: 600; min-width: 11rem; overflow-wrap: anywhere; }
td.wide { min-width: 19rem; }
td.number, th.number { text-align: right; white-space: nowrap; }
thead th.number { white-space: normal; }
tbody th, thead th:first-child { position: sticky; left: 0; background: var(--ground); }
tr.bound td, tr.bound th, tr.control td, tr.control th, tr.partial td, tr.partial th { background: var(--raised); }
tr.control th, tr.partial th, tr.bound th { font-weight: 400; }
tr.control th { padding-left: 1.75rem; }
.missing { color: var(--warn); }
.warning { border-left: 0.25rem solid var(--warn); background: var(--raised); padding: 0.25rem 1rem; margin-top: 1.5rem; }
.made { color: var(--quiet); margin-top: 1rem; }
.cards:not(.resorted) tr.begins > * { border-top: 2px solid var(--firm); }
.plot { display: block; max-width: 100%; height: auto; overflow: visible; --mark: var(--accent); }
tr.bound .plot, tr.control .plot, tr.partial .plot { --mark: var(--quiet); }
.plot.narrow { display: none; }
td.wide small { padding-left: 0.875rem; }
/* What <use> shows again is not inside .plot there: only its own classes reach it. */
.label { fill: var(--quiet); font-size: 10px; text-anchor: middle; }
.tick { stroke: var(--quiet); }
.grid { stroke: var(--rule); }
.guide { stroke: var(--quiet); stroke-dasharray: 2 3; }
.plot .interval { fill: var(--mark); opacity: 0.2; }
.plot .mean { stroke: var(--mark); stroke-width: 2; }
.plot .seed { fill: var(--mark); stroke: var(--ground); stroke-width: 0.75; }
figure { margin: 0 0 1.5rem; }
figcaption { color: var(--quiet); max-width: 62rem; }
.chart { display: block; max-width: none; --mark: var(--quiet); }
.chart .label { font-size: 12px; }
.chart .value { text-anchor: end; }
.chart .title { text-anchor: start; }
.line0 { --mark: var(--line0); } .line1 { --mark: var(--line1); } .line2 { --mark: var(--line2); } .line3 { --mark: var(--line3); }
.line4 { --mark: var(--line4); } .line5 { --mark: var(--line5); } .line6 { --mark: var(--line6); } .line7 { --mark: var(--line7); }
.series .line { fill: none; stroke: var(--mark); stroke-width: 2; }
.series.other .line { stroke-dasharray: 5 4; stroke-width: 1.5; }
.series .reach { fill: none; stroke: transparent; stroke-width: 12; pointer-events: stroke; }
.series .marker { fill: var(--mark); stroke: var(--ground); stroke-width: 1; }
.series .leader { fill: none; stroke: var(--mark); opacity: 0.5; }
.series .name { fill: var(--mark); font-size: 13px; }
.series .band { fill: var(--mark); opacity: 0; pointer-events: none; }
.series:hover .band { opacity: 0.16; }
.series:hover .name { font-weight: 600; }
.chart:has(.series:hover) .series:not(:hover) { opacity: 0.35; }
table.narrow { width: auto; }
details { margin-top: 1rem; }
summary { cursor: pointer; font-weight: 600; }
code { overflow-wrap: anywhere; font: 0.8125rem/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
@media (max-width: 52rem) {
  body { padding: 1.25rem 1rem 3rem; }
  dl div { display: block; padding: 0.35rem 0; }
  .plot.narrow { display: block; }
  .cards td.wide small { padding-left: 0; }
  .cards, .cards tbody, .cards tr, .cards td, .cards tbody th, .cards caption { display: block; width: 100%; }
  .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cards tbody tr { border: 1px solid var(--rule); border-radius: 0.5rem; padding: 0.5rem 0.75rem; margin-bottom: 0.75rem; }
  .cards tr.bound, .cards tr.control, .cards tr.partial { background: var(--raised); }
  .cards tbody th, .cards tbody td, .cards tr.control th { border: 0; min-width: 0; position: static; padding: 0.15rem 0; text-align: left;
    white-space: normal; background: none; }
  .cards tbody td[data-label]::before { content: attr(data-label) ": "; color: var(--quiet); font-size: 0.8125rem; }
  .cards td.wide::before { display: block; }
  .cards:not(.resorted) tr.begins > * { border-top: 0; }
  .cards tr[hidden] { display: none; }
}
@media print {
  :root, :root:not([data-theme="light"]), :root[data-theme="dark"] { color-scheme: light; --ground: #fff; --raised: #f4f4f4;
    --ink: #000; --quiet: #444; --rule: #ccc; --firm: #777; --accent: #003a5c; --warn: #6b2400;
    --line0: #0b5a87; --line1: #9a4a00; --line2: #1b6e3c; --line3: #8b2a7c;
    --line4: #6a5a00; --line5: #b3261e; --line6: #00696b; --line7: #4f46b5; }
  @page { size: A4 landscape; margin: 14mm; }
  body { max-width: none; padding: 0; font-size: 8.5pt; }
  h1 { font-size: 15pt; }
  h2 { font-size: 11pt; }
  small, thead th, code { font-size: 7.5pt; }
  section { margin-top: 1.25rem; }
  th, td { padding: 0.25rem 0.5rem; }
  tbody th { min-width: 8rem; }
  td.wide { min-width: 14rem; }
  .tools { display: none; }
  h2, h3, caption { break-after: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
  tr, .plot, figure { break-inside: avoid; }
  .chart { max-width: 100%; height: auto; }
  thead { display: table-header-group; }
  .scroll { overflow: visible; }
}
)css";

constexpr std::string_view kScript = R"js(
"use strict";
(() => {
  const root = document.documentElement;
  document.querySelector(".tools").hidden = false;
  const theme = document.getElementById("theme");
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark"
                                        : matchMedia("(prefers-color-scheme: dark)").matches;
  const say = () => { theme.textContent = dark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; say(); });
  say();

  const filter = document.getElementById("filter");
  const found = document.getElementById("found");
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    let shown = 0;
    for (const row of document.querySelectorAll("tbody tr")) {
      row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
      if (!row.hidden && row.closest(".cards")) ++shown;
    }
    found.textContent = wanted === "" ? "" : shown + " rows";
  });

  // What is folded on the screen is not on paper.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach(part => { part.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach(part => { part.open = false; }));

  // Rows without a value stay at the end in both directions; the order as written is the third state.
  const key = (row, column) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const written = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (head.dataset.plain !== undefined) return;
      const button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) button.append(head.firstChild);
      head.append(button);
      button.addEventListener("click", () => {
        const before = head.getAttribute("aria-sort");
        heads.forEach(other => other.removeAttribute("aria-sort"));
        table.classList.toggle("resorted", before !== "ascending");
        if (before === "ascending") { body.append(...written); return; }
        const sign = before === "descending" ? 1 : -1;
        head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
        const number = written.every(row => key(row, column) === "" || !isNaN(key(row, column)));
        body.append(...[...written].sort((a, b) => {
          const x = key(a, column), y = key(b, column);
          if (x === "" || y === "") return (x === "") - (y === "");
          return sign * (number ? x - y : x < y ? -1 : x > y ? 1 : 0);
        }));
      });
    });
  }
})();
)js";

}  // namespace

std::string_view style_sheet() { return kStyle; }
std::string_view script() { return kScript; }

}  // namespace cmkd::reports
