"""Counters survive kill -9: whatever is killed, rotated and deleted meanwhile, they equal one pass."""

import os
import random
import signal
import threading
import unittest

from harness import beacon
from harness.case import BeaconCase
from harness.pages import Page
from harness.waiting import wait_equal, wait_for

SERVER = ("--source.server", "db1")
ENDINGS = ("_total", "_count", "_sum", "_bucket")


class Log:
    """Records of interleaved sessions, written in pieces that respect no line, and rotated."""

    PREFIX = "%m [%p] %q%u@%d/%a "

    def __init__(self, folder, seed, by_name):
        self.random = random.Random(seed)
        self.folder = folder
        self.by_name = by_name
        self.number = 0
        self.lines = 0
        self.whole = []
        self.rest = b""
        self.parts = []
        self.file = None
        self.rotate()

    @property
    def source(self):
        return os.path.join(self.folder, "postgresql-*.log" if self.by_name else "postgresql.log")

    def _head(self, session):
        self.number += 1
        time = f"2026-01-01 00:{self.number // 60000 % 60:02d}:{self.number // 1000 % 60:02d}"
        return f"{time}.{self.number % 1000:03d} UTC [{4000 + session}] app@shop{session % 3}/web "

    def _record(self):
        """The lines of one record of a session; other sessions' lines may come between them."""
        session = self.random.randrange(24)
        head = self._head(session)
        kind = self.random.randrange(6)
        number = self.number
        if kind < 3:
            return [f"{head}LOG:  duration: {number % 7000 / 10 + 0.125:.3f} ms  statement: SELECT {number}\n"]
        if kind == 3:
            return [f'{head}ERROR:  relation "missing" does not exist at character 15\n',
                    f"{head}STATEMENT:  SELECT {number}\n\tFROM missing\n\tWHERE id = {number}\n"]
        if kind == 4:
            return [f'{head}ERROR:  duplicate key value violates unique constraint "k{number % 9}"\n',
                    f"{head}DETAIL:  Key (id)=({number}) already exists.\n",
                    f"{head}STATEMENT:  INSERT INTO t\n\tVALUES ({number})\n"]
        return [f'{head}LOG:  temporary file: path "base/pgsql_tmp/pgsql_tmp{number}.0", size {number * 1024}\n',
                f"{head}STATEMENT:  SELECT * FROM t ORDER BY {number % 5}\n"]

    def grow(self, lines):
        """Makes that many lines and writes all but a torn end of them."""
        open_records = []
        out = []
        wanted = self.lines + lines
        while self.lines < wanted or open_records:
            if self.lines < wanted and len(open_records) < 4:
                open_records.append(self._record())
            record = self.random.choice(open_records)
            line = record.pop(0)
            self.lines += line.count("\n")
            out.append(line)
            open_records = [record for record in open_records if record]
        data = self.rest + "".join(out).encode()
        self.whole.append("".join(out).encode())
        torn = self.random.randrange(200)
        data, self.rest = data[:-torn or None], data[len(data) - torn:] if torn else b""
        while data:
            size = self.random.randrange(1, 60000)
            os.write(self.file, data[:size])
            data = data[size:]

    def finish(self):
        os.write(self.file, self.rest)
        self.rest = b""

    def rotate(self):
        """A new file; what was torn goes to the old one first, as a writer's line would."""
        if self.file is not None:
            self.finish()
            os.close(self.file)
        if self.by_name:
            path = os.path.join(self.folder, f"postgresql-{len(self.parts):04d}.log")
        else:
            path = os.path.join(self.folder, "postgresql.log")
            if self.parts:
                old = f"{path}.{len(self.parts)}"
                os.rename(path, old)
                self.parts[-1] = old
        self.file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        self.parts.append(path)

    def delete(self, parts):
        for part in parts:
            if part in self.parts[:-1] and os.path.exists(part):
                os.unlink(part)


def counters(page):
    """Counters and histograms of the log without the label `server`."""
    return {(name, frozenset(pair for pair in labels if pair[0] != "server")): value
            for (name, labels), value in page.samples.items()
            if name.startswith("pg_log_") and name.endswith(ENDINGS)}


def one_pass(data, prefix):
    done = beacon.run("parse", "-", "--prefix", prefix, "-o", "prom", stdin=data, timeout=300)
    assert done.returncode == 0, done.stderr
    return counters(Page(done.stdout))


class KilledAgainAndAgain(BeaconCase):
    def setUp(self):
        self.state = os.path.join(self.folder(), "state")
        self.seen = {}

    def start(self, log):
        exporter = beacon.Beacon("--source.file", log.source, "--source.prefix", log.PREFIX,
                                 "--source.from", "begin", "--state.dir", self.state, *SERVER)
        return exporter

    def look(self, exporter):
        """A page; none of its counters is below what an earlier one showed."""
        page = exporter.scrape()
        now = counters(page)
        for series, before in self.seen.items():
            self.assertGreaterEqual(now.get(series, 0), before, series)
        self.seen.update(now)
        return page

    def settle(self, exporter):
        def read():
            page = self.look(exporter)
            lag = page.sum("pgbeacon_source_lag_bytes")
            return page if lag == 0 else None

        return wait_for(read, "the log to be read to its end", 60)

    def torture(self, log, lines, kills):
        chooser = random.Random(kills)
        each = lines // kills
        exporter = self.start(log)
        for _ in range(kills):
            writer = threading.Thread(target=self.write, args=(log, each))
            writer.start()
            if chooser.random() < 0.5:
                self.look(exporter)
            threading.Event().wait(chooser.random() * 0.4)  # any moment will do
            exporter.process.send_signal(signal.SIGKILL)
            exporter.stop(quiet=True)
            writer.join()
            rotated = log.parts[:-1]
            exporter = self.start(log)
            self.look(exporter)
            if chooser.random() < 0.3:
                log.finish()
                wait_equal(lambda: self.look(exporter).sum("pg_log_messages_total"), log.number,
                           "all records", 60)
                log.delete(rotated)
        log.finish()
        self.settle(exporter)
        whole = b"".join(log.whole)
        wanted = one_pass(whole, log.PREFIX)
        wait_equal(lambda: {series: value for series, value in counters(self.look(exporter)).items()
                            if series in wanted or value}, wanted, "the counters of one pass")
        page = exporter.scrape()
        self.assertEqual(len(whole), page.value("pgbeacon_source_bytes_total"))
        self.assertEqual(log.lines, page.value("pgbeacon_source_lines_total"))
        self.assertEqual(0, page.sum("pgbeacon_source_dropped_lines_total"))
        self.assertEqual(0, page.sum("pgbeacon_source_unparsed_lines_total"))
        exporter.stop()

    def write(self, log, lines):
        part = lines // 3
        log.grow(part)
        if log.random.random() < 0.6:
            log.rotate()
        log.grow(part)
        if log.random.random() < 0.3:
            log.rotate()
        log.grow(lines - 2 * part)

    def test_fifty_times_while_600000_lines_are_written_rotated_and_deleted(self):
        log = Log(self.folder(), 1, by_name=False)
        self.torture(log, 600_000, 50)
        self.assertGreaterEqual(log.lines, 600_000)
        self.assertGreater(len(log.parts), 20)
        self.assertLess(len([part for part in log.parts if os.path.exists(part)]), len(log.parts))

    def test_with_files_named_by_time(self):
        self.torture(Log(self.folder(), 2, by_name=True), 60_000, 8)


if __name__ == "__main__":
    unittest.main()
