"""sample# records: written by `pgbeacon sample`, read back, and read as a source of `serve`."""

import json
import os
import re
import signal
import subprocess
import time
import unittest

from harness import beacon
from harness.case import BeaconCase, MostBackends, PairCase
from harness.pages import Page
from harness.postgres import Pair, free_port
from harness.users import command_as_self
from harness.waiting import wait_for

# As Heroku documents them, those of PostgreSQL.
KEYS = ("current_transaction db_size db-max-size db-size-percentage-used tables active-connections "
        "max-connections connections-percentage-used waiting-connections index-cache-hit-rate "
        "table-cache-hit-rate follower-lag-commits load-avg-1m load-avg-5m load-avg-15m read-iops "
        "write-iops max-iops iops-percentage-used memory-total memory-free memory-cached "
        "memory-postgres memory-percentage-used tmp-disk-used tmp-disk-available "
        "wal-percentage-used").split()
ALWAYS = {"current_transaction", "db_size", "tables", "active-connections", "max-connections",
          "connections-percentage-used", "waiting-connections"}
HOST = {"load-avg-1m", "load-avg-5m", "load-avg-15m", "memory-total", "memory-free",
        "memory-cached", "memory-postgres", "memory-percentage-used", "tmp-disk-used",
        "tmp-disk-available"}
UNITS = {"bytes": 1, "kB": 1024, "": 1}
HEAD = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 app\[heroku-postgres\]: "
                  r"source=(\S+) addon=(\S+)((?: sample#\S+)+)$")


def records(text):
    """Of each line its source, its add-on and its figures in base units, in their order."""
    for line in text.splitlines():
        source, addon, fields = HEAD.match(line).groups()
        figures = {}
        for key, number, unit in re.findall(r"sample#([^=]+)=([0-9.]+)(\w*)", fields):
            figures[key] = float(number) * UNITS[unit]
        yield source, addon, figures


def gauges(page):
    """Values of pg_sample_* by metric name, of a page with one source."""
    return {name: float(value) for name, value in
            re.findall(r"^(pg_sample_\w+)\{[^}]*\} (\S+)$", page, re.MULTILINE)}


