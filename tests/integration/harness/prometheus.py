"""A private Prometheus and its HTTP API."""

import http.client
import json
import os
import subprocess
import sys
import urllib.request

from .beacon import ROOT
from .postgres import free_port
from .tools import require
from .users import command_as_self
from .waiting import wait_for

sys.path.insert(0, os.path.join(ROOT, "dashboards"))
from boardlib.ask import Prometheus as Api  # noqa: E402  (found by the line above)

PROGRAM = os.environ.get("PROMETHEUS", "/usr/bin/prometheus")
PROGRAM_3 = os.path.join(ROOT, "build/tools/prometheus-3/usr/bin/prometheus")


class Prometheus:
    """Scrapes `targets` ({instance: port}) as job pgbeacon; `rules` are files to load, `alertmanager` a port."""

    def __init__(self, folder, targets, rules=(), interval="3s", alertmanager=None,
                 program=PROGRAM):
        self.program = require(program, "Prometheus")
        self.folder, self.port = folder, free_port()
        self.config = os.path.join(folder, "prometheus.yml")
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(_config(targets, rules, interval, alertmanager), file)  # JSON is YAML
        self.output = os.path.join(folder, "prometheus.out")
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                command_as_self([self.program, f"--config.file={self.config}",
                                 f"--web.listen-address=127.0.0.1:{self.port}",
                                 f"--storage.tsdb.path={self.folder}/prometheus", "--log.level=warn",
                                 "--rules.alert.resend-delay=10s"]),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder)
        wait_for(self._answers_or_ended, "Prometheus to answer", 90)
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def _answers_or_ended(self):
        if self.process.poll() is not None:
            raise AssertionError(f"Prometheus ended:\n{self.log()}")
        return self.answers()

    def answers(self):
        try:
            with urllib.request.urlopen(self.url + "/-/ready", timeout=5) as answer:
                return answer.status == 200
        except (OSError, http.client.HTTPException):
            return False

    def log(self):
        with open(self.output, encoding="utf-8") as output:
            return output.read()

    def api(self):
        """Questions to it, see dashboards/boardlib/ask.py."""
        return Api(self.url)


def _config(targets, rules, interval, alertmanager):
    managers = [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}] if alertmanager else []
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": list(rules),
        "alerting": {"alertmanagers": managers},
        "scrape_configs": [{
            "job_name": "pgbeacon",
            "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {"instance": instance}}
                               for instance, port in targets.items()]}],
    }
