"""A real Prometheus scrapes for a while, in both formats: every scrape must succeed."""

import http.client
import http.server
import json
import os
import subprocess
import threading
import unittest
import urllib.parse
import urllib.request

from harness.case import Background, PairCase
from harness.postgres import free_port
from harness.tools import require
from harness.users import command_as_self
from harness.waiting import wait_for

PROMETHEUS = os.environ.get("PROMETHEUS", "/usr/bin/prometheus")
SCRAPES = 20  # one a second

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 900ms}}
scrape_configs:
  - job_name: openmetrics
    static_configs: [{{targets: ['127.0.0.1:{direct}']}}]
  - job_name: text
    static_configs: [{{targets: ['127.0.0.1:{text}']}}]
"""


class TextOnly(http.server.BaseHTTPRequestHandler):
    """Passes a scrape on with an Accept of text only: older Prometheus servers ask so."""

    upstream = 0

    def do_GET(self):
        wanted = "X-Prometheus-Scrape-Timeout-Seconds"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.upstream}{self.path}",
            headers={"Accept": "text/plain;version=0.0.4", wanted: self.headers.get(wanted, "1")})
        with urllib.request.urlopen(request, timeout=5) as answer:
            body = answer.read()
            kind = answer.headers["Content-Type"]
        assert kind.startswith("text/plain"), kind
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class RealPrometheus(PairCase):
    settings = {"log_checkpoints": "on"}

    def setUp(self):
        require(PROMETHEUS, "Prometheus")
        self.exporter = self.beacon("--source.file", self.primary.log_file, dsn=self.primary.dsn())
        proxy = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Proxy", (TextOnly,), {"upstream": self.exporter.port}))
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        self.addCleanup(proxy.server_close)
        self.addCleanup(proxy.shutdown)
        folder = self.folder()
        config = self.write("prometheus.yml", CONFIG.format(
            direct=self.exporter.port, text=proxy.server_address[1]), folder)
        self.port = free_port()
        with open(os.path.join(folder, "out"), "wb") as output:
            self.prometheus = subprocess.Popen(
                command_as_self([PROMETHEUS, f"--config.file={config}",
                                 f"--web.listen-address=127.0.0.1:{self.port}",
                                 f"--storage.tsdb.path={folder}/data", "--log.level=warn"]),
                stdout=output, stderr=output, cwd=folder)
        self.output = os.path.join(folder, "out")
        self.addCleanup(self.end_prometheus)

    def end_prometheus(self):
        self.prometheus.terminate()
        self.prometheus.wait(30)

    def ask(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        """{job: value} of an instant query."""
        found = self.ask("query?" + urllib.parse.urlencode({"query": expression}))["result"]
        return {row["metric"].get("job", ""): float(row["value"][1]) for row in found}

    def enough(self):
        try:
            counts = self.query("count_over_time(up[5m])")
        except (OSError, http.client.HTTPException):
            return False
        return len(counts) == 2 and min(counts.values()) >= SCRAPES

    def test_no_scrape_fails_in_either_format(self):
        with Background(self.load):
            wait_for(self.enough, f"{SCRAPES} scrapes of both jobs", 90, 0.5)
        self.assertEqual({"openmetrics": 1, "text": 1}, self.query("min_over_time(up[5m])"))
        for target in self.ask("targets")["activeTargets"]:
            self.assertEqual(("up", ""), (target["health"], target["lastError"]))
        kept = self.query("min_over_time(scrape_samples_post_metric_relabeling[5m])")
        self.assertGreater(min(kept.values()), 100)
        self.assertEqual({"openmetrics": 1, "text": 1}, self.query("pg_up"))
        # rate() goes wrong where a format renames a counter, so both jobs must know each name.
        for name in ("pg_stat_database_xact_commit", "pg_stat_bgwriter_buffers_alloc",
                     "pg_log_messages_total", "pg_database_size_bytes"):
            counted = self.query(f"count by (job) ({name})")
            self.assertEqual(counted.get("openmetrics"), counted.get("text"), name)
            self.assertGreater(counted["text"], 0, name)
        rates = self.query('sum by (job) (rate(pg_stat_database_xact_commit{datname="postgres"}[1m]))')
        self.assertGreater(rates["text"], 0)
        with open(self.output, encoding="utf-8") as output:
            self.assertEqual("", output.read())

    def load(self):
        session = self.primary.connect(application="load")
        session.cursor().execute("select count(*) from pg_class")
        session.close()


if __name__ == "__main__":
    unittest.main()
