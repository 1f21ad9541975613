"""The command line: help, mistakes, exit statuses, and the commands that ask a server once."""

import json
import os
import re
import signal
import subprocess
import time
import unittest

from harness import beacon
from harness.beacon import Beacon
from harness.case import BeaconCase, PairCase
from harness.postgres import PASSWORD, free_port
from harness.preload import preload
from harness.waiting import wait_equal, wait_for

ROOT = os.path.join(os.path.dirname(__file__), "../..")
SERVE_FLAGS = ("--web.listen-address", "--web.telemetry-path", "--config.file", "--source.file",
               "--source.prefix", "--source.format", "--source.from", "--source.datname-limit",
               "--source.fingerprints", "--collector.all", "--collection-timeout",
               "--refuse-superuser", "--log.level", "--log.format", "--collector.file")
COMMANDS = {
    "serve": SERVE_FLAGS,
    "parse": ("--prefix", "--events", "--with-text", "--threads", "--output", "--format", "--top",
              "--datname", "--fingerprints", "--config.file"),
    "sample": ("--interval", "--count", "--output"),
    "logs": ("--url", "--app", "--num", "--ps", "--source", "--severity", "--tail", "--token-file",
             "--ca-file", "--output", "--color"),
    "check": ("--output", "--config.file", "--collection-timeout", "--target", "--all"),
    "explain": ("--output", "--config.file", "--collector.all"),
    "metrics": ("--output",),
    "setup-sql": ("--role",),
    "config": ("check",),
    "config check": ("FILE",),
}


def collectors_of(rows):
    """The collectors that `metrics -o json` names as sources."""
    return {row["source"].split()[1] for row in rows if row["source"].startswith("collector ")}


class Help(BeaconCase):
    def test_help_names_every_command_and_flag(self):
        top = beacon.run("--help")
        self.assertEqual(0, top.returncode, top.stderr)
        for command, flags in COMMANDS.items():
            with self.subTest(command=command):
                self.assertIn(command.split()[0], top.stdout)
                done = beacon.run(*command.split(), "--help")
                self.assertEqual(0, done.returncode, done.stderr)
                self.assertEqual([], [flag for flag in flags if flag not in done.stdout])
                self.assertEqual("", done.stderr)

    def test_help_of_serve_names_every_collector(self):
        collectors = collectors_of(self.metrics())
        text = beacon.run("serve", "--help").stdout
        self.assertGreater(len(collectors), 5)
        self.assertEqual([], [c for c in collectors if f"--collector.{c}" not in text])

    def metrics(self):
        done = beacon.run("metrics", "-o", "json")
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def test_metrics_lists_names_types_and_help(self):
        rows = self.metrics()
        names = {row["metric"] for row in rows}
        for name in ("pg_up", "pg_stat_database_xact_commit", "pg_log_messages_total"):
            self.assertIn(name, names)
        self.assertTrue(all(row["type"] and row["help"] for row in rows))
        self.assertIn("pg_up", beacon.run("metrics").stdout)

    def test_pages_made_by_the_program_are_up_to_date(self):
        for command in ("metrics", "flags"):
            made = beacon.run(command, "-o", "markdown").stdout
            with open(os.path.join(ROOT, f"docs/{command}.md"), encoding="utf-8") as page:
                self.assertEqual(page.read(), made, f"pgbeacon {command} -o markdown > docs/{command}.md")

    def test_metrics_tell_unit_versions_default_and_cost(self):
        rows = {row["metric"]: row for row in json.loads(beacon.run("metrics", "--json").stdout)}
        self.assertEqual(
            {"unit": "seconds", "versions": "14-17", "collector": "stat_wal", "default": True, "cost": "cheap"},
            {key: rows["pg_stat_wal_write_time_seconds_total"][key]
             for key in ("unit", "versions", "collector", "default", "cost")})
        self.assertEqual("milliseconds", rows["pg_stat_database_blk_read_time"]["unit"])
        self.assertEqual("19+", rows["pg_stat_lock_waits_total"]["versions"])
        self.assertFalse(rows["pg_table_bloat_bytes"]["default"])
        self.assertEqual("1h", rows["pg_table_bloat_bytes"]["interval"])

    def test_version(self):
        done = beacon.run("--version")
        self.assertEqual(0, done.returncode)
        self.assertRegex(done.stdout, r"^pgbeacon \d+\.\d+\.\d+")

    def test_unknown_flags_name_the_nearest(self):
        for wrong, right in (("--web.listen-adress", "--web.listen-address"),
                             ("--collector.databse", "--collector.database")):
            done = beacon.run("serve", wrong, "x")
            self.assertEqual(2, done.returncode, done.stderr)
            self.assertIn(wrong, done.stderr)
            self.assertIn("did you mean " + right, done.stderr)
            self.assertEqual("", done.stdout)

    def test_unknown_commands_and_values_are_usage_errors(self):
        for words in (("srve",), ("parse",), ("parse", "--threads", "many", "-"), ("check", "-o", "xml"),
                      ("serve", "--source.from", "middle"), ("config",)):
            done = beacon.run(*words)
            wanted = 3 if words[0] == "check" else 2  # Nagios knows 2 as critical
            self.assertEqual(wanted, done.returncode, (words, done.stderr))
            self.assertTrue(done.stderr.strip())

    def test_a_word_that_may_hold_a_password_is_not_shown(self):
        for word in ("postgresql://u:hunter2@h/d", "password=hunter2", "u:hunter2@h"):
            done = beacon.run("check", word)
            self.assertEqual(3, done.returncode)
            self.assertIn("unexpected argument (not shown", done.stderr)
            self.assertNotIn("hunter2", done.stdout + done.stderr)

    def test_nothing_to_serve_is_told_with_the_remedy(self):
        done = beacon.run("serve")
        self.assertEqual(2, done.returncode)
        self.assertIn("DATA_SOURCE_NAME", done.stderr)
        self.assertIn("--source.file", done.stderr)


