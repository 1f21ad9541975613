"""Who waits for whom, on every major: chains, prepared transactions, crowds before one lock.

test_MAJOR runs on that major; PGB_MATRIX_DIR holds a folder per major but 15.
"""

import unittest

from harness.at_work import AtWork
from harness.case import BeaconCase
from harness.majors import EveryMajor
from harness.postgres import Pair, programs_of
from harness.waiting import wait_equal, wait_for

WAITERS = "select count(distinct pid) from pg_locks where not granted"
LONGEST = "pg_blocking_longest_wait_seconds"
CROWD = 150


class Locks(AtWork, EveryMajor, BeaconCase):
    def run_major(self, major):
        pair = Pair(programs_of(major), standby=False,
                    settings={"max_connections": "200", "max_prepared_transactions": "2"})
        self.addCleanup(pair.close)
        self.primary = pair.primary
        self.exporter = self.beacon(dsn=self.primary.dsn())
        self.waits_have_a_start = major >= 14
        self.primary.query("create table a(); create table b(); create table c(); "
                           "create table kept(n int); insert into kept values (1)")
        for check in (self.nobody_waits, self.chain, self.prepared_transaction, self.crowd,
                      self.nobody_waits, self.samples):
            with self.subTest(check.__name__):
                check()
        self.assertEqual([], self.primary.complaints_about())

    def waiting(self, count):
        wait_equal(lambda: self.primary.value(WAITERS), count, "waiters")
        page = self.exporter.scrape()
        self.assertEqual(count, page.value("pg_blocking_waiters"))
        self.assertEqual(count, page.value("pg_blocking_examined_waiters"))
        return page

    def end(self, *sessions):
        for session in sessions:
            session.cancel()
            session.close()

    def nobody_waits(self):
        page = self.waiting(0)
        self.assertEqual(0, page.value("pg_blocking_depth"))
        self.assertEqual(0, page.sum("pg_blocking_root_blockers"))
        self.assertEqual({}, page.series(LONGEST))

    def chain(self):
        root = self.locked("a")
        middle = self.locked("b", then="a")
        last = self.locked("c", then="b")
        waiter = self.session(self.primary)
        self.in_background(waiter, "select * from c")
        page = self.waiting(3)
        self.assertEqual(3, page.value("pg_blocking_depth"))
        self.assertEqual(1, page.value("pg_blocking_root_blockers", state="idle in transaction"))
        self.assertEqual(1, page.sum("pg_blocking_root_blockers"))
        self.longest_wait_is_true(page)
        mode = {"datname": "postgres", "mode": "accessexclusivelock"}
        self.assertEqual((5, 3, 2), tuple(page.value("pg_locks_" + what, **mode)
                                          for what in ("count", "granted", "waiting")))
        self.assertEqual(1, page.value("pg_stat_activity_idle_in_transaction", datname="postgres"))
        self.end(root, middle, last, waiter)

    def longest_wait_is_true(self, page):
        if not self.waits_have_a_start:
            self.assertEqual({}, page.series(LONGEST))
            return
        sql = ("select extract(epoch from clock_timestamp() - min(waitstart))::float from pg_locks "
               "where not granted")
        before = self.primary.value(sql)
        shown = self.exporter.scrape().value(LONGEST)
        self.assertLessEqual(before, shown)
        self.assertLessEqual(shown, self.primary.value(sql))
        self.assertGreaterEqual(page.value("pg_blocking_root_transaction_age_seconds"),
                                page.value(LONGEST))

    def prepared_transaction(self):
        owner = self.session(self.primary)
        with owner.cursor() as cursor:
            cursor.execute("begin")
            cursor.execute("update kept set n = 2")
            cursor.execute("prepare transaction 'left behind'")
        waiter = self.session(self.primary)
        self.in_background(waiter, "update kept set n = 3")
        page = self.waiting(1)
        self.assertEqual(1, page.value("pg_blocking_depth"))
        self.assertEqual(1, page.value("pg_blocking_root_blockers", state="prepared transaction"))
        self.assertEqual(1, page.sum("pg_blocking_root_blockers"))
        self.primary.query("rollback prepared 'left behind'")

    def crowd(self):
        root = self.locked("a")
        waiters = [self.session(self.primary) for _ in range(CROWD)]
        for waiter in waiters:
            self.in_background(waiter, "select * from a")
        page = self.waiting(CROWD)
        self.assertEqual((1, 1), (page.value("pg_blocking_depth"),
                                  page.sum("pg_blocking_root_blockers")))
        self.assertLess(page.value("pg_scrape_collector_duration_seconds", collector="blocking"), 1)
        self.end(root, *waiters)

    def samples(self):
        sampled = {"collector": "activity_samples", "state": "sampled"}
        wait_for(lambda: self.exporter.scrape().value("pgbeacon_collector_sampled_seconds_total",
                                                      **sampled), "samples")
        self.assertEqual({}, self.exporter.scrape().failed_collectors())


if __name__ == "__main__":
    unittest.main()