class Writes(PairCase):
    def sample(self, server, dsn=None, count=1, interval="200ms"):
        done = beacon.run("sample", "--count", count, "--interval", interval,
                          env={"DATA_SOURCE_NAME": dsn or server.dsn()})
        self.assertEqual(0, done.returncode, done.stderr)
        found = list(records(done.stdout))
        self.assertEqual(count, len(found), done.stdout)
        for _, _, figures in found:
            self.assertEqual([key for key in KEYS if key in figures], list(figures))
        return found, done.stdout

    def figures(self, server, **options):
        return self.sample(server, **options)[0][-1][2]

    def setUp(self):
        self.primary.query("create table if not exists shop (id int primary key, name text)")
        self.primary.query("insert into shop select g, 'x' from generate_series(1, 2000) g "
                           "on conflict do nothing")
        for _ in range(3):
            self.primary.query("select count(*), max(id) from shop where id > 0")

    def check_figures(self, server):
        wait_for(lambda: server.backends() == 0, "sessions of before to end")
        figures = self.figures(server)
        self.assertLessEqual(ALWAYS, set(figures))
        self.assertEqual(server.value("select pg_database_size(current_database())"),
                         figures["db_size"])
        self.assertEqual(server.value("select count(*) from pg_stat_user_tables"), figures["tables"])
        self.assertEqual(40, figures["max-connections"])
        self.assertEqual(figures["active-connections"] / 40, figures["connections-percentage-used"])
        self.assertIn(figures["active-connections"], (1, 2), "our own, and that which read its settings before")
        self.assertEqual(0, figures["waiting-connections"])
        xid = server.value("select pg_snapshot_xmax(pg_current_snapshot())::text::int8")
        self.assertLessEqual(figures["current_transaction"], xid)
        self.assertGreater(figures["current_transaction"], xid - 10)
        return figures

    def test_figures_are_what_sql_tells(self):
        figures = self.check_figures(self.primary)
        self.assertNotIn("follower-lag-commits", figures)
        for kind, view in (("table", "pg_statio_user_tables"), ("index", "pg_statio_user_indexes")):
            prefix = "heap" if kind == "table" else "idx"
            expected = self.primary.value(
                f"select round(sum({prefix}_blks_hit) / "
                f"sum({prefix}_blks_hit + {prefix}_blks_read), 5)::float8 from {view}")
            self.assertAlmostEqual(expected, figures[f"{kind}-cache-hit-rate"], 2)

    def test_follower_tells_how_far_it_is_behind(self):
        wait_for(lambda: self.standby.value(
            "select latest_end_lsn <= pg_last_wal_replay_lsn() from pg_stat_wal_receiver"),
            "the standby to have replayed all", 20)
        self.assertEqual(0, self.check_figures(self.standby)["follower-lag-commits"])

    def test_connections_that_wait_for_a_lock_are_counted(self):
        holder = self.session(self.primary)
        holder.cursor().execute("begin; lock table shop")
        waiter = subprocess.Popen(
            [os.path.join(self.primary.programs, "psql"), "-X", "-q", "-h", self.primary.sockets,
             "-p", str(self.primary.port), "-U", "postgres", "-d", "postgres",
             "-c", "select count(*) from shop"], stdout=subprocess.DEVNULL)
        self.addCleanup(waiter.wait, 20)
        self.addCleanup(holder.cursor().execute, "rollback")
        wait_for(lambda: self.primary.value(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock'") == 1, "a wait", 20)
        self.assertEqual(1, self.figures(self.primary)["waiting-connections"])

    def test_records_read_back_to_the_same_values(self):
        found, text = self.sample(self.primary, count=2)
        done = beacon.run("parse", "--format", "heroku", "-o", "prom", "-", stdin=text.encode())
        self.assertEqual(0, done.returncode, done.stderr)
        read = gauges(done.stdout)
        read.pop("pg_sample_last_timestamp_seconds")
        self.assertEqual(sorted(found[-1][2].values()), sorted(read.values()))

    def test_host_is_told_where_the_server_runs_here(self):
        with open("/proc/meminfo", encoding="ascii") as file:
            total = int(re.search(r"MemTotal: +(\d+) kB", file.read()).group(1)) * 1024
        for dsn in (self.primary.dsn(),
                    f"host={self.primary.sockets} port={self.primary.port} user=beacon dbname=postgres"):
            with self.subTest(dsn=dsn):
                found, _ = self.sample(self.primary, dsn=dsn, count=2, interval="2s")
                first, second = [figures for _, _, figures in found]
                self.assertLessEqual(HOST, set(first))
                self.assertEqual(total, first["memory-total"])
                self.assertLess(1 << 20, first["memory-postgres"])
                self.assertLess(first["memory-postgres"], total)
                self.assertNotIn("read-iops", first, "a rate needs two looks")
                self.assertEqual(self.on_a_device(), "write-iops" in second)

    def on_a_device(self):
        device = os.stat(self.primary.data).st_dev
        with open("/proc/diskstats", encoding="ascii") as file:
            devices = [tuple(map(int, line.split()[:2])) for line in file]
        return (os.major(device), os.minor(device)) in devices

    def test_host_is_unknown_where_the_server_is_not_here(self):
        address = next((line.split()[3].split("/")[0] for line in subprocess.run(
            ["ip", "-4", "-o", "addr", "show", "scope", "global"], capture_output=True, text=True,
            check=False).stdout.splitlines()), None) if os.path.exists("/sbin/ip") else None
        if not address:
            self.skipTest("this machine has no address but loopback")
        server = Pair(settings={"listen_addresses": "*"}, standby=False)
        self.addCleanup(server.close)
        with open(os.path.join(server.primary.data, "pg_hba.conf"), "a", encoding="ascii") as hba:
            hba.write(f"host all all {address}/32 trust\n")
        server.primary.query("select pg_reload_conf()")
        dsn = server.primary.dsn().replace("127.0.0.1", address)
        figures = self.sample(server.primary, dsn=dsn)[0][0][2]
        self.assertEqual(set(), HOST & set(figures))
        self.assertLessEqual(ALWAYS, set(figures))

    def test_what_the_login_may_not_know_is_left_out(self):
        self.primary.query("drop role if exists nobody")
        self.primary.query("create role nobody login")
        figures = self.figures(
            self.primary, dsn=f"host={self.primary.sockets} port={self.primary.port} user=nobody "
                              "dbname=postgres")
        for key in ("active-connections", "waiting-connections", "connections-percentage-used",
                    "tmp-disk-used", "wal-percentage-used"):
            self.assertNotIn(key, figures)
        self.assertIn("db_size", figures)
        self.assertEqual([], self.primary.complaints_about())

    def test_limits_and_names_come_from_the_config(self):
        config = self.write("pgbeacon.yml", f"""
targets:
  - name: orders
    dsn: "{self.primary.dsn()}"
    limits: {{connections: 20, bytes: 1e9, iops: 3000}}
sample: {{source: HEROKU_POSTGRESQL_GOLD}}
""")
        done = beacon.run("sample", "--config.file", config, "--count", 1)
        self.assertEqual(0, done.returncode, done.stderr)
        source, addon, figures = next(records(done.stdout))
        self.assertEqual(("HEROKU_POSTGRESQL_GOLD", "orders"), (source, addon))
        self.assertEqual((20, 1e9, 3000), (figures["max-connections"], figures["db-max-size"],
                                           figures["max-iops"]))
        self.assertEqual(figures["active-connections"] / 20, figures["connections-percentage-used"])
        self.assertAlmostEqual(figures["db_size"] / 1e9, figures["db-size-percentage-used"], 4)

    def test_serve_sends_them_by_syslog_and_https(self):
        port, token = free_port(), "d.01234567-89ab-cdef-0123-456789abcdef"
        receiver = self.beacon("--source.syslog-tcp", f"127.0.0.1:{port}", "--source.logplex-tokens",
                               self.write("tokens", f"{token}: by-logplex\n"))
        self.beacon("--config.file", self.write("pgbeacon.yml", f"""
targets: [{{name: by-syslog, dsn: "{self.primary.dsn()}"}}]
sample: {{interval: 1s, addon: pg-1}}
drains:
  - {{name: syslog, url: "syslog://127.0.0.1:{port}"}}
  - {{name: logplex, url: "http://127.0.0.1:{receiver.port}/logplex", token: {token}}}
"""))
        tables = self.primary.value("select count(*) from pg_stat_user_tables")
        for server in ("by-syslog", "by-logplex"):
            wait_for(lambda server=server: "pg_sample_tables" in (page := receiver.scrape(False)).text and
                     page.sum("pg_sample_tables", server=server, source="DATABASE", addon="pg-1") == tables,
                     f"the record as {server}", 30)

    def test_json_has_base_units(self):
        done = beacon.run("sample", "--count", 1, "-o", "json", "--source", "A", "--addon", "b",
                          env={"DATA_SOURCE_NAME": self.primary.dsn()})
        self.assertEqual(0, done.returncode, done.stderr)
        record = json.loads(done.stdout)
        self.assertEqual(("A", "b"), (record["source"], record["addon"]))
        self.assertAlmostEqual(time.time(), record["time"], delta=60)
        self.assertEqual(40, record["samples"]["max-connections"])

    def test_one_backend_answers_and_nothing_is_complained_of(self):
        with MostBackends(self.primary) as backends:
            self.sample(self.primary, count=5)
        self.assertEqual(1, backends.most)
        self.assertEqual([], self.primary.complaints_about())

    def test_transactions_are_not_used_up(self):
        before = self.figures(self.primary)["current_transaction"]
        self.sample(self.primary, count=5)
        self.assertEqual(before, self.figures(self.primary)["current_transaction"])


class Ends(BeaconCase):
    def test_without_a_server_it_is_wrong_use(self):
        done = beacon.run("sample", "--count", 1)
        self.assertEqual(2, done.returncode)
        self.assertIn("no server named", done.stderr)
        done = beacon.run("sample", "--interval", "1x", env={"PGHOST": "127.0.0.1"})
        self.assertEqual(2, done.returncode)
        self.assertIn("--interval", done.stderr)

    def test_without_an_answer_it_fails_and_says_so_once(self):
        dsn = f"host=127.0.0.1 port={free_port()} user=beacon dbname=postgres"
        done = beacon.run("sample", "--count", 3, "--interval", "100ms", env={"DATA_SOURCE_NAME": dsn})
        self.assertEqual(1, done.returncode)
        self.assertEqual("", done.stdout)
        self.assertEqual(1, done.stderr.count("refused"), done.stderr)

    def test_a_signal_ends_it(self):
        dsn = f"host=127.0.0.1 port={free_port()} user=beacon dbname=postgres"
        process = subprocess.Popen(command_as_self([beacon.BIN, "sample"], "TERM"),
                                   env=beacon.environment({"DATA_SOURCE_NAME": dsn}),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.assertIn(b"refused", process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(128 + signal.SIGTERM, process.wait(20))


class Reads(BeaconCase):
    """`heroku logs` text as a source of serve."""

    def lines(self):
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        return "\n".join((
            f"\x1b[33m{now}+00:00 app[heroku-postgres]:\x1b[0m source=DATABASE addon=pg-1 "
            "sample#tables=38 sample#memory-total=7629452kB sample#new-key=5ms sample#bad=x",
            f"{now}Z app[heroku-pgbouncer]: source=pgbouncer addon=pg-1 sample#avg_query=1500 "
            "sample#client_active=3",
            f"{now}.123456+00:00 app[heroku-redis]: source=REDIS addon=redis-1 "
            "sample#connection-percentage-used=0.25 sample#memory-redis=5bytes",
            f"{now}+00:00 heroku[web.1]: source=web.1 dyno=heroku.1.2 sample#load_avg_1m=2.46 "
            "sample#memory_rss=21.25MB",
            f"{now}+00:00 app[heroku-postgres]: source=DATABASE count#resets=2 measure#wait=4ms",
            f"{now}+00:00 app[web.1]: source=DATABASE sample#tables=666 count#resets=666",
            f"{now}+00:00 app[heroku-pgbouncer]: C-0x1: app/x sample#tables=666@10.0.0.7:5 login failed",
            f"{now}+00:00 app: no process sample#tables=666",
            f"\x1b[36m{now}+00:00 app[postgres.7]: \x1b[0m[DATABASE] [8-1]  sql_error_code = 53300 "
            "FATAL:  sorry, too many clients already",
        )) + "\n"

    def check(self, page):
        def value(name, **labels):
            return page.value(name, **labels)
        self.assertEqual(38, value("pg_sample_tables", source="DATABASE", addon="pg-1"))
        self.assertEqual(7629452 * 1024, value("pg_sample_memory_total_bytes", source="DATABASE"))
        self.assertEqual(0.005, value("pg_sample_value", key="new-key"))
        self.assertEqual(0.0015, value("pg_sample_avg_query_seconds", source="pgbouncer"))
        self.assertEqual(0.25, value("pg_sample_connections_used_ratio", source="REDIS"))
        self.assertEqual(2.46, value("pg_sample_load_avg_1m", source="web.1"))
        self.assertEqual(21.25 * (1 << 20), value("pg_sample_memory_rss_bytes", source="web.1"))
        self.assertEqual(2, value("pg_sample_count_total", source="DATABASE", key="resets"))
        self.assertEqual(1, value("pg_sample_measure_count", source="DATABASE", key="wait"))
        self.assertEqual(1, value("pg_sample_measure_bucket", key="wait", le="0.005"))
        self.assertEqual(1, value("pg_sample_unread_values_total"))
        self.assertEqual(1, value("pg_log_errors_total", severity="FATAL", sqlstate="53300"))

    def test_a_file_of_heroku_logs_is_followed(self):
        path = self.write("heroku.log", self.lines())
        exporter = self.beacon("--source.file", path, "--source.format", "heroku", "--source.from",
                               "begin", "--source.server", "shop")
        wait_for(lambda: "pg_sample_count_total" in exporter.scrape(False).text, "the records", 20)
        self.check(exporter.scrape(False))

    def test_a_parse_of_stdin_shows_the_same(self):
        done = beacon.run("parse", "--format", "heroku", "-o", "prom", "-", stdin=self.lines().encode())
        self.assertEqual(0, done.returncode, done.stderr)
        self.check(Page(done.stdout, False, 200, {}))

    def test_gauges_vanish_when_their_source_stops_and_counts_stay(self):
        path = self.write("heroku.log", "")
        exporter = self.beacon("--source.file", path, "--source.format", "heroku",
                               "--source.server", "shop")
        with open(path, "a", encoding="ascii") as log:
            for number in range(3):
                log.write("2026-01-01T00:00:00+00:00 app[heroku-postgres]: source=A addon=b "
                          f"sample#tables={number} count#resets=1\n")
                log.flush()
                wait_for(lambda: f"pg_sample_count_total{{server=\"shop\",source=\"A\","
                         f"key=\"resets\"}} {number + 1}" in exporter.scrape(False).text, "a record", 20)
                time.sleep(1.1)  # the interval that is learnt
        self.assertIn("pg_sample_tables{", exporter.scrape(False).text)
        wait_for(lambda: "pg_sample_tables{" not in exporter.scrape(False).text, "the end", 30)
        self.assertIn("pg_sample_count_total{", exporter.scrape(False).text)


if __name__ == "__main__":
    unittest.main()
