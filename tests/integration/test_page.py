"""The page of a healthy primary and its standby: complete, true, the same in both formats."""

import http.client
import re
import socket
import unittest

from harness.beacon import OPENMETRICS
from harness.case import PairCase
from harness.pages import seed_names
from harness.waiting import wait_for

REASONS = {"ok", "starting_up", "in_shutdown", "not_accepting", "too_many_connections",
           "auth_failed", "hba_rejected", "database_missing", "dns", "tls", "unreachable", "timeout",
           "superuser_refused", "breaker_open", "other"}
HOSTILE = 'od"d\nname\\ \u00fc\u96ea'
COUNTERS = ("xact_commit", "blks_hit", "tup_returned", "tup_fetched", "tup_inserted")


class Primary(PairCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name in ("quiet", "never_reset"):
            cls.primary.query(f"create database {name}")

    def setUp(self):
        self.exporter = self.beacon(dsn=self.primary.dsn())

    def test_all_seed_names_are_on_the_page_in_both_formats(self):
        for openmetrics in (False, True):
            page = self.exporter.scrape(openmetrics)
            self.assertEqual([], [n for n in seed_names("primary") if n not in page.names()])

    def test_says_that_the_server_is_up_and_why(self):
        page = self.exporter.scrape()
        self.assertEqual(1, page.value("pg_up"))
        self.assertEqual(REASONS, page.labels("pg_up_reason", "reason"))
        self.assertEqual("ok", page.up_reason())
        self.assertEqual({}, page.failed_collectors())

    def test_says_which_server_it_is(self):
        [labels] = self.exporter.scrape().series("pg_server_info")
        identifier = self.primary.value("select system_identifier::text from pg_control_system()")
        self.assertEqual(identifier, dict(labels)["system_identifier"])
        self.assertEqual(self.primary.value("show server_version"), dict(labels)["version"])

    def test_tells_the_role(self):
        self.assertEqual(0, self.exporter.scrape().value("pg_replication_is_replica"))

    def test_both_formats_carry_the_same_series_and_types(self):
        self.exporter.scrape(False)
        text, openmetrics = self.exporter.scrape(False), self.exporter.scrape(True)
        # Sessions, locks and the lag of an idle standby come and go between two pages.
        steady = lambda names: {n for n in names if not re.search("activity|idle|locks|_lag_", n)}
        self.assertEqual(set(), steady(text.names()) ^ steady(openmetrics.names()))
        for name in steady(text.names()):
            kind = text.types[name]
            allowed = {kind}
            if kind == "counter":  # compatibility names, and their _total twins
                twin = name[:-6] if name.endswith("_total") else name
                if twin in text.types:
                    allowed = {"unknown"}
            if name == "pg_up_reason":
                allowed = {"gauge"}
            self.assertIn(openmetrics.types[name], allowed, name)
        series = lambda page: {key for key in page.samples if key[0] in steady(page.names())}
        self.assertEqual(set(), series(text) ^ series(openmetrics))

    def test_counters_equal_what_the_server_says(self):
        before = self.exporter.scrape().value("pg_stat_database_tup_inserted", datname="quiet")
        self.primary.query("create table t as select generate_series(1, 100) n", dbname="quiet")

        def equal():
            page = self.exporter.scrape()
            row = self.primary.query(
                "select " + ", ".join(COUNTERS) + " from pg_stat_database where datname = 'quiet'")[0]
            ours = [page.value("pg_stat_database_" + name, datname="quiet") for name in COUNTERS]
            return [float(value) for value in row] == ours and ours[4] >= before + 100

        wait_for(equal, "pg_stat_database of a quiet database to be equal", interval=0.3)
        page = self.exporter.scrape()
        self.assertEqual(self.primary.value("select archived_count from pg_stat_archiver"),
                         page.value("pg_stat_archiver_archived_count"))
        self.assertEqual(self.primary.value("select pg_database_size('template0')"),
                         page.value("pg_database_size_bytes", datname="template0"))

    def test_replication_rows_name_the_standby(self):
        page = self.exporter.scrape()
        names = page.labels("pg_stat_replication_pg_wal_lsn_diff", "application_name")
        self.assertEqual({"standby_one"}, names)

    def test_null_is_absent(self):
        self.primary.query("select pg_stat_reset()", dbname="quiet")
        page = self.exporter.scrape()
        name = "pg_stat_database_stats_reset_timestamp_seconds"
        self.assertGreater(page.value(name, datname="quiet"), 1.7e9)
        self.assertIsNotNone(page.value("pg_stat_database_numbackends", datname="never_reset"))
        self.assertIsNone(page.value(name, datname="never_reset"))
        self.assertIsNone(page.value("pg_stat_archiver_last_archive_age"))
        nan = [key for key, value in page.samples.items() if value != value]
        self.assertEqual([], nan)

    def test_names_with_quotes_newlines_and_utf8_come_through(self):
        quoted = HOSTILE.replace('"', '""')
        self.primary.query(f'create database "{quoted}"')
        self.addCleanup(lambda: self.primary.query(f'drop database "{quoted}" with (force)'))
        self.session(self.primary, application='o"p\\ s')
        for openmetrics in (False, True):
            page = self.exporter.scrape(openmetrics)
            self.assertIsNotNone(page.value("pg_stat_database_xact_commit", datname=HOSTILE))
            self.assertIn('o"p\\ s', page.labels("pg_stat_activity_count", "application_name"))

    def test_promtool_finds_nothing_that_is_not_reviewed(self):
        self.assert_promtool_content(self.exporter.scrape(False))


class Standby(PairCase):
    def test_page_holds_all_names_and_the_role(self):
        exporter = self.beacon(dsn=self.standby.dsn())
        for openmetrics in (False, True):
            page = exporter.scrape(openmetrics)
            self.assertEqual([], [n for n in seed_names("standby") if n not in page.names()])
            self.assertEqual(1, page.value("pg_up"))
            self.assertEqual(1, page.value("pg_replication_is_replica"))
            self.assertEqual({}, page.failed_collectors())

    def test_every_collector_works_when_all_are_on(self):
        for server in (self.primary, self.standby):
            page = self.beacon("--collector.all", dsn=server.dsn()).scrape()
            failed = page.failed_collectors()
            self.assertEqual(set(), set(failed.values()) - {"missing_extension"}, failed)
            self.assertEqual([], server.complaints_about())


class Http(PairCase):
    with_standby = False

    def setUp(self):
        self.exporter = self.beacon(dsn=self.primary.dsn())

    def test_compresses_when_asked(self):
        plain, zipped = self.exporter.scrape(False), self.exporter.scrape(False, zipped=True)
        self.assertEqual("gzip", zipped.headers["content-encoding"])
        self.assertNotIn("content-encoding", plain.headers)
        self.assertLess(int(zipped.headers["content-length"]), len(plain.text) / 2)

    def test_negotiates_the_format(self):
        for accept, wanted in ((OPENMETRICS, "application/openmetrics-text; version=1.0.0"),
                               ("*/*", "text/plain; version=0.0.4"), ("", "text/plain; version=0.0.4"),
                               ("text/html", "text/plain; version=0.0.4")):
            found = self.exporter.get("/metrics", {"Accept": accept}).headers["content-type"]
            self.assertTrue(found.startswith(wanted), (accept, found))

    def test_head_has_the_headers_and_no_body(self):
        answer = self.exporter.get("/metrics", method="HEAD")
        self.assertEqual((200, b""), (answer.status, answer.raw))
        self.assertGreater(int(answer.headers["content-length"]), 1000)

    def test_health_and_errors(self):
        for path, status in (("/-/healthy", 200), ("/-/ready", 200), ("/nothing", 404),
                             ("/metrics/../x", 404)):
            self.assertEqual(status, self.exporter.get(path).status, path)
        refused = self.exporter.get("/metrics", method="DELETE")
        self.assertEqual(405, refused.status)
        self.assertIn("GET", refused.headers["allow"])

    def test_one_connection_serves_many_requests(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.exporter.port, timeout=30)
        self.addCleanup(connection.close)
        for path in ("/-/healthy", "/metrics", "/nothing", "/-/ready"):
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
        self.assertEqual(200, response.status)

    def test_garbage_is_refused_and_serving_goes_on(self):
        for garbage in (b"\x16\x03\x01\x02\x00\x01", b"GET /metrics HTTP/9.9\r\n\r\n",
                        b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", self.exporter.port), timeout=20) as sock:
                try:
                    sock.sendall(garbage)
                    sock.shutdown(socket.SHUT_WR)
                    head = sock.recv(64)
                except ConnectionError:
                    head = b""
                self.assertNotIn(b" 200 ", head)
        self.assertEqual(1, self.exporter.scrape().value("pg_up"))

    def test_counts_its_own_requests(self):
        self.exporter.get("/nothing")
        self.exporter.scrape()
        page = self.exporter.scrape()
        self.assertGreaterEqual(
            page.value("pgbeacon_http_requests_total", handler="/metrics", code="200"), 1)
        self.assertEqual(1, page.value("pgbeacon_http_requests_total", code="404"))


if __name__ == "__main__":
    unittest.main()
