"""Scrapers in crowds, scrapers that go away, and pgbeacon's own limits. Every fault is a row of docs/reliability.md."""

import concurrent.futures
import http.client
import os
import resource
import socket
import struct
import time
import unittest

from harness.beacon import BIN, Beacon
from harness.collectors import NAPPING, nap
from harness.faults import FaultCase, record
from harness.preload import preload
from harness.waiting import wait_equal, wait_for

# A sanitizer looks for leaks after the end, which takes longer than the end; all other tests have it looked for.
NO_LOOK_BACK = {"ASAN_OPTIONS": "detect_leaks=0"}
LITTLE_MEMORY = {"ASAN_OPTIONS": "quarantine_size_mb=1"}  # what a sanitizer keeps back is not pgbeacon's


def open_files(exporter):
    return len(os.listdir(f"/proc/{exporter.process.pid}/fd"))


def memory(exporter, what="VmRSS"):
    """In MiB."""
    with open(f"/proc/{exporter.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what + ":")) / 1024


class Crowd(FaultCase):
    def test_fifty_at_once(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("50 scrapers at once", exporter, deadline=5) as fault:
            def scrape(_):
                began = time.monotonic()
                answer = exporter.get("/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": "5"})
                fault.took = max(fault.took, time.monotonic() - began)
                return answer.status, "\npg_up 1\n" in answer.body

            with concurrent.futures.ThreadPoolExecutor(50) as pool:
                for _ in range(3):
                    self.assertEqual([(200, True)] * 50, list(pool.map(scrape, range(50))))
            self.assertLess(fault.took, 5)
            fault.shows(1, "ok")
            fault.recovers()

    def test_hanging_up(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("scrapers that hang up", exporter) as fault:
            before = open_files(exporter)
            for number in range(300):
                self.hang_up(exporter.port, number % 4)
            fault.shows(1, "ok", rounds=2)
            wait_for(lambda: open_files(exporter) <= before, "their connections to be closed", 30)
            fault.recovers()

    @staticmethod
    def hang_up(port, when):
        """Before a request, in the middle of one, after it, or in the middle of the answer."""
        with socket.create_connection(("127.0.0.1", port)) as client:
            if when == 1:
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Half")
            elif when:
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            if when == 3:
                client.recv(100)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Ending(FaultCase):
    def end_in_mid_scrape(self, name, exporter, begun):
        """SIGTERM while five scrapers wait."""
        def scrape(_):
            try:
                return exporter.get("/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": "20"}).status
            except (OSError, http.client.HTTPException):
                return "closed"

        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            scrapes = [pool.submit(scrape, number) for number in range(5)]
            wait_for(begun, "the scrapes to wait")
            took = exporter.stop()
            self.assertLess(took, 2)
            answers = {one.result() for one in scrapes}
        self.assertLessEqual(answers, {200, "closed"})
        record(self, name, "", "ends with status 0; scrapers: " + ", ".join(map(str, answers)), f"{took:.2f} s of 2 s",
               "", "")

    def test_while_a_statement_runs(self):
        exporter = Beacon("--collection-timeout", "1s", "--collector.file", self.write("nap.yml", nap(60)),
                          dsn=self.primary.dsn(), env=NO_LOOK_BACK)
        self.addCleanup(exporter.stop, quiet=True)
        wait_equal(lambda: self.primary.value(NAPPING), 0, "the first statement to end")
        self.end_in_mid_scrape("SIGTERM in mid-statement", exporter, lambda: self.primary.value(NAPPING))
        wait_equal(self.primary.backends, 0, "its sessions to end")

    def test_while_the_server_is_frozen(self):
        exporter = Beacon(dsn=self.primary.dsn(), env=NO_LOOK_BACK)
        self.addCleanup(exporter.stop, quiet=True)
        before = open_files(exporter)
        self.primary.freeze()
        self.addCleanup(self.primary.thaw)
        self.end_in_mid_scrape("SIGTERM, the server frozen", exporter, lambda: open_files(exporter) >= before + 3)


class Limits(FaultCase):
    def test_no_file_descriptor_left(self):
        exporter = self.beacon(dsn=self.primary.dsn(), before=preload(self, "spare_pipe", BIN))
        with self.fault("no file descriptor left", exporter) as fault:
            limits = resource.prlimit(exporter.process.pid, resource.RLIMIT_NOFILE)
            highest = max(int(name) for name in os.listdir(f"/proc/{exporter.process.pid}/fd"))
            resource.prlimit(exporter.process.pid, resource.RLIMIT_NOFILE, (highest + 4, limits[1]))
            idle = [socket.create_connection(("127.0.0.1", exporter.port)) for _ in range(50)]
            for _ in range(3):
                page = fault.scrape()
                self.assertEqual((1, "ok"), (page.value("pg_up"), page.up_reason()))
                # The files of the host cannot be read: that is told, and nothing else is gone.
                failed = page.failed_collectors()
                self.assertIn(failed, ({}, {"host": "other"}))
                gone = {name for name in fault.before.names() - page.names() if not name.startswith("pg_stat_activity")}
                self.assertEqual(set(), {name for name in gone if not failed or not name.startswith(("pg_host_", "pg_cgroup_"))})
            fault.note(page)
            self.assertIn("Too many open files", exporter.log())
            resource.prlimit(exporter.process.pid, resource.RLIMIT_NOFILE, limits)
            for one in idle:
                one.close()
            fault.recovers()

    def test_a_log_line_without_end(self):
        log = self.write("postgresql.log", "")
        exporter = self.beacon("--source.file", log, "--source.prefix", "%m [%p] ", dsn=self.primary.dsn(),
                               env=LITTLE_MEMORY)
        with self.fault("log line of 256 MB", exporter) as fault:
            before = memory(exporter)
            stamp = "2026-11-20 20:14:23.488 UTC [7] "
            with open(log, "a", encoding="ascii") as file:
                file.write(stamp + "ERROR:  ")
                for _ in range(256):
                    file.write("x" * (1 << 20))
                file.write("\n" + stamp + "LOG:  after it\n")
            fault.shows(1, "ok")
            wait_equal(lambda: fault.scrape().value("pgbeacon_source_lag_bytes"), 0, "the line to be read", 60)
            page = fault.recovers()
            self.assertEqual(1, page.sum("pg_log_messages_total", severity="ERROR"))
            self.assertEqual(1, page.value("pgbeacon_source_truncated_records_total"))
            self.assertLess(memory(exporter, "VmHWM") - before, 32)


if __name__ == "__main__":
    unittest.main()
