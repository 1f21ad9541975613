"""Outgoing drains: another pgbeacon, rsyslog's imtcp and an HTTPS endpoint that fails as receivers."""

import http.server
import json
import os
import re
import ssl
import subprocess
import tempfile
import threading
import types
import unittest

from harness.beacon import BIN, Beacon
from harness.postgres import free_port
from harness.preload import preload
from harness.rsyslog import Rsyslog
from harness.waiting import wait_equal, wait_for

TOKEN = "d.01234567-89ab-cdef-0123-456789abcdef"
LINES = 900


class Endpoint:
    """Takes deliveries over TLS, answered with the statuses given and then with 200."""

    def __init__(self, folder, *statuses):
        self.posts = []
        self.files = {name: os.path.join(folder, name) for name in ("cert", "key")}
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "2", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", self.files["key"], "-out", self.files["cert"]],
                       stderr=subprocess.DEVNULL, check=True)
        answers = list(statuses)
        posts = self.posts

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posts.append((self.path, dict(self.headers), body))
                self.send_response(answers.pop(0) if answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.files["cert"], self.files["key"])
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Drains(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.log = self.write("postgresql.log", "")

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def say(self, *messages):
        with open(self.log, "a", encoding="utf-8") as log:
            for message in messages:
                log.write(f"2026-11-20 20:14:23.488 UTC [7] {message}\n")

    def serve(self, *arguments, **options):
        running = Beacon(*arguments, **options)
        self.addCleanup(lambda: running.stop(quiet=True))
        return running

    def send(self, *drains, flags=(), **options):
        config = self.write("drains.yml", json.dumps({"drains": list(drains)}))
        return self.serve("--config.file", config, "--source.file", self.log, "--source.prefix", "%m [%p] ",
                          "--source.from", "begin", "--source.server", "orders", *flags, **options)

    def delivered(self, sender, drain):
        return sender.scrape().value("pgbeacon_drain_messages_total", drain=drain, result="delivered")

    def test_another_pgbeacon_has_the_same_lines(self):
        port = free_port()
        tokens = self.write("tokens", f"{TOKEN}: archive\n")
        receiver = self.serve("--web.enable-logs", "--source.syslog-tcp", f"127.0.0.1:{port}",
                              "--source.logplex-tokens", tokens)
        self.say(*(f"LOG:  line {i}" for i in range(LINES)), "ERROR:  division by zero", "STATEMENT:  select",
                 "\t1/0")
        sender = self.send(
            {"url": f"syslog://127.0.0.1:{port}", "name": "syslog"},
            {"url": f"http://127.0.0.1:{receiver.port}/logplex", "name": "logplex", "token": TOKEN},
            flags=["--web.enable-logs"])
        for drain in ("syslog", "logplex"):
            wait_for(lambda drain=drain: self.delivered(sender, drain) >= LINES, f"delivery by {drain}", 30)
            self.assertEqual(0, sender.scrape().value("pgbeacon_drain_messages_total", drain=drain, result="dropped"))

        def lines(running, server):
            found = running.get(f"/logs?app={server}&num=500").body.splitlines()
            return [line for line in found if "app[" in line]

        wanted = lines(sender, "orders")
        self.assertGreaterEqual(len(wanted), 500)
        wait_equal(lambda: lines(receiver, "orders"), wanted, "lines by syslog", 30)
        wait_equal(lambda: lines(receiver, "archive"), wanted, "lines by Logplex", 30)

    def test_names_that_hang_hold_up_no_other_drain(self):
        port = free_port()
        self.serve("--source.syslog-tcp", f"127.0.0.1:{port}")
        self.say("LOG:  one")
        place = types.SimpleNamespace(folder=lambda: self.folder)
        sender = self.send({"url": "https://hung.example/drain"}, {"url": "syslog://hung2.example:514"},
                           {"url": f"syslog://localhost:{port}", "name": "well"},
                           before=preload(place, "hanging", BIN, PGB_HANGS=60))
        wait_equal(lambda: self.delivered(sender, "well"), 1, "delivery", 20)
        self.assertLess(sender.stop(), 2)

    def test_rsyslog_takes_what_is_sent(self):
        port, out = free_port(), os.path.join(self.folder, "out")
        rsyslog = Rsyslog(self.folder, 'template(name="all" type="string" string="%hostname% %app-name% %msg%\\n")',
                          f'module(load="imtcp") input(type="imtcp" port="{port}")',
                          f'action(type="omfile" file="{out}" template="all")')
        self.addCleanup(rsyslog.stop)
        sender = self.send({"url": f"syslog://127.0.0.1:{port}", "severity": "ERROR"})
        self.say("LOG:  not severe", "ERROR:  first", "ERROR:  division by zero", "LOG:  end")
        wait_equal(lambda: self.delivered(sender, f"127.0.0.1:{port}"), 2, "delivery", 30)

        def read():
            with open(out, encoding="utf-8") as file:
                return file.read()

        wait_for(lambda: os.path.exists(out) and "division by zero" in read(), "rsyslog's file", 30)
        self.assertEqual(2, len(read().splitlines()))
        self.assertTrue(all(line.startswith("orders app ") for line in read().splitlines()), read())

    def test_an_endpoint_that_fails_gets_the_same_frame_again(self):
        endpoint = Endpoint(self.folder, 503, 429)
        self.addCleanup(endpoint.stop)
        sender = self.send({"url": f"https://user:s3cret@127.0.0.1:{endpoint.port}/in?a=b", "name": "archive",
                            "token": TOKEN, "tls": {"ca": endpoint.files["cert"]}})
        self.say("LOG:  one", "LOG:  end")
        wait_for(lambda: self.delivered(sender, "archive"), "delivery", 30)
        (path, first, body), second, third = endpoint.posts[:3]
        self.assertEqual("/in?a=b", path)
        self.assertRegex(first["Logplex-Frame-Id"], "^[0-9A-F]{32}$")
        self.assertEqual(TOKEN, first["Logplex-Drain-Token"])
        self.assertTrue(first["Authorization"].startswith("Basic "))
        for _, headers, again in (second, third):
            self.assertEqual((first["Logplex-Frame-Id"], body), (headers["Logplex-Frame-Id"], again))
        page = sender.scrape()
        self.assertEqual(1, page.value("pgbeacon_drain_errors_total", drain="archive", reason="http_5xx"))
        self.assertEqual(1, page.value("pgbeacon_drain_errors_total", drain="archive", reason="http_429"))
        self.assertEqual(1, page.value("pgbeacon_drain_up", drain="archive"))
        for secret in ("s3cret", TOKEN):
            self.assertNotIn(secret, page.text + sender.log())
        self.assertEqual(1, len(re.findall("drain=archive 127.0.0.1:\\d+ answered 503", sender.log())))


if __name__ == "__main__":
    unittest.main()
