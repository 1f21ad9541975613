"""From a real failure to a message and back: each makes its alert arrive at a webhook, by pgbeacon, Prometheus and
Alertmanager with the committed rules and routes, and resolve when it is mended.

Only times and sizes are smaller than what is committed (dashboards/generate --trial), so that minutes are seconds.
"""

import collections
import concurrent.futures
import contextlib
import json
import os
import shutil
import subprocess
import time
import unittest

import yaml

from harness.alertmanager import Alertmanager
from harness.beacon import Beacon
from harness.cases import DASHBOARDS, rules
from harness.failures import SETTINGS, Failures
from harness.mounts import with_tmpfs
from harness.postgres import BIN, Pair
from harness.prometheus import Prometheus
from harness.tools import require
from harness.users import give, private_folder
from harness.waiting import wait_for
from harness.webhook import Webhook

Alarm = collections.namedtuple("Alarm", "failure alert instance")

# Side by side; what stands in one list comes one after another, where one would hide the next.
TOGETHER = [
    [Alarm("long_transaction", "PgLongTransaction", "primary")],
    [Alarm("lock_held", "PgBlockedSessions", "primary")],
    [Alarm("deadlock_pair", "PgDeadlocks", "primary")],
    [Alarm("archive_command_failing", "PgArchiveFailing", "primary")],
    [Alarm("connections_exhausted", "PgConnectionsRefused", "primary")],
    [Alarm("disk_full", "PgDiskFull", "primary")],
    [Alarm("inactive_slot", "PgSlotInactive", "primary"), Alarm("standby_paused", "PgReplicaLagging", "standby")],
]
# Beside the others on the standby: the second takes its log away.
ON_THE_STANDBY = [Alarm("wrong_password", "PgAuthFailures", "standby"),
                  Alarm("log_rotated_away", "PgbeaconLogSilent", "standby")]
# They end every session.
AT_LAST = [Alarm("backend_killed", "PgCrashed", "primary"), Alarm("server_stopped", "PgDown", "primary")]

RECEIVERS = {"critical": "page", "warning": "tickets"}
ARRIVES, RESOLVES = 180, 120  # seconds, on a machine that has much else to do


class Watched(contextlib.ExitStack):
    """A pair of servers, pgbeacon at both, Prometheus, Alertmanager, webhook."""

    def __init__(self):
        super().__init__()
        with contextlib.ExitStack() as undo:
            undo.push(self)
            self._build()
            undo.pop_all()

    def _build(self):
        self.folder = private_folder()
        self.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.webhook = self.enter_context(Webhook())
        self.pair = Pair(settings=SETTINGS)
        self.callback(self.pair.close)
        self.failures = Failures(self.pair, self._little_room())
        beacons = {server.name: self._serve(server).port for server in (self.pair.primary, self.pair.standby)}
        self.manager = Alertmanager(self._routes())
        self.callback(self.manager.close)
        self.prometheus = Prometheus(self.folder, beacons, self._rules(), "1s", self.manager.port)
        self.callback(self.prometheus.stop)
        self.prometheus.start()

    def _little_room(self):
        """A folder that is on a file system of 4 MB for the primary, and on the usual one for the standby."""
        path = os.path.join(self.pair.folder, "small")
        inner = os.path.join(path, "space")
        os.makedirs(inner)
        give(inner)
        mount = with_tmpfs(path, "4m")
        if not mount:
            raise unittest.SkipTest("no mount namespace may be made here")
        owner = os.stat(self.pair.primary.data)
        ours = ["sh", "-euc", f'mkdir "{inner}"; chown {owner.st_uid}:{owner.st_gid} "{inner}"; exec "$@"', "sh"]
        self.pair.primary.stop()
        self.pair.primary.wrap = lambda command: [*mount, *ours, *command]
        self.pair.primary.start()
        wait_for(self.pair.streaming, "the standby to stream again", 60)
        return inner

    def _serve(self, server):
        config = {"targets": [{"name": server.name, "dsn": server.dsn(), "sources": [{"file": server.log_file}]}],
                  "collectors": {"logdir": {"interval": "1s"}}}
        beacon = Beacon("--config.file", self._write(server.name + ".yml", config))
        self.callback(beacon.stop)
        return beacon

    def _rules(self):
        folder = os.path.join(self.folder, "rules")
        subprocess.run([os.path.join(DASHBOARDS, "generate"), "--trial", folder, "--faster", "60", "--smaller", "60"],
                       check=True)
        return [os.path.join(folder, "*.yml")]

    def _routes(self):
        """The sample with our webhook, and without its pauses."""
        with open(os.path.join(DASHBOARDS, "alertmanager.yml"), encoding="utf-8") as file:
            config = yaml.safe_load(file)
        for route in (config["route"], *config["route"]["routes"]):
            route.update(group_wait="0s", group_interval="1s")
        for receiver in config["receivers"]:
            for hook in receiver.get("webhook_configs", []):
                hook["url"] = self.webhook.url
        return self._write("alertmanager.yml", config)

    def _write(self, name, config):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)  # JSON is YAML
        give(path)
        return path


class Alarms(unittest.TestCase):
    def setUp(self):
        require(os.path.join(BIN, "postgres"), "PostgreSQL 15")
        self.watched = Watched()
        self.addCleanup(self.watched.close)
        self.webhook = self.watched.webhook

    def test_failures_arrive_and_resolve(self):
        self.webhook.wait("firing", "PgWatchdog", {}, 60)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            first = [pool.submit(self.one_after_another, alarms) for alarms in TOGETHER]
            beside = pool.submit(self.one_after_another, ON_THE_STANDBY)
            problems = [problem for lane in first for problem in lane.result()]
            problems += self.one_after_another(AT_LAST) + beside.result()
        self.assertEqual("", "\n".join(problems))

    def one_after_another(self, alarms):
        """What went wrong, in words."""
        problems = []
        for alarm in alarms:
            try:
                self.sounds(alarm)
            except Exception as problem:  # the others go on
                problems.append(f"{alarm.failure}: {problem}")
        return problems

    def sounds(self, alarm):
        labels = {"instance": alarm.instance}
        self.assertFalse(self.webhook.is_firing(alarm.alert, labels), "it rings before anything has happened")
        began = time.monotonic()
        with getattr(self.watched.failures, alarm.failure)():
            receiver, alert = self.webhook.wait("firing", alarm.alert, labels, ARRIVES)
            arrived = time.monotonic()
        self.webhook.wait("resolved", alarm.alert, labels, RESOLVES)
        print(f"{alarm.alert}: {arrived - began:.0f} s until it arrived, {time.monotonic() - arrived:.0f} s to resolve",
              flush=True)
        severity = rules()[alarm.alert]["labels"]["severity"]
        self.assertEqual(RECEIVERS[severity], receiver, "told to somebody else")
        for note in alert["annotations"].values():
            self.assertNotRegex(note, "<no value>|<error|NaN|Inf", "an annotation that says nothing")


if __name__ == "__main__":
    unittest.main()
