"""pgBackRest from Debian with a real repository and a restore to a named point, and inventories of other backups."""

import json
import os
import re
import shutil
import time
import unittest

from harness.case import BeaconCase
from harness.pages import promtool_complaints
from harness.pgbackrest import Repository
from harness.postgres import Pair, Server
from harness.users import command_as_user, give, private_folder
from harness.waiting import wait_for

WINDOW = "pg_backup_recovery_window_%s"


class PgBackRest(BeaconCase):
    """One server whose WAL goes to a repository."""

    @classmethod
    def setUpClass(cls):
        cls.repository = Repository(private_folder())
        cls.addClassCleanup(shutil.rmtree, cls.repository.folder, ignore_errors=True)
        cls.pair = Pair(standby=False, settings=cls.repository.settings())
        cls.addClassCleanup(cls.pair.close)
        cls.primary = cls.pair.primary
        cls.repository.attach(cls.primary)

    def serve(self, source, interval="1s", **options):
        text = (f'targets:\n  - name: orders\n    dsn: "{self.primary.dsn()}"\n    pgbackrest: {source}\n'
                f'collectors: {{pgbackrest: {{interval: {interval}, timeout: 20s}}}}\n')
        return self.beacon("--config.file", self.write("b.yml", text), **options)

    def command(self):
        return json.dumps({"command": command_as_user(self.repository.command())})

    def archive(self):
        """Until the segment that is being written now is in the repository."""
        self.primary.query("create table if not exists filler (x text)")
        self.primary.query("insert into filler values ('x')")
        segment = self.primary.value("select pg_walfile_name(pg_switch_wal())")
        wait_for(lambda: (self.primary.value("select last_archived_wal from pg_stat_archiver") or "") >= segment,
                 f"{segment} to be archived", 30)

    def test_backups_window_and_a_restore_to_a_named_point(self):
        program = self.serve(self.command())
        page = program.scrape()
        self.assertEqual(2, page.value("pgbackrest_stanza_status", stanza="main"), "no valid backups")
        self.assertEqual(1, page.value("pg_backup_matches_server", name="main"))
        self.assertEqual(0, page.value("pg_backup_backups", name="main"))
        self.assertIsNone(page.value(WINDOW % "seconds"))

        self.repository.run("backup", "--type=full")
        self.primary.query("create table kept as select 1 as x")
        self.repository.run("backup", "--type=diff")
        self.primary.query("select pg_create_restore_point('before_the_mistake')")
        point = time.time()
        wait_for(lambda: time.time() > point + 1, "the next second, for times of files are whole")
        self.archive()
        self.primary.query("drop table kept")
        self.archive()
        wait_for(lambda: program.scrape().value("pg_backup_backups", type="diff") == 1, "the backups", 20)
        time_of = self.primary.value("select extract(epoch from (pg_stat_file('pg_wal/' || last_archived_wal))."
                                     "modification)::float8 from pg_stat_archiver")
        wait_for(lambda: (program.scrape().value(WINDOW % "end_timestamp_seconds") or 0) >= time_of, "the WAL", 20)
        page = program.scrape(openmetrics=False)
        self.check_against_info(page)
        start, end = (page.value(WINDOW % f"{side}_timestamp_seconds") for side in ("start", "end"))
        self.assertLess(start, point)
        self.assertGreater(end, point)
        self.assertAlmostEqual(end - start, page.value(WINDOW % "seconds"), 3)
        position = self.primary.value("select pg_current_wal_lsn() - '0/0'::pg_lsn")
        archived = page.value("pg_backup_wal_archive_end_lsn_bytes")
        self.assertLessEqual(abs(float(position) - archived), 1 << 24)
        self.assertEqual(1, page.value("pg_backup_wal_archive_timeline"))
        own = re.findall(r"^(?:# [A-Z]+ )?(?:pg_backup|pgbackrest)_.*\n", page.text, re.MULTILINE)
        self.assertEqual([], promtool_complaints("".join(own)))
        self.restored_to("before_the_mistake")

    def check_against_info(self, page):
        info = self.repository.info()[0]
        for backup in info["backup"]:
            of = {"backup_name": backup["label"], "stanza": "main"}
            self.assertEqual(1, page.value("pgbackrest_backup_info", **of))
            self.assertEqual(backup["info"]["size"], page.value("pgbackrest_backup_size_bytes", **of))
            self.assertEqual(0, page.value("pgbackrest_backup_error_status", **of))
            stop = backup["timestamp"]["stop"]
            self.assertEqual(stop, page.value("pg_backup_last_timestamp_seconds", type=backup["type"]))
            age = page.value("pg_backup_last_age_seconds", type=backup["type"])
            self.assertLess(abs(time.time() - stop - age), 10)
        self.assertEqual(0, page.value("pgbackrest_repo_status", repo_key="1"))
        self.assertEqual(1, page.value("pgbackrest_wal_archive_status", pg_version="15"))
        self.assertEqual(min(b["timestamp"]["stop"] for b in info["backup"]),
                         page.value(WINDOW % "start_timestamp_seconds"))

    def restored_to(self, point):
        """A server restored from the repository to the point has what was dropped after it."""
        server = Server(self.pair.folder, "restored", self.primary.programs, {"archive_mode": "off"})
        os.mkdir(server.data, 0o700)
        give(server.data)
        fetch = " ".join(self.repository.command(f"--pg1-path={server.data}", "archive-get", "%f", '"%p"'))
        self.repository.run("restore", f"--pg1-path={server.data}", "--type=name", f"--target={point}",
                            "--target-action=promote", f"--recovery-option=restore_command={fetch}")
        server.start()
        self.addCleanup(server.stop)
        wait_for(lambda: not server.value("select pg_is_in_recovery()"), "the restored server", 60)
        self.assertEqual(1, server.value("select x from kept"))
        other = self.beacon("--config.file", self.write("r.yml", (
            f'targets:\n  - name: r\n    dsn: "{server.dsn()}"\n    pgbackrest: {self.command()}\n')))
        page = other.scrape()
        self.assertEqual(1, page.value("pg_backup_matches_server"), "a restored cluster is the same one")

    def test_repository_of_another_cluster_is_told_apart(self):
        stranger = Pair(standby=False)
        self.addCleanup(stranger.close)
        text = (f'targets:\n  - name: other\n    dsn: "{stranger.primary.dsn()}"\n'
                f'    pgbackrest: {self.command()}\n')
        page = self.beacon("--config.file", self.write("s.yml", text)).scrape()
        self.assertEqual(0, page.value("pg_backup_matches_server"))
        self.assertIsNone(page.value("pg_backup_wal_archive_end_lsn_bytes"))

    def test_commands_that_fail_hang_and_flood(self):
        cases = {"false": "syntax", "sleep 1000": "timeout", "yes": "syntax", "/no/such/program": "other",
                 "echo {": "syntax", "cat /dev/zero": "syntax"}
        for words, reason in cases.items():
            with self.subTest(command=words):
                command = json.dumps({"command": ["sh", "-c", words + " #"]} if " " in words else {"command": [words]})
                text = (f'targets:\n  - name: o\n    dsn: "{self.primary.dsn()}"\n    pgbackrest: {command}\n'
                        "collectors: {pgbackrest: {interval: 1m, timeout: 2s}}\n")
                program = self.beacon("--config.file", self.write("f.yml", text))
                page = wait_for(lambda: self.failed(program), "the failure", 20)
                self.assertEqual({"pgbackrest": reason}, page.failed_collectors(), program.log())
                self.assertEqual(1, page.value("pg_up"))
                program.stop()

    @staticmethod
    def failed(program):
        page = program.scrape()
        return page if "pgbackrest" in page.failed_collectors() else None

    def test_exit_ends_a_command_that_hangs(self):
        folder = self.folder()
        pid = os.path.join(folder, "pid")
        command = json.dumps({"command": ["sh", "-c", f"echo $$ > {pid}; sleep 1000 & wait #"]})
        program = self.serve(command)
        wait_for(lambda: os.path.exists(pid) and open(pid, encoding="ascii").read().strip(), "the command")
        started = time.monotonic()
        program.scrape(seconds=2)
        self.assertLess(time.monotonic() - started, 2)
        self.assertLess(program.stop(), 5)
        number = open(pid, encoding="ascii").read().strip()
        wait_for(lambda: not os.path.exists(f"/proc/{number}"), "the command to be gone")

    def test_file_that_holds_what_the_command_printed(self):
        path = self.write("info.json", json.dumps(self.repository.info()))
        program = self.serve(json.dumps({"file": path}), interval="200ms")
        self.assertEqual(1, program.scrape().value("pg_backup_matches_server"))
        self.write("info.json", "[", os.path.dirname(path))
        wait_for(lambda: program.scrape().failed_collectors() == {"pgbackrest": "syntax"}, "the failure")
        wait_for(lambda: program.scrape().value("pg_backup_matches_server") is None, "what is old to go")
        self.write("info.json", json.dumps(self.repository.info()), os.path.dirname(path))
        wait_for(lambda: program.scrape().value("pg_backup_matches_server") == 1, "the file to be good again")
        os.remove(path)
        os.mkfifo(path)
        wait_for(lambda: program.scrape() and "expected a regular file" in program.log(), "the pipe to be refused")


