"""Through PgBouncer an application and pgbeacon take turns on one server connection: what the application finds there
is what it left."""

import unittest

from harness.case import PairCase
from harness.pgbouncer import Pooler

# All that a session can leave to the next client of its server connection.
STATE = {
    "settings": "select name, setting from pg_settings where name <> 'application_name' order by name",
    "settings of its own": "select current_setting('app.tenant', true)",
    "prepared statements": "select name from pg_prepared_statements",
    "cursors": "select name from pg_cursors",
    "temporary tables": "select relname from pg_class where relpersistence = 't'",
    "advisory locks": "select objid from pg_locks where locktype = 'advisory'",
    "channels": "select * from pg_listening_channels()",
    "role": "select current_user, session_user",
}


class Pooled(PairCase):
    with_standby = False

    def pooler(self, more="", pool_size=1, **options):
        pooler = Pooler(self.primary, self.folder(), pool_size=pool_size,
                        more="reserve_pool_size = 0\n" + more, **options)
        self.addCleanup(pooler.stop)
        return pooler.start()

    def dsn(self, pooler):
        return f"host=127.0.0.1 port={pooler.port} user=postgres password=p dbname=app sslmode=disable"

    def look(self, session):
        with session.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            backend = cursor.fetchone()[0]
            seen = {}
            for what, sql in STATE.items():
                cursor.execute(sql)
                seen[what] = cursor.fetchall()
        return backend, seen


    def scrape(self, exporter):
        page = exporter.scrape(False)
        self.assertEqual((1, {}), (page.value("pg_up"), page.failed_collectors()))
        return page

    def assert_untouched(self, pooler):
        """One server connection for both: the application's state is the same before, between and after scrapes."""
        application = pooler.connect()
        self.addCleanup(application.close)
        with application.cursor() as cursor:  # of a transaction pooler's clients this is what must not change
            cursor.execute("set work_mem = '7MB'; set search_path = public, app; set app.tenant = 'seven'; "
                           "set statement_timeout = '59s'; prepare mine as select 7; select pg_advisory_lock(77); "
                           "create temporary table kept as select 7 as n; listen news")
        backend, before = self.look(application)
        exporter = self.beacon("--collector.all", dsn=self.dsn(pooler))
        for _ in range(3):
            page = self.scrape(exporter)
            self.assertEqual((backend, before), self.look(application))
        self.assertEqual(f"{backend}", self.primary.value(
            "select string_agg(pid::text, ' ') from pg_stat_activity where datname = 'postgres' and usename = 'postgres' "
            "and backend_type = 'client backend' and client_addr is null and pid <> pg_backend_pid()"))
        self.assertGreater(page.value("pg_stat_activity_count", datname="postgres", state="active"), 0)
        exporter.stop()
        self.assertEqual((backend, before), self.look(application))
        with application.cursor() as cursor:
            cursor.execute("execute mine")
            self.assertEqual((7,), cursor.fetchone())
            cursor.execute("discard all")

    def test_transactions_are_pooled(self):
        self.assert_untouched(self.pooler())

    def test_transactions_are_pooled_and_startup_options_are_ignored(self):
        self.assert_untouched(self.pooler(more="ignore_startup_parameters = options,extra_float_digits"))

    def test_sessions_are_pooled(self):
        """Who comes after us on a connection finds what we found, without the pooler's help."""
        pooler = self.pooler(mode="session", pool_size=2, more="server_reset_query =\nserver_check_delay = 0")
        before = self.look_at_all(pooler)
        exporter = self.beacon("--collector.all", dsn=self.dsn(pooler))
        self.scrape(exporter)
        exporter.stop()
        self.assertEqual(before, self.look_at_all(pooler))

    def look_at_all(self, pooler):
        """The state of both server connections, by backend."""
        sessions = [pooler.connect(), pooler.connect()]
        seen = dict(self.look(session) for session in sessions)
        self.assertEqual(2, len(seen))
        for session in sessions:
            session.close()
        return seen


if __name__ == "__main__":
    unittest.main(verbosity=2)
