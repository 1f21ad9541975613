"""A server's log followed while it is written, rotated and truncated: every record counts once."""

import os
import threading
import unittest

import psycopg2

from harness import beacon
from harness.case import BeaconCase, PairCase
from harness.logs import Tail, count_messages
from harness.pages import Page
from harness.postgres import PREFIX
from harness.users import give, reachable
from harness.waiting import wait_equal, wait_for

SEVERITIES = {"DEBUG", "INFO", "NOTICE", "WARNING", "LOG", "ERROR", "FATAL", "PANIC"}
BORN = {
    "pg_log_messages_total": ("severity", SEVERITIES),
    "pg_log_checkpoints_total": ("kind", {"checkpoint", "restartpoint"}),
    "pg_log_connections_total": ("stage", {"received", "authenticated", "authorized", "ready"}),
    "pg_log_connections_refused_total": ("reason", {
        "too_many_clients", "reserved", "role_limit", "database_limit", "starting_up",
        "shutting_down", "in_recovery", "not_accepting"}),
    "pg_log_authentication_failures_total": ("reason", {
        "password", "hba_reject", "hba_no_entry", "role_missing", "nologin", "certificate", "ident",
        "ldap", "other"}),
    "pg_log_connections_terminated_total": ("reason", {
        "admin", "idle_in_transaction", "idle_session", "transaction_timeout", "crash",
        "recovery_conflict", "client_lost"}),
}


def missing_tables(page):
    return page.sum("pg_log_errors_total", sqlstate="42P01")


def log_families(page):
    """The pg_log_* series of a page without the label `server`, for comparing two counts."""
    return {(name, frozenset(pair for pair in labels if pair[0] != "server")): value
            for (name, labels), value in page.samples.items() if name.startswith("pg_log_")}


