"""Sessions, locks and roles as collectors show them, and how much of them at most."""

import unittest

from harness import beacon
from harness.at_work import AtWork
from harness.case import MostBackends, PairCase
from harness.postgres import PASSWORD
from harness.waiting import wait_equal, wait_for

WAITED = "pg_stat_activity_wait_seconds_total"
SAMPLED = "pgbeacon_collector_sampled_seconds_total"
COVERED = {"collector": "activity_samples", "state": "sampled"}
MISSED = {"collector": "activity_samples", "state": "missed"}


class Activity(AtWork, PairCase):
    with_standby = False
    settings = {"max_connections": "200"}

    def test_average_active_sessions(self):
        self.primary.query("create table busy()")
        exporter = self.beacon(dsn=self.primary.dsn())
        self.locked("busy")
        for sql in 4 * ["select pg_sleep(60)"] + 2 * ["select * from busy"]:
            session = self.session(self.primary)
            self.in_background(session, sql)
            self.addCleanup(session.cancel)
        at_work = ("select count(*) from pg_stat_activity "
                   "where wait_event_type = 'Lock' or wait_event = 'PgSleep'")
        wait_equal(lambda: self.primary.value(at_work), 6, "sleepers and waiters")
        waits = {"PgSleep": 4, "relation": 2}
        before = wait_for(lambda: (p := exporter.scrape()).sum(WAITED, wait_event="relation") and p,
                          "samples")

        def more():
            page = exporter.scrape()
            return page if page.value(SAMPLED, **COVERED) - before.value(SAMPLED, **COVERED) > 5 else None

        with MostBackends(self.primary) as backends:
            now = wait_for(more, "five more seconds of samples", 30, 1.3)
        self.assertLess(backends.most, 3)
        seconds = now.value(SAMPLED, **COVERED) - before.value(SAMPLED, **COVERED)
        for event, sessions in waits.items():
            where = {"wait_event": event, "state": "active", "backend_type": "client backend"}
            waited = now.value(WAITED, **where) - before.value(WAITED, **where)
            self.assertAlmostEqual(sessions, waited / seconds, delta=0.05, msg=event)
        off = self.beacon("--no-collector.activity_samples", dsn=self.primary.dsn())
        self.assertNotIn(WAITED, off.scrape().names())

    def test_time_that_was_not_sampled_is_told(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        before = wait_for(lambda: (p := exporter.scrape()).series(WAITED) and p, "samples")
        self.primary.freeze()
        try:
            down = wait_for(lambda: not (p := exporter.scrape(seconds=1.5)).value("pg_up") and p,
                            "the server to be down")
        finally:
            self.primary.thaw()
        self.assertEqual({}, down.series(WAITED), "nobody knows what its processes do")
        self.assertIn("activity_samples", down.failed_collectors())
        wait_for(lambda: exporter.scrape().value("pg_up"), "the server to be up")
        wait_for(lambda: exporter.scrape().value(SAMPLED, **MISSED) >
                 before.value(SAMPLED, **MISSED) + 0.5, "missed time")

    def test_samples_go_on_after_a_restart(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        before = wait_for(lambda: (p := exporter.scrape()).series(WAITED) and p, "samples")
        self.primary.stop()
        try:
            down = exporter.scrape()
            self.assertEqual("connection", down.failed_collectors()["activity_samples"])
            self.assertEqual({}, down.series(WAITED))
        finally:
            self.primary.start()
        now = wait_for(lambda: (p := exporter.scrape()).value(SAMPLED, **COVERED) >
                       before.value(SAMPLED, **COVERED) + 1 and p, "samples")
        self.assertEqual({}, now.failed_collectors())
        fallen = {labels: value for labels, value in before.series(WAITED).items()
                  if now.series(WAITED).get(labels, 0) < value}
        self.assertEqual({}, fallen)

    def test_applications_that_clients_choose(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        sessions = [self.session(self.primary, application=f"app {n}") for n in range(150)]
        page = exporter.scrape()
        names = page.labels("pg_stat_activity_count", "application_name")
        mine = {name for name in names if name.startswith("app ")}
        self.assertLessEqual(len(names - {""}), 101)
        self.assertEqual(150, len(mine) + page.sum("pg_stat_activity_count", state="idle",
                                                   application_name="other"))
        self.assertLess(0, page.value("pgbeacon_series_in_other", collector="stat_activity"))
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
        self.assertLess(4000, page.value("pgbeacon_series_in_other", collector="roles"))
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
        exporter = self.beacon(dsn=self.primary.dsn())
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


class Rights(PairCase):
    """What each login sees of this file's collectors; no login makes a page fail."""

    with_standby = False
    settings = {"shared_preload_libraries": "pg_stat_statements"}
    # Without pg_read_all_stats these say nothing rather than something wrong.
    NEED_RIGHTS = {"activity", "activity_samples", "stat_statements", "stat_statements_info"}
    FOR_ALL = {"blocking", "connections", "locks", "long_running_transactions", "process_idle",
               "role_counts", "roles", "stat_activity", "stat_activity_autovacuum"}

    def good(self, page):
        return {name for name in self.FOR_ALL | self.NEED_RIGHTS
                if page.value("pg_scrape_collector_success", collector=name) == 1}

    def logins(self):
        self.primary.query("create extension pg_stat_statements")
        self.primary.query(beacon.run("setup-sql").stdout)
        self.primary.query("create role nothing login")
        for role in ("pgbeacon", "nothing"):
            self.primary.query(f"alter role {role} password '{PASSWORD}'")

    def test_as_the_role_of_setup_sql_and_as_one_with_nothing(self):
        self.logins()
        for user, able in (("pgbeacon", self.FOR_ALL | self.NEED_RIGHTS), ("nothing", self.FOR_ALL)):
            with self.subTest(user):
                exporter = self.beacon("--collector.stat_statements", dsn=self.primary.dsn(user))
                self.assertEqual("ok", exporter.scrape().up_reason())
                wait_equal(lambda: self.good(exporter.scrape()), able, "collectors that succeed")

    def test_figures_without_rights_are_absent_or_true(self):
        self.primary.query("create role bare login")
        self.primary.query(f"alter role bare password '{PASSWORD}'")
        self.primary.query("create table held()")
        holder = self.session(self.primary)
        holder.autocommit = False
        with holder.cursor() as cursor:
            cursor.execute("lock table held")
        page = self.beacon(dsn=self.primary.dsn("bare")).scrape()
        self.assertEqual({}, page.failed_collectors())
        self.assertEqual({}, page.series("pg_connections_used"))
        self.assertEqual({}, page.series("pg_roles_connections"))
        self.assertEqual(40, page.value("pg_connections_max"))
        self.assertEqual(1, page.value("pg_locks_granted", datname="postgres",
                                       mode="accessexclusivelock"))
        self.assertEqual(self.primary.value("select count(*) from pg_roles"),
                         page.value("pg_roles_defined"))


if __name__ == "__main__":
    unittest.main()
