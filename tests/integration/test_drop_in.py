"""In postgres_exporter's place: its preset, flags, variables of the environment and queries.yaml."""

import hashlib
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import unittest
import urllib.request

from harness import beacon
from harness.case import PairCase
from harness.pages import DATA
from harness.peer import PEER_ROWS, seen_on
from harness.waiting import wait_for

RECORDED = os.path.join(DATA, "postgres_exporter-0.19.1.page")

# Of its names, those of collectors that are off by default there.
OFF_THERE = re.compile("pg_(long_running|process_idle|postmaster|stat_statements|database_wraparound|stat_wal_receiver|"
                       "stat_activity_autovacuum|stat_checkpointer|statio_user_indexes|buffercache|stat_progress|"
                       "exporter_user_queries|"
                       # what this server has nothing of: test_statistics.py has
                       "replication_slot|settings_pg_stat_statements|stat_archiver_last|stat_user_tables_last)")
QUERIES = """
pg_replication:
  query: "SELECT 7 AS lag;"
  master: true
  metrics:
    - lag: {usage: "GAUGE", description: "Lag"}
pg_postmaster:
  query: "SELECT pg_postmaster_start_time as start_time_seconds from pg_postmaster_start_time()"
  metrics:
    - start_time_seconds: {usage: GAUGE, description: "Time at which postmaster started"}
shop_orders:
  query: "SELECT state, count(*) AS open, 'down' AS health FROM orders GROUP BY state"
  metrics:
    - state: {usage: LABEL, description: State}
    - open: {usage: COUNTER, description: Orders}
    - health: {usage: MAPPEDMETRIC, description: Health, metric_mapping: {up: 1, down: 0.5}}
of_old_servers:
  query: "SELECT 1 AS x"
  runonserver: "<13.0.0"
  metrics: [{x: {usage: GAUGE}}]
broken:
  query: "SELECT nothing FROM nowhere"
  metrics: [{nothing: {usage: GAUGE}}]
"""


