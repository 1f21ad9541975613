"""A thousand scrapes, each with a fault of its own: nothing is lost by it, and no memory, file or backend either."""

import itertools
import os
import re
import socket
import struct
import time
import unittest

from harness.faults import FaultCase, backends_of, record
from harness.waiting import wait_for

ROUNDS = 1000
WARM = 200
FEW = ("--preset=postgres_exporter", "--no-collector.host", "--no-collector.settings")  # half of the page
# A sanitizer keeps freed memory back; what it keeps is not pgbeacon's.
SMALL = {"ASAN_OPTIONS": "quarantine_size_mb=0:thread_local_quarantine_size_kb=0:malloc_context_size=2"}


class Rounds(FaultCase):
    def test_a_thousand(self):
        link = self.link()
        exporter = self.beacon(*FEW, dsn=self.through(link), env=SMALL)
        control = self.session(self.primary).cursor()
        page = ""

        def scrape(seconds=2):
            nonlocal page
            page = exporter.get("/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": str(seconds)}).body
            self.assertIn("\npgbeacon_build_info", page)
            return re.findall(r"^pg_up (\d)$", page, re.MULTILINE) + re.findall(
                r'^pg_up_reason\{.*reason="(\w+)".*\} 1$', page, re.MULTILINE)

        def healthy():
            self.assertEqual(["1", "ok"], scrape())

        def terminated():
            control.execute("select count(pg_terminate_backend(pid)) from pg_stat_activity "
                            "where application_name = 'pgbeacon'")
            self.assertEqual(["1", "ok"], scrape())

        def refused():
            link.refuses = True
            link.cut()
            self.assertEqual(["0", "unreachable"], scrape())
            link.refuses = False

        def cut_in_mid_answer():
            link.after = 6000
            link.cut()
            self.assertEqual("1", scrape()[0])
            link.after = None

        def hung_up():
            with socket.create_connection(("127.0.0.1", exporter.port)) as client:
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.assertEqual(["1", "ok"], scrape())

        faults = itertools.cycle((terminated, healthy, hung_up, refused, hung_up, cut_in_mid_answer, healthy, hung_up))
        began = time.monotonic()
        before = None
        for number in range(ROUNDS):
            next(faults)()
            if number == WARM:
                before = self.held(exporter)
        healthy()
        took = time.monotonic() - began
        after = self.held(exporter)
        self.assertLess(after["memory"], before["memory"] * 1.03)
        self.assertLessEqual(after["files"], before["files"] + 3)
        wait_for(lambda: backends_of(self.primary) <= 2, "the sessions of before to end")
        record(self, "1,000 faults, a scrape each", "each as above",
               f"memory {before['memory']:.1f} -> {after['memory']:.1f} MiB, files {before['files']} -> {after['files']}",
               f"{took:.0f} s in all", "", "next scrape")

    @staticmethod
    def held(exporter):
        with open(f"/proc/{exporter.process.pid}/status", encoding="ascii") as status:
            memory = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024
        return {"memory": memory, "files": len(os.listdir(f"/proc/{exporter.process.pid}/fd"))}


if __name__ == "__main__":
    unittest.main()
