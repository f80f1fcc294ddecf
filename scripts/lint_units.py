#!/usr/bin/env python3
"""Lays the sources of each target of build/tidy end to end, for scripts/lint: LibTorch is parsed once a target.

  scripts/lint_units.py [FOLDER...]      prints the units to be checked, one a line, of these folders (none: of all)
  scripts/lint_units.py --places         puts the sources' places for those of units into what it reads

A unit is a file of its own and not one that includes the sources: clang's analyzer and several checks look at the main
file only. Line markers keep the places, quoted includes are written out in full. A unit that passed (its .passed file
holds the digest of what it was made of) is left out.
"""

import hashlib
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "tidy")
LINT = os.path.join(BUILD, "lint")
QUOTED = re.compile(r'^(\s*#\s*include\s*)"([^"]+)"', re.MULTILINE)


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def units_of(commands):
    """The sources by target and flags: {(target, command without the file): [file]}."""
    units = {}
    for entry in commands:
        source = entry["file"]
        if source.startswith(BUILD):
            continue  # made by the build
        target = re.search(r"-o (\S+/CMakeFiles/[^/]+)\.dir/", entry["command"]).group(1)
        flags = re.sub(r" -o \S+ -c \S+$", "", entry["command"])
        units.setdefault((target, flags), []).append(source)
    return units


def laid_end_to_end(sources):
    parts = []
    for number, source in enumerate(sources):
        folder = os.path.dirname(source)

        def in_full(match, folder=folder):
            path = os.path.normpath(os.path.join(folder, match.group(2)))
            return f'{match.group(1)}"{path}"' if os.path.isfile(path) else match.group(0)

        # The macro tells readability-duplicate-include that another file begins.
        parts.append(f'#define CMKD_LINT_{number}\n# 1 "{source}"\n' + QUOTED.sub(in_full, read(source)) + "\n")
    return "".join(parts)


def digest(text, flags, sources):
    """Of everything of this project that the unit is made of; headers by the folders in which they are looked for."""
    folders = {path for path in re.findall(r"-I(\S+)", flags) if path.startswith(ROOT)}
    folders |= {os.path.dirname(source) for source in sources} | {os.path.join(ROOT, "tests", "support")}
    hasher = hashlib.sha256((text + flags + read(os.path.join(ROOT, ".clang-tidy"))).encode())
    for folder in sorted(folders):
        for parent, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                if name.endswith(".h"):
                    hasher.update(read(os.path.join(parent, name)).encode())
    return hasher.hexdigest()


def source_places(text):
    """UNIT:LINE to SOURCE:LINE; clang-tidy prints the place in the unit, whatever its line markers say."""
    marks = {}

    def place(match):
        unit, line = match.group(1), int(match.group(2))
        if unit not in marks:
            lines = enumerate(read(unit).split("\n"), start=1)
            marks[unit] = [(number, text[5:-1]) for number, text in lines if text.startswith('# 1 "')]
        number, source = max(mark for mark in marks[unit] if mark[0] < line)
        return f"{os.path.relpath(source, ROOT)}:{line - number}"

    return re.sub(re.escape(LINT) + r"/\w+\.cpp:\d+", lambda m: place(re.match(r"(.*):(\d+)$", m.group(0))), text)


def print_units(folders):
    os.makedirs(LINT, exist_ok=True)
    database, wanted = [], []
    for (target, flags), sources in units_of(json.loads(read(os.path.join(BUILD, "compile_commands.json")))).items():
        first = os.path.relpath(sources[0], ROOT).split(os.sep)[0]
        text = laid_end_to_end(sorted(sources))
        name = os.path.basename(target)
        if any(entry["file"] == os.path.join(LINT, name + ".cpp") for entry in database):
            name += "_" + os.path.splitext(os.path.basename(sources[0]))[0]  # a source with flags of its own
        unit = os.path.join(LINT, name + ".cpp")
        database.append({"directory": BUILD, "command": f"{flags} -c {unit}", "file": unit})
        with open(unit, "w", encoding="utf-8") as stream:
            stream.write(text)
        made_of = digest(text, flags, sources)
        with open(unit + ".digest", "w", encoding="utf-8") as stream:
            stream.write(made_of)
        passed = os.path.exists(unit + ".passed") and read(unit + ".passed") == made_of
        if not passed and (not folders or first in folders):
            wanted.append(unit)
    with open(os.path.join(LINT, "compile_commands.json"), "w", encoding="utf-8") as stream:
        json.dump(database, stream, indent=1)
    for unit in wanted:
        print(unit)


if sys.argv[1:] == ["--places"]:
    sys.stdout.write(source_places(sys.stdin.read()))
else:
    print_units(sys.argv[1:])
