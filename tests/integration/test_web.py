"""The HTTP server as others meet it: --web.config.file, its limits, its listeners, what it answers."""

import base64
import concurrent.futures
import fcntl
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from harness import beacon
from harness.beacon import Answer
from harness.case import BeaconCase
from harness.certificates import Authority
from harness.pages import Page
from harness.tools import call, require
from harness.waiting import wait_equal, wait_for

PROMTOOL = os.environ.get("PROMTOOL", "/usr/bin/promtool")
PROMETHEUS = os.environ.get("PROMETHEUS", "/usr/bin/prometheus")
# bcrypt of "secret", as htpasswd -nB prints it: cost 5 and cost 11.
QUICK = "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"
SLOW = "$2y$11$abcdefghijklmnopqrstuuViuGI07N4McP9Kl.tD6XMEzyuvcY8LG"
CLOSED = "pgbeacon_http_connections_closed_total"
LOGINS = "pgbeacon_web_logins_total"
RELOADED = "pgbeacon_web_config_last_reload_successful"


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class WebCase(BeaconCase):
    """An exporter that reads an empty log, so that no server is needed."""

    def setUp(self):
        self.home = self.folder()
        self.config = os.path.join(self.home, "web.yml")

    def configure(self, text):
        """Replaces the web config by one with this text."""
        with open(self.config + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.config + ".new", self.config)
        return self.config

    def start(self, *more, config=None, **options):
        log = self.write("postgres.log", "", folder=self.home)
        if config is not None:
            more = (*more, "--web.config.file", self.configure(config))
        return self.beacon("--source.file", log, *more, ready=False, **options)

    def authority(self, name="ca"):
        folder = os.path.join(self.home, name)
        os.makedirs(folder, exist_ok=True)
        return Authority(folder, name)

    def tls(self, authority, certificate=None):
        """A client's side, perhaps with a certificate of its own."""
        context = ssl.create_default_context(cafile=authority.file)
        if certificate:
            context.load_cert_chain(*certificate)
        return context

    def ask(self, exporter, path="/metrics", headers=None, context=None, method="GET", body=None):
        if context:
            connection = http.client.HTTPSConnection("127.0.0.1", exporter.port, timeout=20, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def page(self, exporter, **how):
        answer = self.ask(exporter, **how)
        self.assertEqual(200, answer.status, answer.body[:300])
        return Page(answer.body)

    def connect(self, exporter, receive_buffer=None):
        raw = socket.socket()
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.settimeout(20)
        raw.connect(("127.0.0.1", exporter.port))
        self.addCleanup(raw.close)
        return raw

    def exchange(self, exporter, data):
        """What comes for these bytes until the connection ends."""
        raw = self.connect(exporter)
        raw.sendall(data)
        return read_to_end(raw)

    def closed(self, exporter, reason, **how):
        return self.page(exporter, **how).value(CLOSED, reason=reason)


def read_to_end(raw):
    received = b""
    try:
        while chunk := raw.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


class Tls(WebCase):
    def test_certificate_versions_and_its_end(self):
        ca = self.authority()
        ca.issue("server")
        exporter = self.start(config="tls_server_config: {cert_file: ca/server.crt, key_file: ca/server.key}\n")
        context = self.tls(ca)
        self.assertIn("listening on https://127.0.0.1", exporter.log())
        page = self.page(exporter, context=context)
        end = ssl._ssl._test_decode_cert(ca.path("server.crt"))["notAfter"]
        self.assertEqual(ssl.cert_time_to_seconds(end),
                         page.value("pgbeacon_tls_certificate_not_after_timestamp_seconds", side="listener"))
        context.set_alpn_protocols(["h2", "http/1.1"])
        with context.wrap_socket(self.connect(exporter), server_hostname="localhost") as secure:
            self.assertEqual("TLSv1.3", secure.version())
            self.assertEqual("http/1.1", secure.selected_alpn_protocol())
        old = call("openssl", "s_client", "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0", "-connect",
                   f"127.0.0.1:{exporter.port}")
        self.assertIn("protocol version", old.stderr)
        self.assertEqual(1, self.closed(exporter, "tls_handshake", context=context))

    def test_plain_http_is_told_to_speak_https(self):
        ca = self.authority()
        ca.issue("server")
        exporter = self.start(config="tls_server_config: {cert_file: ca/server.crt, key_file: ca/server.key}\n")
        answer = self.exchange(exporter, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.0 400 "), answer)
        self.assertIn(b"HTTPS", answer)

    def test_keys_in_place_versions_ciphers_and_curves(self):
        ca = self.authority()
        certificate, key = ca.issue("server")

        def indent(path):
            with open(path, encoding="ascii") as file:
                return "".join("    " + line for line in file)

        exporter = self.start(config=f"""tls_server_config:
  cert: |
{indent(certificate)}
  key: |
{indent(key)}
  max_version: TLS12
  prefer_server_cipher_suites: true
  cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]
  curve_preferences: [CurveP384]
""")
        context = self.tls(ca)
        context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305")
        with context.wrap_socket(self.connect(exporter), server_hostname="localhost") as secure:
            self.assertEqual("TLSv1.2", secure.version())
            self.assertEqual("ECDHE-ECDSA-CHACHA20-POLY1305", secure.cipher()[0])
        other = self.tls(ca)
        other.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.ask(exporter, context=other)
        other = self.tls(ca)
        other.set_ecdh_curve("prime256v1")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.ask(exporter, context=other)

    def test_every_kind_of_client_certificate(self):
        ca, stranger = self.authority(), self.authority("stranger")
        ca.issue("server")
        known = ca.issue("client", "DNS:prometheus.example.com,URI:spiffe://example.com/prometheus")
        unknown = stranger.issue("client", "DNS:prometheus.example.com")
        unnamed = ca.issue("unnamed", "DNS:other.example.com")
        sans = "client_allowed_sans: ['spiffe://example.com/prometheus']"
        # Who gets in: without a certificate, with one of ours, with a stranger's, with one of another name.
        for auth, extra, expected in (
                ("NoClientCert", "", (True, True, True, True)),
                ("RequestClientCert", "", (True, True, True, True)),
                ("RequireAnyClientCert", "", (False, True, True, True)),
                ("VerifyClientCertIfGiven", "client_ca_file: ca/ca.crt", (True, True, False, True)),
                ("RequireAndVerifyClientCert", "client_ca_file: ca/ca.crt", (False, True, False, True)),
                ("RequireAndVerifyClientCert", "client_ca_file: ca/ca.crt, " + sans, (False, True, False, False))):
            with self.subTest(auth=auth, extra=extra):
                exporter = self.start(config="tls_server_config: {cert_file: ca/server.crt, key_file: ca/server.key, "
                                             f"client_auth_type: {auth}{', ' if extra else ''}{extra}}}\n")
                outcome = tuple(self.gets_in(exporter, ca, own) for own in (None, known, unknown, unnamed))
                self.assertEqual(expected, outcome)
                exporter.stop()

    def gets_in(self, exporter, authority, certificate):
        try:
            return self.ask(exporter, "/-/healthy", context=self.tls(authority, certificate)).status == 200
        except (ssl.SSLError, ConnectionError):
            return False

    def test_a_certificate_that_changes_is_served_without_a_restart(self):
        ca = self.authority()
        ca.issue("server")
        exporter = self.start(config="tls_server_config: {cert_file: ca/server.crt, key_file: ca/server.key}\n")
        context = self.tls(ca)
        first = self.page(exporter, context=context)
        family = "pgbeacon_tls_certificate_not_after_timestamp_seconds"
        ca.issue("server", days=300)  # the key is replaced before the certificate
        page = self.page(exporter, context=context)
        self.assertAlmostEqual(first.value(family, side="listener") + 298 * 86400, page.value(family, side="listener"),
                               delta=300)
        self.assertEqual(1, page.value(RELOADED))
        with open(ca.path("server.key"), "w", encoding="ascii") as file:
            file.write("no key\n")
        page = self.page(exporter, context=context)
        self.assertEqual(0, page.value(RELOADED))
        wait_for(lambda: "going on with what was read before" in exporter.log(), "the mistake in the log")
        self.page(exporter, context=context)
        self.assertEqual(1, exporter.log().count("going on with what was read before"), exporter.log())
        self.assertRegex(exporter.log(), r"web\.yml:1:\d+: key_file: key .*server\.key: ")
        self.assertNotIn("no key", exporter.log())
        ca.issue("server", days=30)
        self.assertEqual(1, self.page(exporter, context=context).value(RELOADED))


class Users(WebCase):
    def test_everything_but_the_process_health_needs_a_user(self):
        exporter = self.start("--web.open-endpoint", "/-/ready", config=f"basic_auth_users: {{prometheus: {QUICK}}}\n")
        wait_equal(lambda: self.ask(exporter, "/-/ready").status, 200, "readiness")
        self.assertEqual(200, self.ask(exporter, "/-/healthy").status)
        for path in ("/metrics", "/", "/nothing-here", "/-/healthy/", "//-/healthy", "/-/ready/..", "/%2d/Healthy"):
            with self.subTest(path=path):
                answer = self.ask(exporter, path)
                self.assertEqual(401, answer.status)
                self.assertTrue(answer.headers["www-authenticate"].startswith('Basic realm="pgbeacon"'))
                self.assertNotIn("served here", answer.body)
        self.assertEqual(401, self.ask(exporter, "/metrics", method="POST", body="x" * 100_000).status)
        right = basic("prometheus", "secret")
        self.assertEqual(404, self.ask(exporter, "/nothing-here", right).status)
        for headers in (basic("prometheus", "Secret"), basic("prometheus", ""), basic("nobody", "secret"),
                        basic("prometheus", "secret\0"), {"Authorization": "Basic !"}, {"Authorization": "Bearer x"},
                        basic("", ""), {"Authorization": "Basic"}):
            with self.subTest(headers=headers):
                self.assertEqual(401, self.ask(exporter, "/metrics", headers).status)
        page = self.page(exporter, headers=right)
        self.assertEqual(5, page.value(LOGINS, result="rejected"))
        self.assertEqual(2, page.value(LOGINS, result="accepted"))
        before = page.value("pgbeacon_web_password_hashes_total")
        for _ in range(20):
            self.page(exporter, headers=right)
        self.assertEqual(before, self.page(exporter, headers=right).value("pgbeacon_web_password_hashes_total"))
        for secret in ("secret", "Secret", QUICK):
            self.assertNotIn(secret, exporter.log())

    def test_users_change_without_a_restart_and_mistakes_change_nothing(self):
        exporter = self.start(config=f"basic_auth_users: {{prometheus: {QUICK}}}\n")
        old, new = basic("prometheus", "secret"), basic("grafana", "secret")
        kept = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=20)
        self.addCleanup(kept.close)

        def over_kept(headers):
            kept.request("GET", "/metrics", headers=headers)
            return Answer(kept.getresponse()).status

        self.assertEqual(200, over_kept(old))
        self.configure(f"basic_auth_users: {{grafana: {QUICK}}}\n")
        self.assertEqual(401, over_kept(old))
        self.assertEqual(1, self.page(exporter, headers=new).value(RELOADED))
        for mistake, told in ((f"basic_auth_users: {{grafana: {QUICK}}}\nbasic_auth_user: {{}}\n", "did you mean"),
                              ("basic_auth_users: {grafana: secret}\n", "bcrypt"),
                              ("", "not switched off"), ("[", "YAML syntax")):
            self.configure(mistake)
            self.assertEqual(401, self.ask(exporter, headers=old).status)
            self.assertEqual(0, self.page(exporter, headers=new).value(RELOADED), mistake)
            wait_for(lambda: told in exporter.log(), told)
        os.remove(self.config)
        self.assertEqual(0, self.page(exporter, headers=new).value(RELOADED))
        self.configure(f"basic_auth_users: {{prometheus: {QUICK}}}\n")
        page = self.page(exporter, headers=old)
        self.assertEqual(1, page.value(RELOADED))
        self.assertAlmostEqual(
            time.time(), page.value("pgbeacon_web_config_last_reload_success_timestamp_seconds"), delta=30)

    def test_deliveries_keep_their_own_credentials(self):
        tokens = self.write("drains", "d.1: orders\n", folder=self.home)
        exporter = self.start("--source.logplex-tokens", tokens, config=f"basic_auth_users: {{prometheus: {QUICK}}}\n")
        sent = {"Content-Type": "application/logplex-1", "Logplex-Drain-Token": "d.1"}
        body = b"<134>1 2026-11-20T20:14:23+00:00 host app postgres.1 - hello\n"
        body = b"%d %s" % (len(body), body)
        self.assertEqual(200, self.ask(exporter, "/logplex", sent, method="POST", body=body).status)
        self.assertEqual(403, self.ask(exporter, "/logplex", {**sent, "Logplex-Drain-Token": "d.2"},
                                       method="POST", body=body).status)
        self.assertEqual(401, self.ask(exporter, "/logplex").status)
        open_to_all = self.start("--source.logplex", config=f"basic_auth_users: {{prometheus: {QUICK}}}\n")
        self.assertEqual(401, self.ask(open_to_all, "/logplex", sent, method="POST", body=body).status)

    def test_an_unknown_user_costs_as_much_and_nobody_waits_for_hashes(self):
        exporter = self.start(config=f"basic_auth_users: {{prometheus: {QUICK}, slow: '{SLOW}'}}\n")
        right = basic("prometheus", "secret")
        self.page(exporter, headers=right)

        def seconds(user):
            times = []
            for attempt in range(5):
                begun = time.monotonic()
                self.assertEqual(401, self.ask(exporter, headers=basic(user, f"wrong{attempt}")).status)
                times.append(time.monotonic() - begun)
            return min(times)

        known, unknown, cheap = seconds("slow"), seconds("nobody"), seconds("prometheus")
        self.assertGreater(known, 0.02, "a hash of cost 11 takes its time")
        for other in (unknown, cheap):
            self.assertLess(abs(known - other), 0.5 * max(known, other), (known, unknown, cheap))
        # Many wrong logins at once: who is known is answered at once, and so is the process' health.
        statuses = []
        flood = [threading.Thread(target=lambda n=n: statuses.append(
            self.ask(exporter, headers=basic("nobody", str(n))).status)) for n in range(20)]
        for thread in flood:
            thread.start()
        took = []
        for _ in range(20):
            begun = time.monotonic()
            self.page(exporter, headers=right)
            took.append(time.monotonic() - begun)
        self.assertLess(sorted(took)[10], known * 5, "the I/O thread computes no hashes")
        for thread in flood:
            thread.join(60)
        self.assertLessEqual(set(statuses), {401, 503})

    def test_a_rate_limit_and_headers_of_the_file(self):
        exporter = self.start(config="""rate_limit: {interval: 1h, burst: 3}
http_server_config:
  headers:
    X-Frame-Options: sameorigin
    Strict-Transport-Security: max-age=31536000
""")
        answers = [self.ask(exporter, "/-/healthy") for _ in range(5)]
        self.assertEqual([200, 200, 200, 429, 429], [answer.status for answer in answers])
        for answer in answers:
            self.assertEqual("sameorigin", answer.headers["x-frame-options"])
            self.assertEqual("max-age=31536000", answer.headers["strict-transport-security"])

    def test_a_file_with_mistakes_is_no_beginning(self):
        path = self.configure("tls_server_config: {cert_file: none.crt, min_version: TLS9}\n"
                              "basic_auth_users: {one: two, three: four}\nhttp_server_config: {headers: {Server: x}}\n")
        checked = beacon.run("config", "check", "--web.config.file", path)
        served = beacon.run("serve", "--source.file", self.config, "--web.listen-address", "127.0.0.1:0",
                            "--web.config.file", path)
        for done in (checked, served):
            self.assertEqual(1, done.returncode, done.stderr)
            for place, field in ((1, "min_version"), (1, "key_file"), (2, "'one'"), (2, "'three'"), (3, "Server")):
                self.assertRegex(done.stderr, rf"web\.yml:{place}:\d+: .*{field}")
        self.assertNotIn("two", checked.stderr)
        right = beacon.run("config", "check", "--web.config.file",
                           self.configure(f"basic_auth_users: {{prometheus: {QUICK}}}\n"))
        self.assertEqual((0, ""), (right.returncode, right.stderr))
        self.assertIn("TLS off, 1 user(s)", right.stdout)

    def test_what_stands_in_a_files_place_is_neither_waited_for_nor_shown(self):
        pipe = os.path.join(self.home, "pipe")
        os.mkfifo(pipe)
        done = beacon.run("config", "check", "--web.config.file",
                          self.configure(f"tls_server_config: {{cert_file: {pipe}, key_file: {pipe}}}\n"))
        self.assertEqual(1, done.returncode)
        self.assertIn(pipe + ": expected a regular file", done.stderr)
        done = beacon.run("config", "check", "--web.config.file", self.configure(
            "tls_server_config:\n  cert_file: server.crt\n"
            "  key_file: |\n    -----BEGIN PRIVATE KEY-----\n    TUlIaGlkZGVu\n    -----END PRIVATE KEY-----\n"))
        self.assertEqual(1, done.returncode)
        self.assertNotIn("TUlIaGlkZGVu", done.stdout + done.stderr)

    def test_who_floods_with_wrong_logins_keeps_nobody_else_out(self):
        exporter = self.start(config=f"basic_auth_users: {{prometheus: '{SLOW}'}}\n")
        wrong = basic("prometheus", "wrong")["Authorization"]
        flood = []
        for _ in range(80):  # more than may wait
            raw = socket.create_connection(("127.0.0.1", exporter.port), 20, source_address=("127.0.0.2", 0))
            self.addCleanup(raw.close)
            raw.sendall(f"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: {wrong}\r\n\r\n".encode())
            flood.append(raw)
        self.assertIn(b" 503 ", flood[-1].recv(65536), "no room is left")
        self.page(exporter, headers=basic("prometheus", "secret"))


class Promtool(WebCase):
    """`promtool check web-config` and pgbeacon agree about files."""

    def test_same_verdicts(self):
        promtool = require(PROMTOOL, "promtool")
        ca = self.authority()
        ca.issue("server")
        tls = "cert_file: ca/server.crt, key_file: ca/server.key"
        client = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca/ca.crt"
        texts = (
            "", "{}", "tls_server_config: {}", f"tls_server_config: {{{tls}}}", f"tls_server_config: {{{tls}, {client}}}",
            *(f"tls_server_config: {{{tls}, client_auth_type: {auth}}}"
              for auth in ("NoClientCert", "RequestClientCert", "RequireAnyClientCert", "RequireClientCert",
                           "VerifyClientCertIfGiven", "RequireAndVerifyClientCert", "Nonsense")),
            f"tls_server_config: {{{tls}, client_ca_file: ca/ca.crt}}",
            f"tls_server_config: {{{tls}, min_version: TLS12, max_version: TLS13}}",
            f"tls_server_config: {{{tls}, min_version: TLS10}}", f"tls_server_config: {{{tls}, min_version: SSL3}}",
            f"tls_server_config: {{{tls}, cipher_suites: [TLS_AES_128_GCM_SHA256, "
            "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, TLS_RSA_WITH_AES_256_CBC_SHA]}",
            f"tls_server_config: {{{tls}, cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}}",
            f"tls_server_config: {{{tls}, cipher_suites: [ECDHE-RSA-AES128-GCM-SHA256]}}",
            f"tls_server_config: {{{tls}, curve_preferences: [CurveP256, CurveP384, CurveP521, X25519]}}",
            f"tls_server_config: {{{tls}, curve_preferences: [P-256]}}",
            f"tls_server_config: {{{tls}, prefer_server_cipher_suites: false}}",
            "tls_server_config: {cert_file: ca/server.crt}", "tls_server_config: {key_file: ca/server.key}",
            "tls_server_config: {cert_file: none, key_file: ca/server.key}",
            "tls_server_config: {cert_file: ca/server.crt, key_file: ca/ca.key}",
            "tls_server_config: {client_ca_file: ca/ca.crt}", f"tls_server_config: {{{tls}, nonsense: 1}}",
            "http_server_config: {http2: true}", "http_server_config: {http2: false}", "http_server_config: {http3: true}",
            *(f"http_server_config: {{headers: {{{header}}}}}"
              for header in ("Strict-Transport-Security: max-age=1", "X-Content-Type-Options: nosniff",
                             "X-Content-Type-Options: sniff", "X-Frame-Options: deny", "X-Frame-Options: sameorigin",
                             "X-Frame-Options: DENY", "X-XSS-Protection: 1; mode=block",
                             "Content-Security-Policy: \"default-src 'self'\"", "X-Powered-By: x",
                             "x-frame-options: deny")),
            f"basic_auth_users: {{a: {QUICK}, b: {SLOW}}}", "basic_auth_users: {}", "basic_auth_users: {a: b}",
            "basic_auth_users: {a: ''}", "basic_auth_users: {a: $2y$03$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a}",
            "basic_auth_users: {a: $1$abcdefgh$abcdefghijklmnopqrstuv}", f"basic_auth_users: {{a: {QUICK}, a: {QUICK}}}",
            "basic_auth_users: [a]", "nonsense: 1", "[]", "a: [", "tls_server_config: {cert_file: [1]}")

        paths = [self.write(f"web{number}.yml", text + "\n", folder=self.home) for number, text in enumerate(texts)]
        done = call(promtool, "check", "web-config", *paths)
        theirs = dict(re.findall(r"^(\S+/web\d+\.yml) (SUCCESS|FAILED)", done.stdout + done.stderr, re.MULTILINE))
        self.assertEqual(set(paths), set(theirs), done.stdout + done.stderr)
        self.assertEqual({"SUCCESS", "FAILED"}, set(theirs.values()))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            ours = list(pool.map(lambda path: beacon.run("config", "check", "--web.config.file", path), paths))
        disagreeing = [(text, theirs[path], own.stderr) for text, path, own in zip(texts, paths, ours)
                       if (theirs[path] == "SUCCESS") != (own.returncode == 0)]
        self.assertEqual([], disagreeing, done.stdout)

    def test_keys_that_this_promtool_is_too_old_for(self):
        ca = self.authority()
        certificate, _ = ca.issue("server")
        for text in ("rate_limit: {interval: 1s, burst: 20}", "rate_limit: {}",
                     f"tls_server_config: {{cert_file: {certificate}, key_file: ca/server.key, client_ca_file: ca/ca.crt, "
                     "client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [a.example.com, 10.0.0.1]}"):
            done = beacon.run("config", "check", "--web.config.file", self.configure(text + "\n"))
            self.assertEqual((0, ""), (done.returncode, done.stderr), text)

    def test_prometheus_scrapes_what_sd_says_with_tls_a_certificate_and_a_password(self):
        program = require(PROMETHEUS, "Prometheus")
        ca = self.authority()
        ca.issue("server")
        certificate, key = ca.issue("client", "DNS:prometheus")
        exporter = self.start(config=f"""tls_server_config:
  cert_file: ca/server.crt
  key_file: ca/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca/ca.crt
basic_auth_users: {{prometheus: {QUICK}}}
""")
        password = self.write("password", "secret", folder=self.home)
        access = (f"tls_config: {{ca_file: {ca.file}, cert_file: {certificate}, key_file: {key}}}, "
                  f"basic_auth: {{username: prometheus, password_file: {password}}}")
        config = self.write("prometheus.yml", f"""
scrape_configs:
  - {{job_name: pgbeacon, scrape_interval: 1s, {access},
     http_sd_configs: [{{url: "https://127.0.0.1:{exporter.port}/sd", {access}}}]}}
""", folder=self.home)
        server = subprocess.Popen(
            [program, f"--config.file={config}", f"--storage.tsdb.path={self.home}/data", "--web.listen-address=127.0.0.1:0",
             "--log.level=error"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait, 20)
        self.addCleanup(server.send_signal, signal.SIGTERM)
        own = {"headers": basic("prometheus", "secret"), "context": self.tls(ca, (certificate, key))}
        requests = lambda: self.page(exporter, **own).sum(
            "pgbeacon_http_requests_total", handler="/metrics", code="200")
        begun = requests()
        asked = 1
        for _ in range(200):
            asked += 1
            if requests() > begun + asked + 1:
                return
            time.sleep(0.1)
        self.fail("Prometheus has not scraped: " + exporter.log())


class Limits(WebCase):
    def test_sizes(self):
        exporter = self.start("--web.max-header-bytes", "2000", "--web.max-body-bytes", "1000")
        large = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 3000 + b"\r\n\r\n"
        self.assertTrue(self.exchange(exporter, large).startswith(b"HTTP/1.1 431 "))
        self.assertEqual(405, self.ask(exporter, method="POST", body=b"a" * 1000).status)
        self.assertEqual(413, self.ask(exporter, method="POST", body=b"a" * 1001).status)
        self.assertEqual(1, self.closed(exporter, "header_too_large"))
        self.assertEqual(1, self.closed(exporter, "body_too_large"))

    def test_times(self):
        exporter = self.start("--web.read-timeout", "300ms", "--web.idle-timeout", "300ms")
        for part in (b"", b"GET /metrics HTTP/1.1\r\nHost:", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"):
            begun = time.monotonic()
            self.assertEqual(b"", self.exchange(exporter, part))
            self.assertLess(time.monotonic() - begun, 10)
        self.assertEqual(3, self.closed(exporter, "slow_request"))
        # A header that drips in is no more than one that stands still.
        raw = self.connect(exporter)
        raw.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: ")
        begun = time.monotonic()
        with self.assertRaises(OSError):
            while time.monotonic() - begun < 15:
                raw.sendall(b"a")
                time.sleep(0.02)
        self.assertLess(time.monotonic() - begun, 10)
        wait_equal(lambda: self.closed(exporter, "slow_request"), 4, "slow requests")
        raw = self.connect(exporter)
        raw.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertIn(b"healthy", read_to_end(raw))
        self.assertGreaterEqual(self.closed(exporter, "idle"), 1)

    def test_connections(self):
        exporter = self.start("--web.max-connections", "3")
        held = [self.connect(exporter) for _ in range(3)]
        for raw in held:
            raw.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b" 200 OK", raw.recv(65536))
        refused = self.exchange(exporter, b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(refused.startswith(b"HTTP/1.1 503 "), refused)
        held.pop().close()
        page = Page(wait_for(lambda: self.served(exporter), "a free place"))
        self.assertGreaterEqual(page.value(CLOSED, reason="too_many_connections"), 1)
        self.assertEqual(3, page.value("pgbeacon_http_connections"))

    def served(self, exporter):
        answer = self.ask(exporter)
        return answer.body if answer.status == 200 else None

    def large_page(self, *flags):
        """An exporter whose answer to a pipelined flood of requests outgrows every buffer."""
        return self.start("--web.write-timeout", "500ms", *flags)

    def test_who_reads_nothing_is_closed(self):
        exporter = self.large_page()
        raw = self.connect(exporter, receive_buffer=4096)
        raw.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
        wait_equal(lambda: self.closed(exporter, "slow_reader"), 1, "the slow reader")
        self.assertEqual(200, self.ask(exporter).status)

    def test_who_reads_too_slowly_is_closed_and_who_reads_steadily_is_not(self):
        exporter = self.large_page("--web.min-write-rate", "100000000")
        raw = self.connect(exporter, receive_buffer=4096)
        raw.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
        begun = time.monotonic()
        with self.assertRaises(OSError):
            while time.monotonic() - begun < 15:
                if not raw.recv(1000):
                    raise ConnectionResetError
                time.sleep(0.01)
        wait_equal(lambda: self.closed(exporter, "slow_reader"), 1, "the slow reader")
        patient = self.large_page("--web.min-write-rate", "1000")
        raw = self.connect(patient, receive_buffer=4096)
        raw.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
        begun = time.monotonic()
        while time.monotonic() - begun < 2:
            self.assertGreater(len(raw.recv(4096)), 0)
            time.sleep(0.005)
        self.assertEqual(0, self.closed(patient, "slow_reader"))


class Answers(WebCase):
    def test_headers_methods_and_paths(self):
        exporter = self.start()
        for path, method, status in (("/metrics", "GET", 200), ("/metrics", "HEAD", 200), ("/", "GET", 302),
                                     ("/-/healthy", "GET", 200), ("/nothing", "GET", 404), ("/metrics", "PUT", 405),
                                     ("/nothing", "DELETE", 404), ("/metrics", "OPTIONS", 405)):
            with self.subTest(path=path, method=method):
                answer = self.ask(exporter, path, method=method)
                self.assertEqual(status, answer.status)
                self.assertNotIn("server", answer.headers)
                self.assertEqual("nosniff", answer.headers["x-content-type-options"])
                self.assertEqual("deny", answer.headers["x-frame-options"])
                self.assertIn("default-src 'none'", answer.headers["content-security-policy"])
                self.assertEqual("no-referrer", answer.headers["referrer-policy"])
                self.assertEqual("no-store", answer.headers["cache-control"])
                if status == 405:
                    self.assertEqual("GET, HEAD", answer.headers["allow"])
                if method == "HEAD":
                    self.assertEqual("", answer.body)
                    self.assertGreater(int(answer.headers["content-length"]), 1000)
        for path in ("/<script>alert(1)</script>", "/%3Cscript%3E", "/metrics%0d%0aX: y", "/?<script>"):
            answer = self.exchange(exporter, f"GET {path} HTTP/1.1\r\nHost: <script>\r\nConnection: close\r\n\r\n".encode())
            self.assertNotIn(b"<script>", answer)
            self.assertNotIn(b"%3C", answer)
            self.assertNotIn(b"X: y", answer)

    def test_no_request_hides_in_another(self):
        exporter = self.start()
        hidden = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
        length = b"%d" % len(hidden)
        for header in (b"Content-Length: " + length + b"\r\nTransfer-Encoding: chunked",
                       b"Content-Length: 0\r\nContent-Length: " + length,
                       b"Content-Length: +" + length, b"Content-Length: 0x10", b"Content-Length: -1",
                       b"Content-Length : " + length, b"Content-Length: " + length + b", " + length + b"1",
                       b"Transfer-Encoding: xchunked", b"Transfer-Encoding: identity",
                       b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: gzip, chunked",
                       b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                       b"Transfer-Encoding : chunked", b"Transfer-Encoding\x0b: chunked", b"Host: y"):
            with self.subTest(header=header):
                sent = b"POST /metrics HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n" + hidden
                answer = self.exchange(exporter, sent)
                self.assertEqual(1, answer.count(b"HTTP/1.1 "), answer)
                self.assertIn(b"HTTP/1.1 400 ", answer)
        self.assertGreaterEqual(self.closed(exporter, "malformed_request"), 10)


class Listeners(WebCase):
    def test_several_of_each_family(self):
        path = os.path.join(self.home, "web.sock")
        exporter = self.start("--web.listen-address", "[::1]:0", "--web.listen-address", "unix:" + path)
        port = int(re.search(r"address=\[::1\]:(\d+)", exporter.log()).group(1))
        connection = http.client.HTTPConnection("::1", port, timeout=20)
        connection.request("GET", "/-/healthy")
        self.assertEqual(200, Answer(connection.getresponse()).status)
        connection.close()
        self.assertEqual(b"200", self.over_unix(path))
        self.assertEqual(200, self.ask(exporter, "/-/healthy").status)
        self.assertEqual(0o660, os.stat(path).st_mode & 0o777)
        exporter.stop()
        self.assertFalse(os.path.exists(path))

    def over_unix(self, path):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(20)
            raw.connect(path)
            raw.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return read_to_end(raw).split()[1]

    def test_sockets_of_systemd(self):
        log = self.write("postgres.log", "", folder=self.home)
        path = os.path.join(self.home, "activated.sock")
        with socket.create_server(("127.0.0.1", 0)) as first, socket.socket(socket.AF_UNIX) as second:
            second.bind(path)
            second.listen()
            port = first.getsockname()[1]
            # Out of the way of 3 and 4, where systemd puts them.
            kept = [fcntl.fcntl(each.fileno(), fcntl.F_DUPFD, 20) for each in (first, second)]
            program = subprocess.Popen(
                ["bash", "-c", f'LISTEN_PID=$$ exec "$0" "$@" 3<&{kept[0]} 4<&{kept[1]}', beacon.BIN, "serve",
                 "--web.systemd-socket", "--source.file", log],
                env=beacon.environment({"LISTEN_FDS": "2"}), pass_fds=kept, stderr=subprocess.PIPE)
            for each in kept:
                os.close(each)
            self.addCleanup(program.stderr.close)
            self.addCleanup(program.wait, 20)
            self.addCleanup(program.terminate)
            # The socket takes connections before the program does: nobody is refused while it starts.
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/-/healthy")
            self.assertEqual(200, Answer(connection.getresponse()).status)
            connection.close()
            self.assertEqual(b"200", self.over_unix(path))

    @unittest.skipUnless(shutil.which("systemd-socket-activate"), "no systemd here")
    def test_by_systemd_itself(self):
        activate = shutil.which("systemd-socket-activate")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        log = self.write("postgres.log", "", folder=self.home)
        program = subprocess.Popen([activate, "-l", f"127.0.0.1:{port}", beacon.BIN, "serve", "--web.systemd-socket",
                                    "--source.file", log], env=beacon.environment(), stderr=subprocess.DEVNULL)
        self.addCleanup(program.wait, 20)
        self.addCleanup(program.terminate)

        def healthy():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                connection.request("GET", "/-/healthy")
                return Answer(connection.getresponse()).status == 200
            except ConnectionError:
                return False
            finally:
                connection.close()

        wait_for(healthy, "an answer through systemd's socket")

    def test_without_systemd_it_is_told(self):
        log = self.write("postgres.log", "", folder=self.home)
        done = beacon.run("serve", "--web.systemd-socket", "--source.file", log)
        self.assertEqual(1, done.returncode)
        self.assertIn("systemd has passed no socket", done.stderr)


if __name__ == "__main__":
    unittest.main()
