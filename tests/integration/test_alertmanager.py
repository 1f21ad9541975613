"""The sample configurations beside the rules: Prometheus' own, and Alertmanager's with who is told and who is not."""

import glob
import os
import unittest

from harness.alertmanager import AMTOOL, Alertmanager
from harness.cases import DASHBOARDS, rules
from harness.tools import require
from harness.waiting import wait_for
from test_rules import promtools, run

SAMPLE = os.path.join(DASHBOARDS, "alertmanager.yml")


class Samples(unittest.TestCase):
    def test_prometheus_takes_every_sample_with_the_rules(self):
        files = glob.glob(os.path.join(DASHBOARDS, "scrape", "*.yml"))
        self.assertGreaterEqual(len(files), 6)
        for promtool in promtools():
            for file in [*files, os.path.join(DASHBOARDS, "prometheus.yml")]:
                done = run(promtool, "check", "config", "--lint=all", "--lint-fatal", file)
                with self.subTest(promtool=promtool, file=file):
                    self.assertEqual(0, done.returncode, done.stdout + done.stderr)
                    self.assertIn(f"{len(rules())} rules found", done.stdout)

    def test_alertmanager_takes_the_sample(self):
        done = run(require(AMTOOL, "amtool"), "check-config", SAMPLE)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_each_severity_has_its_receiver(self):
        for alert, severity, receiver in (("PgDown", "critical", "page"), ("PgDeadlocks", "warning", "tickets"),
                                          ("PgRestarted", "info", "nobody"), ("PgWatchdog", "none", "watchdog")):
            self.assertEqual(severity, rules()[alert]["labels"]["severity"])
            done = run(require(AMTOOL, "amtool"), "config", "routes", "test", f"--config.file={SAMPLE}",
                       f"alertname={alert}", f"severity={severity}")
            self.assertEqual(receiver, done.stdout.strip(), alert)


class Inhibition(unittest.TestCase):
    """A real Alertmanager with the sample."""

    def setUp(self):
        self.manager = Alertmanager(SAMPLE)
        self.addCleanup(self.manager.close)

    def muted(self, *alerts):
        """The alerts, as (name, instance), that Alertmanager keeps to itself once it has judged all."""
        self.manager.fire({"alertname": name, **rules()[name]["labels"], **labels} for name, labels in alerts)

        def judged():
            found = self.manager.alerts()
            done = [alert for alert in found if alert["status"]["state"] != "unprocessed"]
            return found if len(done) == len(alerts) else None

        found = wait_for(judged, "all alerts to be judged", 90)
        return {(alert["labels"]["alertname"], alert["labels"]["instance"])
                for alert in found if alert["status"]["inhibitedBy"]}

    def test_what_explains_mutes_what_it_explains_and_no_more(self):
        found = self.muted(
            ("PgDown", {"instance": "a"}), ("PgPanic", {"instance": "a"}), ("PgConnectionsHigh", {"instance": "a"}),
            ("PgLockTimeouts", {"instance": "a", "server": "other"}),
            ("PgEntrypointDown", {"instance": "a"}), ("PgConnectionsHigh", {"instance": "b"}),
            ("PgbeaconDown", {"instance": "c"}), ("PgbeaconLogLag", {"instance": "c"}),
            ("PgSplitBrain", {"system_identifier": "7"}),
            ("PgRoleChanged", {"instance": "d", "system_identifier": "7"}),
            ("PgRoleChanged", {"instance": "e", "system_identifier": "8"}),
            ("PgDiskAlmostFull", {"instance": "f"}), ("PgDiskFilling", {"instance": "f"}),
            ("PgDeadlocks", {"instance": "f"}),
            ("PgCrashed", {"instance": "g"}), ("PgRestarted", {"instance": "g"}))
        self.assertEqual({("PgConnectionsHigh", "a"), ("PgEntrypointDown", "a"), ("PgbeaconLogLag", "c"),
                          ("PgRoleChanged", "d"), ("PgDiskFilling", "f"), ("PgRestarted", "g")}, found)


if __name__ == "__main__":
    unittest.main()
