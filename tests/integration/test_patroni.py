"""Patroni from Debian with etcd: one member's page through pause, lag, switchover and a lost store."""

import http.server
import json
import os
import signal
import threading
import time
import unittest

from harness.case import BeaconCase
from harness.patroni import Cluster
from harness.users import private_folder
from harness.waiting import wait_for


class Real(BeaconCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(private_folder())
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()
        cls.replica = cls.cluster.follow()
        cls.leader = cls.cluster.members[0]

    def serve(self, member):
        text = (f'targets:\n  - name: {member.name}\n    dsn: "{member.dsn("beacon")}"\n'
                f'    patroni: {{url: "{member.url()}"}}\n')
        return self.beacon("--config.file", self.write("b.yml", text))

    def test_the_cluster_and_its_changes(self):
        leader, replica = self.serve(self.leader), self.serve(self.replica)
        page = leader.scrape(openmetrics=False)
        self.assert_promtool_content(page)
        self.assertEqual({}, page.failed_collectors())
        self.assertEqual((1, 1, 0), tuple(page.value("patroni_" + name) for name in ("up", "primary", "replica")))
        self.assertEqual(30002, page.value("patroni_version", scope="demo"))
        self.assertEqual(1, page.value("patroni_cluster_has_leader"))
        self.assertEqual({"one", "two"}, page.labels("patroni_member_info", "member"))
        self.assertEqual(1, page.value("patroni_config_loop_wait_seconds"))
        self.assertLess(page.value("patroni_dcs_last_seen_age_seconds"), 10)
        self.agrees_with_its_own(self.leader, leader)
        page = replica.scrape()
        self.assertEqual((0, 1), tuple(page.value("patroni_" + name) for name in ("primary", "replica")))
        self.agrees_with_its_own(self.replica, replica)

        self.leader.patch(pause=True, postgresql={"parameters": {"max_connections": 45}})
        wait_for(lambda: leader.scrape().value("patroni_is_paused") == 1, "the pause", 30)
        wait_for(lambda: leader.scrape().value("patroni_pending_restart") == 1, "the pending restart", 30)
        self.leader.patch(pause=False)
        wait_for(lambda: leader.scrape().value("patroni_is_paused") == 0, "the end of the pause", 30)

        self.replica.query("select pg_wal_replay_pause()")
        wait_for(lambda: replica.scrape().value("patroni_xlog_paused") == 1, "replay to pause", 30)
        self.replica.query("select pg_wal_replay_resume()")
        receiver = self.replica.query("select pid from pg_stat_wal_receiver")[0][0]
        os.kill(receiver, signal.SIGSTOP)
        try:
            self.leader.query("create table lag as select generate_series(1, 20000) x")
            wait_for(lambda: (leader.scrape().value("patroni_member_lag_bytes", member="two") or 0) > 0, "lag", 30)
        finally:
            os.kill(receiver, signal.SIGCONT)
        wait_for(lambda: leader.scrape().value("patroni_member_lag_bytes", member="two") == 0, "no lag", 30)

        os.kill(self.cluster.etcd.pid, signal.SIGSTOP)  # the store is lost: the leader steps down
        try:
            wait_for(lambda: (replica.scrape().value("patroni_dcs_last_seen_age_seconds") or 0) > 8, "the age", 40)
            page = replica.scrape()
            self.assertEqual(1, page.value("patroni_up"))
            self.assertEqual(1, page.value("pg_up"))
        finally:
            os.kill(self.cluster.etcd.pid, signal.SIGCONT)
        wait_for(lambda: (replica.scrape().value("patroni_dcs_last_seen_age_seconds") or 99) < 5, "the store", 60)
        wait_for(lambda: replica.scrape().value("patroni_cluster_has_leader") == 1, "a leader", 60)

    def agrees_with_its_own(self, member, program):
        """Patroni's own /metrics and ours of the same moment."""
        def differences():
            own = member.get("/metrics")
            page = program.scrape()
            found = []
            for line in own.splitlines():
                if line.startswith("#") or not line:
                    continue
                name, value = line.split("{")[0].strip(), float(line.rsplit(" ", 1)[1])
                ours = page.value(name)
                if (ours if ours is not None else 0) != value:
                    found.append((name, value, ours))
            return found
        wait_for(lambda: not differences(), "the same figures", 20)

    def test_patroni_that_is_gone_or_hangs(self):
        member = self.replica
        program = self.serve(member)
        self.assertEqual(1, program.scrape().value("patroni_up"))
        os.kill(member.process.pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            page = program.scrape(seconds=3)
            self.assertLess(time.monotonic() - started, 3)
            self.assertEqual(0, page.value("patroni_up"))
            self.assertEqual(1, page.value("pg_up"))
            self.assertEqual({"patroni": "timeout"}, page.failed_collectors())
        finally:
            os.kill(member.process.pid, signal.SIGCONT)
        wait_for(lambda: program.scrape().value("patroni_up") == 1, "Patroni to be back", 30)


class Hostile(BeaconCase):
    """What a REST API could answer instead."""

    def serve(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                try:
                    answer(self)
                except OSError:
                    pass

            def log_message(self, *_):
                pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        text = ("targets:\n  - {name: o, dsn: 'host=127.0.0.1 port=1 user=x dbname=x', "
                f"patroni: {{url: 'http://127.0.0.1:{server.server_port}'}}}}\n")
        return self.beacon("--config.file", self.write("b.yml", text))

    @staticmethod
    def body(data, status=200):
        def answer(handler):
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
        return answer

    @staticmethod
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b" " * 65536)

    @staticmethod
    def slow(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b" ")
            time.sleep(0.2)

    @staticmethod
    def chunks(handler):
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"1;x=")  # a chunk whose extension never ends
        while True:
            handler.wfile.write(b"y")
            time.sleep(0.05)

    def test_answers_that_are_none_of_patronis(self):
        good = {"state": "running", "role": "replica"}
        cases = {"ten megabytes": self.body(b"[" + b"0," * 5_000_000 + b"0]"), "endless": self.endless,
                 "slow": self.slow, "chunks": self.chunks, "html": self.body(b"<html>"), "empty": self.body(b""),
                 "cut": self.body(json.dumps(good).encode()[:10]), "denied": self.body(b"{}", 401),
                 "an error": self.body(b"{}", 500), "types": self.body(b'{"state": [], "role": 1e999}')}
        for name, answer in cases.items():
            with self.subTest(answer=name):
                program = self.serve(answer)
                started = time.monotonic()
                page = program.scrape(seconds=4)
                self.assertLess(time.monotonic() - started, 4)
                self.assertEqual(0, page.value("patroni_up"))
                self.assertIn("patroni", page.failed_collectors())
                self.assertLess(program.stop(), 5)

    def test_a_part_that_is_wrong_leaves_the_rest(self):
        program = self.serve(self.body(b'{"state": "running", "role": "replica", "timeline": 3}'))
        page = program.scrape()
        self.assertEqual(1, page.value("patroni_up"))
        self.assertEqual(3, page.value("patroni_postgres_timeline"))
        self.assertEqual({"patroni": "syntax"}, {k: v for k, v in page.failed_collectors().items() if k == "patroni"})


if __name__ == "__main__":
    unittest.main()
