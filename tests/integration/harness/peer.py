"""What postgres_exporter exposes, by major and role (tests/data/postgres_exporter-0.19.1.tsv)."""

import collections
import os

from .pages import DATA

Row = collections.namedtuple("Row", "name type labels where")


def _rows():
    with open(os.path.join(DATA, "postgres_exporter-0.19.1.tsv"), encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("#") or not line.strip():
                continue
            name, kind, labels, where = line.rstrip("\n").split("\t")
            yield Row(name, {"untyped": "unknown"}.get(kind, kind),
                      set(filter(None, labels.strip("{}").split(","))), where)


PEER_ROWS = list(_rows())


def seen_on(row, major, kind):
    """Whether the row stands for a server of `major` that is a `kind` (primary, standby)."""
    return row.where == "all" or f"{major}{kind[0]}" in row.where.split(",")
