"""A private Prometheus that scrapes every second, and questions to it."""

import http.client
import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from .postgres import free_port
from .tools import require
from .users import command_as_self
from .waiting import wait_for

PROGRAM = os.environ.get("PROMETHEUS", "/usr/bin/prometheus")


class Prometheus:
    """Scrapes `targets` ({instance: port}) as job pgbeacon; `rules` are files to load."""

    def __init__(self, folder, targets, rules=()):
        require(PROGRAM, "Prometheus")
        self.folder, self.port = folder, free_port()
        self.config = os.path.join(folder, "prometheus.yml")
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(_config(targets, rules), file)  # JSON is YAML
        self.output = os.path.join(folder, "prometheus.out")
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                command_as_self([PROGRAM, f"--config.file={self.config}",
                                 f"--web.listen-address=127.0.0.1:{self.port}",
                                 f"--storage.tsdb.path={self.folder}/prometheus", "--log.level=warn"]),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder)
        wait_for(self.answers, "Prometheus to answer", 30)
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def answers(self):
        try:
            with urllib.request.urlopen(self.url + "/-/ready", timeout=5) as answer:
                return answer.status == 200
        except (OSError, http.client.HTTPException):
            return False

    def log(self):
        with open(self.output, encoding="utf-8") as output:
            return output.read()

    def ask(self, path, **parameters):
        """The data of one API call; a query that is refused raises with Prometheus' own words."""
        address = f"{self.url}/api/v1/{path}?" + urllib.parse.urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refusal:
            raise AssertionError(f"{parameters}: {json.load(refusal)['error']}") from None

    def values(self, expression):
        """[(labels, value)] of an instant query."""
        return [(row["metric"], float(row["value"][1]))
                for row in self.ask("query", query=expression)["result"]]

    def value(self, expression):
        """The value of the first series, nothing without one."""
        return next((value for _, value in self.values(expression)), None)


def _config(targets, rules):
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": list(rules),
        "scrape_configs": [{
            "job_name": "pgbeacon",
            "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {"instance": instance}}
                               for instance, port in targets.items()]}],
    }
