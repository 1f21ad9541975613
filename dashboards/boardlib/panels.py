"""Panels of Grafana's JSON, schema v1, core panel types only. Each kind is one function: source -> panel.

Example:
    panel({"title": "Up", "kind": "stat", "unit": "none", "series": [...], ...}, limits)
"""

from . import limits as limits_of
from .source import DESCRIPTION, expression

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
NOTHING = "no data"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLOURED = ("limit", "any", "values")


def panel(source, limits):
    """The panel without its id and place."""
    made = {
        "title": source["title"],
        "description": description(source),
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": _defaults(source, limits), "overrides": []},
        "targets": [_target(letter, series) for letter, series in
                    zip(LETTERS, source.get("series") or source.get("columns"))],
    }
    KINDS[source["kind"]](made, source, limits)
    return made


def description(source):
    """What it shows, when to worry, what to do next: three paragraphs of Markdown."""
    heads = ("", "**Worry:** ", "**Next:** ")
    return "\n\n".join(head + " ".join(source[key].split()) for head, key in zip(heads, DESCRIPTION))


def link(board, label, title="Open in"):
    """A data link to another board that keeps the time and picks what was clicked."""
    return {"title": f"{title} {board}", "targetBlank": False,
            "url": f"/d/pgbeacon-{board}?${{datasource:queryparam}}&var-instance={label}&${{__url_time_range}}"}


# What the kinds share.


def _target(letter, series):
    return {"refId": letter, "datasource": DATASOURCE, "editorMode": "code", "expr": expression(series["expr"]),
            "legendFormat": series.get("legend", "__auto"), "range": True, "instant": False}


def _at_once(made, form):
    """The latest value alone: what has vanished is shown as absent, not as it was."""
    for target in made["targets"]:
        target.update(range=False, instant=True, format=form)


def _defaults(source, limits):
    defaults = {
        "unit": source.get("unit", "short"),
        "noValue": source.get("empty", NOTHING),
        "mappings": _mappings(source.get("values")),
        "thresholds": _thresholds(source, limits),
        "links": [link(source["to"], "${__field.labels.instance}")] if source.get("to") else [],
    }
    for key in ("min", "max", "decimals"):
        if key in source:
            defaults[key] = source[key]
    return defaults


def _thresholds(source, limits):
    steps = [limits_of.BASE]
    if "limit" in source:
        steps = limits_of.steps(limits, source["limit"])
    elif "any" in source:
        steps = limits_of.any_of(source["any"])
    return {"mode": "absolute", "steps": steps}


def _mappings(values):
    """{value: [text, color]} as a value mapping."""
    if not values:
        return []
    return [{"type": "value", "options": {
        str(value): {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(values.items())}}]


# The kinds.


def stat(made, source, _):
    _at_once(made, "time_series")
    coloured = any(key in source for key in COLOURED)
    made["fieldConfig"]["defaults"]["color"] = {"mode": "thresholds"}
    made.update(type="stat", options={
        "colorMode": "background" if coloured else "none", "graphMode": "none", "justifyMode": "auto",
        "orientation": "auto", "textMode": "auto", "wideLayout": True,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}})


def timeseries(made, source, _):
    stacked = source.get("stack", False)
    defaults = made["fieldConfig"]["defaults"]
    defaults["color"] = {"mode": "palette-classic"}
    defaults["custom"] = {
        "drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "pointSize": 4, "showPoints": "auto",
        "spanNulls": False, "fillOpacity": 30 if stacked else 5, "gradientMode": "none",
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "axisPlacement": "auto", "axisLabel": source.get("axis", ""), "axisSoftMin": 0,
        "scaleDistribution": {"type": "log", "log": 10} if source.get("log") else {"type": "linear"},
        "thresholdsStyle": {"mode": "dashed" if "limit" in source else "off"},
        "hideFrom": {"legend": False, "tooltip": False, "viz": False}}
    calcs = source.get("calcs", ["lastNotNull", "max"])
    made.update(type="timeseries", options={
        "legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": calcs},
        "tooltip": {"mode": "multi", "sort": "desc"}})
    for letter, series in zip(LETTERS, source["series"]):
        style = SERIES_STYLES.get(series.get("style"))
        if style:
            made["fieldConfig"]["overrides"].append(
                {"matcher": {"id": "byFrameRefID", "options": letter}, "properties": style})


