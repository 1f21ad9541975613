"""Against everything at once and at work, with a real Prometheus 2 and, where it is there, 3: every panel, variable,
annotation and rule of the dashboards has data."""

import json
import os
import subprocess
import sys
import time
import unittest

import yaml

from harness.beacon import ROOT
from harness.monitored import Monitored
from harness.promql import analyse, asked_by_rules, boards, rule_files
from harness.sheet import Sheet
from harness.waiting import wait_for

WINDOW = "15s"  # for $__rate_interval, at a scrape every three seconds
SECONDS = 150   # until the last of them must have been filled


def exemptions():
    """{where: reason}"""
    with open(os.path.join(ROOT, "tests/data/boards-exempt.yml"), encoding="utf-8") as file:
        listed = yaml.safe_load(file)
    for each in listed:
        if set(each) != {"where", "reason", "fixture"} or not all(each.values()):
            raise AssertionError(f"an exemption needs where, reason and fixture: {each}")
    return {each["where"]: each["reason"] for each in listed}


def numbers(values):
    return [value for value in values if value != "NaN"]


class Boards(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.monitored = Monitored(rule_files())
        cls.addClassCleanup(cls.monitored.close)
        cls.prometheus = cls.monitored.prometheus.api()
        cls.each = [each.api() for each in (cls.monitored.prometheus, cls.monitored.prometheus_3) if each]
        cls.started = time.time()
        cls.exempt = exemptions()
        for each in cls.each:
            wait_for(lambda: each.query("count(min_over_time(pg_up[15s]) == 1) == 2"), "scrapes of both", 120)

    def test_every_variable_offers_something(self):
        for each in self.each:
            with self.subTest(each.url):
                self.assert_none(lambda: [
                    f"{name}: {variable}" for name, board in boards().items()
                    for variable, found in board.resolve(each, WINDOW).items() if not found])

    def test_every_panel_and_annotation_shows_data(self):
        asked = [(f"{name}: {query.where} [{query.ref}]", query)
                 for name, board in boards().items()
                 for query in board.queries(board.resolve(self.prometheus, WINDOW), WINDOW)]
        self.assertGreater(len(asked), 200)
        for each in self.each:
            with self.subTest(each.url):
                self.assert_filled(asked, lambda query: self.shows_data(each, query))

    def test_the_inner_expression_of_every_rule_has_data(self):
        rules = asked_by_rules()
        inner = analyse(rule.expr for rule in rules)
        for each in self.each:
            with self.subTest(each.url):
                self.assert_filled([(rule.where, found["inner"]) for rule, found in zip(rules, inner)],
                                   lambda expr: bool(numbers(value for _, value in each.query(expr))))

    def test_try_board_names_the_queries_that_give_nothing(self):
        board = {"templating": {"list": [{"name": "instance", "type": "query", "multi": True,
                                          "query": "label_values(pg_up, instance)"}]},
                 "panels": [{"title": title, "targets": [{"refId": "A", "expr": expr}]} for title, expr in (
                     ("State", 'pg_up{instance=~"$instance"}'), ("Typo", 'pg_upp{instance=~"$instance"}'))]}
        path = os.path.join(self.monitored.folder, "board.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(board, file)
        command = [sys.executable, os.path.join(ROOT, "dashboards/try_board"), "--prometheus",
                   self.monitored.prometheus.url, path]

        def tried():
            return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

        wait_for(lambda: "State" not in tried().stdout, "a scrape of both", 60, 1)
        done = tried()
        self.assertEqual((1, ""), (done.returncode, done.stderr))
        self.assertIn('nothing  Typo [A]: pg_upp{instance=~"orders-1|orders-2"}', done.stdout)
        self.assertIn("1 of 2 queries give data", done.stdout)
        self.assertNotIn("State", done.stdout)

    @unittest.skipUnless(os.environ.get("PGB_SHEET"), "PGB_SHEET names no folder for pictures")
    def test_they_are_drawn(self):
        folder = os.environ["PGB_SHEET"]
        os.makedirs(folder, exist_ok=True)
        wait_for(lambda: time.time() > self.started + 120, "two minutes to draw", 130)
        sheet = Sheet(self.prometheus, time.time() - 120, time.time(), WINDOW)
        for board in boards().values():
            for picture in sheet.write(board, folder):
                self.assertGreater(os.path.getsize(picture), 20000, picture)

    def test_whose_pgbeacon_is_not_heard_of_stays_in_the_list_and_is_counted(self):
        self.monitored.beacons["orders-2"].stop()  # of no use to any test after this one, the last by name
        wait_for(lambda: self.prometheus.query('up{instance="orders-2"} == 0'), "a scrape that fails", 60)
        fleet = boards()["fleet.json"]
        values = fleet.resolve(self.prometheus, WINDOW)
        self.assertIn("orders-2", values["instance"])
        down = next(query for query in fleet.queries(values, WINDOW) if query.where.endswith("pgbeacons down"))
        self.assertEqual(["1"], [value for _, value in self.prometheus.query(down.expr)])

    def shows_data(self, prometheus, query):
        """As Grafana asks: the latest value, and for a graph the time since the start as well."""
        if not numbers(value for _, value in prometheus.query(query.expr)):
            return False
        if query.instant:
            return True
        rows = prometheus.query_range(query.expr, self.started, time.time(), "1s")
        return any(numbers(value for _, value in values) for _, values in rows)

    def assert_filled(self, asked, has_data):
        """Every one of them, until a deadline; those that are exempt are empty to the end."""
        waiting = [(where, what) for where, what in asked if where not in self.exempt]

        def empty():
            waiting[:] = [(where, what) for where, what in waiting if not has_data(what)]
            return [where for where, _ in waiting]

        self.assert_none(empty)
        filled = [where for where, what in asked if where in self.exempt and has_data(what)]
        self.assertEqual([], filled, "have data: their exemption is to go")

    def assert_none(self, empty):
        end = time.monotonic() + SECONDS
        while (left := empty()) and time.monotonic() < end:
            time.sleep(1)
        self.assertEqual([], left, "give nothing")


if __name__ == "__main__":
    unittest.main()
