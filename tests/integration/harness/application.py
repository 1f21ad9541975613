"""An application that works, waits and makes mistakes, so that statistics and log have something to tell.

Example:
    prepare(primary)
    for work in Application(primary, standby, pooler).parts():
        stack.enter_context(Background(work))
"""

import contextlib
import functools
import threading

import psycopg2

SCHEMA = """
create table orders (id serial primary key, customer int not null, total numeric not null);
insert into orders (customer, total) select i % 100, i from generate_series(1, 20000) i;
create index orders_customer on orders (customer);
create index orders_customer_again on orders (customer);
create table hot (id int primary key, n int not null, filler text);
insert into hot select i, 0, repeat('x', 200) from generate_series(1, 500) i;
alter table hot set (autovacuum_vacuum_cost_delay = 50, autovacuum_vacuum_cost_limit = 10);
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


def prepare(primary):
    """Database `shop` with its tables, among them some that have problems."""
    primary.query("create extension pg_stat_statements")
    primary.query("create database shop")
    for statement in SCHEMA.strip().split(";\n"):
        primary.query(statement, dbname="shop")


class Application:
    """Its parts run side by side, each again and again."""

    def __init__(self, primary, standby, pooler):
        self.primary, self.standby, self.pooler = primary, standby, pooler
        self.pause = threading.Event()

    def parts(self):
        return [functools.partial(self._patiently, part) for part in (
            self.orders, self.mistakes, self.housekeeping, self.queue, self.deadlock, self.conflict, self.far_commit)]

    def _patiently(self, part):
        """On a machine that is busy with other things a connection may time out: the next round comes."""
        with contextlib.suppress(psycopg2.OperationalError):
            part()

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
        self.standby.query("checkpoint")
        self.primary.query("vacuum twice", dbname="shop")
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

    def far_commit(self):
        """A commit that waits for a standby whose replay stands still."""
        self.standby.query("select pg_wal_replay_pause()")
        session = self.primary.connect(dbname="shop", application="batch")
        with contextlib.closing(session), session.cursor() as cursor:
            cursor.execute("set synchronous_commit = remote_apply")
            commit = threading.Thread(target=_quietly, args=(session, "insert into twice values (2)"), daemon=True)
            commit.start()
            try:
                self.pause.wait(4)  # longer than from scrape to scrape
            finally:
                self.standby.query("select pg_wal_replay_resume()")
            commit.join(10)
        self.pause.wait(2)


def _quietly(session, statement):
    with contextlib.suppress(psycopg2.Error), session.cursor() as cursor:
        cursor.execute(statement)
