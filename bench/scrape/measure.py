"""One server, scraped by pgbeacon and by postgres_exporter in turn."""

import argparse
import contextlib
import gzip
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/integration"))

from harness.postgres import Server, free_port  # noqa: E402
from harness.users import private_folder  # noqa: E402

SCRAPES_A_ROUND = 10
PASSWORD = "secret"  # without a blank, which postgres_exporter trips over
TICKS = os.sysconf("SC_CLK_TCK")
ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"
SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? \S+(?: \S+)?$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
# What a program tells of itself, or of the moment of the scrape.
OWN = re.compile("go_|process_|promhttp_|pg_exporter_|postgres_exporter_|pg_scrape_collector_|pg_stat_activity_")
# 0 there when it never happened, absent here (docs/migrating.md).
NEVER = re.compile("pg_stat_user_tables_last_|pg_stat_archiver_last_archive_age")
COST = """
select sum(calls), sum(total_exec_time), sum(shared_blks_hit + shared_blks_read)
  from pg_stat_statements s join pg_roles r on r.oid = s.userid where r.rolname = %s
"""


class Exporter:
    """A program that serves /metrics, and what its scrapes took."""

    def __init__(self, name, command, role, server):
        self.name, self.role, self.server = name, role, server
        self.port = free_port()
        self.command = [word.format(port=self.port) for word in command]
        self.wall, self.cpu, self.pages, self.memory = [], [], [], []
        self.statements = self.milliseconds = self.buffers = 0

    def __enter__(self):
        dsn = f"postgresql://{self.role}:{PASSWORD}@127.0.0.1:{self.server.port}/bench?sslmode=disable"
        self.process = subprocess.Popen(self.command, env={**os.environ, "DATA_SOURCE_NAME": dsn},
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.first = self.scrape()
                return self
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise SystemExit(f"{self.command[0]} does not serve") from None
                time.sleep(0.1)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def scrape(self):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/metrics", headers={
            "Accept": ACCEPT, "Accept-Encoding": "gzip", "X-Prometheus-Scrape-Timeout-Seconds": "10"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            body = answer.read()
        return gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_bytes(self, key):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(rf"{key}:\s+(\d+)", status.read())[1]) * 1024

    def server_cost(self):
        """Statements, milliseconds and buffers of the server that its role has taken so far."""
        return [float(value or 0) for value in self.server.query(COST, (self.role,), dbname="bench")[0]]

    def round(self):
        before, cost = self.cpu_seconds(), self.server_cost()
        for _ in range(SCRAPES_A_ROUND):
            started = time.monotonic()
            self.scrape()
            self.wall.append(time.monotonic() - started)
        self.cpu.append((self.cpu_seconds() - before) / SCRAPES_A_ROUND)
        self.memory.append(self.memory_bytes("RssAnon"))
        spent = [now - then for now, then in zip(self.server_cost(), cost)]
        self.statements, self.milliseconds, self.buffers = (value / SCRAPES_A_ROUND for value in spent)

    def row(self):
        return {"series": len(series_of(self.scrape().decode())), "cpu": statistics.median(self.cpu),
                "wall": statistics.median(self.wall), "memory": statistics.median(self.memory),
                "peak": self.memory_bytes("VmHWM")}


def series_of(text):
    """(name, labels) of every sample."""
    found = set()
    for line in text.splitlines():
        match = SAMPLE.match(line)
        if match and not line.startswith("#"):
            found.add((match[1], frozenset(LABEL.findall(match[2] or ""))))
    return found


