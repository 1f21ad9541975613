"""Checks and roles: /checks, records of changes, /primary and /replica, entrypoints, certificates, limits, own cost."""

import json
import os
import re
import signal
import ssl
import subprocess
import time
import unittest

from harness import beacon
from harness.case import BeaconCase, MostBackends, PairCase
from harness.pages import Page
from harness.pgbouncer import Pooler
from harness.postgres import PASSWORD, Pair
from harness.users import give
from harness.waiting import wait_equal, wait_for

CRITICAL = 2


class Checks(PairCase):
    def config(self, more="", primary=""):
        return self.write("pgbeacon.yml", (
            f"targets:\n  - {{name: primary, dsn: \"{self.primary.dsn()}\"{primary}}}\n"
            f"  - {{name: standby, dsn: \"{self.standby.dsn()}\"}}\n{more}"))

    def serve(self, *flags, **config):
        return self.beacon("--config.file", self.config(**config), *flags)

    def probe(self, exporter, target):
        return Page(exporter.get("/probe?target=" + target).body)

    def suites(self, exporter, query=""):
        answer = exporter.get("/checks" + query, {"Accept": "application/json"})
        self.assertEqual((200, "application/json"), (answer.status, answer.headers["content-type"]))
        return {(row["target"], row["name"]): row for row in json.loads(answer.body)}

    def test_a_table_and_json(self):
        exporter = self.serve()
        exporter.scrape(False)
        self.probe(exporter, "standby")
        answer = exporter.get("/checks")
        self.assertEqual(200, answer.status)
        self.assertTrue(answer.headers["content-type"].startswith("text/plain"))
        lines = answer.body.splitlines()
        self.assertEqual(["NAME", "STATUS", "TARGET", "LAST UPDATED", "OUTPUT"],
                         [cell.strip() for cell in lines[0].split("|")])
        self.assertRegex(answer.body, r"(?m)^ *role +\| passing +\| standby +\| (just now|\d+s ago) +\| \[.\] role: replica$")
        suites = self.suites(exporter)
        for target, role in (("primary", "primary"), ("standby", "replica")):
            self.assertEqual("passing", suites[target, "role"]["status"])
            self.assertEqual(role, suites[target, "role"]["checks"][0]["output"])
            self.assertLess(suites[target, "pg"]["age_seconds"], 60)
        used = {check["name"]: check for check in suites["primary", "connections"]["checks"]}["connections_used"]
        self.assertEqual("passing", used["status"])
        self.assertRegex(used["output"], r"^\d+\.\d %$")
        self.assertEqual({"standby"}, {target for target, _ in self.suites(exporter, "?target=standby")})
        self.assertEqual(404, exporter.get("/checks?target=nobody").status)

    def test_status_is_on_the_page(self):
        exporter = self.serve()
        page = exporter.scrape(False)
        for check in ("transactions", "role", "connections", "disk", "load", "connections_used"):
            self.assertIsNotNone(page.value("pgbeacon_check_status", check=check), check)
        self.assertEqual(0, page.value("pgbeacon_check_status", check="transactions"))
        since = page.value("pgbeacon_check_changed_timestamp_seconds", check="transactions")
        self.assertAlmostEqual(time.time(), since, delta=60)
        again = exporter.scrape(False)
        self.assertEqual(since, again.value("pgbeacon_check_changed_timestamp_seconds", check="transactions"))
        self.assert_promtool_content(again)

    def test_a_change_is_a_record_of_the_log(self):
        exporter = self.serve("--web.enable-logs")
        self.probe(exporter, "standby")
        self.standby.stop()
        try:
            page = self.probe(exporter, "standby")
            self.assertEqual(CRITICAL, page.value("pgbeacon_check_status", check="transactions"))
            self.assertEqual(3, page.value("pgbeacon_check_status", check="connections"))
            self.assertEqual("critical", self.suites(exporter)["standby", "pg"]["status"])
        finally:
            self.standby.start()
        wait_for(lambda: self.probe(exporter, "standby").value("pgbeacon_check_status", check="transactions") == 0,
                 "the standby to be well")
        lines = exporter.get("/logs?app=standby&ps=healthcheck").body.splitlines()
        about = [line for line in lines if "pg/transactions" in line]
        self.assertRegex(about[0], r" pgbeacon\[healthcheck\]: \[HEALTHCHECK\] pg/transactions is critical, was "
                                   r"passing: the server does not answer: unreachable$")
        self.assertTrue(about[-1].endswith("pg/transactions is passing, was critical: read-only"), about)
        self.assertIn("target=standby check=pg/transactions status=critical", exporter.log())

    def test_limits_of_the_plan_are_metrics(self):
        exporter = self.serve(primary=", limits: {connections: 120, bytes: 64e9, iops: 3000}")
        page = exporter.scrape(False)
        self.assertEqual({"connections": 120, "bytes": 64e9, "iops": 3000},
                         {dict(key)["kind"]: value for key, value in page.series("pgbeacon_limit").items()})
        self.assertNotIn("pgbeacon_limit", self.probe(exporter, "standby").names())

    def test_each_target_tells_its_cost(self):
        exporter = self.serve()
        names = ("pgbeacon_target_statements_total", "pgbeacon_target_received_bytes_total",
                 "pgbeacon_target_query_seconds_total")
        before = exporter.scrape(False)
        other = self.probe(exporter, "standby")
        after = exporter.scrape(False)
        for name in names:
            self.assertGreater(after.value(name), before.value(name), name)
        self.assertGreaterEqual(after.value(names[0]) - before.value(names[0]), 20)
        still = self.probe(exporter, "standby")
        self.assertGreater(still.value(names[0]), other.value(names[0]))

    def test_the_command_judges_one_or_all(self):
        config = self.config()
        for words, targets in (((), {"primary"}), (("--target", "standby"), {"standby"}),
                               (("--all",), {"primary", "standby"})):
            done = beacon.run("check", "--config.file", config, "--json", *words)
            self.assertIn(done.returncode, (0, 1, 2), done.stderr)
            suites = json.loads(done.stdout)
            self.assertEqual(targets, {suite["target"] for suite in suites})
            self.assertLessEqual({"pg", "role", "vm", "connections", "vacuum"}, {suite["name"] for suite in suites})


