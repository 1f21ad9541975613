"""What happens inside a server that is up: locks, statements without end, statistics that are reset. Every fault is a
row of docs/reliability.md."""

import os
import unittest

from harness.at_work import AtWork
from harness.beacon import BIN
from harness.collectors import LOCKED_ROWS, NAPPING, nap
from harness.preload import Clock
from harness.faults import FaultCase
from harness.waiting import wait_equal, wait_for

class Locks(FaultCase):
    def lock(self, table):
        session = self.session(self.primary)
        session.autocommit = False
        session.cursor().execute(f"lock table {table} in access exclusive mode")
        return session

    def test_table(self):
        self.primary.query("create table locked as select generate_series(1, 5) n")
        self.primary.query("grant select on locked to beacon")
        exporter = self.beacon("--collector.file", self.write("locked.yml", LOCKED_ROWS), dsn=self.primary.dsn())
        with self.fault("ACCESS EXCLUSIVE on a table", exporter) as fault:
            blocker = self.lock("locked")
            fault.shows(1, "ok", {"locked_rows": "lock_timeout"}, rounds=3)
            blocker.rollback()
            fault.recovers()

    def test_catalogue(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("ACCESS EXCLUSIVE on a catalog", exporter) as fault:
            blocker = self.lock("pg_class")
            for _ in range(3):
                page = fault.scrape()
                fault.note(page)
                self.assertEqual((1, "ok"), (page.value("pg_up"), page.up_reason()))
                self.assertLessEqual(set(page.failed_collectors().values()), {"lock_timeout", "timeout"})
                self.assertIn("pg_stat_activity_count", page.names())
            blocker.rollback()
            fault.recovers()


class Endless(AtWork, FaultCase):
    def test_of_another_session(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("10-minute statement of another session", exporter) as fault:
            session = self.session(self.primary)
            self.in_background(session, "select pg_sleep(600)")
            wait_for(lambda: self.primary.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'"),
                     "the statement")
            fault.shows(1, "ok", rounds=3)
            session.cancel()
            fault.recovers()

    def test_of_a_collector_of_the_users(self):
        path = self.write("nap.yml", nap(600))
        exporter = self.beacon("--collection-timeout", "2s", "--collector.file", path, dsn=self.primary.dsn())
        with self.fault("10-minute statement of a user's collector", exporter,
                        failing={"nap": "timeout"}) as fault:
            fault.shows(1, "ok", {"nap": "timeout"}, rounds=3)
            wait_equal(lambda: self.primary.value(NAPPING), 0, "the statement to be cancelled")
            fault.recovers(seconds=2)


class Reset(FaultCase):
    def test_statistics(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("statistics reset", exporter) as fault:
            self.primary.query("select pg_stat_reset(), pg_stat_reset_shared('bgwriter'), pg_stat_reset_shared('wal'), "
                               "pg_stat_reset_shared('archiver'), pg_stat_reset_slru(null)")
            before = fault.before.value("pg_stat_database_xact_commit", datname="postgres")
            page = fault.shows(1, "ok", rounds=2)
            self.assertLess(page.value("pg_stat_database_xact_commit", datname="postgres"), before)
            self.assertEqual([], [key for key, value in page.samples.items() if value < 0 and "lag" in key[0]])
            fault.recovers()


class Clocks(FaultCase):
    """Of pgbeacon's machine and of the server's: forward by a day, back by two."""

    DAY = 86400

    def test_of_pgbeacon(self):
        clock = Clock(self)
        exporter = self.beacon(dsn=self.primary.dsn(), before=clock.command(BIN))
        with self.fault("clock of pgbeacon stepped", exporter) as fault:
            for days in (1, -2, 0):
                clock.step(days * self.DAY)
                page = fault.shows(1, "ok", rounds=2)
                self.assertEqual([], negative(page))
            fault.recovers()

    def test_of_the_server(self):
        clock = Clock(self)
        self.primary.stop()
        self.primary.wrap = lambda command: [*clock.command(os.path.join(self.primary.programs, "postgres")), *command]
        self.primary.start()
        self.addCleanup(setattr, self.primary, "wrap", lambda command: command)
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("clock of the server stepped", exporter) as fault:
            for days in (1, -2, 0):
                clock.step(days * self.DAY)
                page = fault.shows(1, "ok", rounds=2)
                # What the server tells by its own clock is shown as told.
                self.assertLessEqual({name for name, _ in negative(page)},
                                     {"pg_control_checkpoint_age_seconds", "pg_postmaster_uptime_seconds"})
            fault.recovers()


def negative(page):
    """Durations below zero, other than the settings that mean "off" by it."""
    return [key for key, value in page.samples.items()
            if value < 0 and key[0].endswith(("_seconds", "_duration")) and not key[0].startswith("pg_settings_")]


if __name__ == "__main__":
    unittest.main()
