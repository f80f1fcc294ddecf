#!/usr/bin/env python3
"""The colours of the reports' style sheet against WCAG 2.2: text 4.5 (1.4.3), lines and marks 3 (1.4.11), in every theme.

contrast_test.py CHART.css PAGE.css
"""
import re
import sys

TEXT = ["ink", "quiet", "accent", "warn", "gain", "loss"]
LINES = [f"line{i}" for i in range(8)]  # of curves, and the colour of their names
GROUNDS = ["ground", "raised"]
MARKS = ["firm"]  # axes, ticks, the rules under heads


def colours_of(block):
    return dict(re.findall(r"--([a-z0-9]+):\s*(#[0-9a-f]{3,6})", block))


def themes(css):
    """Light and dark, both as asked for by the system and as chosen, and print."""
    blocks = re.findall(r"(:root[^{]*)\{([^}]*)\}", css)
    found = {}
    for selector, body in blocks:
        colours = colours_of(body)
        if not colours:
            continue
        name = {":root ": "light", ':root:not([data-theme="light"]) ': "dark (system)",
                ':root[data-theme="dark"] ': "dark (chosen)"}.get(selector, "print")
        found[name] = colours
    return found


def rgb(text):
    digits = text[1:]
    if len(digits) == 3:
        digits = "".join(2 * d for d in digits)
    return [int(digits[i:i + 2], 16) for i in (0, 2, 4)]


def luminance(colour):
    """WCAG 2.2, relative luminance."""
    def channel(value):
        value /= 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
    r, g, b = map(channel, colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def ratio(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def main():
    css = open(sys.argv[1], encoding="utf-8").read()
    page = open(sys.argv[2], encoding="utf-8").read()
    failures = 0

    def check(theme, what, on, wanted, seen):
        nonlocal failures
        if seen < wanted:
            failures += 1
            print(f"FAILED {theme}: {what} on {on} has {seen:.2f}, wanted {wanted}")

    # Known values: black on white is 21, and #777 on white just fails.
    assert abs(ratio([0, 0, 0], [255, 255, 255]) - 21) < 1e-9 and 4.4 < ratio([119] * 3, [255] * 3) < 4.5
    found = themes(css)
    if sorted(found) != ["dark (chosen)", "dark (system)", "light", "print"]:
        print(f"FAILED the themes are {sorted(found)}")
        return 1
    if found["dark (chosen)"] != found["dark (system)"]:
        failures += 1
        print("FAILED the two dark themes differ")
    shades = {int(share) for share in re.findall(r"calc\(var\(--share\) \* (\d+)%\)", page)}
    assert shades, "no shaded cells in the page's style sheet"
    lowest = {}
    for theme, colours in found.items():
        for name in TEXT + LINES + MARKS:
            for on in GROUNDS:
                if name in MARKS and on == "raised":
                    continue
                seen = ratio(rgb(colours[name]), rgb(colours[on]))
                wanted = 3 if name in MARKS else 4.5
                lowest[theme] = min(lowest.get(theme, 99), seen) if wanted == 4.5 else lowest.get(theme, 99)
                check(theme, name, on, wanted, seen)
        # Numbers in the cells of a matrix, at the deepest shade.
        for name in ("gain", "loss"):
            for share in shades:
                mixed = [share / 100 * a + (1 - share / 100) * b for a, b in zip(rgb(colours[name]), rgb(colours["ground"]))]
                check(theme, "ink", f"{share} % of {name}", 4.5, ratio(rgb(colours["ink"]), mixed))
    for theme, seen in sorted(lowest.items()):
        print(f"{theme}: lowest contrast of text {seen:.2f}")
    print(f"{failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
