"""Several targets in one process: where they come from, their pages, http_sd, reload, and those that do not answer."""

import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import time
import unittest

from harness.beacon import BIN
from harness.case import PairCase
from harness.pages import Page
from harness.postgres import PASSWORD, free_port
from harness.preload import preload
from harness.tools import require
from harness.users import command_as_self
from harness.waiting import wait_for

PROMETHEUS = os.environ.get("PROMETHEUS", "/usr/bin/prometheus")


class Fleet(PairCase):
    def setUp(self):
        self.place = self.folder()
        self.password = self.write("password", PASSWORD + "\n", self.place)
        self.file_sd = self.write("more.json", json.dumps([
            {"targets": [f"127.0.0.1:{self.primary.port}"], "group": "apps", "labels": {"team": "b"}}]), self.place)

    def config(self, targets=None, more=""):
        primary = f"{{name: primary, port: {self.primary.port}, labels: {{env: test}}}}"
        standby = f"{{name: standby, group: replicas, dsn: 'host=127.0.0.1 port={self.standby.port}'}}"
        listed = [primary, standby] if targets is None else targets
        text = (f"defaults: {{host: 127.0.0.1, user: beacon, database: postgres, sslmode: disable, "
                f"password_file: {self.password}}}\n"
                "groups:\n  replicas: {labels: {tier: replica}}\n  apps: {labels: {tier: app, team: a}}\n"
                "file_sd: {files: [" + os.path.join(self.place, "more*.json") + "], refresh_interval: 100ms}\n"
                + more + "targets:\n" + "".join(f"  - {target}\n" for target in listed))
        return self.write("pgbeacon.yml", text, self.place)

    def fleet(self, *flags, config=None, **options):
        exporter = self.beacon("--config.file", config or self.config(), "--web.enable-lifecycle", *flags, **options)
        return exporter

    def probe(self, exporter, query, seconds=5):
        answer = exporter.get("/probe?" + query, {"X-Prometheus-Scrape-Timeout-Seconds": str(seconds)})
        self.assertEqual(200, answer.status, answer.body)
        return Page(answer.body)

    def sd(self, exporter):
        answer = exporter.get("/sd")
        self.assertEqual((200, "application/json"), (answer.status, answer.headers["content-type"]))
        return {entry["labels"]["instance"]: entry for entry in json.loads(answer.body)}

    def test_each_target_has_its_page(self):
        exporter = self.fleet()
        page = exporter.scrape(False)
        self.assertEqual(0, page.value("pg_replication_is_replica"))
        self.assertEqual({"test"}, page.labels("pg_up", "env"))
        self.assertEqual(3, page.value("pgbeacon_targets"))
        replica = self.probe(exporter, "target=standby")
        self.assertEqual(1, replica.value("pg_replication_is_replica", tier="replica"))
        self.assertEqual({1}, set(replica.series("pg_exporter_scrapes_total").values()))
        self.assertNotIn("pgbeacon_build_info", replica.names())
        found = self.probe(exporter, f"target=127.0.0.1:{self.primary.port}")
        self.assertEqual(1, found.value("pg_up", tier="app", team="b"))
        self.assertEqual(1, self.probe(exporter, "target=primary").value("pg_up", env="test"))

    def test_a_request_can_name_collectors(self):
        exporter = self.fleet()
        page = self.probe(exporter, "target=standby&collect[]=database&collect[]=stat_bgwriter")
        self.assertEqual({"database", "database_size", "stat_bgwriter"}, page.labels("pg_scrape_collector_success", "collector"))
        self.assertIn("pg_stat_bgwriter_buffers_alloc_total", page.names())
        self.assertNotIn("pg_stat_database_blks_hit", page.names())
        whole = self.probe(exporter, "target=standby")
        self.assertIn("pg_stat_database_blks_hit", whole.names())
        answer = exporter.get("/probe?target=standby&collect[]=databse")
        self.assertEqual(400, answer.status)
        self.assertIn("did you mean 'database'?", answer.body)

    def test_only_configured_names_are_probed(self):
        exporter = self.fleet()
        for query, status in (("", 400), ("?target=", 400), ("?target=nobody", 404),
                              ("?target=postgres://x:secret@127.0.0.1/postgres", 404)):
            answer = exporter.get("/probe" + query)
            self.assertEqual(status, answer.status, query)
            self.assertNotIn("secret", answer.body)

    def test_http_sd_is_all_that_prometheus_needs(self):
        require(PROMETHEUS, "Prometheus")
        exporter = self.fleet()
        found = self.sd(exporter)
        address = f"127.0.0.1:{exporter.port}"
        self.assertEqual({"targets": [address], "labels": {
            "__metrics_path__": "/probe", "__param_target": "standby", "__param_labels": "off",
            "instance": "standby", "tier": "replica"}}, found["standby"])
        self.assertEqual("/metrics", found["primary"]["labels"]["__metrics_path__"])
        port = free_port()
        config = self.write("prometheus.yml", "global: {scrape_interval: 1s}\nscrape_configs:\n"
                            "  - job_name: postgres\n    http_sd_configs:\n"
                            f"      - {{url: 'http://{address}/sd', refresh_interval: 1s}}\n", self.place)
        prometheus = subprocess.Popen(
            command_as_self([PROMETHEUS, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}",
                             f"--storage.tsdb.path={self.place}/data", "--log.level=error"]), cwd=self.place)
        self.addCleanup(prometheus.wait)
        self.addCleanup(prometheus.terminate)

        def up():
            done = subprocess.run(["curl", "-sg", f"http://127.0.0.1:{port}/api/v1/query?query=pg_up"],
                                  capture_output=True, check=False)
            rows = json.loads(done.stdout or "{}").get("data", {}).get("result", [])
            return {row["metric"]["instance"]: row for row in rows} if len(rows) == 3 else None

        rows = wait_for(up, "three targets in Prometheus", 30)
        self.assertEqual({"1"}, {row["value"][1] for row in rows.values()})
        self.assertEqual({"env": "test"}, {key: value for key, value in rows["primary"]["metric"].items()
                                           if key not in ("__name__", "instance", "job")})
        self.assertEqual("b", rows[f"127.0.0.1:{self.primary.port}"]["metric"]["team"])

    def test_a_reload_changes_what_has_changed(self):
        exporter = self.fleet()
        self.probe(exporter, "target=standby")
        backend = ("select pid from pg_stat_activity where application_name = 'pgbeacon' order by backend_start limit 1")
        before = self.standby.value(backend)
        again = f"{{name: again, port: {self.primary.port}}}"
        standby = f"{{name: standby, group: replicas, dsn: 'host=127.0.0.1 port={self.standby.port}'}}"
        self.config([again, standby])
        self.assertEqual(200, exporter.get("/-/reload", method="POST").status)
        self.assertEqual({"again", "standby", f"127.0.0.1:{self.primary.port}"}, set(self.sd(exporter)))
        self.assertEqual({}, exporter.scrape(False).series("pg_up", env="test"))
        page = self.probe(exporter, "target=standby")
        self.assertEqual(2, page.value("pg_exporter_scrapes_total"))
        self.assertEqual(before, self.standby.value(backend))
        self.assertEqual(404, exporter.get("/probe?target=primary").status)

    def test_a_bad_config_leaves_the_old_one_running(self):
        exporter = self.fleet()
        read_at = exporter.scrape(False).value("pgbeacon_config_last_reload_success_timestamp_seconds")
        self.config(["{name: primary, prt: 1}"])
        exporter.process.send_signal(signal.SIGHUP)
        wait_for(lambda: exporter.scrape(False).value("pgbeacon_config_last_reload_successful") == 0, "the reload")
        self.assertIn("unknown key 'prt'; did you mean 'port'?", exporter.log())
        page = exporter.scrape(False)
        self.assertEqual((1, 3), (page.value("pg_up"), page.value("pgbeacon_targets")))
        self.assertEqual(read_at, page.value("pgbeacon_config_last_reload_success_timestamp_seconds"))
        answer = exporter.get("/-/reload", method="POST")
        self.assertEqual(500, answer.status)
        self.assertIn("pgbeacon.yml:7:", answer.body)
        self.config()
        self.assertEqual(200, exporter.get("/-/reload", method="POST").status)
        self.assertEqual(1, exporter.scrape(False).value("pgbeacon_config_last_reload_successful"))

    def test_files_of_targets_are_watched(self):
        exporter = self.fleet()
        self.write("more2.json", json.dumps({"targets": [{"name": "new", "port": self.standby.port}]}), self.place)
        wait_for(lambda: "new" in self.sd(exporter), "the new target")
        self.assertEqual(1, self.probe(exporter, "target=new").value("pg_replication_is_replica"))
        os.remove(self.file_sd)
        wait_for(lambda: set(self.sd(exporter)) == {"primary", "standby", "new"}, "the target to go")

    def test_files_that_a_reload_names_are_watched(self):
        plain = self.write("plain.yml", f"targets: [{{name: only, dsn: 'host=127.0.0.1 port={self.primary.port} user=beacon'}}]\n")
        exporter = self.fleet(config=plain)
        with open(self.config(), encoding="utf-8") as full, open(plain, "w", encoding="utf-8") as file:
            file.write(full.read())
        self.assertEqual(200, exporter.get("/-/reload", method="POST").status)
        self.assertIn("standby", self.sd(exporter))
        os.remove(self.file_sd)
        wait_for(lambda: set(self.sd(exporter)) == {"primary", "standby"}, "the target to go", 10)

    def test_a_target_goes_on_under_other_labels(self):
        exporter = self.fleet()
        name = f"127.0.0.1:{self.primary.port}"
        before = self.probe(exporter, "target=" + name).value("pg_exporter_scrapes_total", team="b")
        self.write("more.json", json.dumps([{"targets": [name], "group": "apps", "labels": {"team": "c"}}]), self.place)
        wait_for(lambda: self.sd(exporter)[name]["labels"]["team"] == "c", "the other label")
        page = self.probe(exporter, "target=" + name)
        self.assertEqual(before + 1, page.value("pg_exporter_scrapes_total", team="c", tier="app"))

    def test_each_file_of_targets_stands_alone(self):
        exporter = self.fleet()
        pipe = os.path.join(self.place, "more-pipe.json")
        self.write("more2.json", '{"targets": [{"name": "new"', self.place)
        os.mkfifo(pipe)
        self.write("more3.json", json.dumps([{"targets": [f"127.0.0.1:{self.standby.port}"]}]), self.place)
        wait_for(lambda: f"127.0.0.1:{self.standby.port}" in self.sd(exporter), "the file that is right")
        self.write("more.json", "[{", self.place)
        wait_for(lambda: "the targets of the file stay as they were before" in exporter.log(), "the broken file")
        self.assertIn(f"cannot read {pipe}: it is a named pipe, expected a regular file", exporter.log())
        page = exporter.scrape(False)
        self.assertEqual((4, 0), (page.value("pgbeacon_targets"), page.value("pgbeacon_config_last_reload_successful")))
        self.assertLessEqual({self.file_sd, os.path.join(self.place, "more2.json")},
                             page.labels("pgbeacon_config_error_info", "file"))
        answer = exporter.get("/-/reload", method="POST")
        self.assertEqual(200, answer.status)
        self.assertIn(pipe, answer.body)
        os.remove(pipe)
        os.remove(self.file_sd)
        os.remove(os.path.join(self.place, "more2.json"))
        wait_for(lambda: exporter.scrape(False).value("pgbeacon_config_last_reload_successful") == 1, "a reload")
        self.assertNotIn(f"127.0.0.1:{self.primary.port}", self.sd(exporter))

    def test_names_that_hang_keep_no_other_target_waiting(self):
        hung = [f"{{name: hung{n}, host: hung{n}.example}}" for n in range(24)]
        well = [f"{{name: well{n}, host: localhost, port: {self.primary.port}}}" for n in range(8)]
        exporter = self.fleet(config=self.config(hung + well), before=preload(self, "hanging", BIN, PGB_HANGS=30),
                              ready=False)
        names = [f"hung{n}" for n in range(24)] + [f"well{n}" for n in range(8)]
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            pages = dict(zip(names, pool.map(lambda name: self.probe(exporter, "target=" + name, seconds=4), names)))
        self.assertEqual({f"well{n}" for n in range(8)}, {name for name, page in pages.items() if page.value("pg_up")})
        self.assertLess(exporter.stop(), 2)

    def test_a_file_that_hangs_stops_no_page(self):
        mount = os.path.join(self.place, "hung")
        os.mkdir(mount)
        exporter = self.fleet(config=self.config(more=f"user_collectors: ['{mount}/*.yml']\n"),
                              before=preload(self, "hanging", BIN, PGB_HANGS=30))
        self.write("mine.yml", "name: mine\n", mount)
        exporter.process.send_signal(signal.SIGHUP)
        for _ in range(3):
            self.assertEqual(1, exporter.scrape(False).value("pg_up"))
        self.assertNotIn("mine.yml", exporter.log())
        self.assertLess(exporter.stop(), 2)

    def test_a_log_that_hangs_does_not_hold_up_the_end(self):
        mount = os.path.join(self.place, "hung")
        os.mkdir(mount)
        log = self.write("pg.log", "2026-05-01 12:00:00 UTC [1] LOG:  ready\n", mount)
        exporter = self.fleet("--source.file", log, "--source.from", "begin", ready=False,
                              before=preload(self, "hanging", BIN, PGB_HANGS=60))
        self.assertEqual(1, exporter.scrape(False).value("pg_up"))
        self.assertLess(exporter.stop(), 2)

    def test_what_needs_another_start_is_told(self):
        exporter = self.fleet()
        self.assertEqual(0, exporter.scrape(False).value("pgbeacon_config_restart_required"))
        self.config(more="fingerprints: 5\n")
        self.assertEqual(200, exporter.get("/-/reload", method="POST").status)
        self.assertEqual(1, exporter.scrape(False).value("pgbeacon_config_restart_required"))
        self.assertIn("start pgbeacon anew", exporter.log())

    def test_logs_stand_on_their_targets_page(self):
        standby = (f"{{name: standby, port: {self.standby.port}, sources: [{{file: {self.standby.log_file}, "
                   "from: begin}]}")
        primary = f"{{name: primary, port: {self.primary.port}}}"
        exporter = self.fleet(config=self.config([primary, standby]))
        wait_for(lambda: self.probe(exporter, "target=standby").sum("pg_log_messages_total", server="standby"),
                 "the standby's log")
        page = self.probe(exporter, "target=standby")
        self.assertEqual({self.standby.log_file}, page.labels("pgbeacon_source_catching_up", "source"))
        page = exporter.scrape(False)
        self.assertEqual({}, page.series("pg_log_messages_total"))
        self.assertEqual({}, page.series("pgbeacon_source_catching_up"))

    def test_every_host_of_a_connection_string_is_a_target(self):
        dsn = (f"postgresql://beacon:{PASSWORD}@127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
               "/postgres?sslmode=disable")
        exporter = self.beacon(dsn=dsn)
        self.assertEqual(0, exporter.scrape(False).value("pg_replication_is_replica"))
        name = f"127.0.0.1:{self.standby.port}"
        self.assertEqual(1, self.probe(exporter, "target=" + name).value("pg_replication_is_replica"))

    def test_a_list_in_the_environment(self):
        exporter = self.beacon(dsn=",".join(
            f"postgresql://beacon:{PASSWORD}@127.0.0.1:{server.port}/postgres?sslmode=disable"
            for server in (self.primary, self.standby)))
        self.assertEqual({f"127.0.0.1:{self.primary.port}", f"127.0.0.1:{self.standby.port}"},
                         set(self.sd(exporter)))

    def test_the_breaker_of_a_silent_address(self):
        silent = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(silent.close)
        port = silent.getsockname()[1]
        filled = []
        for _ in range(3):  # what does not fit into its queue is not answered at all
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            filled.append(client)
            self.addCleanup(client.close)
        exporter = self.fleet(config=self.config([f"{{name: primary, port: {self.primary.port}}}",
                                                  f"{{name: silent, port: {port}}}"]))
        for _ in range(3):
            page = self.probe(exporter, "target=silent", seconds=2)
            self.assertEqual((0, "timeout"), (page.value("pg_up"), page.up_reason()))
        started = time.monotonic()
        page = self.probe(exporter, "target=silent", seconds=20)
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual((0, 1), (page.value("pg_up"), page.value("pgbeacon_breaker_open")))
        self.assertEqual(1, exporter.scrape(False).value("pg_up"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
