"""The colours of panels, from thresholds.yml: a panel changes colour where the alerts of its check fire.

Example:
    steps(load(), "connections_used")      green, orange from 0.8
    steps(load(), "disk_free critical")    of its alerts only the critical one
"""

import os

import yaml

from .source import FOLDER, SourceError

GOOD = "green"
COLOURS = {"info": "blue", "warning": "orange", "critical": "red"}
BASE = {"color": GOOD, "value": None}


def load():
    """{check: {bad, unit, levels}} of thresholds.yml."""
    with open(os.path.join(FOLDER, "thresholds.yml"), encoding="utf-8") as file:
        return yaml.load(file, Loader=yaml.CSafeLoader)["checks"]


def steps(checks, name):
    """Grafana's steps: each colour counts from its value upward, the first from minus infinity."""
    check, _, severity = name.partition(" ")
    if check not in checks:
        raise SourceError(f"thresholds.yml has no check {check}")
    bad = checks[check]["bad"]
    levels = [(level["value"], COLOURS[level["severity"]]) for level in checks[check]["levels"]
              if severity in ("", level["severity"])]
    if bad == "equal":
        return _equal(*levels[0])
    if bad == "above":
        return [BASE] + [{"color": colour, "value": _first_above(value, checks[check]["unit"])}
                         for value, colour in sorted(levels)]
    colours = [colour for _, colour in sorted(levels)] + [GOOD]
    values = [None] + [value for value, _ in sorted(levels)]
    return [{"color": colour, "value": value} for colour, value in zip(colours, values)]


def any_of(severity):
    """Steps of a number of bad things: one is too many."""
    return [BASE, {"color": COLOURS[severity], "value": 0.5}]


def _equal(value, colour):
    if value == 0:
        return [{"color": colour, "value": None}, {"color": GOOD, "value": 1}]
    return [BASE, {"color": colour, "value": value}]


def _first_above(value, unit):
    """Grafana's step is from, the alert's comparison above: of whole numbers that is the next one."""
    return value + 1 if unit == "count" and isinstance(value, int) else value