class Mistakes(BeaconCase):
    """Each gives file, line and column, the thing, and what would be right."""

    def refused(self, text, *wanted, env=None):
        path = self.write("pgbeacon.yml", text)
        for command in (("config", "check", path), ("explain", "--config.file", path)):
            done = beacon.run(*command, env=env)
            self.assertEqual(1, done.returncode, (command, done.stderr))
            for part in wanted:
                self.assertRegex(done.stderr, part.replace("FILE", re.escape(path)))

    def test_an_unknown_key(self):
        self.refused("targets:\n  - name: a\n    hosst: b\n    host: c\n", r"FILE:3:\d+", "hosst",
                     "'host'")

    def test_a_duplicate_key(self):
        self.refused("long_statement_threshold: 1s\nlong_statement_threshold: 2s\n", r"FILE:2:\d+",
                     "long_statement_threshold")

    def test_a_wrong_type(self):
        self.refused("targets:\n  name: a\n", r"FILE:\d+:\d+", "targets")
        self.refused("collectors:\n  database: {enabled: perhaps}\n", r"FILE:2:\d+", "expected true or false")

    def test_yaml_that_is_none(self):
        self.refused("targets: [\n", r"FILE:\d+:\d+")

    def test_an_unknown_collector(self):
        self.refused("collectors:\n  databse: {enabled: false}\n", "databse", "did you mean 'database'")

    def test_a_bad_collector_file(self):
        bad = self.write("bad.yml", "name: mine\nquerys: []\n")
        self.refused(f"user_collectors: ['{bad}']\n", re.escape(bad) + r":2:\d+", "querys", "queries")
        self.refused("user_collectors: ['/nowhere/mine.yml']\n", "/nowhere/mine.yml")

    def test_serve_goes_on_without_what_is_wrong(self):
        bad = self.write("bad.yml", "name: mine\nquerys: []\n")
        config = self.write("pgbeacon.yml", f"targts: []\nuser_collectors: ['{bad}', '/nowhere/*.yml']\n")
        log = self.write("pg.log", "2026-11-20 20:14:23.488 UTC [1] LOG:  shutting down\n")
        exporter = self.beacon("--config.file", config, "--source.file", log)
        page = exporter.scrape()
        self.assertEqual(0, page.value("pgbeacon_config_last_reload_successful"))
        self.assertEqual({(bad, "2"), (config, "1")}, {(labels["file"], labels["line"]) for labels in
                         map(dict, page.series("pgbeacon_config_error_info"))} - {(bad, "1")})
        self.assertIn("querys", str(page.labels("pgbeacon_config_error_info", "reason")))
        self.assertIn("targts", exporter.log())
        self.assertRegex(exporter.log(), re.escape(bad) + r":2:\d+")

    def test_a_collector_that_clashes_with_what_is_there_is_told_and_left_out(self):
        log = self.write("pg.log", "2026-11-20 20:14:23.488 UTC [1] LOG:  shutting down\n")
        for name, metric, kind, said in (
                ("mine", "pg_up", "gauge", "'pg_up' is pgbeacon's own; give it another name"),
                ("mine", "pg_log_statement_duration_seconds_count", "untyped", "pgbeacon's own"),
                ("mine", "pg_stat_database_xact_commit", "untyped", "another type in collectors/"),
                ("locks", "mine_one", "untyped", "'locks' is taken by collectors/locks.yml:")):
            file = self.write("mine.yml", f"""topic: t
help: h
name: {name}
queries: [{{sql: SELECT 1 AS one}}]
columns: [{{col: one, metric: {metric}, help: One., type: {kind}}}]
""")
            exporter = self.beacon("--collector.file", file, "--source.file", log)
            page = exporter.scrape()
            self.assertEqual(1, len(re.findall(re.escape(f"{file}:3:"), exporter.log())), exporter.log())
            self.assertIn(said, exporter.log())
            self.assertEqual({"3"}, page.labels("pgbeacon_config_error_info", "line"))
            self.assertEqual({file}, page.labels("pgbeacon_config_error_info", "file"))
            exporter.stop()

    def test_a_collector_that_cannot_be_read_is_told_with_its_file(self):
        log = self.write("pg.log", "2026-11-20 20:14:23.488 UTC [1] LOG:  shutting down\n")
        page = self.beacon("--collector.file", "/nowhere/mine.yml", "--source.file", log).scrape()
        self.assertEqual({"/nowhere/mine.yml"}, page.labels("pgbeacon_config_error_info", "file"))
        self.assertRegex(str(page.labels("pgbeacon_config_error_info", "reason")), "No such file or directory")

    def test_a_glob_of_collectors_may_match_nothing(self):
        config = self.write("pgbeacon.yml", "user_collectors: ['/nowhere/*.yml']\n")
        done = beacon.run("config", "check", config)
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_all_mistakes_are_told_at_once(self):
        self.refused("surces: []\ntargts: []\n", r"FILE:1:\d+", r"FILE:2:\d+")

    def test_a_missing_file(self):
        done = beacon.run("serve", "--config.file", "/nowhere.yml")
        self.assertEqual(1, done.returncode)
        self.assertIn("/nowhere.yml", done.stderr)

    def test_a_bad_connection_string_tells_no_password(self):
        done = beacon.run("serve", env={"DATA_SOURCE_NAME": "host=a password=swordfish nonsense=b"})
        self.assertEqual(1, done.returncode)
        self.assertIn("connection string", done.stderr)
        self.assertIn("host=... user=...", done.stderr)
        self.assertNotIn("swordfish", done.stderr)

    def test_a_listen_address_that_is_taken(self):
        with Beacon(dsn="host=127.0.0.1 port=1 user=a dbname=a") as first:
            done = beacon.run("serve", "--web.listen-address", f"127.0.0.1:{first.port}",
                              env={"PGHOST": "127.0.0.1"})
        self.assertEqual(1, done.returncode)
        self.assertIn(str(first.port), done.stderr)

    def test_events_of_ones_own(self):
        row = "  - {name: mine, class: app, sample: job 5 done, "
        for rest, wanted in (("re2: 'job ('}\n", r"FILE:2:\d+: bad regular expression: missing \)"),
                             ("text: 'job {n:number} done'}\n", r"FILE:2:\d+: .*unknown type 'number'"),
                             ("text: 'task {n:int}'}\n", r"FILE:2:\d+: the row does not take its sample"),
                             ("text: 'job {n:int} done', metric: [{name: app_total, help: h, "
                              "labels: {job: '{m}'}}]}\n", r"FILE:2:\d+: unknown field 'm'; the row has n")):
            self.refused("events:\n" + row + rest, wanted)

    def test_all_mistakes_of_events_are_told_at_once(self):
        row = "  - {name: %s, class: app, sample: job 5 done, text: 'job {n:int} done', colour: red}\n"
        self.refused("events:\n" + row % "a" + row % "b", r"FILE:2:\d+: .*colour", r"FILE:3:\d+: .*colour")

    def test_serve_leaves_out_the_event_that_is_wrong(self):
        config = self.write("pgbeacon.yml", (
            "events:\n"
            "  - {name: wrong, class: app, severity: LOG, text: 'job {n:what} failed', sample: job 5 failed}\n"
            "  - {name: right, class: app, severity: LOG, text: 'job {n:int} done', sample: job 5 done,\n"
            "     metric: [{name: app_jobs_total, help: Jobs., born: true}]}\n"))
        log = self.write("pg.log", "2026-11-20 20:14:23.488 UTC [1] LOG:  job 7 done\n")
        exporter = self.beacon("--config.file", config, "--source.file", log, "--source.from", "begin")
        wait_equal(lambda: exporter.scrape().value("app_jobs_total"), 1, "app_jobs_total")
        self.assertRegex(exporter.log(), re.escape(config) + r":2:\d+: .*unknown type 'what'")

    def test_config_check_shows_what_events_make_of_their_samples(self):
        config = self.write("pgbeacon.yml", (
            "events:\n"
            "  - {name: checkout, class: app, text: 'checkout of {kind:word} took {took:ms} ms',\n"
            "     sample: [checkout of card took 245.5 ms, checkout of cash took 1 ms]}\n"))
        done = beacon.run("config", "check", config)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertRegex(done.stdout, r"(?m)^ +checkout +\| checkout of card took 245\.5 ms \| "
                                      r"kind=card took_seconds=0\.2455$")
        self.assertIn("kind=cash took_seconds=0.001", done.stdout)

    def test_a_good_config_is_valid(self):
        path = self.write("pgbeacon.yml", "targets:\n  - name: a\n    host: b\n")
        done = beacon.run("config", "check", path)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertIn("is valid", done.stdout)