class Roles(PairCase):
    """Each test has what it needs of a fresh pair: the last one ends with two primaries."""

    def serve(self, *flags):
        return self.beacon("--config.file", self.write("pgbeacon.yml", (
            f"targets:\n  - {{name: primary, dsn: \"{self.primary.dsn()}\"}}\n"
            f"  - {{name: standby, dsn: \"{self.standby.dsn()}\"}}\n")), *flags)

    def status(self, exporter, path):
        return exporter.get(path, timeout=10).status

    def test_a_load_balancer_finds_each_role(self):
        exporter = self.serve()
        for path, status in (("/primary", 200), ("/replica", 503), ("/primary?target=primary", 200),
                             ("/primary?target=standby", 503), ("/replica?target=standby", 200),
                             ("/replica?target=standby&max_lag_bytes=1000000000", 200),
                             ("/replica?target=nobody", 404), ("/replica?target=standby&max_lag_bytes=x", 400)):
            answer = exporter.get(path)
            self.assertEqual(status, answer.status, (path, answer.body))
        self.assertRegex(exporter.get("/replica?target=standby").body, r"^replica, \d+ bytes behind, as of \d\.\d s ago$")
        self.assertEqual(503, exporter.get("/primary?target=standby", method="HEAD").status)

    def test_a_replica_that_is_behind_is_told(self):
        exporter = self.serve()
        self.standby.query("select pg_wal_replay_pause()")
        try:
            self.primary.query("create table filler as select repeat('x', 1000) from generate_series(1, 5000)")
            path = "/replica?target=standby&max_lag_bytes=100000"
            wait_equal(lambda: self.status(exporter, path), 503, "the lag to be seen")
            self.assertEqual(200, self.status(exporter, "/replica?target=standby"))
        finally:
            self.standby.query("select pg_wal_replay_resume()")
        wait_equal(lambda: self.status(exporter, path), 200, "the replica to be near")

    def test_a_server_that_hangs_is_no_answer(self):
        exporter = self.serve()
        self.assertEqual(200, self.status(exporter, "/primary"))
        with MostBackends(self.primary) as backends:
            wait_for(lambda: self.status(exporter, "/primary") == 200 and exporter.scrape(False).value("pg_up"), "both")
        self.assertLessEqual(backends.most, 2)
        self.primary.freeze()
        try:
            wait_equal(lambda: self.status(exporter, "/primary"), 503, "the server to be missed", 10)
        finally:
            self.primary.thaw()
        wait_equal(lambda: self.status(exporter, "/primary"), 200, "the server to be back", 10)

    def test_a_server_that_is_down_is_missed_at_once(self):
        exporter = self.serve()
        self.assertEqual(200, self.status(exporter, "/replica?target=standby"))
        self.standby.stop()
        try:
            wait_equal(lambda: self.status(exporter, "/replica?target=standby"), 503, "the stop to be seen", 3)
        finally:
            self.standby.start()
        wait_equal(lambda: self.status(exporter, "/replica?target=standby"), 200, "the server to be back", 5)

    def test_promotion_is_seen_within_two_seconds(self):
        exporter = self.serve()
        path = "/primary?target=standby"
        self.assertEqual(503, self.status(exporter, path))
        self.standby.query("select pg_promote(true, 30)")
        started = time.monotonic()
        wait_equal(lambda: self.status(exporter, path), 200, "the promotion to be seen", 2)
        self.assertLess(time.monotonic() - started, 2)
        self.assertEqual(503, self.status(exporter, "/replica?target=standby"))


