"""Reads thresholds.yml and alerts/*.yml into one list of alerts and refuses what does not fit together."""

import dataclasses
import glob
import os
import re

import yaml

SEVERITIES = ("critical", "warning", "info", "none")
UNITS = ("seconds", "bytes", "ratio", "count", "per_second", "transactions", "state")
BAD = ("above", "below", "equal")
SOURCES = ("statistics", "log")
DURATION = re.compile(r"\d+[smhd]$")
PLACE = re.compile(r"@(\w+)(:size)?@")

# While a log source reads what was written before pgbeacon began, its server's pg_log_* tell of the past.
CATCHING_UP = "max without (source) (max_over_time(pgbeacon_source_catching_up[{window}])) > 0"
OF_THE_LOG = re.compile(r"(?<![:\w])pg_log_")


@dataclasses.dataclass
class Alert:
    """One level of a check with its expression and texts, all placeholders filled in."""

    name: str
    check: str
    family: str
    source: str
    metric: str
    unit: str
    bad: str
    severity: str
    value: float
    duration: str
    keep: str
    why: str
    expr: str
    summary: str
    description: str
    next: str
    mutes: dict  # tuple of labels that must be equal: names of alerts

    @property
    def component(self):
        return "pgbeacon" if self.family == "exporter" else "postgres"


def number(value):
    """A number as PromQL and people read it: no exponent."""
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def size(value):
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("kiB", 1 << 10)):
        if value >= factor:
            return f"{value / factor:g} {unit}"
    return f"{value} B"


def need(condition, problem):
    if not condition:
        raise ValueError(problem)


def read_yaml(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def fill(text, numbers, used):
    def one(place):
        name, as_size = place.groups()
        need(name in numbers, f"@{name}@ is not known; there are {', '.join(numbers)}")
        used.add(name)
        return size(numbers[name]) if as_size else number(numbers[name])

    return PLACE.sub(one, text).strip()


def only(keys, given, where):
    unknown = set(given) - set(keys)
    need(not unknown, f"{where}: unknown key {', '.join(sorted(unknown))}")


def guarded(expr, window):
    lines = [line if not line else "  " + line for line in expr.split("\n")]
    return "\n".join(["(", *lines, ")", "  unless on (job, instance, server)", "    " + CATCHING_UP.format(window=window)])


def matcher(signs):
    """What selects the signs: sign="53300", sign=~"XX001|XX002"."""
    return f'sign="{signs[0]}"' if len(signs) == 1 else f'sign=~"{"|".join(signs)}"'


def make(name, check, quantity, level, text):
    """An Alert from the level of a check and its entry in alerts/*.yml."""
    where = f"alert {name}"
    only(("alert", "severity", "value", "for", "keep", "more", "why"), level, where)
    only(("expr", "log", "summary", "description", "next", "mutes"), text, where)
    need(level["severity"] in SEVERITIES, f"{where}: severity is one of {', '.join(SEVERITIES)}")
    for key in ("for", "keep"):
        need(key not in level or DURATION.match(level[key]), f"{where}: {key} is a duration such as 10m")
    numbers = {"value": level["value"], **level.get("more", {})}
    if "signs" in quantity:
        numbers["sign"] = matcher(quantity["signs"])
    used = set()
    expr = fill(text["expr"], numbers, used)
    need(used == set(numbers), f"{where}: the expression does not use {', '.join(set(numbers) - used)}")
    need("log" in text or not OF_THE_LOG.search(expr),
         f"{where}: pg_log_* tell of the past as well, so it needs `log`, the range in which it must have been caught up")
    if "log" in text:
        need(text["log"] in expr, f"{where}: `log` is not the range of its expression")
        expr = guarded(expr, text["log"])
    return Alert(name=name, check=check, family=quantity["family"], source=quantity["source"],
                 metric=quantity["metric"] + (f'{{{numbers["sign"]}}}' if "sign" in numbers else ""), unit=quantity["unit"], bad=quantity["bad"], severity=level["severity"],
                 value=level["value"], duration=level["for"], keep=level.get("keep", ""), why=level["why"], expr=expr,
                 summary=fill(text["summary"], numbers, used), description=fill(text["description"], numbers, used),
                 next=text["next"].strip(),
                 mutes={tuple(labels.split(", ")): names for labels, names in text.get("mutes", {}).items()})


def load(folder, trial=None):
    """All alerts in the order of thresholds.yml; ValueError with the place of what is wrong."""
    thresholds = read_yaml(os.path.join(folder, "thresholds.yml"))
    only(("families", "checks"), thresholds, "thresholds.yml")
    texts = {}
    for path in sorted(glob.glob(os.path.join(folder, "alerts", "*.yml"))):
        family = os.path.basename(path)[:-len(".yml")]
        need(family in thresholds["families"], f"{path}: there is no family {family}")
        for name, text in read_yaml(path).items():
            need(name not in texts, f"{path}: {name} is there twice")
            texts[name] = (family, text)
    alerts = []
    for check, quantity in thresholds["checks"].items():
        quantity = {"source": "statistics", **quantity}
        only(("family", "metric", "unit", "bad", "source", "signs", "levels"), quantity, f"check {check}")
        for key, values in (("family", thresholds["families"]), ("unit", UNITS), ("bad", BAD), ("source", SOURCES)):
            need(quantity[key] in values, f"check {check}: {key} is one of {', '.join(values)}")
        for level in quantity["levels"]:
            name = level["alert"]
            need(name in texts, f"alert {name} has no expression in alerts/{quantity['family']}.yml")
            family, text = texts.pop(name)
            need(family == quantity["family"], f"alert {name} is in alerts/{family}.yml and of family {quantity['family']}")
            numbers = trial.numbers(quantity["unit"], level) if trial else {}
            alert = make(name, check, quantity, {**level, **numbers}, text)
            alerts.append(trial.hurried(alert) if trial else alert)
    need(not texts, f"no threshold for {', '.join(texts)}")
    known = {alert.name for alert in alerts}
    for alert in alerts:
        unknown = {name for names in alert.mutes.values() for name in names} - (known - {alert.name})
        need(not unknown, f"alert {alert.name} mutes {', '.join(sorted(unknown))}, which is no other alert")
    return alerts
