"""Objects that a database's owner puts in the way of the catalog's, and servers that crash or change their role
while they are scraped: every collector is on."""

import json
import os
import re
import signal
import unittest

from harness import beacon
from harness.case import PairCase
from harness.waiting import wait_for

BOOM = "create function public.boom() returns int language plpgsql as 'begin raise ''boom''; end'"
# Views in the place of catalog relations, functions in that of functions with the same arguments.
RELATIONS = """
select format('create view public.%%I as select public.boom() as oid', c.relname)
  from pg_class c where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind in ('r', 'v') and c.relname = any(%s)
"""
FUNCTIONS = """
select format('create function public.%%I(%%s) returns %%s language plpgsql as $$begin perform public.boom(); end$$',
              p.proname, pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid))
  from pg_proc p
 where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and p.proname = any(%s)
   and pg_get_function_identity_arguments(p.oid) !~ 'any|internal|cstring|OUT|VARIADIC'
   and pg_get_function_result(p.oid) !~ 'any|internal|cstring|TABLE'
"""
OPERATORS = """
select format('create function public.evil_%s(%s, %s) returns %s language plpgsql as '
              '$$begin perform public.boom(); end$$; '
              'create operator public.%s (leftarg = %s, rightarg = %s, procedure = public.evil_%s)',
              o.oid, oprleft::regtype, oprright::regtype, oprresult::regtype, oprname, oprleft::regtype,
              oprright::regtype, o.oid)
  from pg_operator o
 where oprnamespace = 'pg_catalog'::regnamespace and oprleft <> 0 and oprname = any(array['=', '<>', '<', '>', '>=', '<=', '+',
         '-', '*', '/', '~', '!~', '||', '~~', '->>'])
   and (oprleft::regtype::text || oprright::regtype) !~ 'any|internal|cstring|"char"'
   and oprleft::regtype in ('name', 'text', 'int4', 'int8', 'oid', 'float8', 'numeric', 'timestamptz', 'pg_lsn', 'xid')
"""
TYPES = """
create domain public.int8 as text;
create domain public.text as pg_catalog.int4;
create type public.name as enum ('boom');
create cast (pg_catalog.pg_lsn as pg_catalog.text) with inout as implicit
"""


class Hostile(PairCase):
    def words_of_all_statements(self):
        done = beacon.run("explain", "--collector.all", "-o", "json", env={"DATA_SOURCE_NAME": self.primary.dsn()})
        self.assertEqual(0, done.returncode, done.stderr)
        sql = " ".join(one["sql"] for one in json.loads(done.stdout) if one["on"])
        return sorted(set(re.findall(r"[a-z_][a-z0-9_]+", sql)))

    def look(self):
        with self.beacon("--collector.all", dsn=self.primary.dsn()) as exporter:
            page = exporter.scrape(False)
        self.assertEqual((1, "ok"), (page.value("pg_up"), page.up_reason()))
        return page

    def test_objects_named_as_the_catalogs_change_nothing(self):
        self.look()
        before = self.look()
        words = self.words_of_all_statements()
        self.primary.query(BOOM)
        made = {}
        for kind, sql, arguments in (("relations", RELATIONS, (words,)), ("functions", FUNCTIONS, (words,)),
                                     ("operators", OPERATORS, None)):
            statements = [row[0] for row in self.primary.query(sql, arguments)]
            for statement in statements:
                self.primary.query(statement)
            made[kind] = len(statements)
        self.primary.query(TYPES)
        self.primary.query("alter database postgres set search_path = public, pg_catalog")
        self.assertGreater(min(made.values()), 30, made)
        page = self.look()
        self.assertEqual(before.failed_collectors(), page.failed_collectors())
        # Idle: no wait event, and a standby that has caught up has no lag (NULL).
        passing = re.compile("pg_stat_activity_wait|pg_stat_replication_.*_lag_seconds")
        stays = {name for name in before.names() if not passing.match(name)}
        self.assertEqual(set(), stays - page.names())
        self.assertNotIn("boom", self.primary.log())


class Crash(PairCase):
    def test_a_crash_shows_and_passes(self):
        with self.beacon("--collector.all", dsn=self.primary.dsn()) as exporter:
            before = exporter.scrape(False)
            session = self.session(self.primary)
            for _ in range(3):
                os.kill(session.get_backend_pid(), signal.SIGKILL)
                seen = set()

                def recovered():
                    page = exporter.scrape(False)
                    seen.add(page.up_reason())
                    return page if page.value("pg_up") == 1 and not page.failed_collectors() else None

                page = wait_for(recovered, "every collector after a crash", 60)
                session = wait_for(self.reconnected, "the server")
                self.assertLessEqual(seen, {"ok", "not_accepting", "starting_up", "unreachable"})
            self.assertGreaterEqual(page.value("pg_postmaster_start_time_seconds"),
                                    before.value("pg_postmaster_start_time_seconds"))
            self.assertLessEqual(self.primary.backends(), 2)

    def reconnected(self):
        try:
            return self.session(self.primary)
        except Exception:  # it is still recovering
            return None

    def test_a_standby_promoted_while_every_collector_is_on(self):
        wait_for(lambda: self.standby.value("select pg_is_in_recovery()"), "the standby")
        with self.beacon("--collector.all", dsn=self.standby.dsn()) as exporter:
            page = exporter.scrape(False)
            self.assertEqual(1, page.value("pg_replication_is_replica"))
            self.assertTrue(self.standby.value("select pg_promote()"))

            def primary():
                page = exporter.scrape(False)
                self.assertEqual(1, page.value("pg_up"))
                return page if page.value("pg_control_timeline_id") == 2 and not page.failed_collectors() else None

            page = wait_for(primary, "the page of a primary", 60)
            self.assertEqual(0, page.value("pg_replication_is_replica"))
            self.assertEqual({}, page.series("pg_stat_wal_receiver_flushed_lsn"))


if __name__ == "__main__":
    unittest.main()
