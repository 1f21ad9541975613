"""A server that is up and refuses: no connection left, a full disk, credentials, certificates, pg_hba.conf. Every
fault is a row of docs/reliability.md."""

import os
import shutil
import unittest

from harness.certificates import certify
from harness.faults import FaultCase, backends_of
from harness.mounts import with_tmpfs
from harness.postgres import PASSWORD, Pair, programs_of
from harness.users import give
from harness.waiting import wait_equal, wait_for

SORT = """
name: sort
topic: test
help: A statement that needs a temporary file of some 15 MB.
default: true
queries:
  - sql: select count(*) as rows from (select n from generate_series(1, 400000) n order by n % 7, n offset 0) s
columns:
  - {col: rows, metric: e2e_sorted_rows, type: gauge, help: Rows that were sorted.}
"""
ENDED = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgbeacon'"
# Settings that our options hide: after a reload they are read anew, over another session.
OVER_A_SESSION_OF_THEIR_OWN = {"pg_settings_" + name for name in (
    "statement_timeout_seconds", "lock_timeout_seconds", "default_transaction_read_only", "transaction_read_only",
    "client_connection_check_interval_seconds")}


class RefusalCase(FaultCase):
    def end_sessions(self):
        """Of pgbeacon, so that it must come in again."""
        self.primary.query(ENDED)
        wait_equal(lambda: backends_of(self.primary), 0, "pgbeacon's sessions to end")

    def crowd(self, server, sessions):
        """Takes so many connections; the list of them may be shortened."""
        taken = []
        self.addCleanup(lambda: [session.close() for session in taken])
        for _ in range(sessions):
            taken.append(server.connect(user="crowd"))
        return taken


class Full(RefusalCase):
    settings = {"max_connections": "10"}

    def test_no_connection_left(self):
        self.primary.query("create role crowd login")
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("no connection left, pgbeacon connected", exporter) as fault:
            crowd = self.crowd(self.primary, 6)
            fault.shows(1, "ok", rounds=3)
            crowd.pop().close()
            fault.recovers()
        with self.fault("no connection left", exporter) as fault:
            self.end_sessions()
            crowd += self.crowd(self.primary, 7 - len(crowd))
            fault.shows(0, "too_many_connections", rounds=3)
            crowd.pop().close()
            free = "select count(*) = 6 from pg_stat_activity where usename = 'crowd'"
            wait_for(lambda: self.primary.value(free), "a free place")
            fault.recovers()

    def test_reserved_connections(self):
        pair = Pair(programs_of(16), standby=False, settings={
            "max_connections": "10", "reserved_connections": "2", "superuser_reserved_connections": "2"})
        self.addCleanup(pair.close)
        server = pair.primary
        server.query("create role crowd login")
        server.query("grant pg_use_reserved_connections to beacon")
        exporter = self.beacon(dsn=server.dsn())
        with self.fault("no connection left, but reserved ones (16 and later)", exporter, server=server) as fault:
            server.query(ENDED)
            wait_equal(lambda: backends_of(server), 0, "pgbeacon's session to end")
            self.crowd(server, 6)
            with self.assertRaisesRegex(Exception, "reserved"):
                server.connect(user="crowd")
            fault.shows(1, "ok", rounds=3)
            server.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'crowd'")
            fault.recovers()

    def test_temp_file_limit(self):
        exporter = self.beacon("--collector.file", self.write("sort.yml", SORT), dsn=self.primary.dsn())
        with self.fault("temp_file_limit reached", exporter) as fault:
            self.primary.query("alter system set temp_file_limit = '1MB'")
            self.primary.query("select pg_reload_conf()")
            self.end_sessions()
            fault.shows(1, "ok", {"sort": "other"}, rounds=3)
            self.primary.query("alter system reset temp_file_limit")
            self.primary.query("select pg_reload_conf()")
            self.end_sessions()
            fault.recovers()


