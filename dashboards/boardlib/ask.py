"""What a Grafana board asks Prometheus: its variables resolved in order, then each query of each panel.

Example:
    board = Board(json.load(file))
    values = board.resolve(prometheus)              # {"instance": ["orders-1"], ...}
    for query in board.queries(values, window="1m"):
        prometheus.query(query.expr)
"""

import dataclasses
import json
import re
import urllib.error
import urllib.parse
import urllib.request

ALL = "$__all"


class Refused(Exception):
    """Prometheus' own words about a query that it does not take."""


class Prometheus:
    """The HTTP API at `url`."""

    def __init__(self, url):
        self.url = url.rstrip("/")

    def get(self, path, **parameters):
        address = f"{self.url}/api/v1/{path}?" + urllib.parse.urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise Refused(json.load(error).get("error", str(error))) from None

    def query(self, expr):
        """[(labels, value as text)] of an instant query."""
        data = self.get("query", query=expr)
        if data["resultType"] == "scalar":
            return [({}, data["result"][1])]
        return [(row["metric"], row["value"][1]) for row in data["result"]]

    def query_range(self, expr, start, end, step):
        """[(labels, [(time, value as text)])] of a range query."""
        data = self.get("query_range", query=expr, start=start, end=end, step=step)
        return [(row["metric"], row["values"]) for row in data["result"]]

    def label_values(self, label, selector=None):
        if selector is None:
            return sorted(self.get(f"label/{label}/values"))
        return sorted({row[label] for row in self.get("series", **{"match[]": selector}) if label in row})


@dataclasses.dataclass
class Query:
    where: str      # panel's title, or the annotation's
    ref: str
    expr: str       # as Prometheus gets it
    source: str     # as the board has it
    instant: bool
    legend: str
    panel: dict


class Board:
    def __init__(self, data):
        self.data = data.get("dashboard", data)

    @property
    def title(self):
        return self.data.get("title", "")

    def panels(self):
        """Panels in their order, those within closed rows and old-style rows as well."""
        return list(_panels(self.data.get("panels", []) + [
            panel for row in self.data.get("rows", []) for panel in row.get("panels", [])]))

    def variables(self):
        return self.data.get("templating", {}).get("list", [])

    def resolve(self, prometheus, window="1m", given=None):
        """{name: values} of the variables; `given` ones are taken as they are."""
        values = dict(given or {})
        for variable in self.variables():
            if variable["name"] not in values:
                values[variable["name"]] = self._resolve(variable, values, prometheus, window)
        return values

    def _resolve(self, variable, values, prometheus, window):
        kind = variable.get("type")
        if kind == "query":
            return _ask_variable(variable, values, prometheus, window)
        if kind == "datasource":
            return ["prometheus"]
        if kind == "interval":
            return [window]
        fixed = variable.get("current", {}).get("value") or variable.get("query") or ""
        if fixed in (ALL, [ALL]):
            fixed = [option["value"] for option in variable.get("options", []) if option["value"] != ALL]
        return fixed if isinstance(fixed, list) else [fixed]

    def queries(self, values, window="1m"):
        """Every query, with the variables at `values` and a scrape interval for which `window` is enough."""
        texts = self._texts(values)
        for panel in self.panels():
            for target in panel.get("targets", []):
                if target.get("expr"):
                    yield Query(panel.get("title", ""), target.get("refId", "A"),
                                substitute(target["expr"], texts, window), target["expr"],
                                bool(target.get("instant")), target.get("legendFormat", ""), panel)
        for annotation in self.data.get("annotations", {}).get("list", []):
            if annotation.get("expr"):
                yield Query("annotation " + annotation["name"], "-",
                            substitute(annotation["expr"], texts, window), annotation["expr"], False, "", {})

    def _texts(self, values):
        """Variables as they stand in an expression: one value, or an alternative for a regex."""
        texts = {}
        for variable in self.variables():
            chosen = values.get(variable["name"], [])
            if variable.get("includeAll") and variable.get("allValue") and len(chosen) != 1:
                texts[variable["name"]] = variable["allValue"]
            elif not variable.get("multi") and not variable.get("includeAll"):
                texts[variable["name"]] = chosen[0] if chosen else ""
            else:
                texts[variable["name"]] = "|".join(_escape(value) for value in chosen)
        return texts


def _escape(value):
    """Of a regex; values without special characters stay readable."""
    return re.sub(r"[.+*?^$(){}|\[\]\\]", lambda found: "\\\\" + found.group(), str(value))


def _panels(panels):
    for panel in panels:
        if panel.get("type") == "row":
            yield from _panels(panel.get("panels", []))
        else:
            yield panel


def substitute(expr, texts, window="1m"):
    """Grafana's own variables and the board's: $name, ${name}, ${name:format} and [[name]]."""
    own = {"__rate_interval": window, "__interval": window, "__range": window, "interval": window,
           "__range_s": str(_seconds(window)), "__interval_ms": str(_seconds(window) * 1000), "__from": "0"}
    known = {**own, **texts}

    def text_of(found):
        name = found.group(1) or found.group(2) or found.group(3)
        return known.get(name, found.group(0))

    return re.sub(r"\$(\w+)|\$\{(\w+)(?::\w+)?\}|\[\[(\w+)(?::\w+)?\]\]", text_of, expr)


def _seconds(window):
    return int(window[:-1]) * {"s": 1, "m": 60, "h": 3600}[window[-1]]


def _ask_variable(variable, values, prometheus, window):
    query = variable.get("query")
    if isinstance(query, dict):
        query = query.get("query", "")
    board = Board({"templating": {"list": [{"name": name} for name in values]}})
    query = substitute(query or variable.get("definition", ""), board._texts(values), window).strip()
    found = _variable_values(query, prometheus)
    pattern = variable.get("regex", "").strip("/")
    if pattern:
        matches = [re.search(pattern, value) for value in found]
        found = [match.group(1) if match.groups() else match.group(0) for match in matches if match]
    return sorted(set(found))


def _variable_values(query, prometheus):
    call = re.fullmatch(r"(label_values|query_result|metrics|label_names)\((.*)\)", query, re.DOTALL)
    if not call:
        return []
    kind, inside = call.groups()
    if kind == "query_result":
        return [_as_text(*row) for row in prometheus.query(inside)]
    if kind == "metrics":
        return [name for name in prometheus.label_values("__name__") if re.search(inside, name)]
    if kind == "label_names":
        return prometheus.get("labels")
    selector, _, label = inside.rpartition(",")
    return prometheus.label_values(label.strip(), selector.strip() or None)


def _as_text(labels, value):
    """A row of query_result as Grafana shows it to a variable's regex."""
    name = labels.get("__name__", "")
    inside = ",".join(f'{key}="{text}"' for key, text in labels.items() if key != "__name__")
    return f"{name}{{{inside}}} {value} 0"
