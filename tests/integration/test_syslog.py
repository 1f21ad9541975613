"""Syslog comes in from the senders that people have: util-linux logger, rsyslog, PostgreSQL itself."""

import json
import os
import signal
import socket
import subprocess
import threading
import unittest

from harness import beacon
from harness.case import BeaconCase
from harness.devlog import with_dev_log
from harness.postgres import BIN, PREFIX, Server, free_port, reachable_programs
from harness.rsyslog import Rsyslog, forward
from harness.tools import require
from harness.waiting import wait_equal, wait_for

HEAD = "2026-11-20 20:14:23.488 UTC [4711] app@shop/web "
LINES = "pgbeacon_source_lines_total"


def record(number):
    """One in three is an error. PostgreSQL numbers its messages; the blank behind the bracket is its own."""
    if number % 3 == 0:
        return f'[{number}-1] {HEAD}ERROR:  relation "missing_{number}" does not exist at character 15'
    return f"[{number}-1] {HEAD}LOG:  duration: {number}.125 ms  statement: SELECT {number}"


class SyslogCase(BeaconCase):
    def serve(self, *sources, events=(), flags=()):
        """A beacon with these sources, as a config file has them; JSON is YAML."""
        config = {"sources": [{"prefix": PREFIX, **source} for source in sources], "events": list(events)}
        return self.beacon("--config.file", self.write("pgbeacon.yml", json.dumps(config, ensure_ascii=False)), *flags)

    def counted(self, exporter, server, records):
        """Waits until the server's records 1 to `records` have been counted, each once."""
        errors = records // 3
        wait_equal(lambda: exporter.scrape().sum("pg_log_errors_total", server=server, sqlstate="42P01"),
                   errors, f"errors of {server}")
        wait_equal(lambda: exporter.scrape().sum("pg_log_statement_duration_seconds_count", server=server),
                   records - errors, f"durations of {server}")

    def certificate(self, folder, name):
        files = {"cert": os.path.join(folder, name + ".crt"), "key": os.path.join(folder, name + ".key")}
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "2", "-subj", "/CN=" + name, "-keyout", files["key"],
                        "-out", files["cert"]], stderr=subprocess.DEVNULL, check=True)
        return files


