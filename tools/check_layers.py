#!/usr/bin/env python3
"""Checks that the folders of src/ include only lower ones, and that each keeps to the libraries meant for it."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent / "src"
ORDER = ["base", "http", "math", "frame", "ml", "api", "track", "serve", "web", "connect", "cli"]  # lowest first
# Headers of libraries, and the only folders that may know them.
LIBRARIES = {
    r"duckdb\.h": {"frame", "ml"},
    r"nanoarrow/.*": {"frame", "api"},
    r"grpc/.*|spark/connect/.*|google/protobuf/.*|protobuf-c/.*": {"connect"},
    r"cblas\.h|lapacke\.h": {"math"},
    r"microhttpd\.h": {"http"},
    r"sqlite3\.h|libpq-fe\.h": {"track"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]')


def complaints(path, folder):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(1)
        where = f"src/{path.relative_to(ROOT)}:{number}"
        first = target.split("/")[0]
        if first in ORDER and ORDER.index(first) > ORDER.index(folder):
            yield f"{where}: {folder}/ may not include {target}: {first}/ is above it"
        for pattern, folders in LIBRARIES.items():
            if re.fullmatch(pattern, target) and folder not in folders:
                yield f"{where}: {target} is for {', '.join(sorted(folders))} only"


def main():
    problems, files = [], 0
    for folder in sorted(p for p in ROOT.iterdir() if p.is_dir()):
        if folder.name not in ORDER:
            problems.append(f"src/{folder.name}: a folder without a place in the include order")
            continue
        for path in sorted(folder.rglob("*.[ch]")):
            files += 1
            problems += complaints(path, folder.name)
    print("\n".join(problems) if problems else f"{files} files keep to the layers")
    sys.exit(1 if problems or not files else 0)


main()
