"""POST /logplex against a Logplex that behaves as the real one: every message counts exactly once."""

import base64
import errno
import gzip
import http.client
import os
import random
import signal
import threading
import time
import unittest

from harness.case import BeaconCase
from harness.logplex import Drain, Postgres, counted, header, l10, line
from harness.mounts import with_tmpfs
from harness.waiting import wait_equal, wait_for

TOKEN = "d.1bd6f3a2-4b0c-4b36-9a4e-5f0f1f2c9d11"
OTHER = "d.7c1d0c36-30a3-4d4b-8a6f-2b9f6a1f7e22"
LOST = "platform_log_lost_messages_total"
ERRORS = "pg_log_errors_total"
FRAMES = "pgbeacon_logplex_frames_total"
REFUSED = "pgbeacon_logplex_refused_total"


class LogplexCase(BeaconCase):
    def setUp(self):
        self.home = self.folder()
        self.state = os.path.join(self.home, "state")

    def tokens(self, **servers):
        """Replaces the token file by one of server=token."""
        path = os.path.join(self.home, "drains")
        self.write("drains.new", "".join(f"{token}: {server}\n" for server, token in servers.items()),
                   folder=self.home)
        os.rename(path + ".new", path)
        return path

    def start(self, *more, **options):
        return self.beacon("--source.logplex", "--source.logplex-tokens", self.tokens(orders=TOKEN, billing=OTHER),
                           "--state.dir", self.state, *more, **options)

    def drain(self, exporter, token=TOKEN, **options):
        drain = Drain(exporter.port, token, **options)
        self.addCleanup(drain.close)
        return drain

    def post(self, exporter, body, token=TOKEN, frame="", count=None, **headers):
        """One delivery on a connection of its own: (status, headers)."""
        connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=20)
        sent = {"Content-Type": "application/logplex-1", "Logplex-Drain-Token": token}
        if frame:
            sent["Logplex-Frame-Id"] = frame
        if count is not None:
            sent["Logplex-Msg-Count"] = str(count)
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        try:
            connection.request("POST", "/logplex", body, sent)
            response = connection.getresponse()
            response.read()
            return response.status, dict(response.getheaders())
        finally:
            connection.close()

    def errors(self, exporter, server="orders"):
        return exporter.scrape().sum(ERRORS, server=server, sqlstate="42P01")


