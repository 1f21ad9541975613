"""One pgbeacon and a fleet of targets, a tenth of which does not answer."""

import argparse
import concurrent.futures
import contextlib
import gzip
import http.client
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/integration"))

from harness.pgbouncer import Pooler  # noqa: E402
from harness.postgres import PASSWORD, Server, free_port  # noqa: E402
from harness.users import give, private_folder  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
TIMEOUT = 10
DATABASES = 50  # of a server
SCRAPERS = 40  # pages that are asked for at once
LOGIN = f"user=beacon password='{PASSWORD}' sslmode=disable"


class Process:
    """A program and what it takes."""

    def __init__(self, command, environment=None):
        self.process = subprocess.Popen(command, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def status(self, key):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(rf"{key}:\s+(\d+)", status.read())[1])


class Scraper:
    """Asks for pages over connections that stay open, as Prometheus does."""

    def __init__(self, port):
        self.port = port
        self.local = threading.local()

    def get(self, path):
        started = time.monotonic()
        for fresh in (False, True):
            connection = None if fresh else getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                connection.request("GET", path, headers={"X-Prometheus-Scrape-Timeout-Seconds": str(TIMEOUT),
                                                         "Accept-Encoding": "gzip"})
                answer = connection.getresponse()
                return answer.status, answer.read(), time.monotonic() - started
            except (http.client.HTTPException, OSError):
                connection.close()
                self.local.connection = None
                if fresh:
                    raise
        return None


def make_server(folder, name, databases):
    server = Server(folder, name, settings={"max_connections": str(2 * databases + 20), "logging_collector": "off",
                                            "autovacuum": "off", "shared_buffers": "16MB"})
    server.initialise()
    server.start()
    server.query(f"create role beacon login password '{PASSWORD}'; create role peer login password 'peer'; "
                 "grant pg_monitor to beacon, peer")
    for n in range(databases):
        server.query(f"create database d{n}")
    return server


