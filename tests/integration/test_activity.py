"""Sessions, locks and roles as collectors show them, and how much of them at most."""

import threading
import unittest

import psycopg2

from harness.case import PairCase
from harness.waiting import wait_equal, wait_for

WAITED = "pg_stat_activity_wait_seconds_total"
SAMPLED = "pgbeacon_collector_sampled_seconds_total"


class Activity(PairCase):
    with_standby = False
    settings = {"max_connections": "200"}

    def in_background(self, session, sql):
        """A statement that is still under way when this returns."""
        def work():
            try:
                with session.cursor() as cursor:
                    cursor.execute(sql)
            except psycopg2.Error:
                pass  # cancelled at the end of the test

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 20)
        return thread

    def locked(self, table, then=None):
        """A session in a transaction that holds a table, and waits for another where told."""
        session = self.session(self.primary)
        session.autocommit = False
        with session.cursor() as cursor:
            cursor.execute(f"lock table {table}")
        if then:
            self.in_background(session, f"lock table {then}")
        return session

    def test_a_chain_of_locks(self):
        self.primary.query("create table a(); create table b(); create table c()")
        exporter = self.beacon(dsn=self.primary.dsn())
        page = exporter.scrape()
        self.assertEqual((0, 0), (page.value("pg_blocking_waiters"), page.value("pg_blocking_depth")))
        self.assertEqual({}, page.series("pg_blocking_longest_wait_seconds"))
        root = self.locked("a")
        middle = self.locked("b", then="a")
        last = self.locked("c", then="b")
        waiter = self.session(self.primary)
        self.in_background(waiter, "select * from c")
        waiting = "select count(distinct pid) from pg_locks where not granted"
        wait_equal(lambda: self.primary.value(waiting), 3, "waiters")
        page = exporter.scrape()
        self.assertEqual(3, page.value("pg_blocking_waiters"))
        self.assertEqual(3, page.value("pg_blocking_examined_waiters"))
        self.assertEqual(3, page.value("pg_blocking_depth"))
        self.assertEqual(1, page.value("pg_blocking_root_blockers", state="idle in transaction"))
        self.assertEqual(1, page.sum("pg_blocking_root_blockers"))
        self.assertLess(0, page.value("pg_blocking_longest_wait_seconds"))
        self.assertGreaterEqual(page.value("pg_blocking_root_transaction_age_seconds"),
                                page.value("pg_blocking_longest_wait_seconds"))
        mode = {"datname": "postgres", "mode": "accessexclusivelock"}
        self.assertEqual((5, 3, 2), tuple(page.value("pg_locks_" + what, **mode)
                                          for what in ("count", "granted", "waiting")))
        self.assertEqual(1, page.value("pg_stat_activity_idle_in_transaction", datname="postgres"))
        for session in (root, middle, last, waiter):
            session.cancel()
            session.close()
        wait_equal(lambda: exporter.scrape().value("pg_blocking_waiters"), 0, "no waiters")

    def test_average_active_sessions(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        for _ in range(4):
            session = self.session(self.primary)
            self.in_background(session, "select pg_sleep(60)")
            self.addCleanup(session.cancel)
        asleep = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
        wait_equal(lambda: self.primary.value(asleep), 4, "sleepers")
        where = {"wait_event": "PgSleep", "state": "active", "backend_type": "client backend"}
        before = wait_for(lambda: (p := exporter.scrape()).value(WAITED, **where) and p, "samples")
        covered = {"collector": "activity_samples", "state": "sampled"}

        def more():
            page = exporter.scrape()
            return page if page.value(SAMPLED, **covered) - before.value(SAMPLED, **covered) > 5 else None

        now = wait_for(more, "five more seconds of samples", 30, 1.3)
        seconds = now.value(SAMPLED, **covered) - before.value(SAMPLED, **covered)
        waited = now.value(WAITED, **where) - before.value(WAITED, **where)
        self.assertAlmostEqual(4, waited / seconds, delta=0.05)
        self.assertLess(self.primary.backends(), 3)
        off = self.beacon("--no-collector.activity_samples", dsn=self.primary.dsn())
        self.assertNotIn(WAITED, off.scrape().names())

    def test_time_that_was_not_sampled_is_told(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        wait_for(lambda: exporter.scrape().series(WAITED), "samples")
        before = exporter.scrape()
        self.primary.freeze()
        try:
            wait_for(lambda: not exporter.scrape(seconds=1.5).value("pg_up"), "the server to be down")
        finally:
            self.primary.thaw()
        wait_for(lambda: exporter.scrape().value("pg_up"), "the server to be up")
        missed = {"collector": "activity_samples", "state": "missed"}
        wait_for(lambda: exporter.scrape().value(SAMPLED, **missed) >
                 before.value(SAMPLED, **missed) + 0.5, "missed time")

    def test_applications_that_clients_choose(self):
        exporter = self.beacon("--collector.process_idle", dsn=self.primary.dsn())
        sessions = [self.session(self.primary, application=f"app {n}") for n in range(150)]
        page = exporter.scrape()
        names = page.labels("pg_stat_activity_count", "application_name")
        mine = {name for name in names if name.startswith("app ")}
        self.assertLessEqual(len(names - {""}), 101)
        self.assertEqual(150, len(mine) + page.sum("pg_stat_activity_count", state="idle",
                                                   application_name="other"))
        self.assertLess(0, page.value("pgbeacon_series_dropped", collector="stat_activity"))
        idle = page.series("pg_process_idle_seconds_count", state="idle")
        self.assertLessEqual(len(idle), 51)
        self.assertEqual(150, sum(value for key, value in idle.items()
                                  if dict(key)["application_name"] != "e2e"))
        again = exporter.scrape().labels("pg_stat_activity_count", "application_name")
        self.assertEqual(names, again, "membership is stable")
        for session in sessions:
            session.close()

    def test_five_thousand_roles(self):
        self.primary.query("do $$ begin for n in 1..5000 loop "
                           "execute format('create role r%s %s', n, case when n % 2 = 0 then 'login' end); "
                           "end loop; end $$")
        self.primary.query("alter role r5000 connection limit 7 valid until '2020-01-01'")
        exporter = self.beacon(dsn=self.primary.dsn())
        page = exporter.scrape()
        limits = page.series("pg_roles_connection_limit")
        self.assertEqual(1000, len(limits))
        self.assertEqual(7, page.value("pg_roles_connection_limit", rolname="r5000"))
        self.assertEqual(1577836800, page.value("pg_roles_password_valid_until_timestamp_seconds",
                                                rolname="r5000"))
        self.assertEqual(1, page.value("pg_roles_connections", rolname="beacon"))
        self.assertEqual(0, page.value("pg_roles_connections", rolname="other"))
        self.assertLess(4000, page.value("pgbeacon_series_dropped", collector="roles"))
        self.assertLess(5000, page.value("pg_roles_defined"))
        self.assertEqual((1, 1), (page.value("pg_roles_superusers"),
                                  page.value("pg_roles_password_expired")))
        self.assertEqual(set(limits), set(exporter.scrape().series("pg_roles_connection_limit")))
        self.primary.query("do $$ begin for n in 1..5000 loop "
                           "execute format('drop role r%s', n); end loop; end $$")

    def test_sessions_by_state(self):
        session = self.session(self.primary)
        session.autocommit = False
        with session.cursor() as cursor:
            cursor.execute("select pg_current_xact_id()")
        exporter = self.beacon("--collector.long_running_transactions",
                               "--collector.stat_activity_autovacuum", dsn=self.primary.dsn())
        page = exporter.scrape()
        self.assertEqual({}, page.failed_collectors())
        kind = {"backend_type": "client backend", "datname": "postgres"}
        self.assertEqual(1, page.value("pg_stat_activity_backends", state="idle in transaction", **kind))
        self.assertEqual(1, page.value("pg_stat_activity_backends", backend_type="checkpointer"))
        self.assertEqual(1, page.value("pg_stat_activity_idle_in_transaction", datname="postgres"))
        for what in ("oldest_transaction", "longest_idle_in_transaction"):
            self.assertLess(0, page.value(f"pg_stat_activity_{what}_seconds", datname="postgres"))
        self.assertLessEqual(1, page.value("pg_stat_activity_oldest_xid_age", datname="postgres"))
        self.assertEqual(1, page.value("pg_long_running_transactions"))
        self.assertEqual(page.value("pg_long_running_transactions_oldest_age_seconds"),
                         page.value("pg_long_running_transactions_oldest_timestamp_seconds"))


if __name__ == "__main__":
    unittest.main()
