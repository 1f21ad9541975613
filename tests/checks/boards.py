#!/usr/bin/env python3
"""Grafana boards are what their sources make of them, and what Grafana takes: schema, ids, places, links,
thresholds, variables.

    boards.py ROOT
"""

import json
import os
import re
import subprocess
import sys

import jsonschema
import yaml

from source_tree import report

FOLDER = "dashboards/grafana"
COLOURS = {"info": "blue", "warning": "orange", "critical": "red"}
# A number of bad things that has no check of its own: none is good, one is not.
ANY = [("orange", 0.5), ("red", 0.5)]


def load(root):
    """{file name: board}"""
    boards = {}
    for name in sorted(os.listdir(os.path.join(root, FOLDER))):
        with open(os.path.join(root, FOLDER, name), encoding="utf-8") as file:
            boards[name] = json.load(file)
    return boards


def data_panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def load_schema(root):
    with open(os.path.join(root, "tests/data/board.schema.json"), encoding="utf-8") as file:
        return jsonschema.Draft7Validator(json.load(file))


def schema_problems(validator, name, board):
    for error in validator.iter_errors(board):
        worst = jsonschema.exceptions.best_match([error])
        yield f"{name}: {'/'.join(map(str, worst.absolute_path))}: {worst.message[:200]}"


def place_problems(name, board):
    """Ids are unique, nothing overlaps or leaves the width of 24."""
    ids = [panel["id"] for panel in board["panels"]]
    if len(ids) != len(set(ids)):
        yield f"{name}: two panels have one id"
    taken = {}
    for panel in board["panels"]:
        at = panel["gridPos"]
        if at["x"] + at["w"] > 24:
            yield f"{name}: {panel['title']} is wider than the board"
        for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            if cell in taken:
                yield f"{name}: {panel['title']} lies over {taken[cell]}"
                break
            taken[cell] = panel["title"]
    titles = [panel["title"] for panel in data_panels(board)]
    for title in sorted({title for title in titles if titles.count(title) > 1}):
        if [panel["type"] for panel in data_panels(board) if panel["title"] == title].count("stat") > 1:
            yield f"{name}: two panels are called {title}"


def link_problems(name, board, boards):
    """Links lead to boards that exist and set variables that these have."""
    variables = {each["uid"]: {variable["name"] for variable in each["templating"]["list"]}
                 for each in boards.values()}
    for uid, rest in re.findall(r'"/d/([\w-]+)([^"]*)"', json.dumps(board)):
        if uid not in variables:
            yield f"{name}: a link leads to {uid}, which is no board"
            continue
        for variable in re.findall(r"var-(\w+)=", rest):
            if variable not in variables[uid]:
                yield f"{name}: a link sets {variable}, which {uid} does not have"


def variable_problems(name, board):
    """Every variable is used, every used one is there, and none waits for one that comes later."""
    listed = board["templating"]["list"]
    names = [variable["name"] for variable in listed]
    places = [json.dumps(variable) for variable in listed]
    body = json.dumps([board["panels"], board["annotations"]])
    for index, variable in enumerate(names):
        if not any(re.search(rf"\${{?{variable}\b", text) for text in [*places, body]):
            yield f"{name}: nothing uses the variable {variable}"
        for later in names[index + 1:]:
            if f"${later}" in json.dumps(listed[index].get("query", "")):
                yield f"{name}: {variable} asks for {later}, which comes after it"
    for used in set(re.findall(r"\$(?!_)\{?([a-z]\w*)", " ".join(expressions(board)))):
        if used not in names:
            yield f"{name}: no variable {used}"


def expressions(board):
    return [target["expr"] for panel in data_panels(board) for target in panel["targets"]] + [
        annotation["expr"] for annotation in board["annotations"]["list"]]


def query_problems(name, board):
    """Graphs follow the scrape interval; what shows the latest value asks for it alone."""
    for panel in data_panels(board):
        for target in panel["targets"]:
            where = f"{name}: {panel['title']} [{target['refId']}]"
            if "irate(" in target["expr"]:
                yield f"{where}: irate() shows two samples of many"
            if panel["type"] in ("stat", "table") and target["range"]:
                yield f"{where}: asks for a range and shows one value"
            if panel["type"] not in ("stat", "table") and re.search(
                    r"\b(rate|increase)\([^\[\]]*\[(?!\$__rate_interval\]|\$__range\] @ end\(\))", target["expr"]):
                yield f"{where}: rate over a fixed time; $__rate_interval follows the scrape interval"


def load_bounds(root):
    """Every set of steps that thresholds.yml allows."""
    with open(os.path.join(root, "dashboards/thresholds.yml"), encoding="utf-8") as file:
        checks = yaml.load(file, Loader=yaml.CSafeLoader)["checks"]
    return {tuple(bounds) for check in checks.values() for bounds in check_bounds(check)}


def threshold_problems(known, name, board):
    """The steps of a coloured panel are those of a check."""
    for panel in data_panels(board):
        for steps in every_steps(panel):
            found = [(step["color"], step["value"]) for step in steps]
            if found != [("green", None)] and not any(found == [("green", None), step] for step in ANY) \
                    and tuple(found) not in known:
                yield f"{name}: {panel['title']} has thresholds that thresholds.yml does not: {found}"


def every_steps(panel):
    yield panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    for override in panel["fieldConfig"]["overrides"]:
        for each in override["properties"]:
            if each["id"] == "thresholds":
                yield each["value"]["steps"]


def check_bounds(check):
    """The (colour, from) pairs of a check with all its levels, and with each alone."""
    levels = [(COLOURS[level["severity"]], level["value"]) for level in check["levels"] if level["severity"] in COLOURS]
    for chosen in [levels, *([level] for level in levels)]:
        chosen = sorted(chosen, key=lambda level: level[1])
        whole = check["unit"] == "count"
        if check["bad"] == "above":
            yield [("green", None)] + [(colour, value + 1 if whole and value == int(value) else value)
                                       for colour, value in chosen]
        elif check["bad"] == "below":
            yield list(zip([colour for colour, _ in chosen] + ["green"], [None] + [value for _, value in chosen]))
        elif chosen and chosen[0][1] == 0:
            yield [(chosen[0][0], None), ("green", 1)]
        else:
            yield [("green", None)] + chosen


def main(root):
    make = subprocess.run([sys.executable, os.path.join(root, "dashboards/make_boards"), "--check"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    problems = make.stdout.splitlines()
    boards, validator, known = load(root), load_schema(root), load_bounds(root)
    for name, board in boards.items():
        wrong = list(schema_problems(validator, name, board))
        problems += wrong or [
            *place_problems(name, board), *link_problems(name, board, boards), *variable_problems(name, board),
            *query_problems(name, board), *threshold_problems(known, name, board)]
    uids = [board["uid"] for board in boards.values()]
    if len(uids) != len(set(uids)):
        problems.append(f"two boards have one uid: {uids}")
    return report(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