class Deliveries(LogplexCase):
    def test_what_a_database_logs_is_counted_under_its_server(self):
        exporter = self.start()
        postgres = Postgres()
        drain = self.drain(exporter)
        for _ in range(50):
            drain.log(*postgres.failed_statement(), *postgres.slow_statement())
        drain.wait_empty()
        wait_equal(lambda: self.errors(exporter), 50, "errors")
        page = exporter.scrape()
        self.assertEqual(50, page.sum("pg_log_statement_duration_seconds_count", server="orders"))
        self.assertEqual(50 * 2500.125 / 1000, page.sum("pg_log_statement_duration_seconds_sum", server="orders"))
        self.assertEqual(0, self.errors(exporter, "billing"))
        self.assertEqual(50 * 6, page.sum("pgbeacon_source_lines_total"))
        self.assertEqual(0, page.sum("pgbeacon_source_unparsed_lines_total"))
        self.assertEqual(drain.frames, page.value(FRAMES, result="new"))
        self.assertEqual(0, page.value(FRAMES, result="retried"))
        self.assertEqual({200}, set(drain.statuses))
        self.assertEqual(1, drain.connections, "one connection for all of it")

    def test_chunks_of_a_frame_in_any_order(self):
        exporter = self.start()
        postgres = Postgres()
        drain = self.drain(exporter)
        chooser = random.Random(1)
        for _ in range(20):
            chunks = postgres.failed_statement()
            chooser.shuffle(chunks)
            self.assertEqual(200, self.post(exporter, b"".join(map(counted, chunks)))[0])
        drain.log(*postgres.slow_statement())
        drain.wait_empty()
        wait_equal(lambda: self.errors(exporter), 20, "errors")
        page = exporter.scrape()
        self.assertEqual(0, page.sum("pgbeacon_source_unparsed_lines_total"))
        self.assertEqual(20, page.sum("pg_log_messages_total", server="orders", severity="ERROR"))

    def test_bytes_as_they_come(self):
        exporter = self.start()
        postgres = Postgres()
        messages = [
            l10(491),  # no line feed at its end
            *postgres.error(),
            line(b"\xff\xfe not UTF-8\ninner line feed 12 <134>1 - - - - - - forged"),
            line("at=error code=H13 desc=\"Connection closed\" method=GET path=/", app="heroku", process="router"),
            line("Error L10 (output buffer overflow): 7 messages dropped since yesterday.", process="web.1"),
            header("app", "postgres.4711").encode() + b"[GOLD] [13-2]",
            (header("heroku", "logplex", 4) + "- Error L11 (Tail buffer overflow) -> This tail session dropped "
             "1101 messages since 2026-11-20T20:14:20+00:00.").encode(),
            *postgres.error(),
        ]
        for zipped in (False, True):
            drain = self.drain(exporter, zipped=zipped)
            drain.log(*messages)
            drain.wait_empty()
        wait_equal(lambda: self.errors(exporter), 4, "errors")
        page = exporter.scrape()
        self.assertEqual(2 * 491, page.value(LOST, server="orders", reason="l10"))
        self.assertEqual(2 * 1101, page.value(LOST, server="orders", reason="l11"))
        self.assertEqual(2, page.sum("platform_log_events_total", event="router_error", code="H13"))
        self.assertEqual(0, page.value(LOST, server="orders", reason="count_mismatch"))
        self.assertEqual(2 * len(messages), page.sum("pgbeacon_source_lines_total"))

    def test_no_content_is_refused(self):
        exporter = self.start()
        chooser = random.Random(7)
        good = b"".join(map(counted, Postgres().error()))
        bodies = [b"", b"\n", b"0 ", b"99999999999999999999 x", b"12", b"-1 x", b"7 <134>1 ", b"{\"a\": 1}",
                  good[:-20], good + b"garbage", b"3" + good, b"\x00" * 5000]
        for _ in range(40):
            data = bytearray(good * 3)
            for _ in range(chooser.randrange(1, 8)):
                data[chooser.randrange(len(data))] = chooser.randrange(256)
            bodies.append(bytes(data))
        for body in bodies:
            status, _ = self.post(exporter, body, count=chooser.choice([None, 1, 500, "many"]))
            self.assertEqual(200, status, body[:80])
        self.assertEqual(200, self.post(exporter, good, Content_Type="text/plain")[0])
        self.assertEqual(200, self.post(exporter, b"no gzip", Content_Encoding="gzip")[0])
        page = exporter.scrape()
        self.assertEqual(len(bodies) + 2, page.value(FRAMES, result="new"))
        self.assertGreater(page.value("pgbeacon_source_unparsed_lines_total", reason="bad_frame"), 5)

    def test_messages_that_did_not_come_are_a_loss(self):
        exporter = self.start()
        body = b"".join(map(counted, Postgres().error()))
        self.assertEqual(200, self.post(exporter, body, count=12, frame="F1")[0])
        self.assertEqual(200, self.post(exporter, body, count=12, frame="F1")[0])
        wait_equal(lambda: exporter.scrape().value(LOST, server="orders", reason="count_mismatch"), 11, "the loss")

    def test_large_messages(self):
        exporter = self.start()
        postgres = Postgres()
        large = postgres.record("LOG:  duration: 2500.125 ms  statement: SELECT '" + "x" * 3_000_000 + "'")
        drain = self.drain(exporter)
        drain.log(*large, *postgres.error())
        drain.wait_empty()
        wait_equal(lambda: self.errors(exporter), 1, "errors")
        self.assertEqual(1, exporter.scrape().sum("pg_log_statement_duration_seconds_count", server="orders"))


