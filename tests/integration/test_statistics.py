"""What the collectors say about real servers of one major: postgres_exporter's names with their types
and labels, truth, and what roles of fewer rights still see.

PGB_MATRIX_DIR holds a folder per major but 15, as for test_matrix.py.
"""

import json
import os
import signal
import subprocess
import threading
import unittest

import yaml

from harness import beacon
from harness.case import BeaconCase
from harness.columns import columns_of
from harness.majors import EveryMajor
from harness.pages import DATA
from harness.peer import PEER_ROWS, seen_on
from harness.postgres import PASSWORD, Pair, Server, programs_of
from harness.users import command_as_user
from harness.waiting import wait_for

SETTINGS = {"wal_level": "logical", "max_prepared_transactions": "5", "hot_standby_feedback": "on",
            "shared_preload_libraries": "pg_stat_statements", "archive_mode": "always",
            "archive_command": "true", "autovacuum_naptime": "1s"}
# Maintained at once, so that all of the times stand: `last_autovacuum` ...
TABLE = """create table maintained (id serial primary key, text text)
           with (autovacuum_vacuum_threshold = 0, autovacuum_analyze_threshold = 0,
                 autovacuum_vacuum_scale_factor = 0, autovacuum_analyze_scale_factor = 0)"""
MAINTAINED = """select count(last_vacuum) + count(last_analyze) + count(last_autovacuum) + count(last_autoanalyze) = 4
                  from pg_stat_user_tables where relname = 'maintained'"""
# What a role without any grant cannot have. It sees the rest, and its page does not fail.
WITHOUT_GRANTS = {"activity", "activity_samples", "archive_status", "logdir", "stat_gssapi",
                  "stat_progress_analyze", "stat_progress_basebackup", "stat_progress_cluster",
                  "stat_progress_create_index", "stat_progress_vacuum", "stat_ssl", "stat_statements",
                  "stat_statements_info", "synchronous_standbys", "tmpdir", "wal", "xmin_horizon"}
WITHOUT_GRANTS_SINCE = {"stat_progress_copy": 14, "shmem_allocations": 15, "buffercache_summary": 16,
                        "aios": 18, "backend_io": 18}
WITHOUT_GRANTS_STANDBY = {"stat_wal_receiver"}


def contains(versions, major):
    """Whether ">=14 <17" holds the major."""
    bounds = {bound.rstrip("0123456789"): int(bound.lstrip("<>=")) for bound in versions.split()}
    return bounds.get(">=", 0) <= major < bounds.get("<", 99)


def is_told(versions, major):
    """Whether "14+", "14-16" or "14" holds the major."""
    first, _, last = versions.rstrip("+").partition("-")
    return int(first) <= major and (versions.endswith("+") or major <= int(last or first))


