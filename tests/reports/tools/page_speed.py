#!/usr/bin/env python3
"""How fast an HTML report opens, sorts and filters in Chromium: page_speed.py PAGE.html [TIMES]

Each time in a browser of its own; medians with the lowest and highest. A sort is a click on a head of the first table, to
the end of the layout that follows; the first one also lays out what was not on the screen yet. Processor time is that of
the page's own thread.
"""
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from browser import Browser, find_chromium  # noqa: E402

OPENED = """(() => { const paint = name => performance.getEntriesByName(name)[0]?.startTime ?? NaN, n = performance.getEntriesByType('navigation')[0];
  return [paint('first-paint'), paint('first-contentful-paint'), n.domInteractive, n.loadEventEnd]; })()"""
SORT = """(() => { const head = document.querySelectorAll('.board .cards.sortable thead th')[%d].querySelector('button'); head.scrollIntoView();
  document.body.offsetHeight; const times = []; for (let i = 0; i < 3; ++i) { const start = performance.now(); head.click();
  document.body.offsetHeight; times.push(performance.now() - start); } return times; })()""" % 3
FILTER = """(() => { const field = document.getElementById('filter'); const set = text => { const start = performance.now(); field.value = text;
  field.dispatchEvent(new Event('input')); document.body.offsetHeight; return performance.now() - start; }; return [set('m'), set('')]; })()"""


def once(page):
    with Browser() as b:
        b.call("Performance.enable", timeDomain="threadTicks")
        b.open(page)
        b.run("new Promise(done => requestAnimationFrame(() => setTimeout(done, 200)))")
        seen = dict(zip(("first paint", "first contentful paint", "document read", "loaded"), b.run(OPENED)))
        metrics = {m["name"]: m["value"] for m in b.call("Performance.getMetrics")["metrics"]}
        seen["processor time to here"] = 1000 * metrics["TaskDuration"]
        seen["first sort"], *again = b.run(SORT)
        seen["later sort"] = statistics.mean(again)
        seen["filter"], seen["filter off"] = b.run(FILTER)
        seen["elements"] = b.run("document.querySelectorAll('*').length")
        return seen


def main():
    if not find_chromium():
        print("no Chromium here (Debian's package chromium)")
        return 1
    runs = [once(sys.argv[1]) for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 5)]
    size = os.path.getsize(sys.argv[1]) / 1e6
    print(f"{size:.1f} MB, {runs[0]['elements']} elements, {len(runs)} times, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for name in (name for name in runs[0] if name != "elements"):
        values = [run[name] for run in runs]
        print(f"{name:24s}{statistics.median(values):8.0f} ms   ({min(values):.0f} to {max(values):.0f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
