"""The cases of dashboards/cases/*.yml as unit tests of promtool.

A case names series with their samples, one a minute, the minute `at` which is looked, and the alerts that fire then,
by some of their labels. Samples: "0x5 1x10" is five zeros and ten ones, "3+2x4" is 3 5 7 9, "_" a minute without a
sample, "stale" the mark that Prometheus sets where a scrape fails or a series ends. Series without `instance` are of
db1:9187, all without `job` of the job pgbeacon, those of a log without `server` of db1:5432.

From each firing case further ones are made: with a missed scrape, with counters that begin again,
with nothing there at all, and for alerts of the log while a source catches up, its own and another server's, and with
two pgbeacons that read the same log.
"""

import collections
import functools
import glob
import os
import re

import yaml

from .beacon import ROOT

DASHBOARDS = os.path.join(ROOT, "dashboards")
RECORDING = os.path.join(DASHBOARDS, "rules", "recording.yml")
ALERTS = os.path.join(DASHBOARDS, "rules", "alerts.yml")

Test = collections.namedtuple("Test", "alert kind why series at alerts")

_RUN = re.compile(r"(-?[\d.]+(?:e\d+)?|_)(?:([+-])([\d.]+))?(?:x(\d+))?$")
_COUNTER = re.compile(r"\b(?:rate|increase)\(\s*(\w+)")
_SERIES = re.compile(r"(\w+)(?:\{(.*)\})?$")
_OF_A_LOG = ("pg_log_", "pgbeacon_log_", "pgbeacon_source_catching_up")
_MINUTES = {"s": 1 / 60, "m": 1, "h": 60, "d": 1440}


@functools.cache
def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


@functools.cache
def rules():
    """{alert: its rule}."""
    return {rule["alert"]: rule for group in read(ALERTS)["groups"] for rule in group["rules"]}


@functools.cache
def written():
    """{alert: its entry in dashboards/cases}."""
    found = {}
    for path in sorted(glob.glob(os.path.join(DASHBOARDS, "cases", "*.yml"))):
        for alert, entry in read(path).items():
            if alert in found:
                raise ValueError(f"{path}: {alert} is there twice")
            found[alert] = entry
    return found


def runbooks():
    """(alert, text) of every page in docs/runbooks."""
    for path in sorted(glob.glob(os.path.join(ROOT, "docs", "runbooks", "*.md"))):
        with open(path, encoding="utf-8") as file:
            yield os.path.basename(path)[:-3], file.read()


def counters():
    """Names that rules take the rate or increase of."""
    with open(RECORDING, encoding="utf-8") as one, open(ALERTS, encoding="utf-8") as two:
        return set(_COUNTER.findall(one.read() + two.read()))


def minutes(duration):
    return int(duration[:-1]) * _MINUTES[duration[-1]]


def samples(text):
    """["0", "0", "_", "stale"] of "0x2 _ stale"."""
    found = []
    for part in str(text).split():
        run = _RUN.match(part)
        if part == "stale":
            found.append(part)
        elif not run:
            raise ValueError(f"no samples: {part}")
        elif run[1] == "_":
            found += ["_"] * int(run[4] or 1)
        else:
            step = float(run[3] or 0) * (-1 if run[2] == "-" else 1)
            found += [f"{float(run[1]) + step * at:.10g}" for at in range(int(run[4] or 1))]
    return found


def full_name(series, **other):
    """The series with its labels completed; `other` replaces labels."""
    name, inner = _SERIES.match(series).groups()
    labels = dict(re.findall(r'(\w+)="([^"]*)"', inner or ""))
    labels.setdefault("job", "pgbeacon")
    labels.setdefault("instance", "db1:9187")
    if name.startswith(_OF_A_LOG):
        labels.setdefault("server", "db1:5432")
    labels.update(other)
    return name + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


def expanded(case, **other):
    return {full_name(series, **other): samples(text) for series, text in case["series"].items()}


def missed_scrape(series, at):
    """Every series with the mark of a failed scrape at minute `at`."""
    return {name: values[:at] + ["stale"] + values[at + 1:] if at + 1 < len(values) else values
            for name, values in series.items()}


def restarted(series, names, at):
    """Counters begin again at minute `at` and go on rising as they did."""
    def again(values):
        base = next((value for value in values[at:] if value not in ("_", "stale")), "0")
        return values[:at] + [value if value in ("_", "stale") else f"{float(value) - float(base):.10g}"
                              for value in values[at:]]
    return {name: again(values) if name.split("{")[0] in names else values for name, values in series.items()}


def reset(series, names, at):
    """Counters stand still at a high value, fall to 0 at minute `at` and stand still there."""
    return {name: ["1000"] * at + ["0"] * (len(values) - at) if name.split("{")[0] in names else values
            for name, values in series.items()}