class Logger(SyslogCase):
    """util-linux logger sends a datagram or frame for each line of its file."""

    RECORDS = 30

    def log(self, *flags):
        text = "".join(record(number) + "\n" for number in range(1, self.RECORDS + 1))
        subprocess.run(["logger", "-t", "postgres", "-p", "local0.info", "--id=4711", "-e", *flags,
                        "-f", self.write("messages", text)], check=True, timeout=60)

    def test_both_protocols_by_every_framing(self):
        udp, tcp = free_port(), free_port()
        forms = {f"{protocol}-{way}": [f"--{protocol}", *words]
                 for protocol in ("rfc3164", "rfc5424")
                 for way, words in (("udp", ["--udp", "-P", udp]), ("lines", ["--tcp", "-P", tcp]),
                                    ("udp-octets", ["--udp", "--octet-count", "-P", udp]),
                                    ("octets", ["--tcp", "--octet-count", "-P", tcp]))}
        exporter = self.serve({"type": "syslog_udp", "addr": f"127.0.0.1:{udp}"},
                              {"type": "syslog_tcp", "addr": f"127.0.0.1:{tcp}"})
        host = socket.gethostname().split(".")[0]
        for rounds, (name, words) in enumerate(forms.items(), 1):
            with self.subTest(name):
                self.log("-n", "127.0.0.1", *map(str, words))
                wait_equal(lambda n=rounds: exporter.scrape().sum(LINES), rounds * self.RECORDS, name)
        page = exporter.scrape()
        servers = {server for server in page.labels("pg_log_errors_total", "server")
                   if page.sum("pg_log_errors_total", server=server)}
        self.assertEqual({host}, {server.split(".")[0] for server in servers})
        wait_equal(lambda: exporter.scrape().sum("pg_log_errors_total", sqlstate="42P01"),
                   len(forms) * self.RECORDS // 3, "errors")
        self.assertEqual(0, exporter.scrape().sum("pgbeacon_source_unparsed_lines_total"))

    def test_datagrams_of_a_unix_socket_named_by_a_flag(self):
        path = os.path.join(self.folder(), "log")
        exporter = self.beacon("--source.unix", path)
        self.assertEqual(0o666, os.stat(path).st_mode & 0o777)
        self.log("-u", path, "--socket-errors=on")
        self.counted(exporter, "localhost", self.RECORDS)
        self.log("-u", path, "--socket-errors=on", "--octet-count")
        self.counted(exporter, "localhost", 2 * self.RECORDS)
        self.assertEqual(2 * self.RECORDS, exporter.scrape().sum(LINES, source=f"unix:{path}"))
        exporter.stop()
        self.assertFalse(os.path.exists(path))


class Forwarded(SyslogCase):
    RECORDS = 300

    def test_rsyslog_forwards_in_every_way(self):
        folder = self.folder()
        ours, theirs = self.certificate(folder, "beacon"), self.certificate(folder, "sender")
        ways = {
            "udp": ("syslog_udp", {"protocol": "udp"}),
            "udp-5424": ("syslog_udp", {"protocol": "udp", "template": "RSYSLOG_SyslogProtocol23Format"}),
            "tcp-lines": ("syslog_tcp", {}),
            "tcp-octets": ("syslog_tcp", {"framing": "octet-counted"}),
            "tcp-5424": ("syslog_tcp", {"template": "RSYSLOG_SyslogProtocol23Format", "framing": "octet-counted"}),
            "tcp-old": ("syslog_tcp", {"template": "RSYSLOG_TraditionalForwardFormat"}),
            "tls": ("syslog_tls", {"tls": True, "framing": "octet-counted"}),
        }
        sources, forwards = [], []
        for server, (kind, words) in ways.items():
            port = free_port()
            source = {"type": kind, "addr": f"127.0.0.1:{port}", "server": server}
            if kind == "syslog_tls":
                source["tls"] = {**ours, "client_ca": theirs["cert"]}
            sources.append(source)
            forwards.append(forward(port, **words))
        exporter = self.serve(*sources)
        rsyslog = Rsyslog(folder, *forwards, tls={**theirs, "ca": ours["cert"]})
        self.addCleanup(rsyslog.stop)
        for number in range(1, self.RECORDS + 1):
            rsyslog.log(record(number))
        for server in ways:
            with self.subTest(server):
                self.counted(exporter, server, self.RECORDS)
        page = exporter.scrape()
        self.assertEqual(0, page.sum("pgbeacon_source_unparsed_lines_total"))
        self.assertEqual(0, page.sum("pgbeacon_tls_handshake_failures_total"))
        self.assertEqual(1, page.sum("pgbeacon_listener_connections", source=f"tls:{sources[-1]['addr']}"))

    def test_a_sender_without_certificate_is_refused_and_counted(self):
        folder = self.folder()
        ours, theirs = self.certificate(folder, "beacon"), self.certificate(folder, "sender")
        port = free_port()
        exporter = self.beacon("--source.syslog-tls", f"127.0.0.1:{port}", "--source.tls-cert", ours["cert"],
                               "--source.tls-key", ours["key"], "--source.tls-client-ca", theirs["cert"])
        subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}"], input=b"<13>hello\n",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)
        wait_equal(lambda: exporter.scrape().sum("pgbeacon_tls_handshake_failures_total", reason="no_certificate"),
                   1, "refused handshakes")
        self.assertEqual(0, exporter.scrape().sum(LINES))