class LiveServer(PairCase):
    settings = {"log_connections": "on", "log_disconnections": "on", "log_checkpoints": "on",
                "log_lock_waits": "on", "deadlock_timeout": "50ms", "log_temp_files": "0"}
    with_standby = False

    def follow(self, *more):
        exporter = self.beacon("--source.file", self.primary.log_file, *more, dsn=self.primary.dsn())
        self.settle(exporter)
        return exporter

    def settle(self, exporter):
        """A page that has counted all that is in the log now."""
        pages = []

        def read():
            pages[:] = [exporter.scrape()]
            lag = pages[0].sum("pgbeacon_source_lag_bytes")
            return lag == 0

        wait_for(read, "the log to be read to its end")
        return pages[0]

    def delta(self, before, exporter, name, wanted, **labels):
        """Waits until `name` has grown by exactly `wanted`."""
        start = before.sum(name, **labels)
        wait_equal(lambda: exporter.scrape().sum(name, **labels) - start, wanted, f"{name}{labels}")

    def failing(self, session, sql):
        with self.assertRaises(psycopg2.Error):
            session.cursor().execute(sql)

    def test_failing_statements_count_by_sqlstate(self):
        exporter = self.follow()
        before = self.settle(exporter)
        session = self.session(self.primary)
        for _ in range(3):
            self.failing(session, "select nothing from pg_class")
        for _ in range(2):
            self.failing(session, "select * from missing")
        self.failing(session, "selekt 1")
        self.failing(session, "do $$ begin raise 'user: %', 'words'; end $$")
        for sqlstate, wanted in (("42703", 3), ("42P01", 2), ("42601", 1)):
            self.delta(before, exporter, "pg_log_errors_total", wanted, sqlstate=sqlstate)
        self.delta(before, exporter, "pg_log_messages_total", 7, severity="ERROR")
        self.delta(before, exporter, "pg_log_errors_total", 7, severity="ERROR")
        self.delta(before, exporter, "pg_log_events_total", 3, event="undefined_column")
        self.delta(before, exporter, "pg_log_events_total", 2, event="undefined_table")

    def test_statement_durations_go_into_the_histogram(self):
        exporter = self.follow()
        before = self.settle(exporter)
        session = self.session(self.primary)
        cursor = session.cursor()
        cursor.execute("set log_min_duration_statement = 0")
        for _ in range(4):
            cursor.execute("select pg_sleep(0.03)")
        cursor.execute("reset log_min_duration_statement")
        name = "pg_log_statement_duration_seconds"
        self.delta(before, exporter, name + "_count", 5, kind="statement")
        page = self.settle(exporter)
        spent = page.sum(name + "_sum") - before.sum(name + "_sum")
        self.assertGreaterEqual(spent, 0.12)
        self.assertLess(spent, 5)
        slow = page.sum(name + "_bucket", le="0.025") - before.sum(name + "_bucket", le="0.025")
        self.assertEqual(1, slow)

    def test_checkpoints_lock_waits_and_temporary_files(self):
        exporter = self.follow()
        before = self.settle(exporter)
        self.primary.query("create table if not exists fought (n int)")
        holder, waiter = self.session(self.primary), self.session(self.primary)
        holder.autocommit = False
        holder.cursor().execute("lock table fought in access exclusive mode")
        waiter.cursor().execute("set lock_timeout = '400ms'")
        self.failing(waiter, "insert into fought values (1)")
        self.failing(waiter, "select * from fought")
        holder.rollback()
        cursor = self.session(self.primary).cursor()
        cursor.execute("set work_mem = '64kB'")
        cursor.execute("select count(*) from (select g from generate_series(1, 60000) g order by g desc) s")
        files = self.temporary_files(cursor)
        for _ in range(2):
            self.primary.query("checkpoint")
        self.delta(before, exporter, "pg_log_errors_total", 2, sqlstate="55P03")
        self.delta(before, exporter, "pg_log_lock_wait_seconds_count", self.waits(),
                   outcome="waiting")
        self.delta(before, exporter, "pg_log_temporary_file_bytes_count", len(files))
        self.delta(before, exporter, "pg_log_temporary_file_bytes_sum", sum(files))
        self.delta(before, exporter, "pg_log_checkpoints_total", 2, kind="checkpoint")
        self.delta(before, exporter, "pg_log_checkpoint_duration_seconds_count", 2, phase="total")

    def temporary_files(self, cursor):
        """Sizes in the log, once all that this session has logged so far stands there."""
        with self.assertRaises(psycopg2.Error):
            cursor.execute("select end_of_files")
        wait_for(lambda: "end_of_files" in self.primary.log(), "the mark in the log")
        lines = [line for line in self.primary.log().splitlines() if "temporary file: path" in line]
        self.assertTrue(lines)
        return [int(line.rsplit("size ", 1)[1]) for line in lines]

    def waits(self):
        return sum("still waiting for" in line for line in self.primary.log().splitlines())

    def test_connections_and_refusals(self):
        exporter = self.follow()
        before = self.settle(exporter)
        for _ in range(4):
            self.primary.connect(application="visitor").close()
        for dsn in (self.primary.dsn(dbname="nowhere"), self.primary.dsn(password="wrong")):
            with self.assertRaises(psycopg2.OperationalError):
                psycopg2.connect(dsn, application_name="visitor")
        self.delta(before, exporter, "pg_log_messages_total", 2, severity="FATAL")
        self.delta(before, exporter, "pg_log_errors_total", 1, sqlstate="3D000")
        self.delta(before, exporter, "pg_log_errors_total", 1, sqlstate="28P01")
        self.delta(before, exporter, "pg_log_authentication_failures_total", 1, reason="password")
        page = self.settle(exporter)
        grown = lambda stage: (page.value("pg_log_connections_total", stage=stage) -
                               before.value("pg_log_connections_total", stage=stage))
        self.assertGreaterEqual(grown("received"), 6)
        self.assertGreaterEqual(grown("authorized"), 4)
        self.assertGreaterEqual(page.sum("pg_log_session_duration_seconds_count") -
                                before.sum("pg_log_session_duration_seconds_count"), 4)

    def test_what_alerts_use_is_born_at_0(self):
        page = self.follow().scrape()
        for name, (label, values) in BORN.items():
            self.assertLessEqual(values, page.labels(name, label), name)
        self.assertEqual(0, page.value("pg_log_messages_total", severity="PANIC"))
        self.assertIsNotNone(page.value("pg_log_long_statements_total"))
        self.assertEqual(2, page.value("pg_log_long_statement_threshold_seconds"))

    def test_its_own_records_are_counted_apart(self):
        self.primary.query("alter role beacon set log_min_duration_statement = 0")
        self.addCleanup(self.primary.query, "alter role beacon reset log_min_duration_statement")
        exporter = self.follow()
        before = self.settle(exporter)
        exporter.scrape()
        own = "pg_log_own_messages_total"
        wait_for(lambda: exporter.scrape().sum(own, severity="LOG") > before.sum(own, severity="LOG"),
                 "own records to be counted")
        self.delta(before, exporter, "pg_log_statement_duration_seconds_count", 0)

    def test_counts_of_the_followed_file_equal_parse_and_an_independent_count(self):
        exporter = self.follow("--source.from", "begin")
        session = self.session(self.primary, application="forger\nFATAL:  not a record")
        for _ in range(5):
            self.failing(session, "select * from missing -- \nFATAL:  forged\n"
                                  "2026-01-01 00:00:00 UTC [1] PANIC:  forged")
        seen = {}

        def equal():
            page = self.settle(exporter)
            done = beacon.run("parse", "--prefix", PREFIX, "-o", "prom", self.primary.log_file)
            self.assertEqual(0, done.returncode, done.stderr)
            seen["served"], seen["parsed"] = log_families(page), log_families(Page(done.stdout))
            return seen["served"] == seen["parsed"]

        try:
            wait_for(equal, "equal counts", interval=0.2)
        except AssertionError:
            self.assertEqual(seen["parsed"], seen["served"])
        counts, _ = count_messages(self.primary.log())
        done = beacon.run("parse", "--prefix", PREFIX, "-o", "prom", self.primary.log_file)
        page = Page(done.stdout)
        for severity in SEVERITIES - {"LOG"}:
            self.assertEqual(counts["others"][severity],
                             page.value("pg_log_messages_total", severity=severity), severity)

    def test_a_rotation_to_a_new_name_is_followed(self):
        glob = os.path.join(os.path.dirname(self.primary.log_file), "*.log")
        exporter = self.beacon("--source.file", glob, dsn=self.primary.dsn())
        before = self.settle(exporter)
        session = self.session(self.primary)
        for n in range(3):
            self.failing(session, "select * from missing")
            name = f"rotated-{n}.log"
            self.primary.query(f"alter system set log_filename = '{name}'")
            self.primary.query("select pg_reload_conf()")
            self.primary.query("select pg_rotate_logfile()")
            path = os.path.join(os.path.dirname(self.primary.log_file), name)
            wait_for(lambda p=path: os.path.exists(p), "the new log file")
            self.failing(session, "select * from missing")
        self.primary.settings["log_filename"] = name
        self.delta(before, exporter, "pg_log_errors_total", 6, sqlstate="42P01")