class Disk(RefusalCase):
    def full(self, folder, size):
        """Restarts the server with a small file system at `folder` of its data; the path of what fills it."""
        path = os.path.join(self.primary.data, folder)
        self.primary.stop()
        os.makedirs(path, exist_ok=True)
        give(path)
        kept = path + ".kept"
        shutil.copytree(path, kept, copy_function=shutil.copy2)
        mount = with_tmpfs(path, size)
        if not mount:
            self.skipTest("no mount namespace may be made here")
        owner = os.stat(path)
        fill = ["sh", "-euc", f'cp -a "{kept}/." "{path}"; chown -R {owner.st_uid}:{owner.st_gid} "{path}"; '
                              f'chmod 700 "{path}"; exec "$@"', "sh"]
        self.primary.wrap = lambda command: [*mount, *fill, *command]
        self.primary.start()
        return f"/proc/{self.primary.process.pid}/root{path}/filler"

    def fill(self, path):
        with open(path, "ab", buffering=0) as filler:
            with self.assertRaises(OSError):
                while True:
                    filler.write(b"x" * 4096)

    def test_no_room_for_temporary_files(self):
        filler = self.full("base/pgsql_tmp", "64m")
        exporter = self.beacon("--collector.file", self.write("sort.yml", SORT), dsn=self.primary.dsn())
        with self.fault("disk full: temporary files", exporter) as fault:
            self.fill(filler)
            fault.shows(1, "ok", {"sort": "other"}, rounds=3)
            os.unlink(filler)
            fault.recovers()

    def test_no_room_for_wal(self):
        self.primary.query("create table big (n int)")
        filler = self.full("pg_wal", "40m")
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("disk full: WAL", exporter) as fault:
            small = os.open(os.path.dirname(filler), os.O_PATH)  # it stays, should the server end
            self.addCleanup(os.close, small)
            self.fill(filler)
            with self.assertRaisesRegex(Exception, "No space left|terminated|closed|recovery"):
                while True:
                    self.primary.query("insert into big select generate_series(1, 100000)")
            wait_for(lambda: self.primary.process.poll() is not None or self.primary.answers(), "the crash to pass")
            page = fault.scrape()
            fault.note(page)
            self.assertIn((page.value("pg_up"), page.up_reason()), [(0, "unreachable"), (1, "ok")])
            self.move_out(small, os.path.join(self.primary.data, "pg_wal"))
            fault.recovers()

    def move_out(self, small, path):
        """Restarts the server with what was on the small file system where there is room."""
        self.primary.stop()
        self.primary.wrap = lambda command: command
        for name in os.listdir(f"/proc/self/fd/{small}"):
            if name == "archive_status":
                continue
            kept = shutil.copy(f"/proc/self/fd/{small}/{name}", path)
            give(kept)
        os.unlink(os.path.join(path, "filler"))
        self.primary.start()


class Credentials(RefusalCase):
    def test_password_changed(self):
        secret = self.write("password", PASSWORD + "\n")
        uri = f"127.0.0.1:{self.primary.port}/postgres?sslmode=disable"
        exporter = self.beacon(env={"DATA_SOURCE_URI": uri, "DATA_SOURCE_USER": "beacon",
                                    "DATA_SOURCE_PASS_FILE": secret})
        with self.fault("password changed, pgbeacon connected", exporter) as fault:
            self.primary.query("alter role beacon password 'of tomorrow'")
            fault.shows(1, "ok", rounds=2)
            fault.recovers()
        with self.fault("password changed", exporter) as fault:
            self.end_sessions()
            fault.shows(0, "auth_failed", rounds=3)
            with open(secret, "w", encoding="ascii") as file:
                file.write("of tomorrow\n")
            fault.recovers()
        self.assertNotIn("of tomorrow", exporter.log())
        self.assertNotIn(PASSWORD, exporter.log())
        self.primary.query("alter role beacon password %s", (PASSWORD,))

    def test_pg_hba(self):
        path = os.path.join(self.primary.data, "pg_hba.conf")
        with open(path, encoding="ascii") as file:
            before = file.read()
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("pg_hba.conf rejects", exporter) as fault:
            self.hba("host all beacon all reject\n" + before, 1)
            self.end_sessions()
            fault.shows(0, "hba_rejected", rounds=3)
            self.hba(before, 0)
            fault.recovers()

    def hba(self, text, rejected):
        with open(os.path.join(self.primary.data, "pg_hba.conf"), "w", encoding="ascii") as file:
            file.write(text)
        began = self.primary.value("select pg_conf_load_time()")
        self.primary.query("select pg_reload_conf()")
        wait_for(lambda: self.primary.value("select pg_conf_load_time()") > began, "the configuration to be loaded")
        rules = "select count(*) from pg_hba_file_rules where auth_method = 'reject'"
        self.assertEqual(rejected, self.primary.value(rules))

    def test_certificate_expired(self):
        def renew(days):
            trusted = certify(self.primary.data, days)
            self.primary.query("alter system set ssl = on")
            began = self.primary.value("select pg_conf_load_time()")
            self.primary.query("select pg_reload_conf()")
            wait_for(lambda: self.primary.value("select pg_conf_load_time()") > began, "the certificate")
            return trusted

        root = shutil.copy(renew(days=2), self.folder())
        dsn = self.primary.dsn().replace("host=127.0.0.1", "host=localhost hostaddr=127.0.0.1")
        exporter = self.beacon(dsn=dsn.replace("sslmode=disable", f"sslmode=verify-full sslrootcert={root}"))
        with self.fault("certificate expired, pgbeacon connected", exporter) as fault:
            renew(days=-1)
            fault.shows(1, "ok", rounds=2, lost=OVER_A_SESSION_OF_THEIR_OWN)
            fault.recovers()
        with self.fault("certificate expired", exporter) as fault:
            self.end_sessions()
            fault.shows(0, "tls", rounds=3)
            self.assertIn("certificate", exporter.log())
            shutil.copy(root, os.path.join(self.primary.data, "server.crt"))
            self.primary.query("select pg_reload_conf()")
            fault.recovers()


if __name__ == "__main__":
    unittest.main()
