"""Reads boards/*.yml: what each key of a board and a panel may be, with file and panel in every complaint."""

import functools
import os
import re

import yaml

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
BOARDS = ("fleet", "instance", "database", "replication", "logs", "queries", "exporter")

BOARD_KEYS = {"title", "about", "variables", "annotations", "rows"}
ROW_KEYS = {"title", "panels", "collapsed"}
PANEL_KEYS = {
    "title", "kind", "size", "shows", "worry", "next", "unit", "expr", "legend", "series", "columns",
    "labels", "sort", "limit", "any", "values", "empty", "to", "stack", "min", "max", "decimals", "calcs",
    "axis", "log",
}
SERIES_KEYS = {"expr", "legend", "style"}
COLUMN_KEYS = {"title", "expr", "unit", "limit", "any", "values", "decimals", "show_labels"}
DESCRIPTION = ("shows", "worry", "next")


class SourceError(ValueError):
    pass


def load(name):
    """One file of boards/ as YAML."""
    with open(os.path.join(FOLDER, "boards", name + ".yml"), encoding="utf-8") as file:
        return yaml.load(file, Loader=yaml.CSafeLoader)


def board(name):
    """The board `name`, its keys checked; series of one expression are brought into the list form."""
    source = load(name)
    _only(source, BOARD_KEYS, name)
    for row in source["rows"]:
        _only(row, ROW_KEYS, f"{name}: row {row.get('title')}")
        for panel in row["panels"]:
            where = f"{name}: panel {panel.get('title')}"
            _only(panel, PANEL_KEYS, where)
            for key in ("title", "kind", "size", *DESCRIPTION):
                if not panel.get(key):
                    raise SourceError(f"{where}: `{key}` is missing")
            if "expr" in panel:
                panel["series"] = [{"expr": panel.pop("expr"), "legend": panel.pop("legend", "{{instance}}")}]
            for series in panel.get("series", ()):
                _only(series, SERIES_KEYS, where)
            for column in panel.get("columns", ()):
                _only(column, COLUMN_KEYS, where)
    return source


def _only(mapping, keys, where):
    unknown = set(mapping) - keys
    if unknown:
        raise SourceError(f"{where}: unknown key {', '.join(sorted(unknown))}")


@functools.cache
def _checks():
    with open(os.path.join(FOLDER, "thresholds.yml"), encoding="utf-8") as file:
        return yaml.load(file, Loader=yaml.CSafeLoader)["checks"]


def _signs(place):
    check = _checks().get(place[1], {})
    if "signs" not in check:
        raise SourceError(f"thresholds.yml has no check {place[1]} with signs")
    return "|".join(check["signs"])


def expression(text):
    """An expression as Grafana sends it: <on> and <db> become the boards' matchers, <signs CHECK> what the check's
    alert looks for in the log."""
    matcher = 'instance=~"$instance"'
    return (re.sub(r"<signs (\w+)>", _signs, " ".join(text.split()))
            .replace("<on>", matcher)
            .replace("<db>", matcher + ', datname=~"$datname"')
            .replace("<log>", matcher + ', server=~"$server"'))
