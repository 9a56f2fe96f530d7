#!/usr/bin/env python3
"""Checks src/base/error_conditions.def against the sources: what is raised is in it, what is in it is raised."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROW = re.compile(r'CH_COND\("([A-Z0-9_.]+)"')
# Calls that name a condition, and the family they put in front of it.
RAISING = [
    (re.compile(r'\bch_raise\(\s*&?\w+,\s*"([A-Z0-9_.]+)"'), ""),
    (re.compile(r'\bch_mismatch\(\s*\w+,\s*\w+,\s*"([A-Z0-9_.]+)"'), "DATATYPE_MISMATCH."),
]
# Families whose members are named by their last part only, as arguments of the functions that raise them.
FAMILIES = ("DATATYPE_MISMATCH.", "INVALID_CONF_VALUE.")
LITERAL = re.compile(r'"([A-Z][A-Z0-9_.]*|_LEGACY[A-Z0-9_]*)"')


def main():
    rows = ROW.findall((ROOT / "src/base/error_conditions.def").read_text())
    problems = [f"{name} is in the table twice" for name in sorted({r for r in rows if rows.count(r) > 1})]
    literals = set()
    for path in sorted((ROOT / "src").rglob("*.[ch]")):
        text = path.read_text()
        literals.update(LITERAL.findall(text))
        for call, family in RAISING:
            for name in call.findall(text):
                if family + name not in rows:
                    problems.append(f"{path.relative_to(ROOT)} raises {family + name}, which is not in the table")
    for name in rows:
        family = next((f for f in FAMILIES if name.startswith(f)), "")
        if name not in literals and not (family and name[len(family) :] in literals):
            problems.append(f"{name} is in the table, and nothing raises it")
    print("\n".join(problems) or f"{len(rows)} conditions are raised")
    sys.exit(1 if problems or not rows else 0)


main()