class Inventories(BeaconCase):
    def serve(self, *entries):
        text = ("targets:\n  - {name: o, dsn: 'host=127.0.0.1 port=1 user=x dbname=x', backups: %s}\n"
                "collectors: {backups: {interval: 200ms}}\n" % json.dumps(list(entries)))
        return self.beacon("--config.file", self.write("b.yml", text))

    def test_files_of_pg_dump_and_a_list_of_snapshots(self):
        folder = self.folder()
        now = time.time()
        for day, size in enumerate((100, 200, 0)):  # today's is empty
            path = self.write(f"day-{day}.dump", "x" * size, folder)
            os.utime(path, (now, now - (2 - day) * 86400))
        os.makedirs(os.path.join(folder, "dir-0.d", "deep"))
        self.write("a", "x" * 10, os.path.join(folder, "dir-0.d"))
        self.write("b", "x" * 5, os.path.join(folder, "dir-0.d", "deep"))
        snapshots = self.write("snapshots.json", json.dumps([
            {"time": "2026-05-01T00:00:00Z", "size": 7, "status": "available"},
            {"time": int(now) - 60, "size": 9, "status": "error"}]), folder)
        program = self.serve(
            {"name": "dumps", "kind": "pg_dump", "glob": folder + "/day-*.dump"},
            {"name": "folders", "kind": "pg_dump", "glob": folder + "/*.d"},
            {"name": "volumes", "kind": "snapshot", "json": snapshots},
            {"name": "none", "kind": "pg_dump", "glob": folder + "/nothing*"})
        page = program.scrape(openmetrics=False)
        self.assert_promtool_content(page)
        self.assertEqual({}, {name: why for name, why in page.failed_collectors().items() if name == "backups"})
        value = lambda what, name: page.value("pg_backup_" + what, name=name)
        self.assertEqual(3, value("backups", "dumps"))
        self.assertEqual(1, value("bad_backups", "dumps"))
        self.assertEqual(0, value("last_success", "dumps"))
        self.assertEqual(200, value("last_size_bytes", "dumps"))
        self.assertLess(abs(86400 - value("last_age_seconds", "dumps")), 60)
        self.assertEqual(300, value("stored_bytes", "dumps"))
        self.assertEqual(15, value("last_size_bytes", "folders"))
        self.assertEqual(1777593600, value("last_timestamp_seconds", "volumes"))
        self.assertEqual(0, value("last_success", "volumes"))
        self.assertEqual(0, value("backups", "none"))
        self.write("day-3.dump", "y" * 400, folder)
        wait_for(lambda: program.scrape().value("pg_backup_last_size_bytes", name="dumps") == 400, "the new dump")

    def test_a_list_that_is_wrong_fails_and_leaves_the_others(self):
        folder = self.folder()
        huge = self.write("huge.json", "[" + "0," * 5_000_000 + "0]", folder)
        self.write("one.dump", "x", folder)
        program = self.serve({"name": "huge", "json": huge}, {"name": "missing", "json": folder + "/none"},
                             {"name": "good", "glob": folder + "/*.dump"})
        page = program.scrape()
        self.assertIn("backups", page.failed_collectors())
        self.assertEqual(1, page.value("pg_backup_backups", name="good"))
        self.assertIsNone(page.value("pg_backup_backups", name="huge"))
        self.assertEqual(0, page.value("pg_up"), "backups are known without the server")


if __name__ == "__main__":
    unittest.main()