class Compared(PairCase):
    with_standby = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dsn = cls.primary.dsn()
        cls.primary.query("create table history (at int)")  # neither index nor TOAST
        cls.primary.query("create table branches (id int primary key)")

    def served(self, page):
        """A URL where the text that `page()` gives stands."""
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(page().encode())

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/metrics"

    def loses_nothing(self, url):
        """The metrics of the expected differences."""
        done = beacon.run("compare", url, "-o", "json", env={"DATA_SOURCE_NAME": self.dsn})
        self.assertNotEqual("", done.stdout, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual((0, False, []), (done.returncode, told["loses"],
                                          [one for one in told["differences"] if one["what"] != "value"]))
        self.assertTrue(all(one["why"] for one in told["expected"]))
        return {(one["what"], one["metric"]) for one in told["expected"]}

    def test_nothing_is_lost_against_its_recorded_page(self):
        with open(RECORDED, encoding="utf-8") as file:
            recorded = file.read().replace("@SERVER@", f"127.0.0.1:{self.primary.port}")
        self.assertLess(600, recorded.count("\n"))
        expected = self.loses_nothing(self.served(lambda: recorded))
        self.assertLessEqual({("series", "pg_scrape_collector_success"), ("series", "pg_stat_activity_count"),
                              ("value", "pg_settings_extra_float_digits")}, expected)

    def test_nothing_is_lost_against_it(self):
        program = shutil.which(os.environ.get("PGB_POSTGRES_EXPORTER", "prometheus-postgres-exporter"))
        if not program:
            self.skipTest("no postgres_exporter is at hand")
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        # It takes no blank in a password.
        self.primary.query("create role peer login password 'peer' in role pg_monitor")
        self.addCleanup(self.primary.query, "drop role peer")
        uri = f"postgresql://peer:peer@127.0.0.1:{self.primary.port}/postgres?sslmode=disable"
        peer = subprocess.Popen([program, f"--web.listen-address={address}"], env={"DATA_SOURCE_NAME": uri},
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(peer.wait)
        self.addCleanup(peer.kill)
        url = f"http://{address}/metrics"

        def page():
            try:
                with urllib.request.urlopen(url, timeout=10) as answer:
                    return answer.read().decode()
            except OSError:
                return None

        text = wait_for(page, "the peer's page", 30)
        self.loses_nothing(url)
        if os.environ.get("PGB_UPDATE_GOLDEN"):
            with open(RECORDED, "w", encoding="utf-8") as file:
                file.writelines(line.replace(f"127.0.0.1:{self.primary.port}", "@SERVER@") + "\n"
                                for line in text.splitlines() if not re.match("# HELP|(# TYPE )?(go|process|promhttp)_", line)
                                and ('"peer"' not in line or 'state="active"' in line))


class DropIn(PairCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.primary.query("select pg_create_physical_replication_slot('one')")
        cls.primary.query("create table orders (id serial primary key, state text)")
        cls.primary.query("grant select on orders to public")

    def setUp(self):
        self.dsn = self.primary.dsn()

    def test_compare_tells_what_a_swap_would_lose(self):
        old = ("# TYPE pg_up gauge\npg_up 1\n# TYPE pg_static gauge\npg_static{server=\"x\"} 1\n"
               "# TYPE pg_gone counter\npg_gone{a=\"b\"} 3\npg_gone{a=\"c\"} 3\n"
               "# TYPE pg_settings_max_connections gauge\npg_settings_max_connections{server=\"elsewhere\"} 1\n"
               "go_goroutines 3\n")

        url = Compared.served(self, lambda: old)
        done = beacon.run("compare", url, "-o", "json", env={"DATA_SOURCE_NAME": self.dsn})
        self.assertEqual(1, done.returncode, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual([("missing", "pg_gone", 2), ("type", "pg_static", 1), ("labels", "pg_static", 1),
                          ("series", "pg_settings_max_connections", 1)],
                         [(one["what"], one["metric"], one["series"]) for one in told["differences"]])
        self.assertEqual((5, 1), (told["series"], told["same"]))
        self.assertIn("pg_stat_database_blks_hit", told["gained"])
        with self.beacon("--preset=postgres_exporter", dsn=self.dsn) as exporter:
            done = beacon.run("compare", f"http://127.0.0.1:{exporter.port}/metrics", "-o", "json",
                              env={"DATA_SOURCE_NAME": self.dsn})
        kinds = {(one["what"], one["metric"]) for one in json.loads(done.stdout)["differences"]}
        self.assertEqual([], [one for one in kinds if one[0] in ("missing", "type", "labels")])
        for old, reason in (("<html>postgres_exporter</html>", "no metrics; is its path /metrics?"),
                            ("pg_up 0\n", "its server does not answer, pg_up is 0")):
            done = beacon.run("compare", url, env={"DATA_SOURCE_NAME": self.dsn})
            self.assertEqual((1, ""), (done.returncode, done.stdout))
            self.assertIn("the exporter to compare with: " + reason, done.stderr)
        down = beacon.run("compare", "http://127.0.0.1:1/metrics", env={"DATA_SOURCE_NAME": self.dsn})
        self.assertEqual(1, down.returncode)
        self.assertIn("the exporter to compare with", down.stderr)

    def scrape(self, *flags, **env):
        with self.beacon(*flags, env=env, dsn=self.dsn) as exporter:
            return exporter.scrape(False)

    def test_the_preset_is_its_default_set(self):
        wait_for(lambda: self.standby.value("select count(*) from pg_stat_user_tables"), "the table")
        for server, kind in ((self.primary, "primary"), (self.standby, "standby")):
            self.dsn = server.dsn()
            page = self.scrape("--preset=postgres_exporter")
            wanted = {row.name for row in PEER_ROWS if seen_on(row, 15, kind) and not OFF_THERE.match(row.name)}
            self.assertLess(200, len(wanted))
            self.assertEqual(set(), wanted - page.names(), kind)
            self.assertEqual(set(), {name for name in page.names() if name.startswith("pg_host")})
        plan = json.loads(beacon.run("explain", "--preset=postgres_exporter", "-o", "json",
                                     env={"DATA_SOURCE_NAME": self.dsn}).stdout)
        rows = json.loads(beacon.run("metrics", "--json").stdout)
        extra = {one["collector"] for one in plan if one["on"]} - {
            row["collector"] for row in rows if row["metric"] in {peer.name for peer in PEER_ROWS}}
        self.assertEqual({"settings", "stat_progress_vacuum"}, extra | {"stat_progress_vacuum"})

    def test_the_preset_leaves_queries_of_ones_own_on(self):
        queries = self.write("queries.yaml", "mine:\n  query: SELECT 1 AS one\n  metrics: [{one: {usage: GAUGE}}]\n")
        collector = self.write("too.yml", "name: too\ntopic: t\nhelp: h\nqueries: [{sql: SELECT 2 AS two}]\n"
                                          "columns: [{col: two, metric: too_two, help: h}]\n")
        page = self.scrape("--preset=postgres_exporter", f"--extend.query-path={queries}", f"--collector.file={collector}")
        self.assertEqual([1.0], list(page.series("mine_one").values()))
        self.assertEqual(2, page.value("too_two"))

    def test_default_metrics_and_settings_can_be_left_out(self):
        for flags, env in ((("--disable-default-metrics", "--disable-settings-metrics"), {}),
                           ((), {"PG_EXPORTER_DISABLE_DEFAULT_METRICS": "true",
                                 "PG_EXPORTER_DISABLE_SETTINGS_METRICS": "true"})):
            page = self.scrape(*flags, **env)
            self.assertEqual((1, "ok"), (page.value("pg_up"), page.up_reason()))
            for name in ("pg_stat_activity_count", "pg_stat_database_conflicts_confl_lock",
                         "pg_settings_max_connections"):
                self.assertEqual({}, page.series(name), name)
            self.assertTrue(page.series("pg_stat_bgwriter_buffers_alloc_total"))
        page = self.scrape("--disable-default-metrics", "--collector.stat_activity")
        self.assertTrue(page.series("pg_stat_activity_count"), "what is named is on")

    def test_telemetry_path_prefix_and_constant_labels(self):
        flags = ("--web.telemetry-path=/numbers", "--metric-prefix=db", "--constantLabels=team=data, tier=1")
        env = {"PG_EXPORTER_WEB_TELEMETRY_PATH": "/numbers", "PG_EXPORTER_METRIC_PREFIX": "db",
               "PG_EXPORTER_CONSTANT_LABELS": "team=data,tier=1"}
        for arguments, variables in ((flags, {}), ((), env)):
            with self.beacon(*arguments, env=variables, dsn=self.dsn) as exporter:
                self.assertEqual(404, exporter.get("/metrics").status)
                text = exporter.get("/numbers").body
            for line in ('pg_up{team="data",tier="1"} 1', 'pg_exporter_scrapes_total'):
                self.assertIn(line, text)
            self.assertNotRegex(text, "(?m)^pg_stat_activity_count")
            self.assertRegex(text, r'(?m)^db_stat_activity_count\{.*team="data".*\}')
            self.assertRegex(text, r'(?m)^pg_stat_bgwriter_buffers_alloc_total')
            self.assertRegex(text, r'(?m)^pg_scrape_collector_success\{collector="stat_bgwriter"')

    def test_its_own_series(self):
        with self.beacon(dsn=self.dsn) as exporter:
            first, page = exporter.scrape(False), exporter.scrape(False)
        self.assertEqual(1, page.value("pg_exporter_scrapes_total") - first.value("pg_exporter_scrapes_total"))
        self.assertEqual(0, page.value("pg_exporter_last_scrape_error"))
        self.assertGreater(page.value("pg_exporter_last_scrape_duration_seconds"), 0)
        self.assertEqual(1, page.value("postgres_exporter_config_last_reload_successful"))
        self.assertEqual({1.0}, set(page.series("postgres_exporter_build_info").values()))
        self.assertEqual({"15"}, {version.split(".")[0] for version in page.labels("pg_static", "short_version")})

    def test_queries_yaml(self):
        self.primary.query("truncate orders")
        self.primary.query("insert into orders (state) values ('new'), ('new'), ('paid')")
        path = self.write("queries.yaml", QUERIES)
        for flags, env in (((f"--extend.query-path={path}",), {}), ((), {"PG_EXPORTER_EXTEND_QUERY_PATH": path})):
            with self.beacon(*flags, env=env, dsn=self.dsn) as exporter:
                page = exporter.scrape(False)
                log = exporter.log()
            self.assertRegex(log, f"collector=broken file={re.escape(path)}:21:.* does not exist")
            self.assertIn(7.0, page.series("pg_replication_lag").values())
            self.assertEqual(2, page.value("shop_orders_open", state="new"))
            self.assertEqual(0.5, page.value("shop_orders_health", state="paid"))
            self.assertEqual({}, page.series("of_old_servers_x"))
            self.assertEqual({"broken"}, set(page.failed_collectors()))
            self.assertEqual(0, page.value("pg_exporter_user_queries_load_error", filename=path,
                                           hashsum=hashlib.sha256(QUERIES.encode()).hexdigest()))
            start = self.primary.value("select extract(epoch from pg_postmaster_start_time())::float8")
            for value in page.series("pg_postmaster_start_time_seconds").values():
                self.assertAlmostEqual(start, value, 1)

    def test_a_mistake_in_queries_yaml_costs_its_own_part(self):
        text = QUERIES.replace("{usage: COUNTER, description: Orders}", "{usage: CONTER}")
        path = self.write("queries.yaml", text)
        with self.beacon(f"--extend.query-path={path}", dsn=self.dsn) as exporter:
            page = exporter.scrape(False)
            self.assertRegex(exporter.log(), re.escape(path) + r":15:\d+: .*usage: expected one of LABEL COUNTER")
        self.assertIn(7.0, page.series("pg_replication_lag").values())
        self.assertEqual([1.0], list(page.series("pg_exporter_user_queries_load_error").values()))
        self.assertEqual(1, page.value("pg_up"))

    def test_histograms_and_durations_of_queries_yaml(self):
        path = self.write("queries.yaml", """
shop:
  query: >
    SELECT name, latency, latency_bucket, latency_sum, latency_count, took
      FROM (VALUES ('a', ARRAY[1, 0.1]::float8[], ARRAY[5, 3], 2.5, 6, '1h2m3.5s'),
                   ('b', NULL, NULL, NULL, NULL, NULL), ('c', '{}', '{}', 0, 0, '-1m500ms'), ('d', '{1}', '{1}', 1, 1, '5'))
        AS v (name, latency, latency_bucket, latency_sum, latency_count, took)
  metrics:
    - name: {usage: LABEL, description: Name}
    - latency: {usage: HISTOGRAM, description: Latency}
    - took: {usage: DURATION, description: Time}
of_truth:
  query: "SELECT true AS real, 't'::text AS letter, 'false'::varchar AS word"
  metrics: [{real: {usage: GAUGE}}, {letter: {usage: GAUGE}}, {word: {usage: COUNTER}}]
of_intervals:
  query: "SELECT interval '1 day 00:00:01.0019' AS took"
  metrics: [{took: {usage: DURATION}}]
of_numbers:
  query: "SELECT 2.7 AS took, -1 AS none, 'Inf'::text AS far, '1 apple'::text AS wrong"
  metrics: [{took: {usage: DURATION}}, {none: {usage: DURATION}}, {far: {usage: DURATION}}, {wrong: {usage: DURATION}}]
""")
        with self.beacon(f"--extend.query-path={path}", dsn=self.dsn) as exporter:
            page, text = exporter.scrape(False), exporter.get("/metrics").body
        self.assertIn("# TYPE shop_latency histogram", text)
        buckets = {(labels["name"], labels["le"]): value for labels, value in
                   ((dict(key), value) for key, value in page.series("shop_latency_bucket").items())}
        self.assertEqual({("a", "0.1"): 3, ("a", "1"): 5, ("a", "+Inf"): 6, ("c", "+Inf"): 0,
                          ("d", "1"): 1, ("d", "+Inf"): 1}, buckets)
        self.assertEqual(2.5, page.value("shop_latency_sum", name="a"))
        self.assertEqual(6, page.value("shop_latency_count", name="a"))
        self.assertEqual(3723500, page.value("shop_took_milliseconds", name="a"))
        self.assertEqual(-60500, page.value("shop_took_milliseconds", name="c"))
        self.assertEqual(5, page.value("shop_took_milliseconds", name="d"))
        self.assertEqual({"a", "c", "d"}, page.labels("shop_took_milliseconds", "name"))
        self.assertEqual(86401001, page.value("of_intervals_took_milliseconds"))
        self.assertEqual([2.7, -1, float("inf")], [page.value(f"of_numbers_{name}_milliseconds")
                                                   for name in ("took", "none", "far")])
        self.assertEqual(0, page.value("pgbeacon_series_dropped", collector="shop"))
        self.assertEqual({"of_truth_real": 1.0}, {name: value for name in page.names() if name.startswith("of_truth_")
                                                  for value in page.series(name).values()})
        self.assertEqual(2, page.value("pgbeacon_series_dropped", collector="of_truth"))
        self.assertEqual(1, page.value("pgbeacon_series_dropped", collector="of_numbers"))

    def test_labels_of_queries_yaml_are_written_as_there(self):
        values = {"b": ("true", "true"), "z": ("timestamptz '2026-01-02 03:04:05.678+00'", "1767323045"),
                  "t": ("timestamp '2026-01-02 03:04:05'", "1767323045"), "d": ("date '2026-01-02'", "1767312000"),
                  "early": ("timestamptz '1969-12-31 23:59:58.5+00'", "-2"), "far": ("timestamptz 'infinity'", "infinity"),
                  "c": ("'abc'::char(5)", "abc  "), "i": ("interval '1 day'", "1 day"), "f": ("1.5::float8", "1.5"),
                  "up": ("'Infinity'::float8", "+Inf"), "down": ("'-Infinity'::float4", "-Inf"), "none": ("'NaN'::float8", "NaN"),
                  "flags": ("ARRAY[true]", "{t}")}
        columns = ", ".join(f"{value} AS {name}" for name, (value, _) in values.items())
        labels = "".join(f"    - {name}: {{usage: LABEL}}\n" for name in [*values, "nothing"])
        path = self.write("queries.yaml", f"""
lab:
  query: "SELECT {columns}, NULL::bool AS nothing, timestamp '2026-01-02 03:04:05' AS at"
  metrics:
{labels}    - at: {{usage: GAUGE}}
""")
        self.primary.query("alter role all set timezone = 'America/New_York'")
        self.addCleanup(self.primary.query, "alter role all reset timezone")
        page = self.scrape(f"--extend.query-path={path}")
        (labels, value), = page.series("lab_at").items()
        written = dict(labels)
        self.assertEqual({name: text for name, (_, text) in values.items()}, {name: written.get(name) for name in values})
        self.assertEqual("", written.get("nothing", ""))
        self.assertEqual(1767323045, value)

    def test_queries_are_asked_in_each_database_unless_master(self):
        self.primary.query("create database further")
        self.addCleanup(self.primary.query, "drop database further")
        text = "".join(f"of_{name}:\n  query: select current_database() as datname, 1 as x\n  master: {master}\n  metrics: "
                       "[{datname: {usage: LABEL}}, {x: {usage: GAUGE}}]\n"
                       for name, master in (("one", "true"), ("all", "false")))
        path = self.write("queries.yaml", text)
        with self.beacon(f"--extend.query-path={path}", "--auto-discover-databases", "--include-databases=",
                         dsn=self.dsn) as exporter:
            def visited():
                page = exporter.scrape(False)
                return page if page.labels("of_all_x", "datname") >= {"postgres", "further"} else None
            page = wait_for(visited, "the other database", 30)
        self.assertEqual({"postgres"}, page.labels("of_one_x", "datname"))

    def test_what_a_query_sets_is_gone_after_it(self):
        collector = self.write("mine.yml", """
name: mine
topic: tests
help: A statement that changes its session.
queries:
  - sql: |
      SELECT set_config('statement_timeout', '1', false) AS a, set_config('extra_float_digits', '-15', false) AS b,
             set_config('search_path', 'public', false) AS c, 1 AS one
columns:
  - {col: one, metric: mine_one, help: One.}
""")
        with self.beacon("--collector.file", collector, "--collector.all", dsn=self.dsn) as exporter:
            for _ in range(4):
                page = exporter.scrape(False)
                self.assertEqual({}, page.failed_collectors())
                self.assertEqual(1, page.value("mine_one"))

    def test_spellings_of_its_command_line_are_taken(self):
        done = beacon.run("explain", "--no-collector.xlog_location", "--no-collector.stat_statements.include_query",
                          "--exclude-databases=", "--log.level=INFO", env={"DATA_SOURCE_NAME": self.dsn})
        self.assertEqual(0, done.returncode, done.stderr)

    def test_settings_are_the_servers(self):
        self.primary.query("alter system set statement_timeout = '5min'")
        self.primary.query("select pg_reload_conf()")
        wait_for(lambda: self.primary.value("show statement_timeout") == "5min", "the reload")
        self.addCleanup(self.primary.query, "alter system reset statement_timeout")
        page = self.scrape()
        self.assertEqual(300, page.value("pg_settings_statement_timeout_seconds"))
        self.assertEqual(0, page.value("pg_settings_default_transaction_read_only"))
        self.assertEqual(0, page.value("pg_settings_transaction_read_only"))

    def test_dumpmaps_ends(self):
        done = beacon.run("--dumpmaps")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("pg_stat_database_xact_commit", done.stdout)


if __name__ == "__main__":
    unittest.main()