def make_server(folder, options):
    server = Server(folder, "bench", settings={
        "shared_preload_libraries": "pg_stat_statements", "max_locks_per_transaction": "1024", "shared_buffers": "256MB",
        "pg_stat_statements.track": "all", "logging_collector": "off", "autovacuum": "off"})
    server.initialise()
    server.start()
    server.query("create database bench")
    for n in range(options.databases - 2):
        server.query(f"create database more_{n}")
    server.query("create extension pg_stat_statements", dbname="bench")
    for role in ("pgbeacon", "peer"):
        server.query(f"create role {role} login password '{PASSWORD}'")
        server.query(f"grant pg_monitor to {role}")
    for first in range(0, options.tables, 500):
        server.query(f"""do $$ begin
          for n in {first}..{min(first + 500, options.tables) - 1} loop
            execute format('create table t%s (id int primary key, name text)', n);
            execute format('insert into t%s select i, i::text from generate_series(1, 100) i', n);
            execute format('select count(*) from t%s where id = 5', n);
          end loop; end $$""", dbname="bench")
    server.query("vacuum analyze", dbname="bench")
    return server


def measure(programs, rounds):
    for _ in range(rounds):
        for program in programs:
            program.round()


def missing(peer, ours):
    """The peer's series that pgbeacon does not have."""
    wanted = {one for one in series_of(peer.scrape().decode()) if not OWN.match(one[0]) and not NEVER.match(one[0])}
    has = series_of(ours.scrape().decode())
    lost = wanted - has
    return len(wanted), lost


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--databases", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    if options.smoke:
        options.tables, options.databases, options.rounds = 50, 4, 1
    folder = private_folder()
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, True)
        server = make_server(folder, options)
        stack.callback(server.stop)
        fresh = os.path.join(tempfile.mkdtemp(prefix="pgbeacon-scrape-"), "fresh.yml")
        stack.callback(shutil.rmtree, os.path.dirname(fresh), True)
        with open(fresh, "w", encoding="utf-8") as file:
            file.write("collectors: {table_size: {interval: 0}, database_size: {interval: 0}}\n")
        listen = ["--web.listen-address", "127.0.0.1:{port}"]
        beacon = [options.binary, "serve", *listen]
        alike = [*beacon, "--preset=postgres_exporter"]
        programs = [stack.enter_context(Exporter(name, command, role, server)) for name, command, role in (
            ("postgres_exporter", [options.peer, "--web.listen-address=127.0.0.1:{port}"], "peer"),
            ("pgbeacon, preset, sizes at every scrape", [*alike, "--config.file", fresh], "pgbeacon"),
            ("pgbeacon, preset", alike, "pgbeacon"),
            ("pgbeacon, its defaults", beacon, "pgbeacon"))]
        measure(programs, options.rounds)
        rows = [{"name": program.name, **program.row(), "statements": program.statements,
                 "milliseconds": program.milliseconds, "buffers": program.buffers} for program in programs]
        wanted, lost = missing(programs[0], programs[1])
    print(f"\n{options.databases + 2} databases, {options.tables} tables, {options.rounds} rounds of {SCRAPES_A_ROUND} scrapes.\n")
    print("| program | series | CPU ms | wall ms | anonymous MiB | peak MiB | statements | server ms | server buffers |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in rows:
        print(f"| {row['name']} | {row['series']:,} | {row['cpu'] * 1e3:.1f} | {row['wall'] * 1e3:.1f} | "
              f"{row['memory'] / 2**20:.1f} | {row['peak'] / 2**20:.0f} | {row['statements']:.0f} | {row['milliseconds']:.1f} | {row['buffers']:,.0f} |")
    peer, ours = rows[0], rows[1]
    print("\n| budget | wanted | measured |\n| --- | ---: | ---: |")
    for key, most in (("cpu", 0.25), ("wall", 0.5), ("memory", 0.5)):
        ratio = ours[key] / peer[key]
        print(f"| {key} against postgres_exporter | <= {most} | {ratio:.2f}{'' if ratio <= most else ', missed'} |")
    print(f"| series of postgres_exporter that pgbeacon lacks, of {wanted:,} | 0 | {len(lost)} |")
    for name, labels in sorted(lost, key=str)[:20]:
        print(f"  {name}{dict(labels)}", file=sys.stderr)


if __name__ == "__main__":
    main()
