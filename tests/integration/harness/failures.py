"""Things that go wrong with servers, each as a `with` block: it is broken inside and mended after.

Example:
    with Failures(pair, small).lock_held():
        ...
"""

import contextlib
import os
import signal
import threading

import psycopg2

from .case import Background
from .waiting import wait_for

SETTINGS = {
    "max_connections": "50",
    "superuser_reserved_connections": "15",  # the failures' own sessions, while clients are refused
    "deadlock_timeout": "50ms",
    "archive_mode": "on",
    "archive_command": "/bin/true",
    "log_connections": "on",
    "log_line_prefix": "%m [%p] %q%u@%d/%a %e ",
}

TABLES = """
create role client login;
create table held (n int);
create table pairs (id int primary key, n int);
insert into pairs values (1, 0), (2, 0);
create table written (filler text);
"""


class Failures:
    """Of a pair of servers with SETTINGS; `small` is a folder with little room that the primary sees."""

    def __init__(self, pair, small):
        self.primary, self.standby, self.small = pair.primary, pair.standby, small
        self.pause = threading.Event()
        self.primary.query(TABLES)

    @contextlib.contextmanager
    def server_stopped(self):
        self.primary.stop()
        try:
            yield
        finally:
            self.primary.start()

    @contextlib.contextmanager
    def backend_killed(self):
        with contextlib.closing(self.primary.connect()) as session:
            os.kill(session.info.backend_pid, signal.SIGKILL)
            yield
        wait_for(self.primary.answers, "the recovery from the crash", 60)

    @contextlib.contextmanager
    def connections_exhausted(self):
        with contextlib.ExitStack() as crowd:
            with contextlib.suppress(psycopg2.OperationalError):
                while True:
                    crowd.enter_context(contextlib.closing(self.primary.connect(user="client")))
            with self._again_and_again(lambda: self.primary.connect(user="client").close()):
                yield

    @contextlib.contextmanager
    def lock_held(self):
        with self._session() as holder, self._session() as waiting:
            holder.autocommit = False
            holder.cursor().execute("lock table held")
            with _under_way(waiting, "select from held"):
                yield
                holder.rollback()

    @contextlib.contextmanager
    def long_transaction(self):
        with self._session() as session, _under_way(session, "select pg_sleep(3600)"):
            yield

    @contextlib.contextmanager
    def deadlock_pair(self):
        with self._again_and_again(self._deadlock):
            yield

    @contextlib.contextmanager
    def archive_command_failing(self):
        """The archiver waits a minute after three failures: a reload wakes it."""
        with self._setting(self.primary, "archive_command", "/bin/false"):
            self._fill_segment()
            with self._again_and_again(lambda: self.primary.query("select pg_reload_conf()")):
                yield

    @contextlib.contextmanager
    def inactive_slot(self):
        self.primary.query("select pg_create_physical_replication_slot('forgotten', true)")
        try:
            self._fill_segment()
            self._fill_segment()
            yield
        finally:
            self.primary.query("select pg_drop_replication_slot('forgotten')")

    @contextlib.contextmanager
    def standby_paused(self):
        self.standby.query("select pg_wal_replay_pause()")
        try:
            self.primary.query("insert into written select repeat('x', 500) from generate_series(1, 4000)")
            yield
        finally:
            self.standby.query("select pg_wal_replay_resume()")

    @contextlib.contextmanager
    def disk_full(self):
        self.primary.query(f"create tablespace small location '{self.small}'")
        self.primary.query("create unlogged table full_up (filler text) tablespace small")
        try:
            with self._again_and_again(lambda: self.primary.query(
                    "insert into full_up select repeat('x', 500) from generate_series(1, 20000)")):
                yield
        finally:
            self.primary.query("drop table full_up")
            self.primary.query("drop tablespace small")

    @contextlib.contextmanager
    def wrong_password(self):
        with self._again_and_again(lambda: psycopg2.connect(self.standby.dsn(password="wrong")).close()):
            yield

    @contextlib.contextmanager
    def log_rotated_away(self):
        """The server, which logs each connection, goes on in another file."""
        with self._again_and_again(lambda: self.standby.query("select 1")), \
                self._setting(self.standby, "log_filename", "elsewhere.log"):
            yield
        self.standby.query("select 1")

    # Tools.

    @contextlib.contextmanager
    def _session(self):
        with contextlib.closing(self.primary.connect()) as session:
            yield session

    @contextlib.contextmanager
    def _setting(self, server, name, value):
        server.query(f"alter system set {name} = '{value}'")
        server.query("select pg_reload_conf()")
        try:
            yield
        finally:
            server.query(f"alter system reset {name}")
            server.query("select pg_reload_conf()")

    def _again_and_again(self, work):
        """Like a client that tries it five times a second, whatever the server answers."""
        def attempt():
            with contextlib.suppress(psycopg2.Error):
                work()
            self.pause.wait(0.2)

        return Background(attempt)

    def _fill_segment(self):
        self.primary.query("insert into written values ('x')")
        self.primary.query("select pg_switch_wal()")

    def _deadlock(self):
        with self._session() as first, self._session() as second:
            for session, row in ((first, 1), (second, 2)):
                session.autocommit = False
                session.cursor().execute("update pairs set n = 0 where id = %s", (row,))
            with _under_way(second, "update pairs set n = 0 where id = 1"):
                _quietly(first, "update pairs set n = 0 where id = 2")
                first.rollback()


@contextlib.contextmanager
def _under_way(session, statement):
    """The statement runs beside the block; it is cancelled where it does not end with it."""
    thread = threading.Thread(target=_quietly, args=(session, statement), daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(0.5)
        if thread.is_alive():
            session.cancel()
            thread.join(20)


def _quietly(session, statement):
    with contextlib.suppress(psycopg2.Error), session.cursor() as cursor:
        cursor.execute(statement)
