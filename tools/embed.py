#!/usr/bin/env python3
"""Writes the files of the web pages as C arrays: `embed.py OUT.c APP_FOLDER UPLOT_FOLDER`.

Every file is stored as it is and compressed. All but index.html are served below the hash of them all, so that browsers
may keep them forever; index.html is the only one that names that hash (as @VERSION@). The table's type is in
src/web/files.h; rows are sorted by path for a binary search.
"""

import gzip
import hashlib
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


def collect(app, uplot):
    """{path: bytes} of everything that is served."""
    files = {str(p.relative_to(app)): p.read_bytes() for p in sorted(app.rglob("*")) if p.suffix in TYPES}
    # The library defines a global; made a module, it is loaded by those pages alone that draw with it.
    script = (uplot / "uPlot.iife.min.js").read_bytes()
    files["vendor/uplot.js"] = script + b"\nexport default uPlot;\n"
    files["vendor/uplot.css"] = (uplot / "uPlot.min.css").read_bytes()
    files["vendor/uplot-license.txt"] = (uplot / "LICENSE").read_bytes()
    return files


def c_array(name, data):
    lines = (", ".join(map(str, data[i : i + 32])) for i in range(0, len(data), 32))
    return f"static const unsigned char {name}[] = {{\n    " + ",\n    ".join(lines) + "};\n"


def hash_of(data):
    return hashlib.sha256(data).hexdigest()[:16]


def main():
    out, app, uplot = map(pathlib.Path, sys.argv[1:])
    files = collect(app, uplot)
    version = hash_of(b"".join(path.encode() + b"\0" + data for path, data in sorted(files.items())))
    files["index.html"] = files["index.html"].replace(b"@VERSION@", version.encode())
    parts = ["/* Made by tools/embed.py out of src/web/app. */\n", '#include "web/files.h"\n\n']
    rows = []
    for i, (path, data) in enumerate(sorted(files.items())):
        packed = gzip.compress(data, 9, mtime=0)
        parts += [c_array(f"PLAIN_{i}", data), c_array(f"PACKED_{i}", packed)]
        rows.append(
            f'    {{"{path}", "{TYPES[pathlib.Path(path).suffix]}", "W/\\"{hash_of(data)}\\"", '
            f"PLAIN_{i}, sizeof PLAIN_{i}, PACKED_{i}, sizeof PACKED_{i}}},\n"
        )
    parts.append(f'\nconst char CH_WEB_VERSION[] = "{version}";\n')
    parts.append("const ch_web_file CH_WEB_FILES[] = {\n" + "".join(rows) + "};\n")
    parts.append(f"const size_t CH_WEB_NFILE = {len(rows)};\n")
    out.write_text("".join(parts))


main()