class OneShot(PairCase):
    settings = {"log_connections": "on"}

    def env(self, server=None):
        return {"DATA_SOURCE_NAME": (server or self.primary).dsn()}

    def test_check_looks_as_flyctl_checks_list(self):
        for server, role in ((self.primary, "primary"), (self.standby, "replica|standby")):
            done = beacon.run("check", env=self.env(server))
            self.assertIn(done.returncode, (0, 1, 2), done.stderr)
            lines = done.stdout.splitlines()
            for column in ("NAME", "STATUS", "LAST UPDATED", "OUTPUT"):
                self.assertIn(column, lines[0])
            for suite in ("vm", "pg", "role"):
                self.assertRegex(done.stdout, rf"(?m)^\s*{suite}\b")
            self.assertRegex(done.stdout, role)
            self.assertIn("[\u2713]", done.stdout)
            self.assertNotIn("\x1b[", done.stdout)

    def test_check_as_json(self):
        done = beacon.run("check", "-o", "json", env=self.env())
        suites = {suite["name"]: suite for suite in json.loads(done.stdout)}
        self.assertLessEqual({"vm", "pg", "role", "connections"}, set(suites))
        self.assertEqual("passing", suites["role"]["status"])
        self.assertTrue(all(check["output"] for suite in suites.values() for check in suite["checks"]))

    def test_check_of_an_unreachable_server_is_critical(self):
        done = beacon.run("check", env={"DATA_SOURCE_NAME": f"host=127.0.0.1 port={free_port()} "
                                                            "user=a dbname=a"})
        self.assertEqual(2, done.returncode, done.stdout)
        self.assertIn("critical", done.stdout)

    def test_explain_lists_every_collector_with_its_sql_or_why_it_is_off(self):
        done = beacon.run("explain", "-o", "json", env=self.env())
        self.assertEqual(0, done.returncode, done.stderr)
        plan = json.loads(done.stdout)
        for one in plan:
            if one["on"]:
                self.assertRegex(one["sql"], "(?i)select")
                self.assertGreaterEqual(one["seconds"], 0)
                self.assertIsInstance(one["rows"], int)
                self.assertNotIn("reason", one)
            else:
                self.assertTrue(one["reason"])
        self.assertGreater(sum(one["on"] for one in plan), 5)
        rows = json.loads(beacon.run("metrics", "-o", "json").stdout)
        listed = {row["collector"] for row in rows if row["cost"]}  # the others send no SQL
        self.assertEqual(listed, {one["collector"] for one in plan})
        table = beacon.run("explain", env=self.env()).stdout
        self.assertEqual([], [one["collector"] for one in plan if one["collector"] not in table])

    def test_metrics_lists_every_name_that_a_page_has(self):
        listed = {row["metric"] for row in json.loads(beacon.run("metrics", "-o", "json").stdout)}
        log = self.write("pg.log", "2026-11-20 20:14:23.488 UTC [1] LOG:  shutting down\n")
        tokens = self.write("tokens", "d.1: orders\n")
        config = self.write("pgbeacon.yml", f"""
sources: [{{type: syslog_udp, addr: "127.0.0.1:0", quota: {{lines_per_second: 1}}}},
          {{type: syslog_tcp, addr: "127.0.0.1:0"}}]
drains: [{{url: "syslog://127.0.0.1:{free_port()}"}}]
logplex: {{tokens: {tokens}}}
""")
        exporter = self.beacon("--collector.all", "--source.file", log, "--source.from", "begin",
                               "--config.file", config, "--state.dir", self.folder(), env=self.env())
        exporter.scrape()
        names = set(re.findall(r"(?m)^# TYPE (\S+) ", exporter.get("/metrics").body))
        self.assertGreater(len(names), 100)
        made = [re.compile(re.escape(name).replace(r"\{\}", ".+")) for name in listed if "{}" in name]
        self.assertEqual(set(), {name for name in names - listed
                                 if not any(pattern.fullmatch(name) for pattern in made)})

    def test_explain_of_an_unreachable_server_names_it(self):
        port = free_port()
        done = beacon.run("explain", env={"DATABASE_URL": f"postgres://a@127.0.0.1:{port}/a"})
        self.assertEqual(1, done.returncode)
        self.assertIn(str(port), done.stderr)

    def test_setup_sql_makes_a_role_that_suffices(self):
        sql = beacon.run("setup-sql", "--role", "made").stdout
        for _ in range(2):  # it may be run again
            psql = subprocess.run(
                [os.path.join(self.primary.programs, "psql"), "-X", "-v", "ON_ERROR_STOP=1", "-q", "-h", self.primary.sockets, "-p",
                 str(self.primary.port), "-U", "postgres", "-d", "postgres"],
                input=sql, capture_output=True, text=True, check=False)
            self.assertEqual(0, psql.returncode, psql.stderr)
        self.primary.query("alter role made password %s", (PASSWORD,))
        page = self.beacon(dsn=self.primary.dsn(user="made")).scrape()
        self.assertEqual((1, {}), (page.value("pg_up"), page.failed_collectors()))
        self.assertFalse(self.primary.value("select rolsuper from pg_roles where rolname = 'made'"))

    def test_every_way_to_name_the_server_works(self):
        port = self.primary.port
        uri = f"127.0.0.1:{port}/postgres?sslmode=disable"
        secret = self.write("password", PASSWORD + "\n")
        quoted = PASSWORD.replace(" ", "%20")
        ways = (
            {"DATA_SOURCE_NAME": f"postgresql://beacon:{quoted}@{uri}"},
            {"DATA_SOURCE_URI": uri, "DATA_SOURCE_USER": "beacon", "DATA_SOURCE_PASS": PASSWORD},
            {"DATA_SOURCE_URI": uri, "DATA_SOURCE_USER": "beacon", "DATA_SOURCE_PASS_FILE": secret},
            {"DATABASE_URL": f"postgres://beacon:{quoted}@{uri}"},
            {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "beacon", "PGPASSWORD": PASSWORD,
             "PGDATABASE": "postgres"},
            {"PGHOST": self.primary.sockets, "PGPORT": str(port), "PGUSER": "beacon",
             "PGDATABASE": "postgres"},
        )
        for env in ways:
            with self.subTest(env=sorted(env)):
                with Beacon(env=env) as exporter:
                    page = exporter.scrape()
                    self.assertEqual(1, page.value("pg_up"), exporter.log())
        config = self.write("pgbeacon.yml", (
            f"targets:\n  - {{name: main, host: 127.0.0.1, port: {port}, user: beacon, "
            f"database: postgres, password_file: {secret}}}\n"))
        with Beacon("--config.file", config) as exporter:
            self.assertEqual(1, exporter.scrape().value("pg_up"), exporter.log())

    def test_collectors_are_switched_by_flag_and_config(self):
        name = "pg_stat_archiver_archived_count"
        plan = json.loads(beacon.run("explain", "-o", "json", env=self.env()).stdout)
        archiver = next(one["collector"] for one in plan if "archiver" in one["collector"])
        config = self.write("pgbeacon.yml", f"collectors:\n  {archiver}: {{enabled: false}}\n")
        off = (("--no-collector." + archiver,), ("--config.file", config))
        for arguments in off:
            self.assertNotIn(name, self.beacon(*arguments, dsn=self.primary.dsn()).scrape().names())
        both = self.beacon("--config.file", config, "--collector." + archiver, dsn=self.primary.dsn())
        self.assertIn(name, both.scrape().names())

    def test_signals_end_it_at_once_with_status_0(self):
        for how in (signal.SIGINT, signal.SIGTERM):
            exporter = Beacon(dsn=self.primary.dsn())
            exporter.scrape()
            self.assertLess(exporter.stop(how), 3)

    def test_commands_wait_for_no_name_that_hangs(self):
        before = preload(self, "hanging", beacon.BIN, PGB_HANGS=60)
        dsn = {"DATA_SOURCE_NAME": "postgresql://beacon@hung.example/postgres"}
        url = "http://hung.example:9187/metrics"
        commands = {("check",): 2, ("explain",): 1, ("compare", "http://127.0.0.1:1/metrics"): 1,
                    ("sample", "--count", "1"): 1}
        running = {words: subprocess.Popen([*before, beacon.BIN, *words, *flags], env=beacon.environment(env),
                                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                   for words, flags, env in (
                       *((words, ("--collection-timeout", "1s"), dsn) for words in commands),
                       (("logs", "--url", url), (), {}),
                       (("compare", url), (), {"DATA_SOURCE_NAME": self.primary.dsn()}))}
        self.addCleanup(lambda: [process.kill() for process in running.values()])
        said = {words: process.communicate(timeout=45)[0] for words, process in running.items()}
        for words, process in running.items():
            self.assertEqual(commands.get(words, 1), process.returncode, (words, said[words]))
            self.assertTrue(said[words], words)

    def test_signals_before_it_has_started_end_it_with_status_0(self):
        mount = os.path.join(self.folder(), "hung")
        os.mkdir(mount)
        config = self.write("pgbeacon.yml", "targets: []\n", mount)
        before = preload(self, "hanging", beacon.BIN, PGB_HANGS=60)
        for how in (signal.SIGINT, signal.SIGTERM):
            process = subprocess.Popen([*before, beacon.BIN, "serve", "--config.file", config], env=beacon.environment())
            self.addCleanup(process.kill)

            def taken():
                with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
                    return int(re.search(r"SigCgt:\s*(\w+)", file.read()).group(1), 16) >> how - 1 & 1

            wait_for(taken, "the signal to be taken", 10)
            process.send_signal(signal.SIGHUP)  # waits for what it would read again
            process.send_signal(how)
            self.assertEqual(0, process.wait(5))

    def test_its_own_log_is_logfmt_or_json(self):
        exporter = self.beacon("--log.format", "json", dsn=self.primary.dsn())
        exporter.stop()
        for line in exporter.lines:
            self.assertLessEqual({"ts", "level", "msg"}, set(json.loads(line)))
        exporter = self.beacon(dsn=self.primary.dsn())
        exporter.stop()
        for line in exporter.lines:
            self.assertRegex(line, r"^ts=\S+ level=\w+ msg=")

    def test_listens_soon_after_its_start(self):
        started = time.monotonic()
        exporter = self.beacon(dsn=self.primary.dsn(), ready=False)
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual(200, exporter.get("/-/healthy").status)


if __name__ == "__main__":
    unittest.main()