def begins_again(values):
    numbers = [float(value) for value in values if value not in ("_", "stale")]
    return any(after < before for before, after in zip(numbers, numbers[1:]))


def looks_at_live(rule):
    """Whether it looks at what was written while pgbeacon ran, itself or by a recording rule."""
    return any("pgbeacon_log_live_messages_total" in each["expr"] for each in with_its_records(rule))


def derived(alert, entry, case, rule, names):
    """Further tests from a firing case."""
    series, at, wanted = expanded(case), int(case["at"][:-1]), case["alerts"]
    before = max(1, int(at - minutes(rule.get("for", "0m")) - 2))
    yield Test(alert, "missed scrape", case["why"], missed_scrape(series, before), at, wanted)
    if "absent" not in entry:
        yield Test(alert, "absent", "nothing is there", {full_name("other"): samples(f"1x{at}")}, at, [])
    if any(name.split("{")[0] in names for name in series):
        if "reset" not in entry:
            yield Test(alert, "counter reset", "counters fall to 0", reset(series, names, max(1, at - 3)), at, [])
        counted = [values for name, values in series.items() if name.split("{")[0] in names]
        if any(len(set(values)) > 3 for values in counted) and not any(map(begins_again, counted)):
            middle = restarted(series, names, at // 2)
            yield Test(alert, "counter restart", case["why"] + ", counters begin again", middle, at, wanted)
    guarded = "pgbeacon_source_catching_up" in rule["expr"]
    if guarded or looks_at_live(rule):
        guard = {full_name('pgbeacon_source_catching_up{source="/log"}'): samples(f"1x{at + 1}")}
        yield Test(alert, "catching up", "only what is live", {**series, **guard}, at, [] if guarded else wanted)
        guard = {full_name('pgbeacon_source_catching_up{source="/other",server="other:5432"}'): samples(f"1x{at + 1}")}
        yield Test(alert, "another catches up", "which is no matter", {**series, **guard}, at, wanted)
        second = [{**labels, "instance": "spare:9187"} for labels in wanted]
        both = {**series, **expanded(case, instance="spare:9187")}
        yield Test(alert, "two exporters", "each for itself", both, at, wanted + second)
        quiet = entry["silent"][0]
        both = {**expanded(quiet), **expanded(quiet, instance="spare:9187")}
        yield Test(alert, "two exporters silent", quiet["why"], both, int(quiet["at"][:-1]), [])


def tests():
    """All of them, by alert."""
    known, names, found = rules(), counters(), {}
    for alert, entry in written().items():
        found[alert] = [Test(alert, kind, case["why"], expanded(case), int(case["at"][:-1]), case.get("alerts", []))
                        for kind in ("firing", "silent") for case in entry[kind]]
        for case in entry["firing"]:
            found[alert] += derived(alert, entry, case, known[alert], names)
    return found


def promtool_group(test):
    """The test in promtool's form: the firing alerts as Prometheus stores them."""
    keys = sorted({key for labels in test.alerts for key in labels}) or ["instance"]
    selector = f'ALERTS{{alertname="{test.alert}",alertstate="firing"}}'
    wanted = [{"labels": "{" + ",".join(f'{key}="{labels[key]}"' for key in keys) + "}", "value": 1}
              for labels in test.alerts]
    return {"name": f"{test.alert}, {test.kind}: {test.why}", "interval": "1m",
            "input_series": [{"series": name, "values": " ".join(values)} for name, values in test.series.items()],
            "promql_expr_test": [{"expr": f"group by ({', '.join(keys)}) ({selector})", "eval_time": f"{test.at}m",
                                  "exp_samples": wanted}]}


def with_its_records(rule):
    """The rule after the recording rules that it needs, in their order."""
    records = [record for group in read(RECORDING)["groups"] for record in group["rules"]]
    needed, texts = set(), [rule["expr"]]
    while texts:
        text = texts.pop()
        for record in records:
            if record["record"] in text and record["record"] not in needed:
                needed.add(record["record"])
                texts.append(record["expr"])
    return [record for record in records if record["record"] in needed] + [rule]


def write_promtool(alert, made, folder):
    """One test file of promtool for an alert, with no other alert beside it; returns its path."""
    rule_file = os.path.join(folder, f"rule-{alert}.yml")
    with open(rule_file, "w", encoding="utf-8") as file:
        yaml.safe_dump({"groups": [{"name": "one", "rules": with_its_records(rules()[alert])}]}, file)
    path = os.path.join(folder, f"test-{alert}.yml")
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump({"rule_files": [rule_file], "evaluation_interval": "1m",
                        "tests": [promtool_group(test) for test in made]}, file, sort_keys=False)
    return path
