#!/usr/bin/env python3
"""Include directions: folders depend one way and each outside library has one room.

    includes.py ROOT
"""

import re
import sys

from source_tree import cpp_files, read, report

# A folder may include its own headers and those of these folders.
MAY_INCLUDE = {
    "base": (),
    "collectors": ("base",),
    "logparse": ("base",),
    "exporter": ("base", "collectors", "logparse"),
}

# Headers that match may be included only below these folders (none: nowhere).
ROOMS = [
    (r"libpq|pg_config|postgres", ("exporter/pg/",)),
    (r"boost/beast", ("exporter/http/",)),
    (r"boost/asio", ("exporter/net/",)),
    (r"re2/", ("logparse/events/",)),
    (r"yaml-cpp/", ("base/",)),
    (r"CLI/", ("exporter/cli/",)),
    (r"sqlite3\.h", ("exporter/state/",)),
    (r"regex$", ()),
]
NOT_IN_HEADERS = re.compile(r"(iostream|ranges)$")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def problems_of(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        where, header = f"{path}:{number}", match.group(2)
        if match.group(1) == '"':
            yield from direction(where, path, header)
        for pattern, rooms in ROOMS:
            if re.match(pattern, header) and not path.startswith(rooms):
                yield f"{where}: <{header}> belongs to {' and '.join(rooms) or 'no file at all'}"
        if path.endswith(".h") and NOT_IN_HEADERS.match(header):
            yield f"{where}: <{header}> has no place in a header"


def direction(where, path, header):
    own, other = path.split("/")[0], header.split("/")[0]
    if "/" not in header or other not in MAY_INCLUDE:
        yield f'{where}: "{header}" is no path from the project\'s root'
    elif other != own and other not in MAY_INCLUDE[own]:
        yield f"{where}: {own} must not include {other} ({header})"


def main(root):
    return report([problem for path in cpp_files(root)
                   for problem in problems_of(path, read(root, path))])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