class Statistics(EveryMajor, BeaconCase):
    def run_major(self, major):
        self.major = major
        self.pair = Pair(programs_of(major), SETTINGS)
        self.addCleanup(self.pair.close)
        self.primary, self.standby = self.pair.primary, self.pair.standby
        self.prepare()
        for check in (self.peers_names, self.recorded_columns, self.versions_told, self.roles, self.settings, self.prepared_transactions,
                      self.horizon, self.progress, self.directories, self.subscriptions,
                      self.replication, self.slots, self.backlog, self.cascade, self.receiver_down):
            with self.subTest(check.__name__):
                check()
        for server in (self.primary, self.standby):
            # A pgbeacon that is stopped while it asks leaves its statement.
            self.assertEqual([], [line for line in server.complaints_about()
                                  if "terminating connection" not in line and "client lost" not in line])

    def prepare(self):
        """What the peer's names were seen on: two slots, one of them the standby's, extensions."""
        self.primary.query("select pg_create_physical_replication_slot('standby_slot')")
        self.primary.query("select pg_create_logical_replication_slot('logical', 'test_decoding')")
        for extension in ("pg_stat_statements", "pg_buffercache"):
            self.primary.query(f"create extension {extension}")
        self.standby.settings["primary_slot_name"] = "standby_slot"
        self.standby.restart()
        wait_for(self.pair.streaming, "the standby to stream from its slot", 60)
        setup = beacon.run("setup-sql")
        for statement in (setup.stdout, f"alter role pgbeacon password '{PASSWORD}'",
                          f"create role nothing login password '{PASSWORD}'",
                          f"create role super login superuser password '{PASSWORD}'"):
            self.primary.query(statement)
        self.caught_up()
        self.primary.query("select pg_switch_wal()")
        for server in (self.primary, self.standby):
            wait_for(lambda: server.value("select archived_count from pg_stat_archiver"),
                     "a WAL file to be archived", 60)

    def caught_up(self):
        here = self.primary.value("select pg_logical_emit_message(true, '', '')")
        wait_for(lambda: self.standby.value("select pg_last_wal_replay_lsn() >= %s", (here,)),
                 "the standby to catch up", 60)

    def page(self, server, *flags, user="pgbeacon"):
        exporter = self.beacon(*(flags or ("--collector.all",)), dsn=server.dsn(user))
        page = exporter.scrape(False)
        exporter.stop()
        return page

    # Names.

    def peers_names(self):
        self.primary.query(TABLE)
        self.primary.query("insert into maintained (text) values ('a'), ('b')")
        self.primary.query("delete from maintained where text = 'a'")
        self.primary.query("vacuum analyze maintained")
        self.primary.query("update maintained set text = 'c'")
        wait_for(lambda: self.primary.value(MAINTAINED), "autovacuum of the table", 60)
        self.caught_up()
        for server, kind in ((self.primary, "primary"), (self.standby, "standby")):
            idle = self.session(server)
            page = self.page(server, "--collector.all", "--collector.stat_statements.include_query")
            idle.close()
            wrong, right = [], 0
            for row in PEER_ROWS:
                if not seen_on(row, self.major, kind):
                    continue
                series = page.series(row.name)
                # A standby's statistics are its own, and nothing is vacuumed there: no time, no series.
                if not series and kind == "standby" and row.name.startswith("pg_stat_user_tables_last_"):
                    continue
                if not series:
                    wrong.append(f"{row.name} is missing")
                    continue
                kind_here = page.types[row.name]
                if kind_here != row.type:
                    wrong.append(f"{row.name} is {kind_here}, not {row.type}")
                right += 1
                labels = {name for key in series for name, _ in key}
                if row.name.startswith("pg_statio_user_indexes_"):
                    labels.remove("datname")  # which the peer leaves out
                if labels != row.labels:
                    wrong.append(f"{row.name} has {sorted(labels)}, not {sorted(row.labels)}")
            self.assertEqual([], wrong, kind)
            self.assertLess(280, right, kind)

    def recorded_columns(self):
        """What `pgbeacon metrics` tells versions by is what the server has."""
        with open(os.path.join(os.path.dirname(DATA), "../collectors/engine/known_columns.yml"), encoding="utf-8") as file:
            recorded = yaml.safe_load(file)["relations"]
        has = columns_of(self.primary, [relation["name"] for relation in recorded])
        for relation in recorded:
            listed = {name for versions, names in relation["columns"].items() if contains(versions, self.major)
                      for name in names.split()}
            self.assertEqual(has.get(relation["name"], set()), listed, relation["name"])

    def versions_told(self):
        told = {row["metric"]: row["versions"] for row in json.loads(beacon.run("metrics", "--json").stdout)}
        for server in (self.primary, self.standby):
            page = self.page(server)
            self.assertEqual([], [name for name in page.types
                                  if told.get(name) and not is_told(told[name], self.major)])

    # Rights.

    def roles(self):
        for server, kind in ((self.primary, "primary"), (self.standby, "standby")):
            for user in ("super", "pgbeacon", "nothing"):
                with self.subTest(kind=kind, user=user):
                    page = self.page(server, user=user)
                    self.assertEqual((1, "ok"), (page.value("pg_up"), page.up_reason()))
                    self.assertEqual({}, page.failed_collectors())
                    plan = self.plan(server, user)
                    self.assertEqual(self.expected_off(user, kind) & set(plan),
                                     {name for name, reason in plan.items() if "privileges" in reason})

    def expected_off(self, user, kind):
        if user != "nothing":
            return set()
        off = WITHOUT_GRANTS | {name for name, since in WITHOUT_GRANTS_SINCE.items() if since <= self.major}
        return off | (WITHOUT_GRANTS_STANDBY if kind == "standby" else set())

    def plan(self, server, user):
        """{collector: why it is off}, the reason empty where it is on."""
        done = beacon.run("explain", "--collector.all", "-o", "json",
                          env={"DATA_SOURCE_NAME": server.dsn(user)})
        self.assertEqual(0, done.returncode, done.stderr)
        return {row["collector"]: row.get("reason") or "" for row in json.loads(done.stdout)}

    # Values.

    def settings(self):
        page = self.page(self.primary)
        for name, value in (("block_size", 8192), ("shared_buffers_bytes", 16 << 20), ("fsync", 0),
                            ("checkpoint_timeout_seconds", 300), ("wal_segment_size_bytes", 16 << 20),
                            ("log_min_duration_statement_seconds", -1), ("hot_standby", 1),
                            ("autovacuum_vacuum_cost_delay_seconds", 0.002),
                            ("max_wal_size_bytes", 1 << 30), ("pg_stat_statements_max", 5000)):
            self.assertEqual(value, page.value("pg_settings_" + name), name)
        self.assertEqual(0, page.value("pg_settings_pending_restarts"))
        before = page.value("pg_settings_hash")
        self.primary.query("alter system set max_connections = 60")
        self.primary.query("alter database template1 set work_mem = '8MB'")
        self.primary.query("select pg_reload_conf()")
        wait_for(lambda: self.primary.value("select count(*) from pg_settings where pending_restart"),
                 "max_connections to wait for a restart")
        page = self.page(self.primary)
        self.assertEqual(1, page.value("pg_settings_pending_restart_info", setting="max_connections"))
        self.assertEqual(1, page.value("pg_settings_pending_restarts"))
        self.assertEqual(1, page.value("pg_db_role_settings", kind="database"))
        self.assertEqual(before, page.value("pg_settings_hash"), "nothing in effect has changed")
        self.primary.query("alter system reset max_connections")
        self.settings_of_our_sessions()
        self.primary.query("alter system set deadlock_timeout = '3s'")
        self.primary.query("select pg_reload_conf()")
        wait_for(lambda: self.primary.value("show deadlock_timeout") == "3s", "the reload")
        self.assertNotEqual(before, self.page(self.primary).value("pg_settings_hash"))

    def settings_of_our_sessions(self):
        """pgbeacon sets these for its sessions, and shows what the server has."""
        exporter = self.beacon(dsn=self.primary.dsn("pgbeacon"))
        shown = [("statement_timeout_seconds", 0), ("lock_timeout_seconds", 0),
                 ("default_transaction_read_only", 0), ("transaction_read_only", 0)]
        if self.major >= 14:
            shown.append(("client_connection_check_interval_seconds", 0))
        page = exporter.scrape(False)
        self.assertEqual(shown, [(name, page.value("pg_settings_" + name)) for name, _ in shown])
        self.primary.query("alter system set lock_timeout = '7s'")
        self.primary.query("alter role pgbeacon set statement_timeout = '61s'")
        self.primary.query("select pg_reload_conf()")
        wait_for(lambda: exporter.scrape(False).value("pg_settings_lock_timeout_seconds") == 7, "the reload")
        self.assertEqual(61, exporter.scrape(False).value("pg_settings_statement_timeout_seconds"))
        exporter.stop()
        self.primary.query("alter system reset lock_timeout")
        self.primary.query("alter role pgbeacon reset statement_timeout")
        self.assertEqual(1, self.page(self.standby).value("pg_settings_transaction_read_only"))

    def prepared_transactions(self):
        self.primary.query("create table prepared (n int)")
        self.assertEqual({}, self.page(self.primary).series("pg_prepared_xacts"))
        session = self.session(self.primary)
        with session.cursor() as cursor:
            for name in ("one", "two"):
                cursor.execute("begin")
                cursor.execute("insert into prepared values (1)")
                cursor.execute(f"prepare transaction '{name}'")
        page = self.page(self.primary)
        self.assertEqual(2, page.value("pg_prepared_xacts", datname="postgres", owner="postgres"))
        self.assertGreater(page.value("pg_prepared_xacts_oldest_age_seconds"), 0)
        self.assertGreaterEqual(page.value("pg_prepared_xacts_xid_age"), 1)
        self.assertGreaterEqual(page.value("pg_xmin_horizon_age", holder="prepared_transaction"), 1)
        for name in ("one", "two"):
            self.primary.query(f"rollback prepared '{name}'")

    def horizon(self):
        session = self.session(self.primary)
        with session.cursor() as cursor:
            cursor.execute("begin isolation level repeatable read")
            cursor.execute("select 1")
            for _ in range(3):
                self.primary.query("insert into prepared values (2)")
            page = self.page(self.primary)
            self.assertGreaterEqual(page.value("pg_xmin_horizon_age", holder="backend"), 3)
            self.assertGreater(page.value("pg_xmin_horizon_oldest_seconds", holder="backend"), 0)
            cursor.execute("rollback")
        self.assertEqual(0, page.value("pg_xmin_horizon_age", holder="prepared_transaction"))
        self.assertIsNone(page.value("pg_xmin_horizon_oldest_seconds", holder="slot_xmin"))
        self.assertGreaterEqual(page.value("pg_xmin_horizon_age", holder="slot_catalog_xmin"), 1)

    def progress(self):
        self.primary.query("create table slow as select generate_series(1, 100000) as n")
        self.primary.query("delete from slow where n % 2 = 0")
        running = self.in_background("set vacuum_cost_limit = 1", "set vacuum_cost_delay = 100", "vacuum slow")
        where = {"datname": "postgres", "schemaname": "public", "relname": "slow"}
        exporter = self.beacon(dsn=self.primary.dsn("pgbeacon"))
        page = wait_for(lambda: self.with_series(exporter, "pg_stat_progress_vacuum_heap_blks_scanned"),
                        "a vacuum to be seen")
        blocks = self.primary.value("select pg_relation_size('slow') / 8192")
        self.assertEqual(blocks, page.value("pg_stat_progress_vacuum_heap_blks", **where))
        self.assertEqual(1, page.sum("pg_stat_progress_vacuum_phase", **where))
        limit = "max_dead_tuple_bytes" if self.major >= 17 else "max_dead_tuples"
        self.assertGreater(page.value("pg_stat_progress_vacuum_" + limit, **where), 0)
        elsewhere = "max_dead_tuples" if self.major >= 17 else "max_dead_tuple_bytes"
        self.assertEqual({}, page.series("pg_stat_progress_vacuum_" + elsewhere))
        self.end(running)

        holder = self.session(self.primary)
        with holder.cursor() as cursor:
            cursor.execute("begin")
            cursor.execute("insert into slow values (1)")
            running = self.in_background("create index concurrently slow_n on slow (n)")
            page = wait_for(lambda: self.with_series(exporter, "pg_stat_progress_create_index_phase"),
                            "an index to be made")
            self.assertEqual({"waiting for writers before build"},
                             page.labels("pg_stat_progress_create_index_phase", "phase"))
            self.assertEqual(1, page.value("pg_stat_progress_create_index_lockers", **where,
                                           command="CREATE INDEX CONCURRENTLY"))
            self.end(running)
            cursor.execute("rollback")
        exporter.stop()

    def with_series(self, exporter, name):
        page = exporter.scrape(False)
        return page if page.series(name) else None

    def in_background(self, *statements):
        """A session that runs statements, which end() ends."""
        session = self.session(self.primary)

        def work():
            try:
                with session.cursor() as cursor:
                    for statement in statements:
                        cursor.execute(statement)
            except Exception:  # it is cancelled
                pass

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return session, thread

    def end(self, running):
        session, thread = running
        self.primary.query("select pg_terminate_backend(%s)", (session.get_backend_pid(),))
        thread.join(30)
        self.assertFalse(thread.is_alive())

    def directories(self):
        session = self.session(self.primary)
        with session.cursor() as cursor:
            cursor.execute("set work_mem = '64kB'")
            cursor.execute("begin")
            cursor.execute("declare c cursor for select * from slow order by md5(n::text)")
            cursor.execute("fetch c")
            page = self.page(self.primary)
            self.assertLessEqual(1, page.value("pg_tmpdir_files", spcname="pg_default"))
            self.assertLess(8192, page.value("pg_tmpdir_size_bytes", spcname="pg_default"))
            self.assertLessEqual(0, page.value("pg_tmpdir_oldest_age_seconds", spcname="pg_default"))
            cursor.execute("rollback")
        self.assertIsNone(self.page(self.primary).value("pg_tmpdir_oldest_age_seconds", spcname="pg_default"))
        self.assertLess(0, page.value("pg_logdir_size_bytes"))
        wait_for(self.shows_size_of_global, "the size of pg_global")
        self.assertLessEqual(1, page.value("pg_stat_ssl_connections", ssl="false"))
        self.assertEqual(0, page.value("pg_notification_queue_usage_ratio"))
        self.assertEqual(0, page.value("pg_extension_update_available", extname="pg_stat_statements"))

    def shows_size_of_global(self):
        """The server may write there between the two looks."""
        shown = self.page(self.primary).value("pg_tablespace_size_bytes", spcname="pg_global")
        return shown == self.primary.value("select pg_tablespace_size('pg_global')")

    def subscriptions(self):
        """A subscription of the server to itself, whose worker fails on the first row."""
        self.primary.query("create table published (n int primary key)")
        self.primary.query("create publication all_rows for table published")
        self.primary.query("create database subscriber")
        self.primary.query("select pg_create_logical_replication_slot('sub', 'pgoutput')")
        self.primary.query("create table published (n int primary key)", dbname="subscriber")
        self.primary.query("insert into published values (1)", dbname="subscriber")
        source = f"host={self.primary.sockets} port={self.primary.port} user=postgres dbname=postgres"
        self.primary.query(f"create subscription sub connection '{source}' publication all_rows "
                           "with (create_slot = false, copy_data = false)", dbname="subscriber")
        where = {"datname": "subscriber", "subname": "sub"}
        wait_for(lambda: self.page(self.primary).value("pg_stat_subscription_received_position_bytes", **where),
                 "the subscription to work")
        page = self.page(self.primary)
        self.assertEqual(1, page.value("pg_subscription_enabled", **where))
        self.assertEqual(1, page.value("pg_stat_subscription_up", **where))
        self.assertEqual(1, page.value("pg_publications"))
        self.assertEqual(1, page.value("pg_publication_tables"))
        self.assertEqual(1, page.value("pg_replication_origins"))
        self.primary.query("insert into published values (1)")
        if self.major >= 15:
            wait_for(lambda: self.page(self.primary).value("pg_stat_subscription_apply_errors_total", subname="sub"),
                     "the error to be counted")
        if self.major >= 18:
            self.assertLessEqual(1, self.page(self.primary).value(
                "pg_stat_subscription_confl_insert_exists_total", subname="sub"))
        self.primary.query("alter subscription sub disable", dbname="subscriber")
        page = self.page(self.primary)
        self.assertEqual(0, page.value("pg_subscription_enabled", **where))
        self.primary.query("alter subscription sub set (slot_name = none)", dbname="subscriber")
        self.primary.query("drop subscription sub", dbname="subscriber")
        wait_for(lambda: self.primary.value("select not active from pg_replication_slots where slot_name = 'sub'"),
                 "the slot to be free")
        self.primary.query("select pg_drop_replication_slot('sub')")

    def cascade(self):
        """A standby of the standby, without a slot."""
        self.standby.stop()
        leaf = Server(self.pair.folder, "leaf", self.standby.programs, SETTINGS)
        subprocess.run(command_as_user(["cp", "-a", self.standby.data, leaf.data]), check=True)
        self.standby.start()
        leaf.settings["primary_conninfo"] = (f"host={self.standby.sockets} port={self.standby.port} "
                                             "user=postgres application_name=leaf")
        leaf.start()
        self.addCleanup(leaf.stop, signal.SIGQUIT)
        wait_for(lambda: self.standby.value("select count(*) from pg_stat_replication where state = 'streaming'"),
                 "the leaf to stream", 60)
        wait_for(lambda: leaf.value("select latest_end_lsn is not null from pg_stat_wal_receiver"), "a message")
        page = self.page(self.standby)
        self.assertEqual({}, page.failed_collectors())
        for name in ("pg_wal_lsn_diff", "pg_current_wal_lsn_bytes", "replay_position_bytes", "sent_lag_bytes"):
            [value] = page.series(f"pg_stat_replication_{name}", application_name="leaf").values()
            self.assertGreaterEqual(value, 0, name)
        page = self.page(leaf)
        self.assertEqual({}, page.failed_collectors())
        self.assertEqual(1, page.value("pg_stat_wal_receiver_up"))
        for name in ("flushed_lsn", "receive_start_tli", "written_position_bytes", "last_msg_age_seconds"):
            [value] = page.series(f"pg_stat_wal_receiver_{name}", status="streaming").values()
            self.assertGreater(value, 0, name)
        leaf.stop(signal.SIGQUIT)

    def replication(self):
        page = self.page(self.primary)
        here = self.primary.value("select (pg_current_wal_lsn() - '0/0')::float8")
        for name in ("sent", "write", "flush", "replay"):
            [position] = page.series(f"pg_stat_replication_{name}_position_bytes",
                                     application_name="standby_one").values()
            self.assertGreater(position, 0)
            self.assertLessEqual(position, here)
        self.assertEqual({"async"}, page.labels("pg_stat_replication_sync_state", "sync_state"))
        self.assertEqual(0, page.value("pg_synchronous_standbys_required"))
        for names, required in (("standby_one", 1), ("ANY 1 (standby_one, b)", 1),
                                ("first 1 (standby_one)", 1), ("*", 1)):
            self.primary.query("alter system set synchronous_standby_names = %s", (names,))
            self.primary.query("select pg_reload_conf()")
            wait_for(lambda: self.primary.value("select sync_state in ('sync', 'quorum') from pg_stat_replication"),
                     f"{names} to be in effect")
            page = self.page(self.primary)
            self.assertEqual(required, page.value("pg_synchronous_standbys_required"), names)
            self.assertEqual(1, page.value("pg_synchronous_standbys_connected"), names)
        self.primary.query("alter system reset synchronous_standby_names")
        self.primary.query("select pg_reload_conf()")
        wait_for(lambda: self.primary.value("show synchronous_standby_names") == "", "the reload")
        self.caught_up()
        wait_for(lambda: self.page(self.standby).value("pg_replication_lag_transactions") == 0,
                 "the standby to know that it is level")
        page = self.page(self.standby)
        self.assertEqual(0, page.value("pg_recovery_paused"))
        self.assertEqual(self.page(self.primary).value("pg_snapshot_xmax"), page.value("pg_snapshot_xmax"))
        self.assertEqual(1, page.value("pg_control_timeline_id"))
        self.assertGreater(page.value("pg_recovery_replayed_position_bytes"), 0)

    def slots(self):
        page = self.page(self.primary)
        where = {"slot_name": "logical", "slot_type": "logical"}
        self.assertGreater(page.value("pg_replication_slot_retained_bytes", **where), 0)
        self.assertEqual(1, page.value("pg_replication_slot_wal_status", wal_status="reserved", **where))
        self.assertEqual(1, page.value("pg_replication_slots_wal_status", wal_status="reserved", **where))
        self.assertEqual(0, page.value("pg_replication_slots_slot_is_active", **where))
        for old, new in (("slot_slot_current_wal_lsn", "slots_slot_current_wal_lsn"),
                         ("slot_slot_confirmed_flush_lsn", "slots_slot_confirmed_flush_lsn"),
                         ("slot_slot_is_active", "slots_slot_is_active")):
            self.assertEqual(page.value("pg_replication_" + old, **where),
                             page.value("pg_replication_" + new, **where))
        self.assertEqual(1, page.value("pg_replication_slot_active", slot_name="standby_slot"))
        self.assertIsNone(page.value("pg_replication_slot_slot_confirmed_flush_lsn", slot_name="standby_slot"))
        self.assertEqual(self.major >= 17, page.value("pg_replication_slot_failover", **where) is not None)
        self.assertEqual(self.major >= 16, page.value("pg_replication_slot_conflicting", **where) is not None)
        self.assertEqual(self.major >= 14, page.value("pg_stat_replication_slots_txns_total",
                                                      slot_name="logical") is not None)

    def backlog(self):
        """WAL that archive_command fails on waits as .ready files."""
        self.primary.query("alter system set archive_command = 'false'")
        self.primary.query("select pg_reload_conf()")
        self.caught_up()
        self.primary.query("select pg_switch_wal()")
        wait_for(lambda: self.primary.value("select failed_count from pg_stat_archiver"), "archiving to fail", 60)
        page = self.page(self.primary)
        files = page.value("pg_archive_ready_files")
        self.assertGreaterEqual(files, 1)
        self.assertGreaterEqual(page.value("pg_archive_ready_bytes"), 16 << 20)
        self.assertGreater(page.value("pg_archive_ready_oldest_age_seconds"), 0)
        self.assertEqual(1, page.value("pg_stat_archiver_failing"))
        self.assertGreaterEqual(page.value("pg_stat_archiver_last_failed_age_seconds"), 0)
        self.assertGreater(page.value("pg_stat_archiver_last_archive_age"), 0)
        self.assertGreater(page.value("pg_control_checkpoint_age_seconds"), 0)

    def receiver_down(self):
        wait_for(self.pair.streaming, "the standby to stream", 60)
        self.caught_up()
        self.primary.stop(signal.SIGINT)
        wait_for(lambda: not self.standby.value("select count(*) from pg_stat_wal_receiver where status = 'streaming'"),
                 "the receiver to end", 60)
        page = self.page(self.standby)
        self.assertEqual(0, page.value("pg_stat_wal_receiver_up"))
        self.assertGreater(page.value("pg_replication_lag_seconds"), 0)
        self.assertIsNone(page.value("pg_replication_lag_transactions"))


if __name__ == "__main__":
    unittest.main()
