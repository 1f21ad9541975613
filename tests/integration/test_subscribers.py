"""Subscribers: /logs and `pgbeacon logs` on the log of a followed file."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from harness import beacon
from harness.beacon import BIN, Beacon, environment
from harness.waiting import wait_for

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 (\S+): (.*)$")


def texts(output):
    """The texts of lines as `heroku logs` prints them; another form fails."""
    found = []
    for line in output.splitlines():
        match = LINE.match(line)
        if not match:
            raise AssertionError(f"not a line of `heroku logs`: {line!r}")
        found.append(match.group(2))
    return found


class Follower:
    """A command that goes on; its stdout and stderr are read by threads."""

    def __init__(self, *arguments, env=None):
        self.process = subprocess.Popen([BIN, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=environment(env))
        self.out, self.err = [], []
        self.readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def _read(stream, lines):
        with stream:
            for line in stream:
                lines.append(line.decode())

    def wait_for(self, text, where="out"):
        lines = getattr(self, where)
        wait_for(lambda: any(text in line for line in lines), f"{text!r} on std{where}", 30)

    def end(self, how=signal.SIGINT):
        self.process.send_signal(how)
        status = self.process.wait(20)
        for reader in self.readers:
            reader.join(10)
        return status


class Subscribers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.log = os.path.join(self.folder.name, "postgresql.log")
        self.number = 0
        self.write("LOG:  first of all")

    def write(self, *messages, pid=7):
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        with open(self.log, "a", encoding="utf-8") as log:
            for message in messages:
                self.number += 1
                log.write(f"{now}.{self.number % 1000:03d} UTC [{pid}] {message}\n")

    def serve(self, *arguments, port=0):
        running = Beacon("--web.enable-logs", "--source.file", self.log, "--source.prefix",
                         "%m [%p] ", "--source.from", "begin", "--source.server", "orders",
                         *(("--web.listen-address", f"127.0.0.1:{port}") if port else ()),
                         *arguments)
        self.addCleanup(lambda: running.stop(quiet=True))
        return running

    def url(self, running, login=""):
        return f"http://{login}127.0.0.1:{running.port}"

    def logs(self, running, *arguments, status=0, **more):
        done = beacon.run("logs", "--url", self.url(running), *arguments, **more)
        self.assertEqual(status, done.returncode, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def wait_for_line(self, running, text):
        wait_for(lambda: text in running.get("/logs").body, f"{text!r} in /logs", 30)

    def test_the_last_lines_as_heroku_logs_prints_them(self):
        self.write(*(f"LOG:  line {i}" for i in range(20)))
        self.write("ERROR:  division by zero", "STATEMENT:  select 1/0", "LOG:  end")
        running = self.serve()
        self.wait_for_line(running, "line 19")
        last = texts(self.logs(running, "-a", "ord*", "-n", "3"))
        self.assertEqual(3, len(last))
        self.assertEqual(last, texts(running.get("/logs?app=orders&num=3").body))
        self.assertIn("division by zero", self.logs(running, "--severity", "ERROR"))
        self.assertNotIn("line 19", self.logs(running, "--severity", "ERROR"))
        self.assertEqual("", self.logs(running, "-a", "nobody"))
        self.assertEqual("", self.logs(running, "-p", "postgre"))
        for line in self.logs(running, "-n", "2", "-o", "json").splitlines():
            self.assertEqual("orders", json.loads(line)["server"])

    def test_tail_goes_on_and_comes_back_after_a_restart(self):
        running = self.serve()
        self.wait_for_line(running, "first of all")
        follower = Follower("logs", "--url", self.url(running), "--tail", "-n", "1")
        follower.wait_for("first of all")
        self.write("LOG:  live", "LOG:  live too")
        follower.wait_for("live")
        port = running.port
        running.stop()
        follower.wait_for("trying again", "err")
        again = self.serve(port=port)
        self.wait_for_line(again, "first of all")
        self.write("LOG:  after the restart", "LOG:  pushes it out")
        follower.wait_for("after the restart")
        self.assertEqual(128 + signal.SIGINT, follower.end())
        self.assertNotIn("\x1b", "".join(follower.out))

    def test_errors_tell_what_to_do(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            done = beacon.run("logs", "--url", f"http://127.0.0.1:{free.getsockname()[1]}")
        self.assertEqual(1, done.returncode)
        self.assertIn("pgbeacon serve --web.enable-logs", done.stderr)
        with Beacon("--source.file", self.log) as running:
            self.assertEqual(404, running.get("/logs").status)
            self.assertIn("--web.enable-logs", self.logs(running, status=1))
        self.assertEqual(2, beacon.run("logs", "--url", "nonsense").returncode)

    def test_tokens_and_users_are_bound_to_servers(self):
        paths = {name: os.path.join(self.folder.name, name) for name in ("token", "other", "config")}
        for name, text in (("token", "s3cret\n"), ("other", "pass\n"), ("config", (
                f"logs:\n  access:\n    - {{token_file: {paths['token']}, servers: [ord*]}}\n"
                f"    - {{user: dba, password_file: {paths['other']}, servers: [billing]}}\n"))):
            with open(paths[name], "w", encoding="utf-8") as file:
                file.write(text)
        running = self.serve("--config.file", paths["config"])
        self.assertEqual(401, running.get("/logs").status)
        self.assertIn("--token-file", self.logs(running, status=1))
        self.assertIn("token", self.logs(running, "--token-file", paths["other"], status=1))
        wait_for(lambda: "first of all" in self.logs(running, "--token-file", paths["token"]), "the line")
        done = beacon.run("logs", "--url", self.url(running, "dba:pass@"))
        self.assertEqual((0, ""), (done.returncode, done.stdout), done.stderr)
        self.assertNotIn("s3cret", running.log())

    def test_a_subscriber_that_does_not_read_delays_nobody(self):
        running = self.serve()
        self.wait_for_line(running, "first of all")
        stopped = socket.socket()
        self.addCleanup(stopped.close)
        stopped.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stopped.connect(("127.0.0.1", running.port))
        stopped.sendall(b"GET /logs?tail=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", "/logs?tail=1&num=0&severity=WARNING")
        reading = connection.getresponse()
        for i in range(20):
            self.write(*(f"LOG:  {'x' * 900}" for _ in range(1000)))
            self.write(f"WARNING:  number {i}", "LOG:  next")
            self.assertIn(f"number {i}", reading.readline().decode())
        dropped = running.scrape().value("pgbeacon_fanout_dropped_lines_total",
                                         reason="subscriber_slow")
        self.assertGreater(dropped, 1000)

    def test_colour_is_for_terminals(self):
        running = self.serve()
        self.wait_for_line(running, "first of all")
        self.assertNotIn("\x1b", self.logs(running))
        self.assertRegex(self.logs(running, "--color", "always"), "\x1b\\[3\\dm\\S+ \\S+:\x1b\\[0m ")

    def test_wrong_parameters_are_named(self):
        running = self.serve()
        for query, said in (("num=x", "0 to 10000"), ("sevrity=LOG", "did you mean severity"), ("tail=2", "true")):
            answer = running.get(f"/logs?{query}")
            self.assertEqual(400, answer.status)
            self.assertIn(said, answer.body)


if __name__ == "__main__":
    unittest.main()
