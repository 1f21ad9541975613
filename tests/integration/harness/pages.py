"""Pages of metrics: every one that a test reads goes through these checks."""

import collections
import os
import re
import subprocess

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from .tools import require

DATA = os.path.join(os.path.dirname(__file__), "..", "..", "data")


class Page:
    """The samples of one page. Labels are matched as a subset, names exactly."""

    def __init__(self, text, openmetrics=False, status=200, headers=None):
        self.text = text
        self.openmetrics = openmetrics
        self.status = status
        self.headers = headers or {}
        self.samples = {}
        self.types = {}
        _check_lines(text, openmetrics)
        declared = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
        families = parse_openmetrics(text) if openmetrics else parse_text(_plain(text))
        for family in families:
            if not family.documentation:
                raise AssertionError(f"{family.name} has no help")
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                if key in self.samples:
                    raise AssertionError(f"series twice on the page: {key}")
                self.samples[key] = sample.value
                self.types[sample.name] = self._kind(declared, family, sample.name)
            if family.type == "histogram":
                _check_histogram(family)

    def _kind(self, declared, family, name):
        kind = family.type if self.openmetrics else declared.get(name, family.type)
        return {"untyped": "unknown"}.get(kind, kind)

    def series(self, name, /, **labels):
        """{labels: value} of one name."""
        wanted = set(labels.items())
        return {key[1]: value for key, value in self.samples.items()
                if key[0] == name and wanted <= key[1]}

    def value(self, name, /, **labels):
        """The one value, nothing where there is none; several are a mistake of the test."""
        found = self.series(name, **labels)
        if len(found) > 1:
            raise AssertionError(f"{name}{labels} means {len(found)} series: {list(found)[:5]}")
        return next(iter(found.values()), None)

    def sum(self, name, /, **labels):
        return sum(self.series(name, **labels).values())

    def labels(self, name, label, /, **labels):
        """The values of one label over all series of a name."""
        return {dict(key)[label] for key in self.series(name, **labels)}

    def names(self):
        return set(self.types)

    def up_reason(self):
        """The one reason whose state is 1."""
        on = [dict(key)["reason"] for key, value in self.series("pg_up_reason").items() if value == 1]
        if len(on) != 1:
            raise AssertionError(f"pg_up_reason is no state set: {on} are 1")
        return on[0]

    def failed_collectors(self):
        """{collector: reason} of those marked as failed."""
        reasons = {dict(key)["collector"]: dict(key)["reason"]
                   for key in self.series("pgbeacon_collector_failure_info")}
        failed = {dict(key)["collector"] for key, value
                  in self.series("pg_scrape_collector_success").items() if value == 0}
        return {name: reasons.get(name, "") for name in failed}


def _plain(text):
    """The page with its counters as untyped: the text parser would add _total to their names."""
    return re.sub(r"^(# TYPE \S+) counter$", r"\1 untyped", text, flags=re.MULTILINE)


def _check_lines(text, openmetrics):
    """What the parsers let pass: order, double headers, the end of the page."""
    if not text.endswith("# EOF\n" if openmetrics else "\n"):
        raise AssertionError(f"page does not end as it must: {text[-80:]!r}")
    headers = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    double = [name for name, count in collections.Counter(headers).items() if count > 1]
    if double:
        raise AssertionError(f"families given twice: {double}")


def _check_histogram(family):
    """Buckets cumulate, end with +Inf, and agree with _count."""
    buckets = collections.defaultdict(list)
    counts = {}
    for sample in family.samples:
        rest = frozenset((k, v) for k, v in sample.labels.items() if k != "le")
        if sample.name.endswith("_bucket"):
            buckets[rest].append((float(sample.labels["le"]), sample.value))
        elif sample.name.endswith("_count"):
            counts[rest] = sample.value
    for rest, pairs in buckets.items():
        values = [value for _, value in pairs]
        if pairs != sorted(pairs) or values != sorted(values):
            raise AssertionError(f"buckets of {family.name}{dict(rest)} do not cumulate: {pairs}")
        if pairs[-1][0] != float("inf") or pairs[-1][1] != counts.get(rest):
            raise AssertionError(f"{family.name}{dict(rest)}: +Inf is not _count: {pairs[-1]}")


def seed_names(kind):
    """Names of seed-metrics.tsv that a page of `kind` (primary, standby) must hold."""
    names = []
    with open(os.path.join(DATA, "seed-metrics.tsv"), encoding="utf-8") as rows:
        for row in rows:
            if row.startswith("#") or not row.strip():
                continue
            name, where = row.rstrip("\n").split("\t")
            if kind == "primary" or not where.startswith("primary"):
                names.append(name)
    return names


def promtool_complaints(text):
    """What `promtool check metrics` says, without the reviewed complaints of promtool-allow.txt."""
    promtool = require(os.environ.get("PROMTOOL", "/usr/bin/promtool"), "promtool")
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True,
                          text=True, timeout=60, check=False)
    with open(os.path.join(DATA, "promtool-allow.txt"), encoding="utf-8") as rows:
        allowed = {row.strip() for row in rows if not row.startswith("#")}
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return [line for line in lines if line not in allowed]