class Entrypoint(PairCase):
    def pooler(self, server, port=None):
        folder = self.folder()
        pooler = Pooler(server, folder)
        if port:
            pooler.port = port
            path = os.path.join(folder, "pgbouncer.ini")
            with open(path, encoding="ascii") as file:
                text = file.read()
            with open(path, "w", encoding="ascii") as file:
                file.write(re.sub(r"listen_port = \d+", f"listen_port = {port}", text))
        return pooler.start()

    def serve(self, port):
        entrypoint = (f"host=127.0.0.1 port={port} user=beacon dbname=app password='{PASSWORD}' sslmode=disable")
        return self.beacon("--config.file", self.write("pgbeacon.yml", (
            f"targets:\n  - name: orders\n    dsn: \"{self.primary.dsn()}\"\n    entrypoint: {{dsn: \"{entrypoint}\"}}\n")))

    def test_a_pooler_leads_to_the_primary_then_to_the_standby(self):
        pooler = self.pooler(self.primary)
        exporter = self.serve(pooler.port)
        page = exporter.scrape(False)
        self.assertEqual((1, 1, 1), tuple(page.value("pg_entrypoint_" + name)
                                          for name in ("up", "is_primary", "same_system")))
        self.assertLess(page.value("pg_entrypoint_connect_seconds"), 5)
        self.assertEqual(1, page.value("pg_scrape_collector_success", collector="entrypoint"))
        pooler.stop()
        page = exporter.scrape(False)
        self.assertEqual((1, 0, None), (page.value("pg_up"), page.value("pg_entrypoint_up"),
                                        page.value("pg_entrypoint_is_primary")))
        self.assertEqual(CRITICAL, page.value("pgbeacon_check_status", check="entrypoint_up"))
        other = self.pooler(self.standby, pooler.port)
        self.addCleanup(other.stop)
        page = wait_for(lambda: (lambda p: p if p.value("pg_entrypoint_up") else None)(exporter.scrape(False)),
                        "the entrypoint")
        self.assertEqual((0, 1), (page.value("pg_entrypoint_is_primary"), page.value("pg_entrypoint_same_system")))
        self.assertEqual(CRITICAL, page.value("pgbeacon_check_status", check="entrypoint_primary"))

    def test_an_entrypoint_that_hangs_costs_its_own_part(self):
        pooler = self.pooler(self.primary)
        self.addCleanup(pooler.stop)
        exporter = self.serve(pooler.port)
        exporter.scrape(False)
        pooler.process.send_signal(signal.SIGSTOP)
        try:
            started = time.monotonic()
            page = exporter.scrape(False, seconds=4)
            self.assertLess(time.monotonic() - started, 4)
            self.assertEqual((1, 0), (page.value("pg_up"), page.value("pg_entrypoint_up")))
            self.assertEqual({"entrypoint": "timeout"}, page.failed_collectors())
        finally:
            pooler.process.send_signal(signal.SIGCONT)


class Certificate(BeaconCase):
    def test_its_end_is_on_the_page(self):
        pair = Pair(standby=False)
        self.addCleanup(pair.close)
        server = pair.primary
        self.assertNotIn("pgbeacon_tls_certificate_not_after_timestamp_seconds",
                         self.beacon(dsn=server.dsn()).scrape(False).names())
        key, certificate = (os.path.join(pair.folder, name) for name in ("server.key", "server.crt"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "10", "-subj",
                        "/CN=127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        for path in (key, certificate):
            os.chmod(path, 0o600)
            give(path)
        server.settings.update({"ssl": "on", "ssl_key_file": key, "ssl_cert_file": certificate})
        server.restart()
        exporter = self.beacon(dsn=server.dsn().replace("sslmode=disable", "sslmode=require"))
        page = exporter.scrape(False)
        text = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-enddate"], check=True,
                              capture_output=True, text=True).stdout
        ends = ssl.cert_time_to_seconds(text.strip().split("=", 1)[1])
        self.assertEqual(ends, page.value("pgbeacon_tls_certificate_not_after_timestamp_seconds", side="server"))
        self.assertEqual(1, page.value("pgbeacon_check_status", check="certificate_lifetime"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