def black_hole(stack):
    """An address that takes no connection and refuses none."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    port = listener.getsockname()[1]
    for _ in range(3):
        client = stack.enter_context(socket.socket())
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
    return port


def make_pooler(server, folder, databases, stack):
    place = os.path.join(folder, f"pooler-{server.name}")
    os.mkdir(place, 0o755)
    give(place)
    pooler = Pooler(server, place, clients=2 * databases + 50)
    stack.callback(pooler.stop)
    return pooler.start().port


def make_fleet(folder, options, stack):
    """{name: (alive, connection string)}, the servers that answer by name, and the one that will be stopped."""
    dead, alive = options.targets // 10, options.targets - options.targets // 10
    servers, targets = {}, {}

    def add(name, databases, pooled=False, answers=True):
        server = make_server(folder, name, databases)
        stack.callback(server.stop)
        port = make_pooler(server, folder, databases, stack) if pooled else server.port
        for n in range(databases):
            targets[f"{name}-d{n}"] = (answers, f"host=127.0.0.1 port={port} dbname=d{n} {LOGIN}")
        return server

    for number, first in enumerate(range(0, alive, DATABASES)):
        pooled = number % 3 == 2
        name = f"{'pooled' if pooled else 'direct'}{number}"
        servers[name] = add(name, min(DATABASES, alive - first), pooled)
        print(f"{len(targets)} databases", file=sys.stderr)
    stopped = add("stopped", dead - dead // 2, answers=False)
    hole = black_hole(stack)
    for n in range(dead // 2):
        targets[f"hole-{n}"] = (False, f"host=127.0.0.1 port={hole} dbname=d{n} {LOGIN}")
    return targets, servers, stopped


def round_of(pool, scraper, names, interval, results):
    """Each target once, spread over the interval."""
    begun = time.monotonic()
    asked = []
    for position, name in enumerate(names):
        wait = begun + interval * position / len(names) - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        asked.append((name, pool.submit(scraper.get, f"/probe?target={name}")))
    for name, future in asked:
        results.setdefault(name, []).append(future.result())
    rest = begun + interval - time.monotonic()
    if rest > 0:
        time.sleep(rest)


def measure_peers(options, targets):
    """CPU seconds of a scrape and MiB of a process, medians."""
    names = [name for name, (alive, _) in targets.items() if alive and name.startswith("direct")][:options.peers]
    cpu, memory = [], []
    for name in names:
        port, (at, database) = free_port(), re.findall(r"(?:port|dbname)=(\w+)", targets[name][1])
        uri = f"postgresql://peer:peer@127.0.0.1:{at}/{database}?sslmode=disable"
        peer = Process([options.peer, f"--web.listen-address=127.0.0.1:{port}"], {"DATA_SOURCE_NAME": uri})
        scraper = Scraper(port)
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                scraper.get("/metrics")
                break
            if time.monotonic() > deadline:
                raise SystemExit(f"{options.peer} does not serve")
            time.sleep(0.1)
        before = peer.cpu()
        for _ in range(20):
            scraper.get("/metrics")
        cpu.append((peer.cpu() - before) / 20)
        memory.append(peer.status("RssAnon") / 1024)
        peer.stop()
    return statistics.median(cpu), statistics.median(memory)


def write_config(folder, targets):
    path = os.path.join(folder, "fleet.yml")
    with open(path, "w", encoding="utf-8") as file:
        file.write("default_target: ''\ntargets:\n")
        for name, (_, dsn) in targets.items():
            file.write(f'  - {{name: {name}, dsn: "{dsn}"}}\n')
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--interval", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--peers", type=int, default=10)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    if options.smoke:
        options.targets, options.interval, options.rounds, options.peers = 40, 3, 2, 1
    folder = private_folder()
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, True)
        targets, servers, stopped = make_fleet(folder, options, stack)
        port = free_port()
        beacon = Process([options.binary, "serve", "--web.listen-address", f"127.0.0.1:{port}", "--config.file",
                          write_config(folder, targets)])
        stack.callback(beacon.stop)
        scraper = Scraper(port)
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(SCRAPERS))
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if scraper.get("/-/ready")[0] == 200:
                    break
            time.sleep(0.5)
        ready = time.monotonic() - deadline + 300
        names = list(targets)
        round_of(pool, scraper, names, options.interval, {})
        stack.callback(tell_all, stopped.process.pid, signal.SIGCONT)
        tell_all(stopped.process.pid, signal.SIGSTOP)
        for _ in range(4):  # until the breakers are open
            round_of(pool, scraper, names, options.interval, {})
        results, before, begun = {}, beacon.cpu(), time.monotonic()
        for _ in range(options.rounds):
            round_of(pool, scraper, names, options.interval, results)
        cpu, lasted = beacon.cpu() - before, time.monotonic() - begun
        memory, peak = beacon.status("RssAnon") / 1024, beacon.status("VmHWM") / 1024
        threads = beacon.status("Threads")
        backends = [server.value("select max(n) from (select count(*) n from pg_stat_activity where "
                                 "application_name = 'pgbeacon' group by datname) s")
                    for name, server in servers.items() if name.startswith("direct")]
        peer_cpu, peer_memory = measure_peers(options, targets)
    report(options, targets, results, ready, cpu, lasted, memory, peak, threads, backends, peer_cpu, peer_memory)


def tell_all(postmaster, what):
    """The postmaster and its backends."""
    children = subprocess.run(["pgrep", "-P", str(postmaster)], capture_output=True, text=True, check=False).stdout
    for pid in (postmaster, *map(int, children.split())):
        os.kill(pid, what)


def report(options, targets, results, ready, cpu, lasted, memory, peak, threads, backends, peer_cpu, peer_memory):
    def of(alive):
        return [one for name, many in results.items() if targets[name][0] == alive for one in many]

    up = sum(b"\npg_up 1\n" in plain(one[1]) for one in of(True))
    scrapes = len(of(True)) + len(of(False))
    print(f"\n{options.targets} targets, each scraped every {options.interval:g} s, {scrapes} scrapes in {lasted:.0f} s; "
          f"all were asked once {ready:.1f} s after the start; {threads} threads.\n")
    print("| targets | scrapes | answered and up | median ms | p99 ms | longest ms |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, alive in (("healthy", True), ("black-holed or stopped", False)):
        times = sorted(one[2] * 1e3 for one in of(alive))
        shown = up if alive else sum(b"\npg_up 1\n" in plain(one[1]) for one in of(alive))
        print(f"| {name} | {len(times)} | {shown} | {statistics.median(times):.0f} | {times[int(len(times) * .99)]:.0f} | {times[-1]:.0f} |")
    series = statistics.median(len([line for line in plain(one[1]).splitlines() if not line.startswith(b"#")])
                               for one in of(True))
    print("\n| program | CPU ms of a scrape | MiB in all | backends |\n| --- | ---: | ---: | --- |")
    print(f"| pgbeacon, one process ({series:.0f} series a target) | {cpu / scrapes * 1e3:.2f} | {memory:.0f} (peak {peak:.0f}) | "
          f"{max(backends)} a target at most |")
    print(f"| postgres_exporter, {options.targets} processes (from {options.peers}) | {peer_cpu * 1e3:.2f} | {peer_memory * options.targets:.0f} | |")
    for status in sorted({one[0] for one in of(True) + of(False)} - {200}):
        print(f"status {status} came", file=sys.stderr)


def plain(body):
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


if __name__ == "__main__":
    main()
