"""PromQL by Prometheus' own grammar (tests/support/promql), and what pgbeacon and Prometheus can answer."""

import dataclasses
import glob
import json
import os
import re
import subprocess
import sys

import yaml

from .beacon import ROOT, run
from .tools import require

sys.path.insert(0, os.path.join(ROOT, "dashboards"))
from boardlib.ask import Board, substitute  # noqa: E402  (found by the line above)

MODULES = os.path.join(ROOT, "build/tools/promql")
DASHBOARDS = os.path.join(ROOT, "dashboards")
# Labels of targets: Prometheus' own, and the one that docs tell users to give where identifiers are not enough.
TARGET_LABELS = {"instance", "job", "cluster"}
# What Prometheus itself makes.
OWN = {
    "up": set(), "scrape_duration_seconds": set(), "scrape_samples_scraped": set(),
    "scrape_samples_post_metric_relabeling": set(), "scrape_series_added": set(),
}
ALERTS = ("ALERTS", "ALERTS_FOR_STATE")


@dataclasses.dataclass
class Asked:
    where: str   # board and panel, or file and rule
    expr: str    # as PromQL, variables filled in
    legend: str = ""
    graph: bool = False  # drawn over time


def analyse(expressions):
    """For each: {error, selectors, grouping, made, inner}, see tests/support/promql/analyse.cjs."""
    require(os.path.join(MODULES, "node_modules"), "the grammar of PromQL")
    done = subprocess.run(["node", os.path.join(ROOT, "tests/support/promql/analyse.cjs"), MODULES],
                          input=json.dumps(list(expressions)), capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


def boards():
    """{file name: Board} of what is committed."""
    found = {}
    for path in sorted(glob.glob(os.path.join(DASHBOARDS, "grafana/*.json"))):
        with open(path, encoding="utf-8") as file:
            found[os.path.basename(path)] = Board(json.load(file))
    return found


def rule_files():
    return sorted(glob.glob(os.path.join(DASHBOARDS, "rules/*.yml")))


def rules():
    """[(file name, rule)] of what is committed; nothing where there are no rules."""
    found = []
    for path in rule_files():
        with open(path, encoding="utf-8") as file:
            groups = yaml.load(file, Loader=yaml.CSafeLoader)["groups"]
        found += [(os.path.basename(path), rule) for group in groups for rule in group["rules"]]
    return found


def asked_by_boards():
    """Every expression of panels, variables and annotations; each variable stands for itself."""
    found = []
    for name, board in boards().items():
        values = {variable["name"]: ["x" + variable["name"]] for variable in board.variables()}
        for query in board.queries(values):
            graph = query.panel.get("type") in ("timeseries", "heatmap", "state-timeline")
            found.append(Asked(f"{name}: {query.where} [{query.ref}]", query.expr, query.legend, graph))
        texts = {variable: "x" + variable for variable in values}
        for variable in board.variables():
            for expr in variable_expressions(variable):
                found.append(Asked(f"{name}: variable {variable['name']}", substitute(expr, texts)))
    return found


def variable_expressions(variable):
    """The selector or expression within label_values(...) or query_result(...)."""
    if variable["type"] != "query":
        return []
    inside = re.fullmatch(r"(label_values|query_result)\((.*)\)", variable["query"]["query"]).groups()
    return [inside[1].rpartition(",")[0] if inside[0] == "label_values" else inside[1]]


def asked_by_rules():
    return [Asked(f"{name}: {rule.get('alert') or rule['record']}", str(rule["expr"])) for name, rule in rules()]


class Registry:
    """Names with their labels and types: pgbeacon's, Prometheus' own, and those that rules record."""

    def __init__(self):
        self.labels, self.types, self.prefixes = {**OWN}, {}, {}
        for metric in json.loads(run("metrics", "--json").stdout):
            self._add(metric)
        for _, rule in rules():
            if "record" in rule:
                self.labels[rule["record"]] = None  # any: what its expression leaves

    def _add(self, metric):
        name, labels = metric["metric"], set(metric["labels"])
        if "{}" in name:
            self.prefixes[name.partition("{}")[0]] = labels
            return
        suffixes = {"_bucket": {"le"}, "_sum": set(), "_count": set()} if metric["type"] == "histogram" else {"": set()}
        for suffix, more in suffixes.items():
            self.labels[name + suffix] = (self.labels.get(name + suffix) or set()) | labels | more
            self.types[name + suffix] = "counter" if suffix else metric["type"]

    def labels_of(self, name):
        """The labels of a name; nothing where it is not known, None where it may have any."""
        if name in ALERTS:
            return None
        if name in self.labels:
            known = self.labels[name]
            return known if known is None else known | TARGET_LABELS
        for prefix, labels in self.prefixes.items():
            if name.startswith(prefix):
                return labels | TARGET_LABELS
        raise KeyError(name)