class Losses(SyslogCase):
    def test_what_the_kernel_drops_is_counted(self):
        port, sent = free_port(), 5000
        exporter = self.serve({"type": "syslog_udp", "addr": f"127.0.0.1:{port}", "receive_buffer": 65536})
        exporter.process.send_signal(signal.SIGSTOP)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(sent):
                sender.sendto(f"<134>Nov 20 20:14:23 db1 postgres[4711]: {record(number)}".encode(),
                              ("127.0.0.1", port))
        exporter.process.send_signal(signal.SIGCONT)

        def all_told():
            page = exporter.scrape()
            dropped = page.sum("pgbeacon_source_dropped_lines_total", reason="kernel")
            return dropped and page.sum(LINES) + dropped

        wait_equal(all_told, sent, "lines and drops")

    def test_a_flood_meets_its_quota_and_delays_no_other(self):
        port, burst, rounds = free_port(), 5000, 5
        exporter = self.serve({"type": "syslog_tcp", "addr": f"127.0.0.1:{port}",
                               "quota": {"lines_per_second": 1000, "burst": burst}})
        enough = threading.Event()
        sent = []

        def flood():
            with socket.create_connection(("127.0.0.1", port)) as stream:
                while not enough.is_set() or len(sent) < 100_000:
                    lines = [f"<134>Nov 20 20:14:23 loud postgres[1]: {record(number)}\n" for number in range(1, 301)]
                    stream.sendall("".join(lines).encode())
                    sent.extend(lines)

        def errors():
            return exporter.scrape().sum("pg_log_errors_total", server="calm")

        loud = threading.Thread(target=flood)
        loud.start()
        self.addCleanup(loud.join)
        self.addCleanup(enough.set)
        with socket.create_connection(("127.0.0.1", port)) as calm:
            for done in range(1, rounds + 1):
                lines = (record(3 * done - 2), record(3 * done - 1), record(3 * done), record(3 * done + 1))
                calm.sendall("".join(f"<134>Nov 20 20:14:23 calm postgres[2]: {line}\n" for line in lines).encode())
                wait_equal(errors, done, "errors of the calm server while the other one floods", 20)
        enough.set()
        loud.join()

        def told():
            page = exporter.scrape()
            over = page.sum("pgbeacon_server_over_quota_lines_total", server="loud")
            self.assertEqual(0, page.sum("pgbeacon_server_over_quota_lines_total", server="calm"))
            self.assertEqual(over, page.sum("pgbeacon_source_dropped_lines_total", reason="quota"))
            counted = page.sum("pg_log_errors_total", server="loud") + page.sum(
                "pg_log_statement_duration_seconds_count", server="loud")
            return counted >= burst and over > len(sent) / 2 and counted + over

        wait_equal(told, len(sent), "lines of the flood that were counted or told of", 30)

    def test_mistakes_are_told_before_anything_is_read(self):
        done = beacon.run("serve", "--source.syslog-tls", "127.0.0.1:0")
        self.assertNotEqual(0, done.returncode)
        self.assertIn("--source.tls-cert", done.stderr)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = beacon.run("serve", "--source.syslog-tcp", address, "--web.listen-address", "127.0.0.1:0")
        self.assertNotEqual(0, done.returncode)
        self.assertIn(f"cannot listen on {address}: Address already in use", done.stderr)


TEXTS = {
    "lines": "whole lines: SELECT 1\n  FROM a\n\nWHERE b = 2",
    "tabs": "whole tabs: a\tb\t\tc",
    "word": "whole word: " + "w" * 2500,
    "accents": "whole accents: " + "\u00e9\u20ac\U0001f418" * 300,
    "shifted": "whole shifted: x" + "\u00e9\u20ac\U0001f418" * 300,
    "words": "whole words: " + " ".join(f"word{number}" for number in range(700)),
}


class PostgresItself(SyslogCase):
    """A server with log_destination = syslog whose /dev/log is pgbeacon's socket. Each text is an event
    that only the whole text is taken as."""

    def setUp(self):
        require(os.path.join(BIN, "postgres"), "PostgreSQL 15")
        self.place = self.folder()
        self.path = os.path.join(self.place, "devlog")
        if with_dev_log([], self.place, self.path) is None:
            self.skipTest("no mount namespace may be made here")

    def server(self, **settings):
        server = Server(self.place, "primary", reachable_programs(BIN, self.place),
                        {"log_destination": "syslog", "logging_collector": "off", **settings})
        server.initialise()
        server.wrap = lambda command: with_dev_log(command, self.place, self.path)
        self.addCleanup(server.stop)
        return server.start()

    def events(self):
        return [{"name": f"whole_{name}", "class": "app", "severity": "LOG", "text": text, "sample": text}
                for name, text in TEXTS.items()]

    def check(self, **settings):
        exporter = self.serve({"type": "syslog_unix", "addr": self.path, "server": "db1"}, events=self.events())
        server = self.server(**settings)
        session = self.session(server)
        for _ in range(2):
            for text in TEXTS.values():
                session.cursor().execute("do $$ begin raise log '%', " + f"$text${text}$text$; end $$")
        with self.assertRaises(Exception):
            session.cursor().execute("select *\n\tfrom missing")
        wait_for(lambda: exporter.scrape().sum("pg_log_errors_total", sqlstate="42P01"), "the error")
        for name in TEXTS:
            with self.subTest(name):
                wait_equal(lambda n=name: exporter.scrape().sum("pg_log_events_total", event=f"whole_{n}"), 2, name)
        self.assertEqual(0, exporter.scrape().sum("pgbeacon_source_unparsed_lines_total"))

    def test_texts_are_whole_again(self):
        self.check()

    def test_texts_that_were_not_numbered(self):
        self.check(syslog_sequence_numbers="off")

    def test_texts_that_were_not_split(self):
        self.check(syslog_split_messages="off")


if __name__ == "__main__":
    unittest.main()
