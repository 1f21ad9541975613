"""A real Alertmanager on loopback."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from .mounts import unshared
from .postgres import free_port
from .tools import require
from .users import command_as_self
from .waiting import wait_for

PROGRAM = os.environ.get("ALERTMANAGER", "/usr/bin/prometheus-alertmanager")
AMTOOL = os.environ.get("AMTOOL", "/usr/bin/amtool")
SHARE = "/usr/share"  # Debian's program looks for its templates there, and nowhere else
_BIND = 'mount --bind "$1" "$2"; shift 2; exec "$@"'


def _with_templates(command):
    """The command, unpacked files of the package in place of the system's where it is not installed."""
    if PROGRAM.startswith("/usr/bin/"):
        return command
    apart = unshared()
    if not apart:
        raise unittest.SkipTest("the kernel forbids mount namespaces and Alertmanager is not installed")
    own = os.path.join(os.path.dirname(os.path.dirname(PROGRAM)), "share")
    return [*apart, "--", "sh", "-euc", _BIND, "sh", own, SHARE, *command]


class Alertmanager:
    """Runs with a configuration file until close()."""

    def __init__(self, config):
        self.folder = tempfile.mkdtemp(prefix="pgbeacon-alertmanager-")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [require(PROGRAM, "Alertmanager"), f"--config.file={config}", f"--storage.path={self.folder}",
                   f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="]
        with open(os.path.join(self.folder, "out"), "wb") as output:
            self.process = subprocess.Popen(command_as_self(_with_templates(command)), stdout=output, stderr=output)
        try:
            wait_for(self._ready, "Alertmanager to be ready", 60)
        except AssertionError as late:
            self.process.kill()
            with open(os.path.join(self.folder, "out"), encoding="utf-8") as output:
                raise AssertionError(f"{late}\n{output.read()}") from None

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, path, body=None):
        request = urllib.request.Request(self.url + path, data=body and json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def _ready(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.folder, "out"), encoding="utf-8") as output:
                raise AssertionError(f"Alertmanager ended:\n{output.read()}")
        try:
            return self.ask("/-/ready") is not None
        except (OSError, urllib.error.URLError):
            return False

    def fire(self, alerts):
        """Sends label sets as firing alerts."""
        self.ask("/api/v2/alerts", [{"labels": labels} for labels in alerts])

    def alerts(self):
        return json.loads(self.ask("/api/v2/alerts"))
