"""Alert and recording rules on made-up series, with the promtool of Prometheus 2 and, where it is there, of 3."""

import collections
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import tempfile
import unittest

from harness import beacon, cases
from harness.beacon import ROOT
from harness.tools import require

TOOLS = os.path.join(ROOT, "build", "tools")
PROMTOOL = os.environ.get("PROMTOOL", "/usr/bin/promtool")
PROMTOOL_3 = os.path.join(TOOLS, "prometheus-3", "usr", "bin", "promtool")
AMTOOL = os.environ.get("AMTOOL", "/usr/bin/amtool")


def promtools():
    found = [require(PROMTOOL, "promtool")]
    return found + [PROMTOOL_3] * os.path.exists(PROMTOOL_3)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def blanked(rule):
    """The rule without the numbers and durations of its expression."""
    return rule.get("alert"), rule.get("record"), rule.get("labels"), re.sub(r"\[\w+\]|\boffset \w+|\b[\d.]+\b", "#", rule["expr"])


class Rules(unittest.TestCase):
    maxDiff = None

    def good(self, *command):
        done = run(*command)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def test_rule_files_are_clean(self):
        files = glob.glob(os.path.join(cases.DASHBOARDS, "rules", "*.yml"))
        files += glob.glob(os.path.join(cases.DASHBOARDS, "*.rules.yml"))
        for promtool in promtools():
            self.good(promtool, "check", "rules", "--lint=all", "--lint-fatal", *files)

    def test_rules_on_trial_differ_in_numbers_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            self.good(os.path.join(cases.DASHBOARDS, "generate"), "--trial", folder)
            files = [os.path.join(folder, name) for name in ("alerts.yml", "recording.yml")]
            for promtool in promtools():
                self.good(promtool, "check", "rules", "--lint=all", "--lint-fatal", *files)
            for hurried, path in zip(files, (cases.ALERTS, cases.RECORDING)):
                groups = [[blanked(rule) for group in cases.read(file)["groups"] for rule in group["rules"]]
                          for file in (path, hurried)]
                self.assertEqual(*groups)

    def test_every_alert_says_what_its_cases_want(self):
        made = cases.tests()
        with tempfile.TemporaryDirectory() as folder:
            files = [cases.write_promtool(alert, tests, folder) for alert, tests in made.items()]
            work = [(tool, "test", "rules", *files[start::2]) for tool in promtools() for start in (0, 1)]
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                done = list(pool.map(lambda command: run(*command), work))
        self.assertEqual([], [result.stdout + result.stderr for result in done if result.returncode != 0])

    def test_every_alert_has_every_kind_of_case(self):
        made, known = cases.tests(), cases.rules()
        self.assertEqual(set(known), set(made))
        for alert, tests in made.items():
            with self.subTest(alert):
                kinds = collections.Counter(test.kind for test in tests)
                entry = cases.written()[alert]
                wanted = {"firing", "missed scrape"}
                if "absent" not in entry:  # the one that always fires
                    wanted |= {"silent", "absent"}
                if re.search(r"\b(rate|increase)\(", known[alert]["expr"]) and "reset" not in entry:
                    wanted.add("counter reset")
                if "pgbeacon_source_catching_up" in known[alert]["expr"] or cases.looks_at_live(known[alert]):
                    wanted |= {"catching up", "another catches up", "two exporters", "two exporters silent"}
                self.assertEqual(set(), wanted - set(kinds))

    def test_alerts_look_at_nothing_of_the_log_that_may_be_history_without_a_guard(self):
        for alert, rule in cases.rules().items():
            if "pgbeacon_source_catching_up" in rule["expr"]:
                continue
            for each in cases.with_its_records(rule):
                self.assertNotRegex(each["expr"], r"(?<![:\w])pg_log_", alert)

    def test_signs_that_alerts_look_for_are_counted(self):
        families = cases.read(os.path.join(ROOT, "logparse", "events.yml"))["families"]
        born = next(family["born"] for family in families if family["name"] == "pgbeacon_log_live_messages_total")
        with open(cases.ALERTS, encoding="utf-8") as alerts, open(cases.RECORDING, encoding="utf-8") as recording:
            found = re.findall(r'\bsign=~?"([^"]*)"', alerts.read() + recording.read())
        self.assertEqual({str(sign) for sign in born}, {sign for signs in found for sign in signs.split("|")})

    def test_other_spellings_do_not_collide_with_names_that_pgbeacon_has(self):
        known = {metric["metric"] for metric in json.loads(beacon.run("metrics", "--json").stdout)}
        compat = cases.read(os.path.join(cases.DASHBOARDS, "compat-postgres-exporter.rules.yml"))
        for group in compat["groups"]:
            for rule in group["rules"]:
                self.assertNotIn(rule["record"], known)
                self.assertEqual(set(), set(re.findall(r"\bpg_\w+", rule["expr"])) - known, rule["record"])

    def test_made_up_series_have_names_and_labels_that_pgbeacon_has(self):
        known = {metric["metric"]: set(metric["labels"]) for metric in json.loads(beacon.run("metrics", "--json").stdout)}
        known.update({"up": set(), "scrape_duration_seconds": set()})  # Prometheus' own
        for alert, entry in cases.written().items():
            for case in entry["firing"] + entry["silent"]:
                for series in case["series"]:
                    name, labels = re.match(r"(\w+)(?:\{(.*)\})?$", series).groups()
                    name = name if name in known else re.sub("_bucket$", "", name)
                    if name.startswith("pg_settings_"):
                        continue  # named after what the server has
                    labels = set(re.findall(r'(\w+)="', labels or "")) - {"job", "instance", "cluster", "le"}
                    self.assertIn(name, known, alert)
                    self.assertEqual(set(), labels - known[name], f"{alert}: {series}")

    def test_expressions_look_back_over_four_scrapes_of_a_minute(self):
        for path in (cases.RECORDING, cases.ALERTS):
            with open(path, encoding="utf-8") as file:
                for text in re.findall(r"\[(\d+[smhd])\]", file.read()):
                    self.assertGreaterEqual(cases.minutes(text), 5)

    def test_alerts_carry_what_a_person_needs(self):
        for alert, rule in cases.rules().items():
            with self.subTest(alert):
                self.assertEqual({"severity", "component", "family"}, set(rule["labels"]))
                notes = rule["annotations"]
                self.assertEqual({"summary", "description", "next", "runbook_url"}, set(notes))
                self.assertRegex(notes["runbook_url"], rf"^https://[\w.]+/\S+/{alert}$")
                self.assertRegex(notes["description"] + notes["summary"], r"\$value")
                if alert not in ("PgWatchdog", "PgNoPrimary", "PgSplitBrain"):
                    self.assertIn("$labels.instance", notes["summary"] + notes["description"])

    def test_what_was_counted_is_told_in_whole_numbers(self):
        """increase() extrapolates, so three events may be 3.214."""
        for alert, rule in cases.rules().items():
            if "increase(" in rule["expr"]:
                told = rule["annotations"]["summary"] + rule["annotations"]["description"]
                self.assertEqual({'printf "%.0f" $value'}, set(re.findall(r"{{ ([^{}]*\$value[^{}]*) }}", told)), alert)

    def test_each_alert_has_a_runbook_with_every_part_and_a_command(self):
        found = dict(cases.runbooks())
        self.assertEqual(set(cases.rules()), set(found))
        for name, text in found.items():
            with self.subTest(name):
                parts = re.findall(r"^## (.*)$", text, re.MULTILINE)
                self.assertEqual(["Meaning", "Impact", "Diagnosis", "Remedy"], parts)
                self.assertRegex(text.split("## Diagnosis")[1], r"```(sql|sh)\n")
                for target in re.findall(r"\]\((\w+)\.md\)", text):
                    self.assertIn(target, found)


if __name__ == "__main__":
    unittest.main()
