"""Collectors about databases: the rotation over them, locked relations, hostile objects."""

import time
import unittest

from harness import beacon, relations
from harness.case import Background, MostBackends, PairCase
from harness.waiting import wait_for


class Locks(PairCase):
    with_standby = False
    settings = relations.SETTINGS

    def test_locked_tables_are_left_out_of_sizes_and_nothing_is_said_in_the_servers_log(self):
        self.primary.query("create table held (a int primary key, b text);"
                           "create table awaited (a int); create table free (a int);"
                           "create sequence altered; create sequence dropped;"
                           "create sequence used maxvalue 4; select nextval('used');"
                           "grant select on all sequences in schema public to beacon")
        holder, reader, waiter = (self.session(self.primary) for _ in range(3))
        for session in (holder, reader, waiter):
            session.autocommit = False
        self.addCleanup(reader.rollback)  # first: it ends the waiter's statement
        holder.cursor().execute("lock table held; alter sequence altered maxvalue 4; drop sequence dropped")
        reader.cursor().execute("select count(*) from awaited")
        waiting = Background(lambda: self.wait_for_lock(waiter))
        waiting.start()
        awaited = ("select count(*) from pg_locks where relation = 'awaited'::regclass and not granted")
        wait_for(lambda: self.primary.value(awaited), "somebody to await the lock")
        flags = [f"--collector.{name}" for name in relations.COLLECTORS]
        exporter = self.beacon(*flags, dsn=self.primary.dsn())
        started = time.monotonic()
        page = exporter.scrape(seconds=5)
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual({}, page.failed_collectors())
        self.assertEqual(2, page.value("pg_sequences_unread"))
        self.assertEqual({"used"}, page.labels("pg_sequence_used_ratio", "sequencename"))
        self.assertEqual(2, page.value("pg_table_sizes_skipped"))
        self.assertEqual(0, page.value("pg_index_sizes_skipped"))
        self.assertEqual({"free"}, page.labels("pg_stat_user_tables_table_size_bytes", "relname"))
        self.assertEqual({"held", "awaited", "free"},
                         page.labels("pg_table_estimated_size_bytes", "relname"))
        self.assertEqual([], self.primary.complaints_about())
        waiting.ending.set()
        for session in (holder, reader):
            session.rollback()

    @staticmethod
    def wait_for_lock(session):
        with session.cursor() as cursor:
            cursor.execute("lock table awaited")

    def test_hostile_objects_in_public_change_nothing(self):
        self.primary.query("create database hostile")
        self.primary.query(relations.SQL, dbname="hostile")
        self.primary.query("select pg_stat_clear_snapshot()", dbname="hostile")
        flags = [f"--collector.{name}" for name in relations.COLLECTORS]
        with self.beacon(*flags, dsn=self.primary.dsn(dbname="hostile")) as exporter:
            before = exporter.scrape()
        self.primary.query("""
            create function public.boom() returns int language plpgsql as 'begin raise ''boom''; end';
            create view public.pg_stat_user_tables as select public.boom() as relid;
            create view public.pg_class as select public.boom() as oid;
            create view public.pg_locks as select public.boom() as relation;
            create view public.pg_stats as select public.boom() as tablename;
            create function public.current_database() returns name language sql as 'select ''evil''::name';
            create function public.pg_table_size(regclass) returns bigint language sql
              as 'select public.boom()::bigint';
            create function public.evil_eq(name, name) returns bool language sql as 'select true';
            create function public.evil_div(bigint, double precision) returns double precision
              language sql as 'select 666::float8';
            create operator public./ (leftarg = bigint, rightarg = double precision,
                                      procedure = public.evil_div);
            create type public.int8 as enum ('evil');
            create type public.regclass as enum ('evil');
            create domain public.name as pg_catalog.text check (public.boom() = 1);
            create cast (public.int8 as pg_catalog.int4) with inout as implicit;
            create function public.evil_cast(pg_catalog.oid) returns pg_catalog.name
              language sql as 'select ''evil''::pg_catalog.name';
            create cast (pg_catalog.oid as pg_catalog.name) with function public.evil_cast as implicit;
            create function public.pg_stat_get_dead_tuples(pg_catalog.oid) returns bigint
              language sql as 'select public.boom()::bigint';
            create operator public.= (leftarg = name, rightarg = name, procedure = public.evil_eq);
            create function public.evil_int(name) returns int language sql as 'select public.boom()';
            create operator public.~ (rightarg = name, procedure = public.evil_int);
            alter role beacon set search_path = public, pg_catalog;
            alter database hostile set search_path = public, pg_catalog;
            """, dbname="hostile")
        page = self.beacon(*flags, dsn=self.primary.dsn(dbname="hostile")).scrape()
        self.assertEqual({}, page.failed_collectors())
        self.assertEqual({"hostile"}, page.labels("pg_stat_user_tables_n_tup_ins", "datname"))
        for name, labels, value in relations.VALUES:
            self.assertEqual(value, page.value(name, **labels), (name, labels))
        self.assertLessEqual(before.names(), page.names())
        self.assertEqual([], self.primary.complaints_about())


