"""The program under test: as a running exporter, and as a command that ends."""

import gzip
import http.client
import os
import re
import signal
import subprocess
import threading
import time

from .pages import Page
from .users import command_as_self, command_as_user
from .waiting import wait_for

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BIN = os.path.join(ROOT, os.environ.get("PGB_BIN", "build/asan/pgbeacon"))
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
_SANITIZER = re.compile(r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:)")
_FOREIGN = re.compile(r"^(PG[A-Z]+|DATABASE_URL|DATA_SOURCE_.*|PG_EXPORTER_.*|LC_ALL|NO_COLOR)$")


def environment(extra=None):
    """The tests' own environment without anything that names a server."""
    kept = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    return {**kept, **(extra or {})}


def run(*arguments, env=None, stdin=None, timeout=60):
    """One command to its end. Bytes of stdin may be given; stdout and stderr are text."""
    given = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    done = subprocess.run([BIN, *map(str, arguments)], **given, capture_output=True,
                          env=environment(env), timeout=timeout, check=False)
    done.stdout = done.stdout.decode()
    done.stderr = done.stderr.decode()
    if _SANITIZER.search(done.stderr):
        raise AssertionError(f"sanitizer report from {arguments}:\n{done.stderr}")
    return done


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.raw = response.read()
        zipped = self.headers.get("content-encoding") == "gzip"
        self.body = (gzip.decompress(self.raw) if zipped else self.raw).decode()


class Beacon:
    """`pgbeacon serve` on a free loopback port. Use as a context manager or call stop()."""

    def __init__(self, *arguments, dsn=None, env=None, as_user=False, program=BIN, before=(), ready=True):
        command = [*before, program, "serve", "--web.listen-address", "127.0.0.1:0", *arguments]
        wrap = command_as_user if as_user else command_as_self
        extra = dict(env or {})
        if dsn:
            extra["DATA_SOURCE_NAME"] = dsn
        self.lines = []
        self.pages = 0
        self.process = subprocess.Popen(wrap(command, "TERM"), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        env=environment(extra), cwd="/")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.port = int(wait_for(self._listening, "pgbeacon to listen", 30).group(1))
        if ready:
            self.wait_ready()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stop(quiet=kind is not None)

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.decode(errors="replace"))

    def _listening(self):
        match = re.search(r"listening .*address=127\.0\.0\.1:(\d+)", self.log())
        if not match and self.process.poll() is not None:
            self.reader.join(5)
            self.process.stderr.close()
            raise AssertionError(f"pgbeacon ended with {self.process.returncode}:\n{self.log()}")
        return match

    def log(self):
        return "".join(self.lines)

    def stop(self, how=signal.SIGTERM, quiet=False):
        """Ends it and returns the seconds that took; a status or report that is not clean fails."""
        if self.process is None:
            return 0.0
        started = time.monotonic()
        self.process.send_signal(how)
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = "no end within 20 s"
        took = time.monotonic() - started
        self.reader.join(5)
        self.process.stderr.close()
        self.process = None
        if not quiet and (status != 0 or _SANITIZER.search(self.log())):
            raise AssertionError(f"pgbeacon ended with {status}:\n{self.log()[-8000:]}")
        return took

    # HTTP.

    def get(self, path, headers=None, method="GET", timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, headers=headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def wait_ready(self, timeout=30):
        wait_for(lambda: self.get("/-/ready").status == 200, "/-/ready", timeout)

    def scrape(self, openmetrics=None, seconds=None, zipped=False):
        """One checked page. Formats take turns unless one is asked for, so both are always tried."""
        if openmetrics is None:
            openmetrics = self.pages % 2 == 1
        self.pages += 1
        headers = {"Accept": OPENMETRICS if openmetrics else "text/plain;version=0.0.4"}
        if seconds is not None:
            headers["X-Prometheus-Scrape-Timeout-Seconds"] = str(seconds)
        if zipped:
            headers["Accept-Encoding"] = "gzip"
        answer = self.get("/metrics", headers, timeout=(seconds or 60) + 10)
        if answer.status != 200:
            raise AssertionError(f"/metrics answered {answer.status}: {answer.body[:500]}")
        wanted = "application/openmetrics-text" if openmetrics else "text/plain"
        if not answer.headers["content-type"].startswith(wanted):
            raise AssertionError(f"asked for {wanted}, got {answer.headers['content-type']}")
        return Page(answer.body, openmetrics, answer.status, answer.headers)
