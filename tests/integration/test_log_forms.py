"""One server, four forms of log at once: whatever happens, all forms tell the same.
"""

import collections
import concurrent.futures
import json
import os
import shutil
import subprocess
import unittest

from harness import beacon, events, events_server, events_sql
from harness.case import BeaconCase
from harness.devlog import Devlog
from harness.pages import Page
from harness.postgres import BIN, Server, reachable_programs
from harness.tools import require
from harness.users import command_as_user, give
from harness.waiting import wait_for

ROOT = os.environ.get("PGB_MATRIX_DIR", os.path.join(os.path.dirname(__file__), "../../build/tools"))
PREFIX = "%m [%p] %e %q%u@%d/%a "
VERBOSE_PREFIX = "%m [%p] %q%u@%d "
LEAST_KINDS = 100
LEAST_KNOWN = 0.99
SETTINGS = {
    "log_line_prefix": PREFIX,
    "max_connections": "30",
    "max_locks_per_transaction": "10",
    "max_wal_senders": "5",
    "wal_level": "logical",
    "archive_mode": "on",
    "archive_timeout": "1h",
    "authentication_timeout": "2s",
    "autovacuum_naptime": "1s",
    "deadlock_timeout": "10ms",
    "log_autovacuum_min_duration": "0",
    "log_checkpoints": "on",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_lock_waits": "on",
    "log_replication_commands": "on",
    "log_temp_files": "0",
    "max_standby_streaming_delay": "50ms",
    "shared_preload_libraries": "auto_explain",
    "wal_retrieve_retry_interval": "100ms",
}
SINCE = (
    (14, "log_recovery_conflict_waits", "on"),
    (16, "reserved_connections", "1"),
    (17, "trace_connection_negotiation", "on"),
    (18, "log_connections", "all"),
    (18, "log_lock_failures", "on"),
)
# Before its collector runs, the server has no files of its own but syslog.
BEFORE_THE_COLLECTOR = ("redirecting log output to logging collector process",
                        "Future log output will appear in directory")


class Read:
    """What `parse` makes of one log."""

    def __init__(self, log, *flags):
        self.events = [json.loads(line) for line in self.parse(log, "--events", "--with-text", *flags)]
        page = Page("\n".join(self.parse(log, "-o", "prom", *flags)) + "\n")
        self.counts = {(name, labels): value for (name, labels), value in page.samples.items()
                       if name in ("pg_log_messages_total", "pg_log_errors_total", "pg_log_events_total") and value}

    @staticmethod
    def parse(log, *flags):
        done = beacon.run("parse", *flags, "-", stdin=log, timeout=120)
        if done.returncode != 0:
            raise AssertionError(f"parse {flags}: {done.stderr}")
        return done.stdout.rstrip("\n").split("\n")

    @staticmethod
    def key(event):
        return event.get("severity"), event.get("sqlstate"), event["event"]

    def keys(self):
        return collections.Counter(map(self.key, self.events))

    def by_process(self):
        """pid -> its messages in their order."""
        found = collections.defaultdict(list)
        for event in self.events:
            found[event.get("pid")].append((*self.key(event), event.get("message", "").rstrip()))
        return found


