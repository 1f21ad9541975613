"""PgBouncer from Debian: its admin console on the page, what is wrong with it, and hostile consoles."""

import os
import signal
import socket
import struct
import threading
import time
import unittest

from harness.case import PairCase
from harness.pgbouncer import Pooler
from harness.postgres import PASSWORD, free_port
from harness.users import private_folder


def config(primary, *poolers):
    """Poolers are (name, dsn), or (name, dsn, password file)."""
    lines = "".join(f'      - {{name: {name}, dsn: "{dsn}"{"".join(", password_file: " + path for path in file)}}}\n'
                    for name, dsn, *file in poolers)
    return f'targets:\n  - name: orders\n    dsn: "{primary.dsn()}"\n    pgbouncer:\n{lines}'


class Console(PairCase):
    with_standby = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pooler = Pooler(cls.primary, private_folder()).start()
        cls.addClassCleanup(cls.pooler.stop)

    def serve(self, *poolers):
        return self.beacon("--config.file", self.write("b.yml", config(self.primary, *poolers)))

    def test_page_says_what_the_console_says(self):
        sessions = [self.pooler.connect() for _ in range(3)]
        sessions.append(self.pooler.connect("postgres"))
        for session in sessions:
            self.addCleanup(session.close)
            session.cursor().execute("select 1")
        busy = sessions[0].cursor()
        busy.execute("begin")
        program = self.serve(("pool", self.pooler.dsn()))
        page = program.scrape()
        self.assertEqual(1, page.value("pgbouncer_up", pgbouncer="pool"))
        self.assertEqual(1, page.value("pgbouncer_up_reason", pgbouncer="pool", reason="ok"))
        self.assertEqual(1, page.value("pg_scrape_collector_success", collector="pgbouncer"))
        self.assertEqual({"PgBouncer 1.18.0"}, page.labels("pgbouncer_version_info", "version"))
        self.assertEqual(60, page.value("pgbouncer_config_max_client_connections"))
        columns, rows = self.pooler.admin("show pools")
        names = {"cl_active": "client_active_connections", "sv_active": "server_active_connections",
                 "sv_idle": "server_idle_connections", "cl_waiting": "client_waiting_connections"}
        for row in (dict(zip(columns, values)) for values in rows):
            if row["database"] == "pgbouncer":  # our own console's client is there or not
                continue
            for column, name in names.items():
                self.assertEqual(float(row[column]), page.value(
                    "pgbouncer_pools_" + name, database=row["database"], user=row["user"]), (column, row))
        self.assertEqual(1, page.value("pgbouncer_pools_server_active_connections", database="app"))
        self.assertEqual(3, page.sum("pgbouncer_client_connections", database="app"))
        self.assertEqual(1, page.value("pgbouncer_server_connections", database="app", state="active"))
        self.assertEqual(2, page.value("pgbouncer_databases_pool_size", name="app"))
        before = page.value("pgbouncer_stats_queries_pooled_total", database="app")
        sessions[1].cursor().execute("select 2")
        page = program.scrape()
        self.assertEqual(before + 1, page.value("pgbouncer_stats_queries_pooled_total", database="app"))
        self.assertEqual(before + 1,
                         page.value("pgbouncer_stats_totals_queries_pooled_total", database="app"))
        self.assertEqual("counter", page.types["pgbouncer_stats_queries_pooled_total"])
        busy.execute("rollback")
        logins = self.pooler.log().count("pgbouncer/beacon")
        program.scrape()
        self.assertEqual(logins, self.pooler.log().count("pgbouncer/beacon"), self.pooler.log())
        self.assertEqual(1, self.pooler.log().count("ERROR"), "what 1.18 does not know is asked once")

    def test_reasons_why_a_pooler_is_not_up(self):
        nobody = free_port()
        program = self.serve(
            ("good", self.pooler.dsn()), ("password", self.pooler.dsn(password="wrong")),
            ("gone", f"host=127.0.0.1 port={nobody} user=beacon dbname=pgbouncer"),
            ("database", self.pooler.dsn().replace("dbname=pgbouncer", "dbname=app")),
            ("file", f"host=127.0.0.1 port={self.pooler.port} user=beacon dbname=pgbouncer",
             self.write("password", PASSWORD + "\n")))
        page = program.scrape()
        reasons = {dict(key)["pgbouncer"]: dict(key)["reason"]
                   for key, value in page.series("pgbouncer_up_reason").items() if value == 1}
        self.assertEqual({"good": "ok", "file": "ok", "password": "auth_failed", "gone": "unreachable"},
                         {name: reasons[name] for name in ("good", "file", "password", "gone")})
        self.assertNotEqual("ok", reasons["database"])
        self.assertEqual(2, page.sum("pgbouncer_up"))
        self.assertIn("pgbouncer", page.failed_collectors())
        self.assertEqual(1, page.value("pg_up"))
        self.assertIsNotNone(page.value("pgbouncer_pools", pgbouncer="good"))
        self.assertIn("must name the database pgbouncer", program.log())

    def test_pooler_that_restarts_is_found_again_and_one_that_hangs_costs_its_own_part(self):
        pooler = Pooler(self.primary, self.folder()).start()
        self.addCleanup(pooler.stop)
        program = self.serve(("pool", pooler.dsn()))
        self.assertEqual(1, program.scrape().value("pgbouncer_up"))
        pooler.stop()
        page = program.scrape()
        self.assertEqual(0, page.value("pgbouncer_up"))
        self.assertIsNone(page.value("pgbouncer_databases", pgbouncer="pool"))
        pooler.start()
        self.assertEqual(1, program.scrape().value("pgbouncer_up"))
        os.kill(pooler.process.pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            page = program.scrape(seconds=3)
            self.assertLess(time.monotonic() - started, 3)
            self.assertEqual(1, page.value("pg_up"))
            self.assertEqual({"pgbouncer": "timeout"}, page.failed_collectors())
            self.assertEqual(0, page.value("pgbouncer_up"))
        finally:
            os.kill(pooler.process.pid, signal.SIGCONT)
        self.assertEqual(1, program.scrape().value("pgbouncer_up"))

    def test_console_that_answers_nonsense_without_end(self):
        port = Nonsense(self).port
        program = self.serve(("pool", f"host=127.0.0.1 port={port} user=beacon dbname=pgbouncer sslmode=disable"))
        started = time.monotonic()
        page = program.scrape(seconds=5)
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual(0, page.value("pgbouncer_up"))
        self.assertEqual(1, page.value("pg_up"))
        self.assertIn("pgbouncer", page.failed_collectors())
        self.assertLess(page.value("process_resident_memory_bytes"), 1 << 30)


class Nonsense:
    """Lets everybody in, and answers the first statement with rows that never end."""

    def __init__(self, test):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        test.addCleanup(self.listener.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while True:
                threading.Thread(target=self._talk, args=(self.listener.accept()[0],), daemon=True).start()
        except OSError:
            pass

    def _talk(self, session):
        def message(kind, body):
            return kind + struct.pack("!i", len(body) + 4) + body
        try:
            session.recv(4096)
            session.sendall(message(b"R", struct.pack("!i", 0)) + message(b"Z", b"I"))
            session.recv(4096)
            column = b"version\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0)
            session.sendall(message(b"T", struct.pack("!h", 1) + column))
            row = message(b"D", struct.pack("!hi", 1, 1000) + b"\xff" * 1000) * 100
            while True:
                session.sendall(row)
        except OSError:
            session.close()


if __name__ == "__main__":
    unittest.main()
