"""pg_stat_statements on every major, and under a flood of statements on one of them.

test_MAJOR runs on that major; PGB_MATRIX_DIR holds a folder per major but 15.
"""

import os
import threading
import unittest

from harness.case import BeaconCase
from harness.majors import EveryMajor
from harness.postgres import Pair, programs_of
from harness.waiting import wait_for

OPERATORS = 16  # 2^16 statements that differ in a sign, which their identifier heeds
# Where the sanitizer counts memory, what was given back is not held for long.
FREED = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}
COUNTS = "pg_stat_statements_calls_total"


def statement(number):
    bits = format(number, f"0{OPERATORS}b")
    return "select 0" + "".join(" + 1" if bit == "0" else " - 1" for bit in bits)


class Statements(EveryMajor, BeaconCase):
    def server(self, major, most=5000):
        pair = Pair(programs_of(major), standby=False, settings={
            "shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.max": str(most)})
        self.addCleanup(pair.close)
        primary = pair.primary
        primary.query("create extension pg_stat_statements")
        primary.query("create role load login; create role apart login")
        return primary

    def watch(self, server, *flags, **options):
        return self.beacon("--collector.stat_statements",
                           "--collector.stat_statements.exclude_users", "beacon,postgres", *flags,
                           dsn=server.dsn(), **options)

    def run_as(self, server, user, sql, times=1):
        session = server.connect(user=user)
        with session.cursor() as cursor:
            for _ in range(times):
                cursor.execute(sql)
        session.close()

    def run_major(self, major):
        server = self.server(major)
        exporter = self.watch(server, "--collector.stat_statements.include_query",
                              "--collector.stat_statements.query_length", "20")
        self.run_as(server, "load", "select 1 + 2 + 3 + 4 + 5 + 6", 7)
        self.run_as(server, "apart", "select 1 + 2 + 3 + 4 + 5 + 6", 2)
        page = exporter.scrape()
        self.assertEqual({}, page.failed_collectors())
        for user, calls in (("load", 7), ("apart", 2)):
            queryid, total, rows = server.query(
                "select queryid, total_exec_time, rows from pg_stat_statements where query like "
                "'select $1 + $2 +%%' and userid = %s::regrole", (user,))[0]
            where = {"user": user, "datname": "postgres", "queryid": str(queryid)}
            self.assertEqual(calls, page.value(COUNTS, **where))
            self.assertEqual(rows, page.value("pg_stat_statements_rows_total", **where))
            self.assertAlmostEqual(total / 1000,
                                   page.value("pg_stat_statements_seconds_total", **where), 9)
            self.assertEqual("select $1 + $2 + $3 ", next(iter(
                page.labels("pg_stat_statements_query_id", "query", queryid=str(queryid)))))
        self.assertEqual(set(), page.labels(COUNTS, "user") & {"beacon", "postgres"})
        self.assertEqual(0, page.value(COUNTS, queryid="other"))
        self.assertEqual(5000, page.value("pg_stat_statements_info_entries_max"))
        self.assertLess(1, page.value("pg_stat_statements_info_entries"))
        if major >= 14:
            self.assertEqual(0, page.value("pg_stat_statements_info_evictions_total"))
        self.check_reset(server, exporter, queryid)
        self.assertEqual([], server.complaints_about())

    def check_reset(self, server, exporter, queryid):
        server.query("select pg_stat_statements_reset()")
        self.run_as(server, "apart", "select 1 + 2 + 3 + 4 + 5 + 6")
        page = exporter.scrape()
        self.assertEqual(1, page.value(COUNTS, user="apart", queryid=str(queryid)))
        self.assertEqual(0, page.value(COUNTS, queryid="other"))

    def flood(self, server, first, count):
        """`count` statements that nobody has seen, and one call of each."""
        session = server.connect(user="load")
        with session.cursor() as cursor:
            for begin in range(first, first + count, 1000):
                end = min(begin + 1000, first + count)
                cursor.execute(";".join(statement(number) for number in range(begin, end)))
        session.close()

    def sleep_in(self, server, numbers):
        """Statements that no short one can outrank, however busy the machine is."""
        threads = [threading.Thread(target=self.run_as, args=(
            server, "load", statement(number) + " from pg_sleep(0.5)")) for number in numbers]
        for half in (threads[::2], threads[1::2]):
            for thread in half:
                thread.start()
            for thread in half:
                thread.join()

    def increase(self, before, now):
        """Of all series together, as rate() has it; a series that comes in begins with its past."""
        old, new = before.series(COUNTS), now.series(COUNTS)
        return sum(value - old[labels] for labels, value in new.items() if labels in old)

    def anonymous(self, exporter):
        with open(f"/proc/{exporter.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))

    def test_15_flood(self):
        server = self.server(15, most=60000)
        exporter = self.watch(server, "--collector.stat_statements.limit", "50", env=FREED)
        self.sleep_in(server, range(60))
        first = exporter.scrape()
        self.assertEqual(51, len(first.series(COUNTS)))
        members = first.labels(COUNTS, "queryid")
        page = first
        for part in range(5):
            self.flood(server, 100 + part * 10000, 10000)
            now = exporter.scrape(seconds=30)
            self.assertEqual({}, now.failed_collectors())
            self.assertEqual(10000, self.increase(page, now), f"part {part}")
            self.assertEqual(members, now.labels(COUNTS, "queryid"), "membership is sticky")
            self.assertLess(10000 * (part + 1) * 20,
                            now.value("pgbeacon_series_in_other", collector="stat_statements"))
            page = now
        self.assertEqual(50000, page.value(COUNTS, queryid="other") -
                         first.value(COUNTS, queryid="other"))
        self.assertLess(50000, server.value(
            "select count(*) from pg_stat_statements where userid = 'load'::regrole"))
        for _ in range(3):
            exporter.scrape(seconds=30)
        settled = self.anonymous(exporter)
        for _ in range(8):
            exporter.scrape(seconds=30)
        self.assertLess(self.anonymous(exporter) - settled, 16 << 10, "KiB")

    def test_15_evictions(self):
        server = self.server(15, most=100)
        exporter = self.watch(server)
        exporter.scrape()
        self.flood(server, 0, 3000)
        page = wait_for(lambda: (p := exporter.scrape()).value(
            "pg_stat_statements_info_evictions_total") and p, "evictions", 20)
        self.assertLess(0, page.value("pg_stat_statements_info_evictions_total"))
        self.assertLessEqual(page.value("pg_stat_statements_info_entries"), 100)

    def test_15_options(self):
        server = self.server(15)
        server.query("create database hidden")
        exporter = self.beacon("--collector.stat_statements",
                               "--collector.stat_statements.exclude_databases", "hidden,it's",
                               dsn=server.dsn())
        server.query("select 1 + 1", dbname="hidden")
        self.assertEqual({"postgres", "other"}, exporter.scrape().labels(COUNTS, "datname"))
        self.assertEqual({}, exporter.scrape().series("pg_stat_statements_query_id"))


if __name__ == "__main__":
    unittest.main()
