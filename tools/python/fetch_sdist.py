"""Downloads the source archive of a Python package without building it: fetch_sdist.py NAME==VERSION SHA256 FOLDER.

`pip download` cannot do this (it runs the package's build to learn its metadata), so this uses pip's own session and
index settings to find and fetch the one file. Prints the path of the file.
"""

import hashlib
import pathlib
import sys

from pip._internal.commands import create_command


def find_sdist(finder, name, version):
    for candidate in finder.find_all_candidates(name):
        if str(candidate.version) == version and candidate.link.filename.endswith(".tar.gz"):
            return candidate.link
    sys.exit(f"fetch_sdist: no source archive of {name} {version} in the package index")


def main():
    requirement, sha256, folder = sys.argv[1:4]
    name, _, version = requirement.partition("==")
    command = create_command("download")
    options, _ = command.parse_args([requirement])
    with command.main_context():
        session = command.get_default_session(options)
        link = find_sdist(command._build_package_finder(options, session), name, version)
        response = session.get(link.url_without_fragment)
        response.raise_for_status()
    if hashlib.sha256(response.content).hexdigest() != sha256:
        sys.exit(f"fetch_sdist: {link.filename} is not the file whose hash was pinned")
    path = pathlib.Path(folder) / link.filename
    path.write_bytes(response.content)
    print(path)


main()