class Senders(LogplexCase):
    def test_strangers_are_refused_and_new_drains_known_at_once(self):
        exporter = self.start()
        stranger = "d.deadbeef-0000-0000-0000-000000000000"
        body = b"".join(map(counted, Postgres().error()))
        self.assertEqual(403, self.post(exporter, body, token=stranger)[0])
        self.assertEqual(403, self.post(exporter, body, token="")[0])
        self.tokens(orders=TOKEN, fresh=stranger)
        self.assertEqual(200, self.post(exporter, body, token=stranger)[0])
        wait_equal(lambda: self.errors(exporter, "fresh"), 1, "errors of the new database")
        wait_for(lambda: self.post(exporter, body, token=OTHER)[0] == 403, "the removed drain to be refused")
        self.write("drains", "d.x orders\n", folder=self.home)
        wait_for(lambda: exporter.scrape().value("pgbeacon_logplex_tokens_last_reload_successful") == 0
                 if self.post(exporter, body, token=TOKEN)[0] == 200 else None, "the bad file to be noticed")
        self.assertIn("drains:1: expected `TOKEN: SERVER`", exporter.log())
        page = exporter.scrape()
        self.assertEqual(2, page.value("pgbeacon_logplex_tokens"))
        for secret in (TOKEN, OTHER, stranger, stranger[2:10]):
            self.assertNotIn(secret, page.text)
            self.assertNotIn(secret, exporter.log())

    def test_without_a_token_file_a_hash_names_the_drain(self):
        exporter = self.beacon("--source.logplex")
        self.assertIn("takes what anybody sends", exporter.log())
        body = b"".join(map(counted, Postgres().error()))
        self.assertEqual(200, self.post(exporter, body, token="abc")[0])
        wait_equal(lambda: self.errors(exporter, "drain-ba7816bf"), 1, "errors")

    def test_user_and_password(self):
        users = self.write("users", "logplex:secret\n", folder=self.home)
        exporter = self.start("--source.logplex-credentials", users)
        body = b"".join(map(counted, Postgres().error()))
        basic = lambda text: "Basic " + base64.b64encode(text.encode()).decode()
        self.assertEqual(401, self.post(exporter, body)[0])
        self.assertEqual(401, self.post(exporter, body, Authorization=basic("logplex:wrong"))[0])
        self.assertEqual(403, self.post(exporter, body, token="d.x", Authorization=basic("logplex:secret"))[0])
        self.assertEqual(200, self.post(exporter, body, Authorization=basic("logplex:secret"))[0])
        self.assertNotIn("secret", exporter.log())
        page = exporter.scrape()
        self.assertEqual(2, page.value(REFUSED, reason="credentials"))
        self.assertEqual(1, page.value(REFUSED, reason="token"))

    def test_a_config_file(self):
        config = self.write("pgbeacon.yml", f"logplex: {{tokens: {self.tokens(orders=TOKEN)}}}\n", folder=self.home)
        exporter = self.beacon("--config.file", config)
        body = b"".join(map(counted, Postgres().error()))
        self.assertEqual(403, self.post(exporter, body, token=OTHER)[0])
        self.assertEqual(200, self.post(exporter, body)[0])

    def test_a_config_file_with_a_mistake_lets_nobody_in(self):
        config = self.write("pgbeacon.yml", "logplex: {token: /etc/drains}\n", folder=self.home)
        exporter = self.beacon("--source.logplex", "--config.file", config)
        self.assertEqual(503, self.post(exporter, b"")[0])

    def test_bodies_and_bombs_have_a_limit(self):
        config = self.write("pgbeacon.yml", "logplex: {body_bytes: 200000, in_flight_bytes: 1000000}\n",
                            folder=self.home)
        exporter = self.beacon("--config.file", config)
        self.assertEqual(413, self.post(exporter, b"x" * 200001)[0])
        self.assertEqual(413, self.post(exporter, gzip.compress(b"x" * 200001), Content_Encoding="gzip")[0])
        self.assertEqual(200, self.post(exporter, b"x" * 200000)[0])
        self.assertEqual(2, exporter.scrape().value(REFUSED, reason="too_large"))

    def test_databases_born_while_others_log(self):
        exporter = self.start()
        servers = {"orders": TOKEN}
        drains = [self.drain(exporter)]
        postgres = Postgres()
        for number in range(12):
            servers[f"db{number}"] = f"d.{number:08}"
            self.tokens(**servers)
            drains.append(self.drain(exporter, token=f"d.{number:08}"))
            for drain in drains:
                drain.log(*postgres.error())
        for drain in drains:
            drain.wait_empty()
            self.assertEqual({200}, set(drain.statuses))
        wait_equal(lambda: [self.errors(exporter, f"db{number}") for number in range(12)],
                   [12 - number for number in range(12)], "errors by database")


