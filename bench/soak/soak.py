"""pgbeacon under load, with one fault after the other; what it costs is looked at every second."""

import argparse
import contextlib
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(ROOT, "tests/integration"))

import faults  # noqa: E402
import plot  # noqa: E402
from harness.postgres import BIN, PASSWORD, Pair  # noqa: E402
from harness.users import command_as_user, private_folder  # noqa: E402
from harness.waiting import wait_for  # noqa: E402

TIMEOUT = 5.0  # of a scrape, as Prometheus would tell it
SETTINGS = {"max_connections": "60", "log_min_duration_statement": "0", "log_lock_waits": "on", "log_temp_files": "0",
            "log_rotation_size": "20MB", "log_filename": "postgresql-%H%M%S.log", "log_checkpoints": "on"}
CONFIG = """defaults: {{host: 127.0.0.1, user: beacon, database: postgres, sslmode: disable, password_file: {password}}}
targets:
  - {{name: primary, port: {pair.primary.port}, sources: [{{file: '{pair.primary.data}/log/*.log', from: begin}}]}}
  - {{name: standby, port: {pair.standby.port}}}
  - {{name: silent, port: {silent}}}
  - {{name: gone, port: 1}}
"""


class Exporter:
    """`pgbeacon serve` in a folder of its own."""

    def __init__(self, binary, folder, pair, silent):
        self.password = os.path.join(folder, "password")
        self.config = os.path.join(folder, "soak.yml")
        for path, text in ((self.password, PASSWORD), (self.config, CONFIG.format(
                password=self.password, pair=pair, silent=silent))):
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
        self.log = open(os.path.join(folder, "pgbeacon.log"), "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            [binary, "serve", "--web.listen-address", "127.0.0.1:0", "--config.file", self.config, "--state.dir",
             os.path.join(folder, "state")], stdin=subprocess.DEVNULL, stderr=self.log, cwd=folder)
        self.port = int(wait_for(self._listening, "pgbeacon to listen", 60))

    def _listening(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            words = log.read().partition("address=127.0.0.1:")[2]
        return words.partition('"')[0]

    def get(self, path):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}",
                                         headers={"X-Prometheus-Scrape-Timeout-Seconds": str(TIMEOUT)})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def sample(self):
        """Anonymous and resident MiB, descriptors, threads."""
        folder = f"/proc/{self.process.pid}"
        with open(folder + "/smaps_rollup", encoding="ascii") as file:
            rows = dict(line.split(":", 1) for line in file if ":" in line.split(" ")[0])
        kib = {name: int(rows[name].split()[0]) for name in ("Rss", "Anonymous")}
        with open(folder + "/status", encoding="ascii") as file:
            threads = next(int(line.split()[1]) for line in file if line.startswith("Threads"))
        return kib["Anonymous"] / 1024, kib["Rss"] / 1024, len(os.listdir(folder + "/fd")), threads

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Soak:
    def __init__(self, arguments, pair, exporter):
        self.pair, self.exporter = pair, exporter
        self.began = time.monotonic()
        self.ends = self.began + arguments.minutes * 60
        self.samples, self.scrapes, self.marks, self.problems = [], [], [], []

    def now(self):
        return time.monotonic() - self.began

    def over(self):
        return time.monotonic() > self.ends

    def watch(self):
        while not self.over():
            self.samples.append((self.now(), *self.exporter.sample()))
            time.sleep(1)

    def scrape(self, target):
        """Every five seconds, as Prometheus does; each target by a thread of its own."""
        path = "/metrics" if target == "primary" else f"/probe?target={target}"
        while not self.over():
            asked = time.monotonic()
            try:
                page = self.exporter.get(path)
                up = b"\npg_up 1\n" in page
            except OSError as error:
                self.problems.append(f"{self.now():.0f} s: {target}: {error}")
                up = False
            took = time.monotonic() - asked
            self.scrapes.append((asked - self.began, target, took, up))
            time.sleep(max(0, 5 - took))

    def load(self):
        """Sessions that come, fail in different ways and go; what they say stands in the log."""
        statements = ("select 1/0", "select * from nothing", "select pg_sleep(0.01)",
                      "select count(*) from generate_series(1, 300000) a(n) group by n % 7 order by 1",
                      "select 'x\nFATAL:  forged'::int", "set work_mem = '64kB'; select count(distinct n) from "
                      "generate_series(1, 50000) a(n)")
        while not self.over():
            with contextlib.suppress(Exception):
                self.pair.primary.query(random.choice(statements), application=f"load {random.randrange(50)}")
            time.sleep(0.05)

    def bench(self):
        while not self.over():
            words = [os.path.join(BIN, "pgbench"), "-h", self.pair.primary.sockets, "-p", str(self.pair.primary.port),
                     "-U", "postgres", "-n", "-c", "4", "-R", "200", "-T", "20", "postgres"]
            subprocess.run(command_as_user(words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                           cwd="/")
            time.sleep(0.2)

    def faults(self):
        while not self.over():
            for name, fault in faults.ALL:
                if self.now() + 25 > self.ends - self.began:
                    return
                self.marks.append((self.now(), name))
                try:
                    fault(self.pair, self.exporter)
                except Exception as error:  # a fault that fails is no fault of pgbeacon
                    self.problems.append(f"{self.now():.0f} s: the fault {name} itself failed: {error}")
                time.sleep(8)

    def run(self):
        work = [self.watch, self.load, self.load, self.bench, self.faults,
                *(lambda target=target: self.scrape(target) for target in ("primary", "standby", "silent", "gone"))]
        threads = [threading.Thread(target=one, daemon=True) for one in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def quarter(values, which):
    part = max(1, len(values) // 4)
    return statistics.median(values[:part] if which == 0 else values[-part:])


def verdict(soak):
    """Rows of (what, figure, whether it is as it should be). The first quarter warms up: it is compared with the
    last one."""
    anonymous, files, threads = ([row[i] for row in soak.samples] for i in (1, 3, 4))
    rows = [("anonymous memory, second and last quarter, MiB",
             f"{quarter(anonymous[len(anonymous) // 4:], 0):.1f}, {quarter(anonymous, -1):.1f}",
             quarter(anonymous, -1) <= 1.15 * quarter(anonymous[len(anonymous) // 4:], 0) + 1),
            ("most anonymous memory, MiB", f"{max(anonymous):.1f}", True),
            ("descriptors, first and last quarter", f"{quarter(files, 0):.0f}, {quarter(files, -1):.0f}",
             quarter(files, -1) <= quarter(files, 0) + 8),
            ("threads, most", f"{max(threads)}", max(threads) <= 40)]
    for target in ("primary", "standby", "silent", "gone"):
        took = sorted(row[2] for row in soak.scrapes if row[1] == target)
        rows.append((f"scrapes of {target}: number, median, slowest",
                     f"{len(took)}, {statistics.median(took) * 1000:.0f} ms, {took[-1] * 1000:.0f} ms",
                     took[-1] <= TIMEOUT))
    up = [row[3] for row in soak.scrapes if row[1] == "primary"]
    rows.append(("scrapes of primary that found it up, faults included", f"{100 * sum(up) / len(up):.0f} %", True))
    rows.append(("CPU", f"{100 * soak.exporter.cpu_seconds() / soak.now():.1f} % of one", True))
    rows.append(("faults", str(len(soak.marks)), bool(soak.marks)))
    return rows


def save(soak, folder, plots):
    os.makedirs(folder, exist_ok=True)
    for name, header, rows in (
            ("samples.tsv", ("seconds", "anonymous_mib", "resident_mib", "descriptors", "threads"), soak.samples),
            ("scrapes.tsv", ("seconds", "target", "took_seconds", "up"), sorted(soak.scrapes)),
            ("faults.tsv", ("seconds", "fault"), soak.marks)):
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            for row in (header, *rows):
                file.write("\t".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row) + "\n")
    for path in (os.path.join(folder, "soak.svg"), *plots):
        with open(path, "w", encoding="ascii") as file:
            file.write(plot.draw(soak.samples, soak.scrapes, soak.marks))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--plot", action="append", default=[])
    arguments = parser.parse_args()
    binary = os.path.abspath(arguments.binary)
    with contextlib.ExitStack() as stack:
        pair = Pair(settings=SETTINGS)
        stack.callback(pair.close)
        words = [os.path.join(BIN, "pgbench"), "-h", pair.primary.sockets, "-p", str(pair.primary.port), "-U",
                 "postgres", "-q", "-i", "postgres"]
        subprocess.run(command_as_user(words), check=True, capture_output=True, cwd="/")
        silent = stack.enter_context(faults.silent_address())
        exporter = Exporter(binary, private_folder(), pair, silent.getsockname()[1])
        stack.callback(exporter.process.kill)
        soak = Soak(arguments, pair, exporter)
        soak.run()
        if exporter.process.poll() is not None:
            sys.exit(f"pgbeacon ended with {exporter.process.returncode}: see {exporter.log.name}")
        rows = verdict(soak)
        save(soak, os.path.join(ROOT, "build/bench/soak"), arguments.plot)
        stopping = time.monotonic()
        exporter.process.send_signal(signal.SIGTERM)
        status = exporter.process.wait(30)
        rows.append(("end after SIGTERM: status, seconds", f"{status}, {time.monotonic() - stopping:.1f}", status == 0))
    print("| what | measured | |\n| --- | ---: | --- |")
    for what, figure, good in rows:
        print(f"| {what} | {figure} | {'' if good else 'not as it should be'} |")
    print(f"\n{arguments.minutes:g} minutes, {os.cpu_count()} cores, load average {os.getloadavg()[2]:.0f} at the end")
    print("\n".join(soak.problems[:20]))
    return 0 if all(good for _, _, good in rows) else 1


if __name__ == "__main__":
    socket.setdefaulttimeout(60)
    sys.exit(main())
