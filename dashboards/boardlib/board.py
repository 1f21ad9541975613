"""A whole board: variables, annotations and panels in their places.

Example:
    board = make("fleet", limits.load())
"""

from . import source
from .panels import DATASOURCE, panel

WIDTH = 24


def make(name, limits):
    """The board's JSON as a dictionary."""
    common = source.load("common")
    board = source.board(name)
    return {
        "uid": f"pgbeacon-{name}",
        "title": f"pgbeacon / {board['title']}",
        "description": " ".join(board["about"].split()),
        "tags": ["pgbeacon", "postgresql"],
        "schemaVersion": 38,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "1m",
        "timezone": "browser",
        "time": {"from": "now-3h", "to": "now"},
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "style": "dark",
        "weekStart": "",
        "links": [{"type": "dashboards", "title": "pgbeacon", "tags": ["pgbeacon"], "asDropdown": True,
                   "includeVars": True, "keepTime": True, "targetBlank": False, "icon": "external link",
                   "tooltip": "The other boards, with the same time and servers", "url": ""}],
        "templating": {"list": [_variable(key, common["variables"][key])
                                for key in ("datasource", *board["variables"])]},
        "annotations": {"list": [_annotation(each) for each in common["annotations"]
                                 if each["name"] in board.get("annotations", ())]},
        "panels": _place(board["rows"], limits),
    }


def _variable(key, given):
    common = {"name": given.get("name", key), "label": given["label"], "hide": 0, "skipUrlSync": False}
    if given.get("type") == "datasource":
        return {**common, "type": "datasource", "query": "prometheus", "current": {}, "options": [],
                "refresh": 1, "regex": "", "multi": False, "includeAll": False}
    query = source.expression(given["query"])
    return {**common, "type": "query", "datasource": DATASOURCE, "definition": query,
            "query": {"query": query, "refId": f"{common['name']}-variable"}, "regex": given.get("regex", ""),
            "refresh": 2, "sort": 1, "multi": True, "includeAll": True, "allValue": given.get("all"),
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]}, "options": []}


def _annotation(given):
    return {"name": given["name"], "datasource": DATASOURCE, "enable": given.get("enable", True), "hide": False,
            "iconColor": given["color"], "expr": source.expression(given["expr"]), "step": "60s",
            "titleFormat": given["title"], "textFormat": "", "tagKeys": "instance",
            "useValueForTime": given.get("at_value", False)}


def _place(rows, limits):
    """Panels one after the other from the left; one that does not fit begins a new line."""
    placed, top = [], 0
    for row in rows:
        header = {"id": len(placed) + 1, "type": "row", "title": row["title"], "panels": [],
                  "collapsed": row.get("collapsed", False), "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}}
        placed.append(header)
        top += 1
        left = height = 0
        inside = []
        for given in row["panels"]:
            width, tall = (int(part) for part in given["size"].split("x"))
            if left + width > WIDTH:
                left, top = 0, top + height
                height = 0
            inside.append({"id": len(placed) + len(inside) + 1, **panel(given, limits),
                           "gridPos": {"x": left, "y": top, "w": width, "h": tall}})
            left += width
            height = max(height, tall)
        placed += inside
        top += height
    return placed
