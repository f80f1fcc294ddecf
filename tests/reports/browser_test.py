#!/usr/bin/env python3
"""Opens the HTML report in Chromium: as a person does, with scripts and without, in both themes, on a phone's width.

browser_test.py MAKE_REPORT_PAGE [PICTURES]: exit status 77 where there is no Chromium. With PICTURES, screenshots of
every section are left there. Where axe-core is installed (npm install axe-core, here or globally; or AXE_CORE names
axe.min.js), its rules are checked, too.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from xml.etree import ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser, find_chromium  # noqa: E402

failures = 0


def check(what, holds, seen=None):
    global failures
    if not holds:
        failures += 1
    print(f"{'ok    ' if holds else 'FAILED'} {what}" + ("" if holds or seen is None else f": {seen!r}"))


def names(b):
    return b.run("[...document.querySelectorAll('#t1 .cards tbody tr')].filter(r => !r.hidden).map(r => r.querySelector('th').firstChild.textContent)")


def means(b):
    return b.run("[...document.querySelectorAll('#t1 .cards tbody tr')].map(r => parseFloat(r.cells[3].dataset.sort))")


def test_opens(b, page):
    b.open(page)
    errors = [e for e in b.events if e["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")]
    check("the page opens without an error", not errors, errors)
    requests = [e["params"]["request"]["url"] for e in b.events if e["method"] == "Network.requestWillBeSent"]
    check("it loads nothing but itself", all(r.startswith("file://" + page) for r in requests), requests)
    for part in ("summary", "board0", "across", "pairs", "cost", "training", "diagnostics", "clips", "exclusions", "environment", "rerun", "reading"):
        check(f"section '{part}' is there and in the contents",
              b.run(f"!!document.querySelector('main section#{part} h2') && !!document.querySelector('.contents a[href=\"#{part}\"]')"))
    check("ids are unique", b.run("(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id); return ids.length === new Set(ids).size; })()"))
    check("a hostile name is text", b.run("document.body.textContent.includes('<b>x</b> & \"y\", 100 %_$#{}~^\\\\') && !document.querySelector('main img, th b')"))


def test_sorts(b):
    head = "document.querySelectorAll('#t1 .cards thead th')[3]"
    before = names(b)
    b.run(f"{head}.querySelector('button').click()")
    values = [v for v in means(b) if v is not None]
    check("a click sorts downwards", values == sorted(values, reverse=True) and b.run(f"{head}.ariaSort") == "descending", values)
    b.run(f"{head}.querySelector('button').click()")
    values = [v for v in means(b) if v is not None]
    check("a second click sorts upwards", values == sorted(values) and b.run(f"{head}.ariaSort") == "ascending", values)
    b.run(f"{head}.querySelector('button').click()")
    check("a third click gives the order as written", names(b) == before)
    b.run(f"{head}.querySelector('button').focus()")
    b.key("Enter", 13, "\r")
    check("the keyboard sorts, too", b.run(f"{head}.ariaSort") == "descending")
    b.run(f"for (let i = 0; i < 2; ++i) {head}.querySelector('button').click()")


def test_filters(b):
    def type_in(text):
        b.run(f"(() => {{ const f = document.getElementById('filter'); f.value = {text!r}; f.dispatchEvent(new Event('input')); }})()")
    before = names(b)
    type_in("mnf")
    check("the filter leaves the rows of that name", names(b) == ["mnf_csc"], names(b))
    check("and says how many", b.run("document.getElementById('found').textContent").endswith(" rows"))
    type_in("")
    check("an empty filter shows all", names(b) == before)
    choose = "(() => { const s = document.querySelector('select[data-filter=dataset]'); s.value = %r; s.dispatchEvent(new Event('change')); })()"
    b.run(choose % "set_01")
    check("a dataset's filter hides the others' boards", b.run("[document.getElementById('t0').hidden, document.getElementById('t1').hidden]") == [True, False])
    b.run(choose % "")
    check("and shows them again", b.run("document.getElementById('t0').hidden") is False)


def test_theme(b):
    ground = "getComputedStyle(document.body).backgroundColor"
    light = b.run(ground)
    b.run("document.getElementById('theme').click()")
    check("the switch makes it dark", b.run(ground) != light and b.run("document.documentElement.dataset.theme") == "dark")
    b.run("document.getElementById('theme').click()")
    check("and light again", b.run(ground) == light)
    b.show_as(1280, 900, dark=True)
    b.run("delete document.documentElement.dataset.theme")
    check("it follows the system", b.run(ground) != light)
    b.show_as(1280, 900)


def test_pair(b):
    shown = "document.querySelector('.pair .pair-shown').innerHTML.replace(/\\s+/g, ' ').replaceAll('> <', '><')"
    written = b.run(shown)
    choose = "(() => { const s = document.querySelector('.pair .pair-B'); s.value = %s; s.dispatchEvent(new Event('change')); })()"
    value = b.run("document.querySelector('.pair .pair-B').value")
    b.run(choose % "0")
    check("another pair is shown", b.run(shown) != written)
    b.run(choose % value)
    again = b.run("document.querySelector('.pair .pair-shown').textContent.replace(/\\s+/g, '')")
    b.open(b.page)
    check("the script writes the pair of the page as it stands in the page",
          again == b.run("document.querySelector('.pair .pair-shown').textContent.replace(/\\s+/g, '')"))


CONTRAST = """(() => {
  const channel = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)]; return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
  const low = new Set();
  for (const e of document.querySelectorAll('main *, header *, nav *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim() !== '')) continue;
    if (e.closest('script, title, desc, option') || !e.checkVisibility()) continue;
    const style = getComputedStyle(e);
    const ink = rgb(e instanceof SVGElement ? style.fill : style.color);
    let ground = null;
    for (let at = e; at && !ground; at = at.parentElement) {
      const c = rgb(getComputedStyle(at).backgroundColor);
      if (c.length === 3 || c[3] === 1) ground = c;
    }
    if (ground && ratio(ink, ground) < 4.5) low.add(e.tagName + '.' + (e.getAttribute('class') ?? '') + ' ' + ratio(ink, ground).toFixed(2));
  }
  return [...low].slice(0, 8);
})()"""


def test_access(b):
    check("every table has a caption and heads with a scope",
          b.run("[...document.querySelectorAll('main table')].every(t => t.caption && [...t.querySelectorAll('th')].every(h => h.scope))"))
    check("every picture that is seen has a title and a description",
          b.run("[...document.querySelectorAll('svg:not([aria-hidden])')].every(s => s.querySelector(':scope > title')?.textContent && s.querySelector(':scope > desc')?.textContent)"))
    check("every control has a name",
          b.run("[...document.querySelectorAll('input, select, button')].every(c => c.closest('label') || c.ariaLabel || c.textContent.trim())"))
    levels = b.run("[...document.querySelectorAll('h1, h2, h3, h4')].map(h => +h.tagName[1])")
    check("no level of headings is skipped", all(after <= before + 1 for before, after in zip(levels, levels[1:])), levels[:40])
    check("there is one h1, a main, a language", b.run("document.querySelectorAll('h1').length === 1 && !!document.querySelector('main') && document.documentElement.lang === 'en'"))
    b.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    for dark in (False, True):
        b.show_as(1280, 900, dark)
        low = b.run(CONTRAST)
        check(f"all text has a contrast of 4.5 in the {'dark' if dark else 'light'}", low == [], low)
    b.show_as(1280, 900)
    b.open(b.page)
    b.key("Tab", 9)
    check("the first key of Tab offers to skip to the content", b.run("document.activeElement.className") == "skip")


def find_axe():
    """axe.min.js, or None."""
    places = [os.environ.get("AXE_CORE", "")]
    folders = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "node_modules")]
    if shutil.which("npm"):
        folders.append(subprocess.run(["npm", "root", "-g"], capture_output=True, text=True).stdout.strip())
    places += [os.path.join(folder, "axe-core", "axe.min.js") for folder in folders if folder]
    return next((place for place in places if place and os.path.isfile(place)), None)


AXE = """axe.run(document, {resultTypes: ['violations'], runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa',
  'wcag22aa', 'best-practice']}}).then(r => r.violations.map(v => `${v.id} x ${v.nodes.length}: ${v.nodes[0].html.slice(0, 120)}`))"""


def test_axe(b, pages):
    axe = find_axe()
    if not axe:
        print("skipped axe-core: it is not installed (npm install axe-core, or AXE_CORE=…/axe.min.js)")
        return
    with open(axe, encoding="utf-8") as file:
        source = file.read()
    for page in pages:
        for width, dark in ((1280, False), (1280, True), (390, False)):
            b.show_as(width, 900, dark)
            b.open(page)
            b.run("document.querySelectorAll('main > section, .board, details').forEach(s => { s.style.contentVisibility = 'visible'; s.open = true; })")
            b.run(source + ";0")
            violations = b.run(AXE)
            check(f"axe-core {b.run('axe.version')} finds nothing on {os.path.basename(page)}, {width} pixels, {'dark' if dark else 'light'}",
                  violations == [], violations)
    b.show_as(1280, 900)


def test_keyboard(b):
    b.open(b.page)
    check("what scrolls sideways can be reached and has a name",
          b.run("[...document.querySelectorAll('.scroll')].every(s => s.tabIndex === 0 && s.ariaLabel && s.getAttribute('role') === 'group')"))
    check("sections of the page are landmarks with names of their own",
          b.run("(() => { const names = [...document.querySelectorAll('section[aria-labelledby]')].map(s => document.getElementById(s.getAttribute('aria-labelledby')).textContent); return names.length > 10 && names.length === new Set(names).size; })()"))
    b.run("document.getElementById('filter').focus()")
    seen = []
    for _ in range(60):
        b.key("Tab", 9)
        seen.append(b.run("(() => { const e = document.activeElement; return e.closest('nav') ? 'contents' : e.closest('thead') ? 'head' : e.matches('.scroll') ? 'scroll' : e.tagName.toLowerCase(); })()"))
    for kind in ("select", "button", "contents", "scroll", "a", "summary", "head"):
        check(f"the keyboard reaches '{kind}'", kind in seen, seen)
    check("the element that has the focus shows it", b.run("getComputedStyle(document.activeElement).outlineStyle") != "none")


def test_without_scripts(b, page):
    b.scripts(False)
    b.open(page)
    # Emulation stops the page's scripts, not what DevTools evaluates.
    check("without scripts the tools are hidden", b.run("[...document.querySelectorAll('.tools')].every(t => !t.checkVisibility())"))
    check("without scripts every table and picture is there",
          b.run("document.querySelectorAll('.cards tbody tr').length > 20 && document.querySelectorAll('main svg').length > 50"))
    check("without scripts the pair of clips is there", b.run("document.querySelector('.pair .pair-shown table').rows.length > 2"))
    b.scripts(True)


def test_phone(b, page):
    for width in (360, 390):
        b.show_as(width, 800)
        b.open(page)
        b.run("document.querySelectorAll('main > section, .board, details.row').forEach(s => { s.style.contentVisibility = 'visible'; })")
        check(f"at {width} pixels nothing is wider than the screen", b.run("document.documentElement.scrollWidth") <= width, b.run("document.documentElement.scrollWidth"))
    b.show_as(1280, 900)


def test_pictures(folder):
    pictures = [name for name in sorted(os.listdir(folder)) if name.endswith(".svg")]
    kinds = {name.rsplit("-", 1)[0] for name in pictures}
    check("every kind of picture is there", kinds == {"means", "cost", "ranks", "critical-difference", "profiles"}, kinds)
    for name in pictures:
        try:
            root = ElementTree.parse(os.path.join(folder, name)).getroot()
            check(f"{name} is a picture of its own", root.tag == "{http://www.w3.org/2000/svg}svg" and root[0].tag.endswith("style"))
        except ElementTree.ParseError as error:
            check(f"{name} is well formed", False, str(error))


def take_pictures(b, page, folder):
    os.makedirs(folder, exist_ok=True)
    for width, dark in ((1280, False), (1280, True), (390, False), (390, True)):
        b.show_as(width, 900, dark)
        b.open(page)
        b.run("document.querySelectorAll('main > section, .board, details.row').forEach(s => { s.style.contentVisibility = 'visible'; })")
        for name, y, height in b.run("[...document.querySelectorAll('main > section')].map(s => [s.id, s.getBoundingClientRect().y + scrollY, s.getBoundingClientRect().height])"):
            b.picture(os.path.join(folder, f"{name}-{width}-{'dark' if dark else 'light'}.png"), {"x": 0, "y": y, "width": width, "height": max(1, min(height, 2400))})
    b.show_as(1280, 900)


def main():
    if not find_chromium():
        print("skipped: no Chromium (Debian's package chromium)")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        page = os.path.join(os.path.realpath(folder), "leaderboard.html")
        subprocess.run([sys.argv[1], page, "--datasets", "7", "--seeds", "4", "--epochs", "4", "--clips", "24", "--methods", "9", "--all", folder], check=True)
        test_pictures(folder)
        with Browser() as b:
            b.page = page
            test_opens(b, page)
            test_sorts(b)
            test_filters(b)
            test_theme(b)
            test_pair(b)
            test_access(b)
            test_keyboard(b)
            test_axe(b, [page])
            test_without_scripts(b, page)
            test_phone(b, page)
            if len(sys.argv) > 2:
                take_pictures(b, page, sys.argv[2])
    print(f"{failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
