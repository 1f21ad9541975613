"""Everything that pgbeacon watches, at once and at work: primary, standby, dead slot, archive and backups of
pgBackRest, PgBouncer, and an application whose mistakes fill the log.

Example:
    with Monitored() as monitored:
        wait_for(lambda: monitored.prometheus.api().query("pg_up == 1"), "a scrape")
"""

import contextlib
import json
import os
import shutil
import threading

import psycopg2

from .beacon import Beacon
from .case import Background
from .pgbackrest import Repository
from .pgbouncer import Pooler
from .postgres import Pair
from .prometheus import Prometheus
from .users import command_as_user, private_folder
from .waiting import wait_for

SETTINGS = {
    "cluster_name": "orders",
    "shared_preload_libraries": "pg_stat_statements",
    "track_functions": "all",
    "deadlock_timeout": "100ms",
    "autovacuum_naptime": "1s",
    "autovacuum_vacuum_threshold": "20",
    "log_checkpoints": "on",
    "log_lock_waits": "on",
    "log_temp_files": "0",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_autovacuum_min_duration": "0",
    "log_min_duration_statement": "0",
    "log_replication_commands": "on",
    "max_slot_wal_keep_size": "20GB",
    "log_line_prefix": "%m [%p] %q%u@%d/%a %e ",
}

SCHEMA = """
create table orders (id serial primary key, customer int not null, total numeric not null);
insert into orders (customer, total) select i % 100, i from generate_series(1, 20000) i;
create index orders_customer on orders (customer);
create index orders_customer_again on orders (customer);
create table hot (id int primary key, n int not null, filler text);
insert into hot select i, 0, repeat('x', 200) from generate_series(1, 500) i;
create table bloated (filler text);
insert into bloated select repeat('x', 500) from generate_series(1, 20000);
delete from bloated where ctid < '(1300,1)';
create table twice (x int);
insert into twice values (1), (1);
create sequence ticket as smallint;
select setval('ticket', 30000);
grant select on sequence ticket to beacon;
grant select on all tables in schema public to beacon;
create function answer() returns int language sql as 'select 42';
alter database shop set random_page_cost = 1.1;
analyze;
"""

MISTAKES = [
    "select 1 / (id - id) from orders limit 1",
    "select * from no_such_table",
    "select 'twelve'::int",
    "insert into hot values (1, 1)",
    "set statement_timeout = '5ms'; select pg_sleep(1)",
    "set lock_timeout = '5ms'; lock table twice",
    "create unique index concurrently twice_x on twice (x)",
]