class Databases(PairCase):
    settings = {**relations.SETTINGS, "max_connections": "60"}

    def config(self, databases):
        """A config file for the server with this under `databases:`."""
        return self.write("pgbeacon.yml", "targets:\n  - name: db1\n"
                          f"    dsn: \"{self.primary.dsn()}\"\n    databases: {databases}\n")

    def make(self, *names):
        for name in names:
            self.primary.query("create database " + relations.quoted(name))
            self.addCleanup(self.drop, name)

    def drop(self, name):
        self.primary.query("update pg_database set datconnlimit = -1, datallowconn = true"
                           " where datname = %s and datconnlimit = -2", (name,))
        self.primary.query("drop database if exists " + relations.quoted(name))

    def test_each_database_is_visited_and_those_that_cannot_be_are_counted(self):
        nasty = relations.NASTY
        self.make("one", nasty, "gone_bad", "walled", "closed", "not_me")
        for name in ("one", nasty):
            self.primary.query("create table t (a int); insert into t values (1)", dbname=name)
        for sql in ("update pg_database set datconnlimit = -2 where datname = 'gone_bad'",
                    "revoke connect on database walled from public",
                    "update pg_database set datallowconn = false where datname = 'closed'"):
            self.primary.query(sql)
        exporter = self.beacon("--exclude-databases", "not_*", "--auto-discover-databases",
                               dsn=self.primary.dsn())
        page = exporter.scrape()
        self.assertEqual({}, page.failed_collectors())
        for name in ("one", nasty):
            self.assertEqual(1, page.value("pg_stat_user_tables_n_tup_ins", datname=name, relname="t"))
            self.assertEqual(8192, page.value("pg_stat_user_tables_table_size_bytes", datname=name))
            self.assertLess(page.value("pgbeacon_database_age_seconds", datname=name), 30)
        states = {state: page.value("pgbeacon_databases", state=state) for state in
                  ("visited", "invalid", "no_privilege", "excluded", "template", "failed", "pending")}
        self.assertEqual({"visited": 3, "invalid": 1, "no_privilege": 1, "excluded": 1, "template": 1,
                          "failed": 0, "pending": 0}, states)
        self.assertEqual(2, page.value("pgbeacon_databases", state="no_connections"))
        self.assertIsNotNone(page.value("pgbeacon_database_pass_seconds"))
        self.assertNotIn("pgbeacon_database_failure_info", page.names())
        self.assertEqual([], self.primary.complaints_about())
        wait_for(lambda: self.primary.backends() == 1, "the visits to end")

    def test_names_that_are_not_utf8_fail_nothing(self):
        self.primary.query("create database ascii template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'")
        self.addCleanup(self.drop, "ascii")
        for make in ("create role %I", "create table %I (a int)"):
            self.primary.query(f"do $$ begin execute format('{make}', E'caf\\xe9'); end $$", dbname="ascii")
        self.addCleanup(self.primary.query, "do $$ begin execute format('drop role %I', E'caf\\xe9'); end $$",
                        dbname="ascii")
        exporter = self.beacon("--collector.all", "--no-collector.stat_statements", "--no-collector.buffercache_summary",
                               "--no-collector.stat_statements_info", dsn=self.primary.dsn(dbname="ascii"))
        page = exporter.scrape()
        self.assertEqual({}, page.failed_collectors())
        self.assertEqual(0, page.value("pg_stat_user_tables_n_tup_ins", relname="caf\ufffd"))
        exporter.stop()
        exporter = self.beacon("--auto-discover-databases", dsn=self.primary.dsn())
        page = exporter.scrape()
        self.assertEqual({}, page.failed_collectors())
        self.assertEqual(0, page.value("pg_stat_user_tables_n_tup_ins", datname="ascii", relname="caf\ufffd"))

    def test_databases_of_a_standby_are_visited_and_dropped_under_it(self):
        self.make("seen")
        self.primary.query("create table t (a int)", dbname="seen")
        path = self.write("pgbeacon.yml", "targets:\n  - name: db2\n"
                          f"    dsn: \"{self.standby.dsn()}\"\n    databases: {{all: true, interval: 50ms}}\n")
        exporter = self.beacon("--config.file", path)

        def seen():
            page = exporter.scrape()
            self.assertEqual({}, page.failed_collectors())
            return page.labels("pg_table_estimated_size_bytes", "relname", datname="seen") == {"t"}

        wait_for(seen, "a visit", 20)
        self.drop("seen")
        wait_for(lambda: "seen" not in exporter.scrape().labels("pgbeacon_database_age_seconds", "datname"),
                 "it to vanish", 20)

    def test_databases_can_be_dropped_at_any_time_and_vanish(self):
        self.make("stays", "failing")
        self.primary.query("create table t (a int)", dbname="stays")
        self.primary.query("alter database failing connection limit 0")
        path = self.config("{all: true, interval: 50ms}")
        exporter = self.beacon("--config.file", path)
        visited = set()

        def scrape():
            visited.update(exporter.scrape(seconds=5).labels("pgbeacon_database_age_seconds", "datname"))

        with Background(scrape) as scraping, MostBackends(self.primary) as most:
            for number in range(8):
                name = f"short_lived_{number}"
                self.primary.query(f"create database {name}")
                self.addCleanup(self.drop, name)
                wait_for(lambda name=name: name in visited, "a visit", 20)
                started = time.monotonic()
                self.primary.query(f"drop database {name}")
                self.assertLess(time.monotonic() - started, 5)
            wait_for(lambda: scraping.rounds > 5, "scrapes")
        self.assertLessEqual(most.most, 2)

        def page_without():
            page = exporter.scrape()
            names = page.labels("pgbeacon_database_age_seconds", "datname")
            return page if names == {"stays"} else None

        page = wait_for(page_without, "the dropped ones to vanish", 20)
        self.assertEqual({}, page.failed_collectors())
        self.assertEqual(0, page.value("pg_stat_user_tables_n_tup_ins", datname="stays"))
        self.assertEqual(1, page.value("pgbeacon_database_failure_info", datname="failing"))
        self.assertEqual(1, page.value("pgbeacon_databases", state="failed"))
        self.assertNotIn("is being accessed by other users", self.primary.log())

    def test_in_a_visit_too_the_statement_that_did_it_is_named_and_no_other(self):
        self.make("visited")
        text = "".join(f"own_{name}:\n  query: select {sql} as v\n  metrics: [{{v: {{usage: GAUGE}}}}]\n" for name, sql in (
            *((f"before{i}", i) for i in range(4)), ("ends", "pg_terminate_backend(pg_backend_pid())::int"),
            ("sleeps", "length(pg_sleep(1000)::text)"), *((f"after{i}", i) for i in range(4))))
        path = self.write("queries.yaml", text)
        exporter = self.beacon(f"--extend.query-path={path}", "--config.file", self.config("{include: [visited], interval: 50ms}"),
                               "--collection-timeout=2s")
        told = "pgbeacon_database_failure_info"
        for _ in range(2):
            age = exporter.scrape(seconds=2).value("pgbeacon_database_age_seconds", datname="visited") or 1e9

            def visited(before=age):
                page = exporter.scrape(seconds=2)
                age = page.value("pgbeacon_database_age_seconds", datname="visited")
                return page if age is not None and age < before else None

            page = wait_for(visited, "a visit", 30)
            self.assertEqual({("own_ends", "connection"), ("own_sleeps", "timeout")},
                             {(dict(labels)["collector"], dict(labels)["reason"]) for labels in page.series(told)})
            self.assertEqual({f"own_{name}{i}_v" for name in ("before", "after") for i in range(4)},
                             {name for name in page.names() if name.startswith("own_") and
                              "visited" in page.labels(name, "datname")})
        for name, line in (("ends", 13), ("sleeps", 16)):
            self.assertRegex(exporter.log(), f"database=visited collector=own_{name} file={path}:{line}:1 reason=")

    def test_the_connected_database_alone_is_seen_without_discovery(self):
        self.make("other")
        self.primary.query("create table t (a int)", dbname="other")
        page = self.beacon(dsn=self.primary.dsn()).scrape()
        self.assertNotIn("pgbeacon_databases", page.names())
        self.assertNotIn("other", page.labels("pg_stat_user_tables_n_tup_ins", "datname"))
        path = self.config("{include: [ot*], exclude: [postgres]}")
        by_environment = {"PG_EXPORTER_AUTO_DISCOVER_DATABASES": "true",
                          "PG_EXPORTER_INCLUDE_DATABASES": "x,ot*",
                          "PG_EXPORTER_EXCLUDE_DATABASES": "postgres"}
        for exporter in (self.beacon("--config.file", path),
                         self.beacon(dsn=self.primary.dsn(), env=by_environment),
                         self.beacon("--auto-discover-databases", "--include-databases=ot*",
                                     "--exclude-databases=postgres", dsn=self.primary.dsn())):
            page = exporter.scrape()
            self.assertEqual({"other"}, page.labels("pg_stat_user_tables_n_tup_ins", "datname"))
            self.assertEqual(0, page.value("pgbeacon_series_dropped", collector="stat_user_tables"))

    def test_an_exclusion_without_discovery_is_a_mistake(self):
        done = beacon.run("config", "check", self.config("{exclude: [test_*]}"))
        self.assertEqual(1, done.returncode)
        self.assertIn("'exclude' goes with 'all: true' or 'include'", done.stdout + done.stderr)

    def test_what_has_no_series_of_its_own_is_in_the_remainder(self):
        self.make("crowded")
        self.primary.query("do $$ begin for i in 1..200 loop"
                           " execute 'create table many' || i || ' (a int)';"
                           " execute 'insert into many' || i || ' select generate_series(1, 50)';"
                           " end loop; end $$", dbname="crowded")
        path = self.write("pgbeacon.yml", "targets:\n  - name: db1\n"
                          f"    dsn: \"{self.primary.dsn(dbname='crowded')}\"\n"
                          "collectors: {stat_user_tables: {limit: 1000}}\n")
        exporter = self.beacon("--config.file", path)
        rows = 10000
        before = None
        for tables, members_stay in (((), True), (range(1, 200, 7), True), ((199,) * 40, False),
                                     (range(1, 200, 3), True), ((), True)):
            for table in tables:
                self.primary.query(f"insert into many{table} values (1)", dbname="crowded")
            rows += len(tables)
            inserted = "select sum(n_tup_ins) from pg_stat_user_tables"
            wait_for(lambda: self.primary.value(inserted, dbname="crowded") == rows, "statistics")
            page = exporter.scrape()
            self.assertEqual({}, page.failed_collectors())
            self.assertEqual(rows, page.sum("pg_stat_user_tables_n_live_tup"))
            shown = page.series("pg_stat_user_tables_n_tup_ins")
            kept = page.labels("pg_stat_user_tables_n_tup_ins", "relname") - {"other"}
            outputs = sum(len(page.series(name, relname=min(kept))) for name in page.names()
                          if name.startswith("pg_stat_user_tables_") and "_size_" not in name)
            self.assertLess(len(kept), 100)
            self.assertEqual((200 - len(kept)) * outputs,
                             page.value("pgbeacon_series_in_other", collector="stat_user_tables"))
            if before is not None:
                steps = [value - before[series] for series, value in shown.items() if series in before]
                self.assertLessEqual(0, min(steps))
                self.assertEqual(len(tables), sum(steps))
                self.assertEqual(members_stay, set(before) == set(shown))
            before = shown
        self.assertIn("many199", kept)

    def test_memory_and_series_stay_within_limits_with_many_databases_and_tables(self):
        self.make("pattern")
        many = ("do $$ begin for i in 1..%d loop execute 'create table many' || i || ' (a int)';"
                " end loop; end $$")
        self.primary.query(many % 20, dbname="pattern")
        for number in range(25):
            self.primary.query(f"create database copy_{number} template pattern")
            self.addCleanup(self.drop, f"copy_{number}")
        self.make("large")
        for part in range(2):
            self.primary.query(many.replace("many'", f"many{part}_'") % 1000, dbname="large")
        limits = "".join(f"  {name}: {{limit: 1000}}\n" for name in relations.COLLECTORS)
        path = self.config("{all: true, interval: 50ms}")
        with open(path, "a", encoding="utf-8") as file:
            file.write("collectors:\n" + limits)
        # A sanitizer keeps what was freed for a while: that is not the program's memory.
        exporter = self.beacon("--config.file", path, env={"ASAN_OPTIONS": "quarantine_size_mb=1"})
        sizes = []

        def full():
            page = exporter.scrape()
            return page if page.value("pgbeacon_databases", state="visited") == 28 else None

        wait_for(full, "all databases to be visited", 60)
        for _ in range(10):
            page = exporter.scrape()
            self.assertEqual({}, page.failed_collectors())
            tables = sum(len(page.series(name)) for name in page.names()
                         if name.startswith("pg_stat_user_tables_") and "_size_" not in name)
            self.assertLessEqual(tables, 2000)
            self.assertLess(0, page.value("pgbeacon_series_in_other", collector="stat_user_tables"))
            sizes.append(self.anonymous_memory(exporter))
        self.assertLess(sizes[-1], 1.15 * sizes[2], sizes)

    @staticmethod
    def anonymous_memory(exporter):
        with open(f"/proc/{exporter.process.pid}/status", encoding="ascii") as status:
            return int(next(line for line in status if line.startswith("RssAnon")).split()[1])


if __name__ == "__main__":
    unittest.main()
