"""Who is measured: its command, the file it reads, and how many durations it says there are."""

import dataclasses
import json
import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
DURATION = r"duration: ([0-9.]+) ms"
# pgBadger counts a prepared statement once, when it is executed.
EXECUTED = r"duration: ([0-9.]+) ms  (statement|execute|plan)"
HEAD_LINES = {"mtail": 400_000, "pgbadger": 60_000}


@dataclasses.dataclass
class Contender:
    name: str
    command: list
    file: str
    count: object = None  # output -> durations; nothing: it counts none
    pattern: str = DURATION
    version: str = ""
    lines: int = 0
    bytes: int = 0
    samples: list = dataclasses.field(default_factory=list)


def version_of(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    return re.search(r"\d+\.\d+\S*", done.stdout)[0]


def head(path, lines, folder):
    """The first `lines` lines of `path` in a file of their own; the whole file if it has no more."""
    target = os.path.join(folder, f"head-{lines}.log")
    if not os.path.exists(target):
        with open(path, "rb") as log, open(target, "wb") as out:
            for _, line in zip(range(lines), log):
                out.write(line)
    return target


def sum_of(pattern):
    """Sums the values of the samples in Prometheus text whose names match."""
    sample = re.compile(rf"^(?:{pattern})(?:{{.*}})? (\S+)(?: \d+)?$", re.MULTILINE)
    return lambda output: int(sum(float(value) for value in sample.findall(output)))


def pgbadger_count(output):
    return json.loads(output)["overall_stat"]["postgres"]["queries_number"]


def ours(name, binary, file, *options):
    return Contender(name, [binary, "parse", "-o", "prom", *options, file], file,
                     sum_of(r"pg_log_(?:statement|plan)_duration_seconds_count"),
                     version=version_of(binary, "--version"))


def all_contenders(binary, corpus, prefix):
    log, csv, jsonlog = (os.path.join(corpus, f"postgresql.{form}") for form in ("log", "csv", "json"))
    for_mtail = head(log, HEAD_LINES["mtail"], corpus)
    for_pgbadger = head(log, HEAD_LINES["pgbadger"], corpus)
    scratch = os.path.join(corpus, "mtail")
    os.makedirs(scratch, exist_ok=True)
    yield ours("pgbeacon", binary, log, "--threads", "1")
    yield Contender("rg", ["rg", "-j1", "-c", DURATION, log], log, int,
                    version=version_of("rg", "--version"))
    yield Contender("wc", ["wc", "-l", log], log, version=version_of("wc", "--version"))
    yield ours("pgbeacon-2-threads", binary, log, "--threads", "2")
    yield ours("pgbeacon-csv", binary, csv, "--threads", "1")
    yield ours("pgbeacon-json", binary, jsonlog, "--threads", "1")
    usage = subprocess.run([binary, "parse", "--help"], stdout=subprocess.PIPE, text=True, check=True)
    if "--fingerprints" in usage.stdout:
        yield ours("pgbeacon-fingerprints", binary, log, "--threads", "1", "--fingerprints", "100")
    yield Contender("mtail", ["mtail", "--one_shot", "--one_shot_format", "prometheus", "--log_dir",
                              scratch, "--progs", os.path.join(HERE, "durations.mtail"), "--logs",
                              for_mtail], for_mtail,
                    sum_of(r"(?:statement|plan)_duration_seconds_count"),
                    version=version_of("mtail", "--version"))
    yield Contender("pgbadger", ["pgbadger", "--quiet", "-j", "1", "-f", "stderr", "--prefix", prefix,
                                 "-x", "json", "-o", "-", for_pgbadger], for_pgbadger, pgbadger_count,
                    EXECUTED, version_of("pgbadger", "--version"))


def class_contenders(binary, corpus):
    folder = os.path.join(corpus, "classes")
    for file in sorted(os.listdir(folder)):
        yield Contender("class-" + file.removesuffix(".log"),
                        [binary, "parse", "-o", "prom", "--threads", "1", os.path.join(folder, file)],
                        os.path.join(folder, file),
                        sum_of(r"pg_log_(?:statement|plan)_duration_seconds_count"))
