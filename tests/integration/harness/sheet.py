"""A contact sheet: each board's panels with their titles and units, drawn from a live Prometheus, light and dark.

Example:
    Sheet(prometheus, start, end, "15s").write(board, folder)    # fleet.light.png, fleet.dark.png
"""

import contextlib
import html
import os
import signal
import subprocess
import tempfile

from .draw import PALETTE, bars, cells, graph, number
from .tools import require

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
WIDTH, UNIT, GAP = 1480, 34, 8
ATTEMPTS, SECONDS = 4, 30
COLOURS = {"green": "#3f9142", "blue": "#3b82d0", "orange": "#d97706", "red": "#cf3434", "purple": "#7c5cc4",
           "yellow": "#b8960c"}
STYLE = """
body { margin: 0; padding: 12px; width: %dpx; font: 13px "DejaVu Sans", sans-serif; background: var(--page); color: var(--text) }
body.light { --page: #f1f3f5; --panel: #fff; --text: #1f2328; --soft: #6a737d; --line: #d9dee3 }
body.dark { --page: #111217; --panel: #1b1d23; --text: #d7dade; --soft: #9097a0; --line: #33363d }
h1 { font-size: 20px; margin: 4px 0 } .about { color: var(--soft); margin-bottom: 10px }
.board { position: relative } .row { font-weight: bold; padding-top: 10px; position: absolute }
.panel { position: absolute; background: var(--panel); border: 1px solid var(--line); border-radius: 3px; overflow: hidden; box-sizing: border-box }
.panel h2 { font-size: 13px; margin: 5px 8px; white-space: nowrap; overflow: hidden } .panel h2 span { color: var(--soft); font-weight: normal; font-size: 11px }
.grid { stroke: var(--line) } .axis { fill: var(--soft); font-size: 10px } .end { text-anchor: end } .middle { text-anchor: middle } .on { fill: #fff; font-size: 11px }
.legend { padding: 0 8px; font-size: 11px; line-height: 15px; color: var(--text) } .legend i { display: inline-block; width: 9px; height: 9px; margin: 0 4px 0 8px; border-radius: 2px }
.stats { display: flex; flex-wrap: wrap; gap: 3px; padding: 0 6px; height: calc(100%% - 34px) } .stat { flex: 1; text-align: center; border-radius: 3px; padding: 4px; font-size: 22px; min-width: 60px } .stat small { display: block; font-size: 11px }
table { border-collapse: collapse; width: 100%%; font-size: 12px } td, th { text-align: left; padding: 2px 6px; border-bottom: 1px solid var(--line); white-space: nowrap; max-width: 200px; overflow: hidden; text-overflow: ellipsis }
.none { padding: 20px; text-align: center; color: var(--soft) }
""" % WIDTH