class PlainFiles(BeaconCase):
    """No server at all: `serve` runs the log pipeline alone."""

    def setUp(self):
        self.logs = self.folder()
        self.log = Tail(os.path.join(self.logs, "pg.log"))

    def follow(self, *more, glob=None, start="begin", **options):
        return self.beacon("--source.file", glob or self.log.path, "--source.prefix", Tail.PREFIX,
                           "--source.from", start, *more, **options)

    def counted(self, exporter, wanted):
        wait_equal(lambda: missing_tables(exporter.scrape()), wanted, "records")

    def test_reads_from_the_beginning_or_from_the_end(self):
        self.log.append(5)
        self.counted(self.follow(), 5)
        exporter = self.follow(start="end")
        self.assertEqual(0, missing_tables(exporter.scrape()))
        self.log.append(2)
        self.counted(exporter, 2)
        page = exporter.scrape()
        self.assertNotIn("pg_up", page.names())
        self.assertNotIn("pg_stat_database_xact_commit", page.names())
        self.assert_promtool_content(self.follow().scrape(False))

    def test_half_a_line_counts_once_when_its_rest_comes(self):
        exporter = self.follow()
        text = self.log.lines(3)
        cuts = (10, 60, 75, len(text) - 1)
        done = 0
        for cut in cuts + (len(text),):
            with open(self.log.path, "a", encoding="utf-8") as log:
                log.write(text[done:cut])
            done = cut
            wait_for(lambda n=cut: exporter.scrape().sum("pgbeacon_source_bytes_total") >= n or
                     exporter.scrape().sum("pgbeacon_source_lag_bytes") == 0, "bytes to be read")
        self.counted(exporter, 3)
        self.log.append(1)
        self.counted(exporter, 4)

    def test_rotation_by_rename_loses_and_doubles_nothing(self):
        for pattern in ("pg.log", "pg.log*"):
            with self.subTest(glob=pattern):
                self.logs = self.folder()
                self.log = Tail(os.path.join(self.logs, "pg.log"))
                exporter = self.follow(glob=os.path.join(self.logs, pattern))
                for turn in range(2):
                    self.log.append(20)
                    self.counted(exporter, self.log.written)
                    kept = open(self.log.path, "a", encoding="utf-8")
                    os.rename(self.log.path, f"{self.log.path}.{turn + 1}")
                    with kept:  # the writer holds the old file a little longer
                        kept.write(self.log.lines(5))
                        self.log.append(5)
                    self.counted(exporter, self.log.written)

    def test_rotation_under_a_running_writer(self):
        exporter = self.follow()
        seen = threading.Condition()
        counted = [0]

        def write():
            for turn in range(5):
                first = self.log.written
                for _ in range(40):
                    self.log.append(10)
                with seen:  # a file that is renamed before anybody looked cannot be known
                    seen.wait_for(lambda n=first: counted[0] > n, 20)
                os.rename(self.log.path, f"{self.log.path}.{turn}")
                self.log.append(10)

        writer = threading.Thread(target=write)
        writer.start()
        while writer.is_alive():
            with seen:
                counted[0] = missing_tables(exporter.scrape())
                seen.notify_all()
        writer.join()
        self.counted(exporter, self.log.written)

    def test_copytruncate_goes_on_from_the_beginning(self):
        exporter = self.follow()
        for turn in range(2):
            self.log.append(30 - 10 * turn)
            self.counted(exporter, self.log.written)
            with open(self.log.path, encoding="utf-8") as log:
                self.write(f"pg.log.{turn}", log.read(), self.logs)
            os.truncate(self.log.path, 0)
            self.log.append(3)
            self.counted(exporter, self.log.written)

    def test_a_file_that_appears_later_is_read_whole(self):
        exporter = self.follow(start="end")
        self.assertIn(self.log.path, exporter.log())
        self.assertEqual(0, missing_tables(exporter.scrape()))
        self.log.append(4)
        self.counted(exporter, 4)

    def test_a_file_that_cannot_be_read_is_named_and_read_once_it_can(self):
        give(self.logs)
        self.log.append(3)
        os.chmod(self.log.path, 0)
        give(self.log.path)
        program = reachable(beacon.BIN, self.logs)
        exporter = self.follow(as_user=True, program=program, ready=False)
        wait_for(lambda: self.log.path in exporter.log(), "a message that names the file")
        self.assertRegex(exporter.log(), "(?i)permission denied")
        self.assertEqual(200, exporter.get("/metrics").status)
        os.chmod(self.log.path, 0o644)
        self.counted(exporter, 3)

    def test_a_prefix_that_does_not_fit_is_told_and_serving_goes_on(self):
        self.log.append(200)
        exporter = self.beacon("--source.file", self.log.path, "--source.prefix", "%t|%p|%u|%d|",
                               "--source.from", "begin")
        wait_for(lambda: "log_line_prefix" in exporter.log(), "a warning about the prefix")
        self.assertIn(self.log.path, exporter.log())
        page = exporter.scrape()
        self.assertGreaterEqual(page.sum("pgbeacon_source_unparsed_lines_total", reason="no_prefix"), 200)
        self.assertEqual(0, page.sum("pgbeacon_source_prefix_match_ratio"))
        self.assertLess(exporter.log().count("log_line_prefix"), 5)

    def test_the_prefix_is_detected_when_nobody_names_it(self):
        self.log.append(40)
        exporter = self.beacon("--source.file", self.log.path, "--source.from", "begin")
        self.counted(exporter, 40)

    def test_a_directory_or_binary_file_stops_nothing(self):
        os.mkdir(os.path.join(self.logs, "folder.log"))
        with open(os.path.join(self.logs, "noise.log"), "wb") as noise:
            noise.write(bytes(range(256)) * 2000 + b"\n")
        self.log.append(2)
        exporter = self.follow(glob=os.path.join(self.logs, "*.log"))
        self.counted(exporter, 2)

    def test_sources_of_a_config_file_have_their_own_server_label(self):
        other = Tail(os.path.join(self.logs, "other.log"))
        self.log.append(2)
        other.append(3)
        config = self.write("pgbeacon.yml", (
            "sources:\n"
            f"  - {{file: {self.log.path}, prefix: '%m [%p] ', from: begin, server: one}}\n"
            f"  - {{file: {other.path}, prefix: '%m [%p] ', from: begin, server: two}}\n"))
        exporter = self.beacon("--config.file", config)
        self.counted(exporter, 5)
        page = exporter.scrape()
        for server, wanted in (("one", 2), ("two", 3)):
            self.assertEqual(wanted, page.value("pg_log_errors_total", server=server,
                                                severity="ERROR", sqlstate="42P01"))


if __name__ == "__main__":
    unittest.main()