SERIES_STYLES = {
    "limit": [{"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}},
              {"id": "custom.fillOpacity", "value": 0},
              {"id": "custom.stacking", "value": {"mode": "none", "group": "limit"}},
              {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}}],
    "below": [{"id": "custom.transform", "value": "negative-Y"}],
}


def timeline(made, source, _):
    made["fieldConfig"]["defaults"]["color"] = {"mode": "thresholds"}
    made["fieldConfig"]["defaults"]["custom"] = {"lineWidth": 0, "fillOpacity": 70}
    made.update(type="state-timeline", options={
        "mergeValues": True, "showValue": "auto", "alignValue": "left", "rowHeight": 0.8,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "single", "sort": "none"}})


def heatmap(made, source, _):
    for target in made["targets"]:
        target.update(format="heatmap", legendFormat="{{le}}")
    defaults = made["fieldConfig"]["defaults"]
    defaults["custom"] = {"scaleDistribution": {"type": "linear"},
                          "hideFrom": {"legend": False, "tooltip": False, "viz": False}}
    made.update(type="heatmap", options={
        "calculate": False, "cellGap": 1, "showValue": "never",
        "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.5, "fill": "dark-orange",
                  "scale": "exponential", "reverse": False},
        "yAxis": {"axisPlacement": "left", "unit": source.get("unit", "s"), "reverse": False},
        "rowsFrame": {"layout": "auto"}, "filterValues": {"le": 1e-9},
        "tooltip": {"show": True, "yHistogram": False}, "legend": {"show": True}, "exemplars": {"color": "red"}})


def table(made, source, limits):
    """One row for each set of labels; a column for each label and then for each query."""
    _at_once(made, "table")
    labels, columns = source["labels"], source["columns"]
    values = [f"Value #{letter}" for letter, _ in zip(LETTERS, columns)]
    if len(columns) == 1:
        values = ["Value"]
    hidden = [value for value, column in zip(values, columns) if column.get("show_labels")]
    shown = {**labels, **{value: column["title"] for value, column in zip(values, columns) if value not in hidden}}
    made["transformations"] = [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {
            "excludeByName": {"Time": True, **{value: True for value in hidden}},
            "indexByName": {name: index for index, name in enumerate(shown)},
            # Links find the column of the instance under its own name.
            "renameByName": {name: title for name, title in shown.items() if name != "instance"}}}]
    overrides = [_column(column, limits) for value, column in zip(values, columns) if value not in hidden]
    if "instance" in labels:
        overrides.append({"matcher": {"id": "byName", "options": "instance"}, "properties": [
            {"id": "links", "value": [link(source.get("to", "instance"), "${__data.fields.instance}")]}]})
    made["fieldConfig"]["overrides"] = overrides
    made["fieldConfig"]["defaults"]["links"] = []
    made["fieldConfig"]["defaults"]["custom"] = {
        "align": "auto", "cellOptions": {"type": "auto"}, "filterable": True, "inspect": False}
    sort = source.get("sort", {})
    made.update(type="table", options={
        "showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": ["sum"], "fields": ""},
        "sortBy": [{"displayName": sort["by"], "desc": sort.get("desc", True)}] if sort else []})


def _column(column, limits):
    properties = [{"id": "unit", "value": column.get("unit", "short")}]
    if "decimals" in column:
        properties.append({"id": "decimals", "value": column["decimals"]})
    if "values" in column:
        properties.append({"id": "mappings", "value": _mappings(column["values"])})
    if "limit" in column or "any" in column:
        properties.append({"id": "thresholds", "value": _thresholds(column, limits)})
    if any(key in column for key in COLOURED):
        properties.append({"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}})
    return {"matcher": {"id": "byName", "options": column["title"]}, "properties": properties}


KINDS = {"stat": stat, "timeseries": timeseries, "timeline": timeline, "heatmap": heatmap, "table": table}
