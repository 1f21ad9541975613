"""Faults as they are measured: what the page says, how long it takes, how many backends are held, when it is over.

With PGB_FIGURES=FILE every fault appends its row of the table in docs/reliability.md to FILE.
"""

import concurrent.futures
import os
import re
import time

from .beacon import ROOT
from .case import Background, PairCase
from .links import Link
from .waiting import wait_for

TABLE = os.path.join(ROOT, "docs", "reliability.md")
MOST_BACKENDS = 2
_OWN = ("pgbeacon_build_info", "process_start_time_seconds", "pgbeacon_backends", "pg_exporter_scrapes_total")


def backends_of(server, role="beacon"):
    """The server's processes that serve a role, by their titles: it need not answer for that."""
    found = 0
    try:
        for pid in server.children():
            with open(f"/proc/{pid}/cmdline", "rb") as title:
                words = title.read().split()
            found += words[:2] == [b"postgres:", role.encode()] and b"walsender" not in words
    except (OSError, AttributeError):
        pass  # it has ended meanwhile
    return found


def sockets_to(pid, port):
    """Connections of a process to a port, also those that are still being made."""
    try:
        inodes = set()
        for name in os.listdir(f"/proc/{pid}/fd"):
            target = _link_of(f"/proc/{pid}/fd/{name}")
            inodes.update(re.findall(r"socket:\[(\d+)\]", target))
        with open(f"/proc/{pid}/net/tcp", encoding="ascii") as table:
            rows = [row.split() for row in list(table)[1:]]
    except OSError:
        return 0
    return sum(row[2].endswith(f":{port:04X}") and row[9] in inodes for row in rows)


def _link_of(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


class Watch(Background):
    """The most backends and connections that were seen at once."""

    def __init__(self, server, exporter, port):
        super().__init__(self._look)
        self.server, self.exporter, self.port = server, exporter, port
        self.backends = self.sockets = 0

    def _look(self):
        process = self.exporter.process
        self.backends = max(self.backends, backends_of(self.server))
        if process:
            self.sockets = max(self.sockets, sockets_to(process.pid, self.port))
        self.ending.wait(0.02)


class Fault:
    """One fault from the healthy page before it to the healthy page after it. Use by FaultCase.fault."""

    def __init__(self, case, name, exporter, server, port, deadline, failing):
        self.case, self.name, self.exporter, self.server = case, name, exporter, server
        self.failing = failing
        self.deadline = deadline
        self.took = 0.0
        self.shown = None
        self.back = None
        self.most = MOST_BACKENDS
        self.watch = Watch(server, exporter, port or server.port)

    def __enter__(self):
        self.before = wait_for(self._healthy, f"{self.name}: a healthy page before it", 30)
        self.watch.__enter__()
        return self

    def __exit__(self, kind, *problem):
        self.watch.__exit__(kind, *problem)
        if kind:
            return
        self.case.assertLessEqual(self.watch.backends, self.most, self.name)
        self.case.assertLessEqual(self.watch.sockets, MOST_BACKENDS, self.name)
        self.case.assertIsNotNone(self.back, f"{self.name}: recovery was not looked at")
        self._record()

    def _healthy(self):
        page = self.exporter.scrape(False, seconds=self.deadline)
        return page if page.value("pg_up") and page.failed_collectors() == self.failing else None

    def scrape(self, seconds=None):
        """A page that came within its deadline, with all that pgbeacon says of itself."""
        seconds = seconds or self.deadline
        began = time.monotonic()
        page = self.exporter.scrape(seconds=seconds)
        took = time.monotonic() - began
        self.took = max(self.took, took)
        self.case.assertLess(took, seconds, self.name)
        for name in _OWN:
            self.case.assertIn(name, page.names(), self.name)
        self.case.assertLessEqual(page.value("pgbeacon_backends"), MOST_BACKENDS, self.name)
        return page

    def shows(self, up, reason, failed=None, rounds=1, seconds=None, lost=frozenset()):
        """Pages in the fault: pg_up with its reason, the collectors that fail and no other one.
        failed: {collector: reason}, or a reason of all; lost: names that may be missing."""
        for _ in range(rounds):
            page = self.scrape(seconds)
            self.case.assertEqual((up, reason), (page.value("pg_up"), page.up_reason()), self.name)
            if up and failed is None:
                self.case.assertEqual({}, page.failed_collectors(), self.name)
            elif isinstance(failed, dict):
                self.case.assertEqual(failed, page.failed_collectors(), self.name)
            elif failed:
                self.case.assertEqual({failed}, set(page.failed_collectors().values()), self.name)
            if up and not isinstance(failed, str):
                self.case.assertEqual(set(), self._lost(page, failed or {}) - lost, self.name)
        self.note(page)
        return page

    def _lost(self, page, failed):
        """Names of the page before that are gone, other than of collectors that fail."""
        gone = self.before.names() - page.names()
        of_sessions = ("pg_stat_activity", "pg_process_idle")  # come and go with those of others
        return {name for name in gone if not failed and not name.startswith(of_sessions)}

    def note(self, page):
        """The table shows the first page that is noted."""
        failed = page.failed_collectors()
        rest = "everything" if page.value("pg_up") else "its own metrics"
        if page.value("pg_up") and failed:
            most = sorted(f"`{name}`" for name in failed)
            names = ", ".join(most) if len(most) < 4 else f"{len(most)} collectors"
            rest = f"all but {names} (`{', '.join(sorted(set(failed.values())))}`)"
        self.shown = self.shown or (page.value("pg_up"), page.up_reason(), rest)

    def recovers(self, seconds=10):
        """The next page is as good as that before."""
        began = time.monotonic()
        page = self.exporter.scrape(seconds=seconds)
        self.back = time.monotonic() - began
        self.case.assertLess(self.back, seconds, self.name)
        self.case.assertEqual((1, "ok"), (page.value("pg_up"), page.up_reason()), self.name)
        self.case.assertEqual(self.failing, page.failed_collectors(), self.name)
        return page

    def _record(self):
        up, reason, rest = self.shown
        held = max(self.watch.backends, self.watch.sockets)
        record(self.case, self.name, f"{up:.0f} `{reason}`", rest, f"{self.took:.2f} s of {self.deadline:g} s", held,
               f"next scrape, {self.back:.2f} s")


def record(case, name, *cells):
    """The row of one fault, which the table must have, with the figures of whenever it was made."""
    with open(TABLE, encoding="utf-8") as table:
        case.assertIn(f"\n| {name} |", table.read(), "no row in docs/reliability.md")
    if os.environ.get("PGB_FIGURES"):
        with open(os.environ["PGB_FIGURES"], "a", encoding="utf-8") as rows:
            rows.write("| " + " | ".join(map(str, (name, *cells))) + " |\n")


class FaultCase(PairCase):
    with_standby = False

    def fault(self, name, exporter, server=None, port=None, deadline=2, failing=None):
        """`deadline`: what scrapers give; `port`: where pgbeacon connects to, where that is not the server's;
        `failing`: {collector: reason} without the fault."""
        return Fault(self, name, exporter, server or self.primary, port, deadline, failing or {})

    def link(self, server=None):
        link = Link((server or self.primary).port)
        self.addCleanup(link.close)
        return link

    def through(self, link, **dsn):
        return self.primary.dsn(**dsn).replace(f"port={self.primary.port}", f"port={link.port}")

    def meanwhile(self, work):
        """Does it in a thread; result() waits for what it returns."""
        pool = concurrent.futures.ThreadPoolExecutor(1)
        self.addCleanup(pool.shutdown)
        return pool.submit(work)