class Retries(LogplexCase):
    def test_a_loss_noticed_between_attempts(self):
        exporter = self.start()
        postgres = Postgres()
        drain = self.drain(exporter, timeout=1)
        drain.log(*postgres.error())
        drain.wait_empty()
        exporter.process.send_signal(signal.SIGSTOP)
        for _ in range(3):
            drain.log(*postgres.error())
        wait_for(lambda: drain.attempts >= 2, "an attempt while nobody answers")
        drain.lose(491)
        wait_for(lambda: drain.attempts >= 3, "the attempt with the L10")
        exporter.process.send_signal(signal.SIGCONT)
        drain.wait_empty()
        self.assertIn(0, drain.statuses)
        self.assertEqual(0, drain.delivered - 4)
        wait_equal(lambda: self.errors(exporter), 4, "errors")
        page = exporter.scrape()
        self.assertEqual(drain.reported, page.value(LOST, server="orders", reason="l10"))
        self.assertEqual(491, drain.reported)
        self.assertEqual(0, page.value(LOST, server="orders", reason="count_mismatch"))
        self.assertGreaterEqual(page.value(FRAMES, result="retried"), 1)

    def test_the_patience_of_the_real_one(self):
        exporter = self.start()
        drain = self.drain(exporter)
        exporter.process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        drain.log(*Postgres().error())
        wait_for(lambda: drain.statuses, "the first attempt to end", 10)
        self.assertGreater(time.monotonic() - started, 4.9)
        exporter.process.send_signal(signal.SIGCONT)
        drain.wait_empty()
        self.assertEqual([0, 200], drain.statuses)
        wait_equal(lambda: self.errors(exporter), 1, "errors")

    def test_a_retry_after_a_restart_counts_once(self):
        exporter = self.start()
        messages = Postgres().error()
        body = b"".join(map(counted, messages))
        self.assertEqual(200, self.post(exporter, body, frame="F1", count=1)[0])
        exporter.stop()
        again = self.start()
        later = counted(l10(12)) + body
        self.assertEqual(200, self.post(again, later, frame="F1", count=2)[0])
        wait_equal(lambda: again.scrape().value(LOST, server="orders", reason="l10"), 12, "the loss")
        self.assertEqual(1, self.errors(again))
        self.assertEqual(200, self.post(again, body, frame="F1", token=OTHER)[0])
        wait_equal(lambda: self.errors(again, "billing"), 1, "the same id of another drain")

    def test_killed_at_random_moments_nothing_is_lost_or_counted_twice(self):
        chooser = random.Random(5)
        exporter = self.start()
        drains = {"orders": self.drain(exporter, frame_bytes=4000),
                  "billing": self.drain(exporter, token=OTHER, frame_bytes=900, zipped=True)}
        sent = {"orders": 0, "billing": 0}  # records
        messages = {"orders": 0, "billing": 0}
        stop = threading.Event()

        def write(name, postgres, drain):
            while not stop.is_set():
                chunks = postgres.failed_statement() if sent[name] % 3 else postgres.error()
                drain.log_and_wait(chunks)
                sent[name] += 1
                messages[name] += len(chunks)

        writers = [threading.Thread(target=write, args=(name, Postgres(pid=pid), drains[name]))
                   for pid, name in enumerate(drains, 4711)]
        for writer in writers:
            writer.start()
        seen = {}
        for _ in range(20):
            frames = {name: drain.frames for name, drain in drains.items()}
            wait_for(lambda: all(drain.frames > frames[name] + 2 for name, drain in drains.items()),
                     "both drains to get on", 30)
            stopped = chooser.random() < 0.3
            threading.Event().wait(chooser.random() * 0.25)  # any moment will do
            if stopped:
                exporter.process.send_signal(signal.SIGSTOP)
                threading.Event().wait(chooser.random() * 0.1)
            exporter.stop(signal.SIGKILL, quiet=True)
            exporter = self.start()
            for drain in drains.values():
                drain.port = exporter.port
            for name in drains:
                now = self.errors(exporter, name)
                self.assertGreaterEqual(now, seen.get(name, 0), name)
                seen[name] = now
        stop.set()
        for writer in writers:
            writer.join()
        for name, drain in drains.items():
            drain.wait_empty()
            self.assertEqual(0, drain.reported, f"{name}: a frame failed three times; {drain.statuses[-20:]}")
            self.assertEqual(messages[name], drain.delivered)
            wait_equal(lambda: self.errors(exporter, name), sent[name], f"errors of {name}")  # noqa: B023
        page = exporter.scrape()
        self.assertEqual(0, page.sum(LOST))
        self.assertEqual(sum(messages.values()), page.sum("pgbeacon_source_lines_total"))
        self.assertGreater(sum(drain.statuses.count(0) for drain in drains.values()), 5, "kills that were felt")


