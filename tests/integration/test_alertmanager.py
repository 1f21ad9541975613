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
        """Those of the alerts, (name, labels), that Alertmanager keeps to itself once it has judged all."""
        sent = [{"alertname": name, **rules()[name]["labels"], **labels} for name, labels in alerts]
        self.manager.fire(sent)

        def judged():
            found = self.manager.alerts()
            done = [alert for alert in found if alert["status"]["state"] != "unprocessed"]
            return found if len(done) == len(alerts) else None

        silent = [alert["labels"] for alert in wait_for(judged, "all alerts to be judged", 90)
                  if alert["status"]["inhibitedBy"]]
        return [alert for alert, labels in zip(alerts, sent) if labels in silent]

    def test_what_explains_mutes_what_it_explains_and_no_more(self):
        """Each case is an instance of its own: what fires, of that what is muted, and what fires beside it."""
        disk = {"use": "data", "device": "vda"}
        backup = {"name": "A", "kind": "pgbackrest", "repo": "1"}
        certificate = {"side": "server", "source": "a"}
        cases = [
            ([("PgDown", {})],
             [("PgConnectionsHigh", {}), ("PgEntrypointDown", {}), ("PgSettingsPendingRestart", {"server": "own"}),
              ("PgbeaconBreakerOpen", {}), ("PgLongTransaction", {"datname": "shop"})],
             [("PgPanic", {"server": "own"}), ("PgLockTimeouts", {"server": "other"}), ("PgBackupFailed", backup),
              ("PgCheckpointWarnings", {"server": "own"}), ("PgHbaFileErrors", {})]),
            ([("PgbeaconDown", {})], [("PgbeaconLogLag", {"source": "/log"})], [("PgDeadlocks", {"datname": "shop"})]),
            ([("PgSplitBrain", {"system_identifier": "7"})], [("PgRoleChanged", {"system_identifier": "7"})],
             [("PgRoleChanged", {"system_identifier": "8"}),
              ("PgRoleChanged", {"system_identifier": "7", "cluster": "copy"})]),
            ([("PgDiskAlmostFull", {**disk, "use": "wal"})], [("PgDiskFilling", {**disk, "use": "wal"})],
             [("PgDiskFilling", disk), ("PgDeadlocks", {"datname": "shop"})]),
            ([("PgChecksumFailures", {"datname": "shop"})], [], [("PgDiskFilling", disk)]),
            ([("PgBackupTooOld", backup)], [("PgBackupFailed", backup)], [("PgBackupFailed", {**backup, "name": "B"})]),
            ([("PgCertificateExpiresSoon", certificate)], [("PgCertificateExpiring", certificate)],
             [("PgCertificateExpiring", {**certificate, "source": "b"}), ("PgHbaFileErrors", {})]),
            ([("PgArchiveFailing", {"server": "own"})], [("PgArchiveBacklog", {})],
             [("PgCheckpointWarnings", {"server": "own"}), ("PgCheckpointsTooFrequent", {})]),
            ([("PgConnectionsRefused", {"server": "own"})], [("PgConnectionsHigh", {})],
             [("PgAuthFailures", {"server": "own"})]),
            ([("PgCrashed", {"server": "own"})], [("PgRestarted", {})], [("PgSequenceNearEnd", {"datname": "shop"})]),
            ([("PgSlotWalRisk", {"slot_name": "a"})], [("PgSlotInactive", {"slot_name": "a"})],
             [("PgSlotInactive", {"slot_name": "b"})]),
            ([("PgReplicaFarBehind", {"application_name": "b"})], [], [("PgReplicaLagging", {})]),
            ([("PgReplicaFarBehind", {})], [("PgReplicaLagging", {})], []),
            ([("PgSyncStandbysMissing", {})], [("PgSyncCommitsWaiting", {}), ("PgReplicaLost", {})], []),
            ([("PgXidWraparound", {"datname": "shop"})], [("PgXidAgeHigh", {"datname": "shop"})],
             [("PgXidAgeHigh", {"datname": "other"}), ("PgXminHeld", {"holder": "slot"})]),
        ]
        cases = [[[(name, {"instance": str(at), **labels}) for name, labels in part] for part in case]
                 for at, case in enumerate(cases)]
        found = self.muted(*[alert for case in cases for part in case for alert in part])
        self.assertEqual([alert for _, muted, _ in cases for alert in muted], found)


if __name__ == "__main__":
    unittest.main()