class Monitored(contextlib.ExitStack):
    """Parts: pair, repository, pooler, beacons {instance: Beacon}, prometheus."""

    def __init__(self, rules=()):
        super().__init__()
        with contextlib.ExitStack() as undo:
            undo.push(self)
            self._build(rules)
            undo.pop_all()

    def _build(self, rules):
        self.folder = self._folder()
        self.repository = Repository(self._folder())
        self.pair = Pair(settings={**SETTINGS, **self.repository.settings()})
        self.callback(self.pair.close)
        self.primary, self.standby = self.pair.primary, self.pair.standby
        self.repository.attach(self.primary)
        self.primary.query("select pg_create_physical_replication_slot('standby_one')")
        self.primary.query("select pg_create_physical_replication_slot('forgotten', true)")
        self.standby.settings["primary_slot_name"] = "standby_one"
        self.standby.restart()
        self.primary.query("create extension pg_stat_statements")
        self.primary.query("create database shop")
        for statement in SCHEMA.strip().split(";\n"):
            self.primary.query(statement, dbname="shop")
        self.pooler = Pooler(self.primary, self._folder()).start()
        self.callback(self.pooler.stop)
        self.repository.run("backup", "--type=full")
        self.repository.run("backup", "--type=diff")
        wait_for(self.pair.streaming, "the standby to stream again", 60)
        # The standby's pgbeacon is in a database without pg_stat_statements: that collector fails there.
        self.beacons = {"orders-1": self._serve(self.primary, self._primary_extras()),
                        "orders-2": self._serve(self.standby, {"dsn": self.standby.dsn(dbname="shop")})}
        self.prometheus = Prometheus(
            self.folder, {name: beacon.port for name, beacon in self.beacons.items()}, rules)
        self.callback(self.prometheus.stop)
        self.prometheus.start()
        for work in Application(self.primary, self.pooler).parts():
            self.enter_context(Background(work))

    def _folder(self):
        path = private_folder()
        self.callback(shutil.rmtree, path, ignore_errors=True)
        return path

    def _primary_extras(self):
        command = command_as_user(self.repository.command())
        return {"databases": {"all": True, "interval": "1s"},
                "pgbackrest": {"command": command},
                "pgbouncer": [{"name": "pool", "dsn": self.pooler.dsn()}]}

    def _serve(self, server, extras=None):
        config = {
            "targets": [{"name": server.name, "dsn": server.dsn(),
                         "sources": [{"file": server.log_file, "from": "begin"}], **(extras or {})}],
            "collectors": {"pgbackrest": {"interval": "1s", "timeout": "20s"},
                           "stat_statements": {"enabled": True},
                           "table_bloat": {"enabled": True, "interval": "1s"},
                           **{name: {"interval": "1s"} for name in (
                               "database_size", "table_size", "index_problems", "sequences",
                               "tablespaces")}},
            "state_dir": self._folder(),
        }
        path = os.path.join(self.folder, server.name + ".yml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)  # JSON is YAML
        beacon = Beacon("--config.file", path, "--web.enable-logs")
        self.callback(beacon.stop)
        return beacon


class Application:
    """Its parts run side by side, each again and again."""

    def __init__(self, primary, pooler):
        self.primary, self.pooler = primary, pooler
        self.pause = threading.Event()

    def parts(self):
        return self.orders, self.mistakes, self.housekeeping, self.queue, self.deadlock, self.conflict

    def orders(self):
        session = self.primary.connect(dbname="shop", application="web")
        with contextlib.closing(session), session.cursor() as cursor:
            for _ in range(10):
                cursor.execute("insert into orders (customer, total) values (random() * 100, answer())")
                cursor.execute("update hot set n = n + 1 where id % 5 = 0")
                cursor.execute("select sum(total) from orders where customer = 7")
                cursor.execute("delete from orders where id % 97 = 0")
                cursor.execute("set work_mem = '64kB'; select count(*) from (select * from orders order by total) s")
                self.pause.wait(0.05)
        pooled = self.pooler.connect()
        with contextlib.closing(pooled), pooled.cursor() as cursor:
            cursor.execute("select count(*) from pg_class")

    def mistakes(self):
        for statement in MISTAKES:
            for part in ([statement], ["begin", "select 1", "rollback"]):
                session = self.primary.connect(dbname="shop", application="web")
                with contextlib.closing(session), session.cursor() as cursor, \
                        contextlib.suppress(psycopg2.Error):
                    for piece in part:
                        cursor.execute(piece)
        for dsn in (self.primary.dsn(password="wrong"), self.primary.dsn(dbname="no_such_database")):
            with contextlib.suppress(psycopg2.OperationalError):
                psycopg2.connect(dsn).close()
        self.pause.wait(0.3)

    def housekeeping(self):
        self.primary.query("checkpoint")
        self.primary.query("select pg_switch_wal()")
        self.primary.query("vacuum hot", dbname="shop")
        self.pause.wait(2)

    def queue(self):
        """A transaction that is left open while another waits for it."""
        first, second = (self.primary.connect(dbname="shop", application="batch") for _ in range(2))
        with contextlib.closing(first), contextlib.closing(second):
            first.autocommit = False
            first.cursor().execute("lock table twice")
            waiting = threading.Thread(target=second.cursor().execute, args=("lock table twice; select 1",))
            waiting.start()
            self.pause.wait(1.5)
            first.rollback()
            waiting.join()

    def deadlock(self):
        sessions = [self.primary.connect(dbname="shop", application="batch") for _ in range(2)]
        with contextlib.closing(sessions[0]), contextlib.closing(sessions[1]):
            for session, row in zip(sessions, (1, 2)):
                session.autocommit = False
                session.cursor().execute("update hot set n = 0 where id = %s", (row,))
            other = threading.Thread(target=_quietly, args=(sessions[1], "update hot set n = 0 where id = 1"))
            other.start()
            _quietly(sessions[0], "update hot set n = 0 where id = 2")
            other.join()
        self.pause.wait(2)

    def conflict(self):
        """Two transactions that cannot be in one order."""
        sessions = [self.primary.connect(dbname="shop", application="batch") for _ in range(2)]
        with contextlib.closing(sessions[0]), contextlib.closing(sessions[1]):
            for session in sessions:
                session.set_session(isolation_level="REPEATABLE READ", autocommit=False)
                session.cursor().execute("select * from hot where id = 3")
            _quietly(sessions[0], "update hot set n = 0 where id = 3")
            sessions[0].commit()
            _quietly(sessions[1], "update hot set n = 0 where id = 3")
        self.pause.wait(1)


def _quietly(session, statement):
    with contextlib.suppress(psycopg2.Error), session.cursor() as cursor:
        cursor.execute(statement)
