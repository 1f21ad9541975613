"""Clients that forge log records: on live servers, in every form, they change no count but their own."""

import collections
import concurrent.futures
import json
import os
import unittest

from harness import attacks, beacon
from harness.case import BeaconCase
from harness.devlog import Devlog
from harness.events_wire import Wire
from harness.pages import Page
from harness.postgres import BIN, Server, reachable_programs
from harness.tools import require
from harness.users import give
from harness.waiting import wait_for

ROOT = os.environ.get("PGB_MATRIX_DIR", os.path.join(os.path.dirname(__file__), "../../build/tools"))
# (log_line_prefix, syslog_split_messages, syslog_sequence_numbers)
PREFIXES = (
    ("%m [%p] ", "on", "on"),
    ("%m [%p] %q%u@%d ", "on", "on"),
    ("%t [%p]: user=%u,db=%d,app=%a,client=%h ", "off", "on"),
    ("%t:%r:%u@%d:[%p]:", "on", "off"),
    ("%m [%p] %e %q%u@%d/%a ", "off", "off"),
)
HBA = """local closed all reject
local all all trust
host all all 127.0.0.1/32 password
"""
SETTINGS = {
    "fsync": "off",
    "autovacuum": "off",
    "log_checkpoints": "off",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_replication_commands": "on",
    "shared_preload_libraries": "auto_explain",
    "client_min_messages": "error",
}


class Logs:
    """The files of one phase, and where the part to read begins and ends in each."""

    def __init__(self, files, begin, end):
        self.parts = {}
        for form, path in files.items():
            with open(path, "rb") as file:
                data = file.read()
            first, last = data.find(begin), data.find(end)
            if min(first, last) < 0:
                raise AssertionError(f"{path} holds no mark {begin if first < 0 else end}")
            self.parts[form] = data[data.index(b"\n", first) + 1:data.rindex(b"\n", 0, last) + 1]


class Attacks(BeaconCase):
    def setUp(self):
        self.place = self.folder()
        self.devlog = Devlog(self.place)
        self.addCleanup(self.devlog.close)

    def start(self, major, programs):
        forms = ["stderr", "csvlog", "syslog"] + (["jsonlog"] if major >= 15 else [])
        server = Server(self.place, "attacked", reachable_programs(programs, self.place),
                        {**SETTINGS, "log_destination": ",".join(forms)})
        server.wrap = self.devlog.wrap
        server.initialise()
        hba = os.path.join(server.data, "pg_hba.conf")
        with open(hba, "w", encoding="ascii") as file:
            file.write(HBA)
        give(hba)
        return server

    def phase(self, server, prefix, name, change):
        """Runs every carrier with every text that change() made of an attack; returns the logs."""
        server.settings.update({"log_filename": f"{name}.log", "syslog_ident": f"postgres-{name}"})
        server.start()
        self.addCleanup(server.stop)
        wait_for(lambda: server.log().count("disconnection:") == server.log().count("connection authorized:"),
                 "the first sessions to end")
        self.mark(server, "first mark")
        for text in attacks.name_texts(prefix):
            for carrier in attacks.NAME_CARRIERS.values():
                carrier(server, change(text))
        with Wire(server) as wire:
            wire.startup(application_name="attacker")
            wire.query("create temp table attacked (a text primary key); create temp table counted (a int); "
                       "create temp table checked (a text check (length(a) > 100000))")
            for text in attacks.texts(prefix) + (attacks.plain_texts() if prefix == PREFIXES[0][0] else []):
                for carrier in attacks.TEXT_CARRIERS.values():
                    carrier(wire, change(text))
            for text in attacks.cut_texts(prefix):
                for carrier in attacks.CUT_CARRIERS:
                    attacks.TEXT_CARRIERS[carrier](wire, change(text))
        self.mark(server, "last mark")
        server.stop()
        self.devlog.settle()
        log = server.log_file[:-len(".log")]
        files = {"stderr": log + ".log", "csvlog": log + ".csv", "jsonlog": log + ".json",
                 "syslog": self.devlog.file(f"postgres-{name}"),
                 "syslog with priorities": self.devlog.raw(f"postgres-{name}")}
        return Logs({form: path for form, path in files.items() if os.path.exists(path)},
                    b"first mark", b"last mark")

    @staticmethod
    def mark(server, text):
        """Logs the text once all sessions before have ended, so that what they log stands before it."""
        with Wire(server) as wire:
            wire.startup(application_name="marker")
            wire.query("do $$ begin while exists (select from pg_stat_activity where "
                       "backend_type = 'client backend' and pid <> pg_backend_pid()) loop "
                       "perform pg_sleep(0.01), pg_stat_clear_snapshot(); end loop; "
                       f"raise log '{text}'; end $$")

    def read(self, log, *flags):
        """(severity, SQLSTATE, event, side) -> its messages."""
        done = beacon.run("parse", "--events", "--with-text", *flags, "-", stdin=log)
        self.assertEqual(0, done.returncode, done.stderr)
        found = collections.defaultdict(list)
        for line in done.stdout.split("\n"):  # names may hold other separators
            if not line:
                continue
            event = json.loads(line)
            key = tuple(event.get(name) for name in ("severity", "sqlstate", "event", "side"))
            found[key].append(f"{event.get('user')}@{event.get('database')}: {event.get('message')}"[:200])
        return found

    @staticmethod
    def seconds(log):
        """The sum of all durations of statements."""
        page = Page(beacon.run("parse", "-o", "prom", "-", stdin=log).stdout)
        return page.sum("pg_log_statement_duration_seconds_sum")

    def attack(self, major, programs):
        require(os.path.join(programs, "postgres"), f"PostgreSQL {major}")
        server = self.start(major, programs)
        for number, (prefix, split, numbers) in enumerate(PREFIXES):
            server.settings.update({"log_line_prefix": prefix, "syslog_split_messages": split,
                                    "syslog_sequence_numbers": numbers})
            logs = [self.phase(server, prefix, f"{kind}{number}", change)
                    for kind, change in (("harmless", attacks.harmless), ("attack", lambda text: text))]
            for form in logs[0].parts:
                for flags in ((), ("--prefix", prefix)) if form[0] == "s" else ((),):
                    with self.subTest(form=form, prefix=prefix, flags=flags):
                        self.compare(form, flags, *(one.parts[form] for one in logs))

    def compare(self, form, flags, harmless, attacked):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            wanted, found = pool.map(lambda log: self.read(log, *flags), (harmless, attacked))
        counts = {key: (len(wanted[key]), len(found[key])) for key in set(wanted) | set(found)}
        wrong = {key: count for key, count in counts.items() if count[0] != count[1]}
        forged = {key: found[key][-3:] for key, count in wrong.items() if count[0] < count[1]}
        self.assertEqual({}, wrong, f"counts without and with attacks in {form}; the last of those too many: {forged}")
        self.assertFalse([key for key in found if key[0] == "PANIC"])
        if not flags:
            self.assertLess(self.seconds(attacked), attacks.FORGED_DURATION_MS / 1000, "forged durations were counted")

    def test_15(self):
        self.attack(15, BIN)

    def test_18(self):
        self.attack(18, os.path.join(os.path.abspath(ROOT), "postgres-18", "bin"))


if __name__ == "__main__":
    unittest.main()