class FullDisk(LogplexCase):
    def fill(self, exporter):
        """Takes what room there is where the exporter has its state; the path of what takes it."""
        path = f"/proc/{exporter.process.pid}/root{self.state}/filler"
        with open(path, "ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 512)
            except OSError as full:
                self.assertEqual(errno.ENOSPC, full.errno)
        return path

    def test_counting_goes_on_and_nothing_is_lost(self):
        os.mkdir(self.state)
        before = with_tmpfs(self.state, 1 << 20)
        if before is None:
            self.skipTest("no mount namespace may be made here")
        log = self.write("postgresql.log", "")
        exporter = self.start("--source.file", log, "--source.prefix", "%m [%p] ", "--source.server", "files",
                              before=before)
        postgres, body = Postgres(), {}

        def deliver(number):
            body.setdefault(number, b"".join(map(counted, postgres.error())))
            return self.post(exporter, body[number], frame=f"F{number}")[0]

        self.assertEqual(200, deliver(0))
        filler = self.fill(exporter)
        refused = next(number for number in range(1, 5000) if deliver(number) != 200)
        self.assertEqual(503, deliver(refused))
        self.assertEqual(503, deliver(refused + 1))
        page = exporter.scrape()
        self.assertEqual(0, page.value("pgbeacon_state_durable"))
        self.assertGreater(page.value("pgbeacon_state_errors_total", reason="full"), 0)
        self.assertGreater(page.value(REFUSED, reason="not_durable"), 0)
        self.assertIn("make room on its device", exporter.log())
        with open(log, "a", encoding="ascii") as file:
            file.write("2026-11-20 20:14:23.488 UTC [7] ERROR:  division by zero\n"
                       "2026-11-20 20:14:23.488 UTC [7] LOG:  end\n")
        wait_equal(lambda: exporter.scrape().sum("pg_log_messages_total", server="files", severity="ERROR"), 1,
                   "counts while the disk is full", 20)
        os.unlink(filler)
        wait_equal(lambda: exporter.scrape().value("pgbeacon_state_durable"), 1, "state to be written again", 20)
        self.assertEqual([200, 200], [deliver(refused), deliver(refused + 1)])
        self.assertEqual(refused + 2, self.errors(exporter))
        self.assertEqual(refused + 2, exporter.scrape().value(FRAMES, result="new"))


class Overload(LogplexCase):
    def test_what_is_refused_comes_again_and_counts_once(self):
        config = self.write("pgbeacon.yml", "logplex: {body_bytes: 200000, in_flight_bytes: 300000}\n",
                            folder=self.home)
        exporter = self.start("--config.file", config)
        drains = [self.drain(exporter, attempts=1000) for _ in range(8)]
        rounds = 10
        for _ in range(rounds):
            for number, drain in enumerate(drains):
                drain.log(*Postgres(pid=5000 + number).error(), line("x" * 90_000, process="web.1"))
        for drain in drains:
            drain.wait_empty()
        wait_equal(lambda: self.errors(exporter), rounds * len(drains), "errors")
        wait_equal(lambda: exporter.scrape().value("pgbeacon_logplex_in_flight_bytes"), 0, "room to be given back")
        page = exporter.scrape()
        refused = sum(status in (429, 503) for drain in drains for status in drain.statuses)
        self.assertGreater(refused, 0)
        self.assertEqual(refused, page.value(REFUSED, reason="overload") + page.value(REFUSED, reason="quota"))

    def test_senders_that_never_finish_hold_no_room(self):
        exporter = self.start()
        connections = []
        for _ in range(30):
            connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=20)
            self.addCleanup(connection.close)
            connection.putrequest("POST", "/logplex")
            connection.putheader("Content-Length", "16000000")
            connection.putheader("Logplex-Drain-Token", OTHER)
            connection.endheaders()
            connection.send(b"1 a")
            connections.append(connection)
        body = b"".join(map(counted, Postgres().error()))
        self.assertEqual(200, self.post(exporter, body)[0], "another drain is served meanwhile")
        for connection in connections:
            connection.close()
        wait_equal(lambda: exporter.scrape().value("pgbeacon_logplex_in_flight_bytes"), 0, "room to be given back")


if __name__ == "__main__":
    unittest.main()