class LogForms(BeaconCase):
    def setUp(self):
        self.place = self.folder()
        self.devlog = Devlog(self.place)
        self.addCleanup(self.devlog.close)

    def build(self, major, programs):
        """A primary whose log goes everywhere, and its standby; both stopped, the standby a copy."""
        programs = reachable_programs(programs, self.place)
        forms = ["stderr", "csvlog", "syslog"] + (["jsonlog"] if major >= 15 else [])
        settings = {**SETTINGS, "log_destination": ",".join(forms),
                    **{name: value for since, name, value in SINCE if major >= since}}
        primary = Server(self.place, "primary", programs, settings)
        primary.initialise()
        events_server.write_hba(primary, events.HBA)
        standby = Server(self.place, "standby", programs, {**settings, "syslog_ident": "standby"})
        for server in (primary, standby):
            server.wrap = self.devlog.wrap
            self.addCleanup(server.stop)
        primary.start()
        primary.stop()
        subprocess.run(command_as_user(["cp", "-a", primary.data, standby.data]), check=True)
        shutil.rmtree(os.path.join(standby.data, "log"))
        primary.start()
        standby.settings["primary_conninfo"] = \
            f"host={primary.sockets} port={primary.port} user=postgres application_name=standby_one"
        marker = os.path.join(standby.data, "standby.signal")
        with open(marker, "w", encoding="ascii"):
            pass
        give(marker)
        standby.start()
        return primary, standby

    def provoke(self, world, kinds):
        for kind in kinds:
            if kind.since <= world.major <= kind.until:
                try:
                    kind.run(world)
                except Exception as failure:
                    raise AssertionError(f"{kind.name}: {failure}") from failure

    def logs(self, server, ident):
        """The server's log in each form, as bytes."""
        self.devlog.settle()
        stem = os.path.splitext(server.log_file)[0]
        paths = {"stderr": server.log_file, "csvlog": stem + ".csv", "jsonlog": stem + ".json",
                 "syslog": self.devlog.file(ident), "syslog with priorities": self.devlog.raw(ident)}
        found = {}
        for form, path in paths.items():
            if os.path.exists(path):
                with open(path, "rb") as file:
                    found[form] = file.read()
        for form in ("syslog", "syslog with priorities"):
            found[form] = b"".join(line for line in found[form].splitlines(True)
                                   if not any(text.encode() in line for text in BEFORE_THE_COLLECTOR))
        self.keep(server.name, found)
        return found

    def keep(self, name, logs):
        """PGB_KEEP_LOGS=FOLDER leaves the logs there, to be looked at."""
        folder = os.environ.get("PGB_KEEP_LOGS")
        for form, log in logs.items() if folder else ():
            major = self.id().rsplit("_", 1)[1]
            with open(os.path.join(folder, f"{major}.{name}.{form.replace(' ', '_')}"), "wb") as file:
                file.write(log)

    def compare(self, logs, prefix):
        """All forms against stderr with its prefix told; returns what stderr said."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            told = pool.submit(Read, logs["stderr"], "--prefix", prefix)
            reads = {form: pool.submit(Read, log) for form, log in logs.items()}
        stderr = told.result()
        for form, read in reads.items():
            with self.subTest(form=form):
                other = read.result()
                self.assertEqual({}, {key: (stderr.keys()[key], other.keys()[key])
                                      for key in stderr.keys() | other.keys()
                                      if stderr.keys()[key] != other.keys()[key]},
                                 f"stderr and {form} count differently")
                self.assertEqual(stderr.counts, other.counts)
                mine, theirs = stderr.by_process(), other.by_process()
                self.assertEqual(set(mine), set(theirs))
                for pid, messages in mine.items():
                    self.assertEqual([message[:3] for message in messages],
                                     [message[:3] for message in theirs[pid]], (pid, messages, theirs[pid]))
        return stderr

    def run_major(self, major, programs):
        require(os.path.join(programs, "postgres"), f"PostgreSQL {major}")
        primary, standby = self.build(major, programs)
        for text in events_sql.SETUP.split(";\n"):
            if text.strip():
                primary.query(text)
        wait_for(lambda: standby.value("select count(*) from pg_stat_wal_receiver where status = 'streaming'"),
                 "the standby to stream", 30)
        world = events.World(major, primary, standby)
        kinds = events.SQL + events.CONNECTIONS + events.SESSIONS + events_server.KINDS
        self.provoke(world, kinds)
        standby.stop()
        seen = []
        for server, ident in ((primary, "postgres"), (standby, "standby")):
            with self.subTest(server=server.name):
                seen += self.compare(self.logs(server, ident), PREFIX).events
        self.verbose(world)
        self.judge(major, kinds, seen)

    def judge(self, major, kinds, seen):
        """Every kind was seen, the kinds are many, and hardly a message is unknown."""
        missing = []
        for kind in kinds:
            wanted = kind.event if isinstance(kind.event, tuple) else (kind.event,)
            if kind.since <= major <= kind.until and not any(
                    (kind.event is None or event["event"] in wanted) and
                    kind.sqlstate in (None, event.get("sqlstate")) for event in seen):
                missing.append((kind.name, kind.event, kind.sqlstate))
        self.assertEqual([], missing, "provoked, but not seen in the log")
        told = {(event["event"], event.get("sqlstate"), event["severity"]) for event in seen}
        self.assertGreaterEqual(len(told), LEAST_KINDS)
        unknown = [event for event in seen
                   if event["event"] == "other" and "at RAISE" not in event.get("context", "")]
        self.assertLessEqual(len(unknown), (1 - LEAST_KNOWN) * len(seen),
                             "no row of the catalogue takes:\n" + "\n".join(sorted(
                                 {f"{major}\t{event['severity']}\t{event.get('sqlstate')}\t"
                                  f"{event.get('message', '')[:200]!r}" for event in unknown})))

    def verbose(self, world):
        """The statements again with log_error_verbosity = verbose, which prints the SQLSTATE itself."""
        server = world.server
        server.settings.update({"log_line_prefix": VERBOSE_PREFIX, "log_error_verbosity": "verbose",
                                "log_filename": "verbose.log", "syslog_ident": "verbose"})
        server.name = "verbose"
        server.start()
        self.provoke(world, events.SQL)
        server.stop()
        with self.subTest(verbosity="verbose"):
            self.compare(self.logs(server, "verbose"), VERBOSE_PREFIX)


def _add(major):
    programs = BIN if major == 15 else os.path.join(os.path.abspath(ROOT), f"postgres-{major}", "bin")
    setattr(LogForms, f"test_{major}", lambda self: self.run_major(major, programs))


for _major in (13, 14, 15, 16, 17, 18):
    _add(_major)


if __name__ == "__main__":
    unittest.main()
