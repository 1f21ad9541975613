"""What postgres_exporter exposes, by major and role (tests/data/postgres_exporter-0.19.1.tsv)."""

import collections
import os

from .pages import DATA

Row = collections.namedtuple("Row", "name type labels where")

# Names that are not on the page yet, by prefix, with what they belong to.
PENDING = {
    "pg_stat_user_tables_": "relations of each database",
    "pg_statio_user_": "relations of each database",
    "pg_stat_statements_": "statements",
    "pg_process_idle_seconds": "sessions: a histogram of idle times",
    "pg_long_running_transactions": "sessions",
    "pg_static": "the exporter's own series",
    "pg_exporter_": "the exporter's own series",
    "postgres_exporter_": "the exporter's own series",
}


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
