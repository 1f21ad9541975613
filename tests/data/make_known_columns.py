"""Writes collectors/engine/known_columns.yml: the columns of what collectors read, as PostgreSQL 13 to 18 have them.

    . packaging/setup.sh; use_postgres; tests/support/postgres_majors.sh
    /usr/bin/python3 tests/data/make_known_columns.py
"""

import os
import re
import sys
import textwrap

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(ROOT, "tests/integration"))

from harness.columns import EXTENSIONS, columns_of  # noqa: E402
from harness.postgres import Pair, programs_of  # noqa: E402

MAJORS = range(13, 19)
HEADER = """\
# Columns of the views and functions that collectors read, with the majors that have them (extensions
# in the version that comes with the server). Made by tests/data/make_known_columns.py from servers;
# `pgbeacon metrics` tells from it which versions have a metric.
relations:
"""


def relations():
    """What `from` and `columns_of` of the collectors name, where it is one relation or function."""
    names = set()
    for name in os.listdir(os.path.join(ROOT, "collectors")):
        if name.endswith(".yml"):
            with open(os.path.join(ROOT, "collectors", name), encoding="utf-8") as lines:
                names.update(re.findall(r"(?m)^ +(?:- )?(?:from|columns_of): (?:pg_catalog|\{\{ext\.\w+\}\})"
                                        r"\.(\w+)(?:\(.*\))?$", lines.read().replace('"', "")))
    return sorted(names)


def majors_as_range(majors):
    low, high = min(majors), max(majors)
    if sorted(majors) != list(range(low, high + 1)):
        raise SystemExit(f"not a range: {majors}")
    return f">={low}" + ("" if high == MAJORS[-1] else f" <{high + 1}")


def main():
    seen = {}
    for major in MAJORS:
        pair = Pair(programs_of(major), {"shared_preload_libraries": "pg_stat_statements"})
        try:
            for extension in EXTENSIONS:
                pair.primary.query(f"create extension {extension}")
            for relation, columns in columns_of(pair.primary, relations()).items():
                for column in columns:
                    seen.setdefault(relation, {}).setdefault(column, []).append(major)
        finally:
            pair.close()
    with open(os.path.join(ROOT, "collectors/engine/known_columns.yml"), "w", encoding="utf-8") as out:
        out.write(HEADER)
        for relation, columns in sorted(seen.items()):
            ranges = {}
            for column, majors in columns.items():
                ranges.setdefault(majors_as_range(majors), []).append(column)
            out.write(f"  - name: {relation}\n    columns:\n")
            for text, names in sorted(ranges.items()):
                words = textwrap.fill(" ".join(sorted(names)), 92, break_long_words=False)
                out.write(f'      "{text}": >-\n' + textwrap.indent(words, " " * 8) + "\n")


if __name__ == "__main__":
    main()
