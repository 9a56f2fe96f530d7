#!/usr/bin/env python3
"""Checks that every path the documents name exists, so that they cannot rot in silence."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATH = re.compile(r"[`(]((?:src|tests|tools|include|examples|bench|docs|\.ci)/[\w./-]*)[`)]")


def main():
    missing, seen = [], 0
    for document in sorted(ROOT.glob("*.md")):
        for number, line in enumerate(document.read_text().splitlines(), 1):
            for path in PATH.findall(line):
                if re.search(r"NAME|FOLDER", path):
                    continue
                seen += 1
                if not (ROOT / path).exists():
                    missing.append(f"{document.name}:{number}: there is no {path}")
    print("\n".join(missing) or f"{seen} paths exist")
    sys.exit(1 if missing or not seen else 0)


main()
