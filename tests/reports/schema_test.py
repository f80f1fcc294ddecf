#!/usr/bin/env python3
"""Holds the JSON reports against their JSON Schema: schema_test.py SCHEMA REPORT.json… Exit status 77 without jsonschema."""
import copy
import json
import os
import sys

DEBIANS = "/usr/bin/python3"  # has the packages of Debian, which a Python of the user's own has not

try:
    import jsonschema
except ImportError:
    if sys.prefix != "/usr" and os.access(DEBIANS, os.X_OK):
        os.execv(DEBIANS, [DEBIANS, *sys.argv])
    print("skipped: no Python package jsonschema (Debian's python3-jsonschema)")
    sys.exit(77)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    schema = load(sys.argv[1])
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    failed = 0
    for path in sys.argv[2:]:
        report = load(path)
        problems = list(validator.iter_errors(report))
        for problem in problems[:5]:
            print(f"FAILED {path}: {'/'.join(map(str, problem.absolute_path))}: {problem.message[:300]}")
        failed += bool(problems)
        # A schema that accepts anything would pass above.
        spoils = {
            "a mean that is a text": lambda r: r["tables"][0]["rows"][0].update(mean="47.1"),
            "a row without its command": lambda r: r["tables"][0]["rows"][0].pop("rerun_command"),
            "a tier of 0": lambda r: r["tables"][0]["rows"][0].update(tier=0),
            "a table with a word too many": lambda r: r["tables"][0].update(surprise=1),
            "a seed with a word too many": lambda r: r["tables"][0]["rows"][0]["seeds"][0].update(surprise=1),
            "an interval of one end": lambda r: r["tables"][0]["rows"][0].update(interval_95=[1]),
            "another version": lambda r: r.update(version=1),
        }
        for what, spoil in spoils.items():
            spoilt = copy.deepcopy(report)
            spoil(spoilt)
            if validator.is_valid(spoilt):
                print(f"FAILED {path}: {what} is accepted")
                failed += 1
    print(f"{len(sys.argv) - 2} reports, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