class Sheet:
    def __init__(self, prometheus, start, end, window):
        self.prometheus, self.start, self.end, self.window = prometheus, start, end, window

    def write(self, board, folder):
        """PNG files of the board in both themes; their paths."""
        require(CHROMIUM, "Chromium")
        body, height = self.body(board)
        name = board.data["uid"].partition("-")[2]
        return [_picture(f"<style>{STYLE}</style><body class={theme}>{body}", os.path.join(folder, f"{name}.{theme}"), height)
                for theme in ("light", "dark")]

    def body(self, board):
        values = board.resolve(self.prometheus, self.window)
        queries = {}
        for query in board.queries(values, self.window):
            queries.setdefault(query.panel.get("id"), []).append(query)
        parts, bottom = [], 0
        for panel in board.data["panels"]:
            at = panel["gridPos"]
            bottom = max(bottom, (at["y"] + at["h"]) * UNIT)
            column = (WIDTH + GAP) / 24
            place = (f'left:{at["x"] * column:.0f}px;top:{at["y"] * UNIT}px;width:{at["w"] * column - GAP:.0f}px;'
                     f'height:{at["h"] * UNIT - GAP}px')
            if panel["type"] == "row":
                parts.append(f'<div class=row style="{place}">{html.escape(panel["title"])}</div>')
                continue
            unit = panel["fieldConfig"]["defaults"]["unit"]
            drawn = DRAWERS[panel["type"]](self, panel, queries[panel["id"]], at["w"] * column - GAP - 14, at["h"] * UNIT - GAP)
            parts.append(f'<div class=panel style="{place}"><h2>{html.escape(panel["title"])} <span>{unit}</span></h2>'
                         f'{drawn or _nothing(panel)}</div>')
        head = f'<h1>{html.escape(board.title)}</h1><div class=about>{html.escape(board.data["description"])}</div>'
        return f'{head}<div class=board style="height:{bottom}px">{"".join(parts)}</div>', bottom + 110

    # The kinds of panels.

    def stat(self, panel, queries, *_):
        defaults, shown = panel["fieldConfig"]["defaults"], []
        coloured = panel["options"]["colorMode"] == "background"
        for query in queries:
            for labels, text in self.prometheus.query(query.expr):
                value, colour = _shown(float(text), defaults)
                style = f'background:{colour};color:#fff' if coloured else ""
                shown.append(f'<div class=stat style="{style}"><small>{html.escape(_legend(query, labels))}</small>{value}</div>')
        return f'<div class=stats>{"".join(shown)}</div>' if shown else ""

    def timeseries(self, panel, queries, width, height):
        custom = panel["fieldConfig"]["defaults"]["custom"]
        special = {each["matcher"]["options"]: {one["id"]: one["value"] for one in each["properties"]}
                   for each in panel["fieldConfig"]["overrides"]}
        lines, legend, below = [], [], {}
        for query, labels, points in self._ranges(queries):
            style = special.get(query.ref, {})
            dashed = "custom.lineStyle" in style
            colour = COLOURS["red"] if dashed else PALETTE[len(legend) % len(PALETTE)]
            if "custom.transform" in style:
                points = [(at, -value) for at, value in points]
            base = None
            if custom["stacking"]["mode"] == "normal" and not dashed:
                base = [(at, below.get(at, 0)) for at, _ in points]
                points = [(at, value + below.get(at, 0)) for at, value in points]
                below.update(points)
            lines.append((colour, dashed, base, points))
            legend.append((colour, _legend(query, labels)))
        if not lines:
            return ""
        defaults = panel["fieldConfig"]["defaults"]
        limits = [(step["value"], COLOURS[step["color"]]) for step in defaults["thresholds"]["steps"]
                  if step["value"] is not None] if custom["thresholdsStyle"]["mode"] != "off" else []
        drawn = graph(lines, round(width), round(height - 30 - _lines(legend, width) * 15), defaults["unit"],
                      (self.start, self.end), limits, custom["scaleDistribution"]["type"] == "log",
                      (defaults.get("min"), defaults.get("max")))
        return drawn + _legend_box(legend, width)

    def timeline(self, panel, queries, width, height):
        rows = []
        for query, labels, points in self._ranges(queries):
            pieces = []
            for at, value in points:
                text, colour = _shown(value, panel["fieldConfig"]["defaults"])
                if pieces and pieces[-1][3] == text and at - pieces[-1][1] < 10:
                    pieces[-1][1] = at
                else:
                    pieces.append([at, at + 1, colour, text])
            rows.append((_legend(query, labels), pieces))
        return bars(rows, round(width), round(height - 34), (self.start, self.end)) if rows else ""

    def heatmap(self, panel, queries, width, height):
        buckets = sorted(((float(labels["le"]), points) for _, labels, points in self._ranges(queries)), key=lambda one: one[0])
        times = sorted({at for _, points in buckets for at, _ in points})
        columns = []
        for at in times:
            counts = [dict(points).get(at, 0) for _, points in buckets]
            columns.append((at, [max(here - before, 0) for here, before in zip(counts, [0, *counts])]))
        names = ["+Inf" if le == float("inf") else number(le, "s") for le, _ in buckets]
        return cells(columns, names, round(width), round(height - 34), (self.start, self.end)) if columns else ""

    def table(self, panel, queries, *_):
        organised = panel["transformations"][1]["options"]
        names = sorted(organised["indexByName"], key=organised["indexByName"].get)
        rows = _merged([(f"Value #{query.ref}" if len(queries) > 1 else "Value", self.prometheus.query(query.expr))
                        for query in queries])
        overrides = {each["matcher"]["options"]: {one["id"]: one["value"] for one in each["properties"]}
                     for each in panel["fieldConfig"]["overrides"]}
        titles = [organised["renameByName"].get(name, name) for name in names]
        for sort in panel["options"]["sortBy"]:
            key = names[titles.index(sort["displayName"])]
            rows.sort(key=lambda row: (str(type(row.get(key))), row.get(key, 0)), reverse=sort["desc"])
        body = "".join("<tr>" + "".join(_cell(row.get(name), overrides.get(title, {})) for name, title in zip(names, titles)) + "</tr>"
                       for row in rows)
        return f'<table><tr>{"".join(f"<th>{html.escape(title)}" for title in titles)}{body}</table>' if rows else ""

    def _ranges(self, queries):
        step = max(round((self.end - self.start) / 200), 1)
        for query in queries:
            for labels, values in self.prometheus.query_range(query.expr, self.start, self.end, step):
                points = [(at, float(text)) for at, text in values if text != "NaN"]
                if points:
                    yield query, labels, points


DRAWERS = {"stat": Sheet.stat, "timeseries": Sheet.timeseries, "state-timeline": Sheet.timeline,
           "heatmap": Sheet.heatmap, "table": Sheet.table}


def _merged(frames):
    """Rows of Grafana's transformation merge: those that agree in the labels all frames have are one."""
    common = set.intersection(*[set(labels) for _, rows in frames for labels, _ in rows] or [set()]) - {"__name__"}
    merged = {}
    for name, rows in frames:
        for labels, value in rows:
            row = merged.setdefault(tuple(sorted((key, labels[key]) for key in common)), {})
            row.update({key: text for key, text in labels.items() if key != "__name__"}, **{name: float(value)})
    return list(merged.values())


def _shown(value, field):
    """Text and colour of a value by mappings and thresholds."""
    colour = "green"
    for step in field.get("thresholds", {}).get("steps", []):
        if step["value"] is None or value >= step["value"]:
            colour = step["color"]
    text = number(value, field.get("unit", "short"), field.get("decimals"))
    for mapping in field.get("mappings", []):
        found = mapping["options"].get(f"{value:g}")
        if found:
            text, colour = found["text"], found["color"]
    return text, COLOURS[colour]


def _cell(value, field):
    if value is None:
        return "<td>"
    if isinstance(value, str):
        return f"<td>{html.escape(value)}"
    text, colour = _shown(value, field)
    style = f' style="background:{colour};color:#fff"' if "custom.cellOptions" in field else ""
    return f"<td{style}>{text}"


def _legend(query, labels):
    text = query.legend
    for name in set(part.partition("}}")[0].strip() for part in text.split("{{")[1:]):
        text = text.replace("{{" + name + "}}", labels.get(name, ""))
    return text.strip() or query.ref


def _lines(legend, width):
    """How many lines of text the legend takes, four at most."""
    return min(4, 1 + sum(len(name) * 6.6 + 26 for _, name in legend) // max(width, 1))


def _legend_box(legend, width):
    inside = "".join(f'<i style="background:{colour}"></i>{html.escape(name)}' for colour, name in legend)
    return f'<div class=legend style="max-height:{int(_lines(legend, width) * 15)}px;overflow:hidden">{inside}</div>'


def _nothing(panel):
    return f'<div class=none>{html.escape(panel["fieldConfig"]["defaults"]["noValue"])}</div>'


def _picture(text, path, height):
    with open(path + ".html", "w", encoding="utf-8") as file:
        file.write("<!doctype html><meta charset=utf-8>" + text)
    for _ in range(ATTEMPTS):
        if _screenshot(path + ".html", path + ".png", height):
            return path + ".png"
    raise AssertionError(f"chromium made no picture of {path}.html")


def _screenshot(page, picture, height):
    """Whether there is a picture afterwards: chromium sometimes hangs, before or after it has made one."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(picture)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}",
             "--hide-scrollbars", f"--screenshot={picture}", f"--window-size={WIDTH + 30},{height}",
             "file://" + os.path.abspath(page)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return os.path.exists(picture)
