"""Kinds of events that a live server is made to log: a name, what shall be seen in the log, and how.

A kind is (name, event, sqlstate, function of the world). Where `event` or `sqlstate` is None anything
will do; several events are a tuple. The statements of one session stand in events_sql.py.
"""

import contextlib
import signal
import socket
import struct
from typing import NamedTuple, Optional

from . import events_sql
from .events_wire import Wire, answer, message, string
from .waiting import wait_for

HBA = """local all peered peer
local all mapped peer map=nowhere
local replication unwanted reject
local forbidden rejected reject
local all all trust
local replication all trust
host all idented 127.0.0.1/32 ident
host all hasty 127.0.0.1/32 trust
host all all 127.0.0.1/32 password
"""


class Kind(NamedTuple):
    name: str
    event: object
    sqlstate: Optional[str]
    run: object
    since: int = 13
    until: int = 99


class World:
    """The servers that the kinds play on."""

    def __init__(self, major, server, standby):
        self.major = major
        self.server = server
        self.standby = standby

    @contextlib.contextmanager
    def session(self, user="postgres", database="postgres", tcp=False, server=None, **more):
        with Wire(server or self.server, tcp) as wire:
            yield wire.startup(user=user, database=database, **more)

    def waits_for_lock(self, pid):
        return self.server.value("select count(*) from pg_locks where pid = %s and not granted", (pid,)) > 0

    def configure(self, **settings):
        """Writes the settings and reloads them."""
        self.server.settings.update(settings)
        self.server._write_settings()
        self.reload()

    def reload(self):
        self.server.process.send_signal(signal.SIGHUP)

    def logged(self, text, server=None):
        wait_for(lambda: text in (server or self.server).log(), f"the log to say {text!r}", 30)


def statements(*texts):
    def run(world):
        with world.session() as wire:
            for text in texts:
                wire.query(text)
    return run


SQL = [Kind(row[0], row[2], row[1], statements(*row[3:])) for row in events_sql.ROWS]


# ---- Connections ----

def connect(**where):
    def run(world):
        with world.session(**where):
            pass
    return run


def packet(data, tcp=True):
    return lambda world: answer(world.server, data, tcp)


def startup_packet(version, pairs, end=b"\0"):
    return message(b"", struct.pack("!HH", *version), *(string(word) for word in pairs), end)


def _hold(world, count, **who):
    wires = []
    try:
        for _ in range(count):
            wires.append(Wire(world.server))
            wires[-1].startup(**who)
    finally:
        for wire in wires:
            wire.close()


def _reset(wire):
    """Ends a TCP connection in a way that the other side sees as an error."""
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.socket.close()


def _vanish_idle(world):
    wire = Wire(world.server, tcp=True).startup(user="hasty")
    _reset(wire)
    world.logged("could not receive data from client")


def _vanish_while_reading(world):
    wire = Wire(world.server, tcp=True).startup(user="hasty")
    wire.send(message(b"Q", string("select repeat('x', 1000) from generate_series(1, 1000000)")))
    wire.read()
    _reset(wire)
    world.logged("connection to client lost")


def _vanish_in_transaction(world):
    with Wire(world.server) as wire:
        wire.startup()
        wire.query("begin")
        wire.socket.shutdown(socket.SHUT_WR)
        wire.drain()


def _half_a_message(world):
    with Wire(world.server) as wire:
        wire.startup()
        wire.send(b"Q" + struct.pack("!i", 100) + b"select")
        wire.socket.shutdown(socket.SHUT_WR)
        wire.drain()


def _bad_message(world):
    with world.session() as wire:
        wire.send(message(b"\x01"))
        wire.drain()


def _slow_to_answer(world):
    with Wire(world.server, tcp=True) as wire:
        wire.send(startup_packet((3, 0), ("user", "postgres", "database", "postgres")))
        wire.drain()


def _cancel(pid, key):
    return struct.pack("!iiii", 16, 80877102, pid, key)


def _wrong_key(world):
    with world.session() as wire:
        answer(world.server, _cancel(wire.pid, wire.key ^ 1), tcp=False)


CONNECTIONS = [
    Kind("connection", "connection_received", None, connect()),
    Kind("connection authorized", "connection_authorized", None, connect(application_name="an app")),
    Kind("trusted user", "connection_authenticated_trust", None, connect(), since=17),
    Kind("disconnection", "disconnection", None, connect()),
    Kind("setup times", "connection_ready", None, connect(), since=18),
    Kind("replication connection", "replication_connection_authorized", None, connect(replication="true")),
    Kind("wrong password", "auth_failed_password", "28P01", connect(tcp=True, user="other")),
    Kind("no pg_hba.conf entry", ("auth_hba_no_entry", "auth_hba_no_entry_replication"), "28000",
         connect(tcp=True, replication="true")),
    Kind("rejected", "auth_hba_reject", "28000", connect(user="rejected", database="forbidden")),
    Kind("replication rejected", "auth_hba_reject_replication", "28000",
         connect(user="unwanted", replication="true")),
    Kind("no role", "auth_role_missing", "28000", connect(user="nobody here")),
    Kind("nologin", "auth_role_nologin", "28000", connect(user="nologin")),
    Kind("ident", "auth_ident_server", None, connect(user="idented", tcp=True)),
    Kind("ident failed", "auth_failed_method", "28000", connect(user="idented", tcp=True)),
    Kind("peer", "auth_usermap_mismatch", None, connect(user="peered")),
    Kind("no map", "auth_usermap_no_match", None, connect(user="mapped")),
    Kind("no database", "db_does_not_exist", "3D000", connect(database="nowhere")),
    Kind("database closed", "db_not_accepting_conn", "55000", connect(database="template0")),
    Kind("database forbidden", "db_connect_denied", "42501", connect(user="plain", database="forbidden")),
    Kind("role full", "too_many_connections_role", "53300", connect(user="one")),
    Kind("database full", "too_many_connections_database", "53300", connect(user="plain", database="closed")),
    Kind("slots reserved", ("slots_reserved_superuser", "slots_reserved_attribute", "slots_reserved_role"), "53300",
         lambda world: _hold(world, 32, user="plain")),
    Kind("too many clients", "too_many_clients", "53300", lambda world: _hold(world, 34)),
    Kind("no user", "startup_no_user", "28000", packet(startup_packet((3, 0), ("database", "postgres")))),
    Kind("no end", "startup_packet_bad_layout", "08P01",
         packet(startup_packet((3, 0), ("user", "postgres"), b"open"))),
    Kind("old protocol", "unsupported_protocol", "0A000", packet(startup_packet((9, 0), ("user", "x")))),
    Kind("incomplete startup", "startup_packet_incomplete", "08P01", packet(struct.pack("!i", 50) + b"x")),
    Kind("HTTP", "startup_packet_bad_length", "08P01", packet(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")),
    Kind("text after an SSL request", "unencrypted_after_ssl", "08P01",
         packet(struct.pack("!ii", 8, 80877103) + startup_packet((3, 0), ("user", "x")))),
    Kind("TLS without asking", "direct_ssl_rejected", None, packet(b"\x16\x03\x01\x02\x00\x01\x00"), since=17),
    Kind("bad message", "protocol_bad_message_type", "08P01", _bad_message),
    Kind("half a message", "incomplete_message", "08P01", _half_a_message),
    Kind("client gone", "client_recv_failed", None, _vanish_idle),
    Kind("client gone while it read", "client_connection_lost", "08006", _vanish_while_reading),
    Kind("client gone, sending", "client_send_failed", None, lambda world: None),
    Kind("client gone in a transaction", "unexpected_eof_in_transaction", "08006", _vanish_in_transaction),
    Kind("slow to authenticate", "auth_timeout", "57014", _slow_to_answer),
    Kind("cancel with a wrong key", "cancel_request_bad_key", None, _wrong_key),
    Kind("cancel of nobody", "cancel_request_no_process", None, packet(_cancel(1, 1), tcp=False)),
]


# ---- Sessions ----

def _extended(world):
    with world.session() as wire:
        wire.query("set log_min_duration_statement = 0")
        wire.extended("select $1::text, $2::text", name="p", portal="q", values=["a\nb", "c"])
        wire.extended("select 1")
        wire.query("begin")
        wire.send(message(b"P", string("f"), string("table busy"), struct.pack("!h", 0)) +
                  message(b"B", string("c"), string("f"), struct.pack("!hhh", 0, 0, 0)) +
                  message(b"E", string("c"), struct.pack("!i", 5)) * 2 + message(b"S"))
        wire.until(b"Z")


def _fastpath(world):
    with world.session() as wire:
        wire.query("set log_min_duration_statement = 0")
        wire.send(message(b"F", struct.pack("!ihh", 2026, 0, 0), struct.pack("!h", 0)))  # pg_backend_pid
        wire.until(b"Z")


def _unnamed(world):
    with world.session() as wire:
        wire.bind("")


def _copy(sql, data):
    def run(world):
        with world.session() as wire:
            wire.copy(sql, data)
    return run


def _set_and_wait(setting, *then):
    def run(world):
        with world.session() as wire:
            wire.query(f"set {setting}")
            for text in then:
                wire.query(text)
            wire.drain()
    return run


def _canceled(world):
    with world.session() as wire:
        wire.send(message(b"Q", string("select pg_sleep(20)")))
        wait_for(lambda: world.server.value("select count(*) from pg_stat_activity where pid = %s and state = 'active'",
                                            (wire.pid,)), "the statement to run")
        answer(world.server, _cancel(wire.pid, wire.key), tcp=False)
        wire.until(b"Z")


def _terminated(world):
    with world.session() as wire:
        world.server.query("select pg_terminate_backend(%s)", (wire.pid,))
        wire.drain()


def _locked(then, hold="lock table busy"):
    """A session that holds a lock, and another that does something with the first in the way."""
    def run(world):
        with world.session() as holder, world.session() as waiter:
            holder.query("begin")
            holder.query(hold)
            then(world, holder, waiter)
    return run


def _wait_and_get(world, holder, waiter):
    waiter.send(message(b"Q", string("begin; lock table busy; commit")))
    world.logged("still waiting for")
    holder.query("commit")
    waiter.until(b"Z")


def _wait_and_fail(world, holder, waiter):
    waiter.query("set lock_timeout = 30")
    waiter.query("select * from busy")


def _deadlock(world):
    with world.session() as one, world.session() as two:
        for wire, row in ((one, 1), (two, 2)):
            wire.query("begin")
            wire.query(f"update busy set b = b + 1 where a = {row}")
        one.send(message(b"Q", string("update busy set b = 0 where a = 2")))
        wait_for(lambda: world.waits_for_lock(one.pid), "the first lock")
        two.query("update busy set b = 0 where a = 1")
        two.query("rollback")
        one.until(b"Z")


def _serialization(change, reaction):
    def run(world):
        with world.session() as one, world.session() as two:
            one.query("begin isolation level repeatable read")
            one.query("select * from busy")
            two.query(change)
            one.query(reaction)
    return run


def _write_skew(world):
    with world.session() as one, world.session() as two:
        for wire in (one, two):
            wire.query("begin isolation level serializable")
            wire.query("select sum(b) from busy")
        one.query("update busy set b = 7 where a = 11")
        two.query("update busy set b = 8 where a = 12")
        one.query("commit")
        two.query("commit")


SESSIONS = [
    Kind("parse", "query_parse_duration", None, _extended),
    Kind("bind", "query_bind_duration", None, lambda world: None),
    Kind("execute", "query_execute_duration", None, lambda world: None),
    Kind("fast path", "query_fastpath_duration", None, _fastpath),
    Kind("no unnamed statement", "unnamed_prepared_missing", "26000", _unnamed),
    Kind("COPY with too much", "copy_extra_data", "22P04", _copy("copy parent from stdin", "5\t6\n")),
    Kind("COPY with too little", "copy_missing_data", "22P04", _copy("copy wide from stdin", "5\n")),
    Kind("COPY of no number", "invalid_text_representation", "22P02",
         _copy("copy parent from stdin (format csv)", '"a\nb"\n')),
    Kind("idle in a transaction", "conn_terminated_idle_in_tx", "25P03",
         _set_and_wait("idle_in_transaction_session_timeout = 10", "begin")),
    Kind("idle session", "conn_terminated_idle_session", "57P05", _set_and_wait("idle_session_timeout = 10"),
         since=14),
    Kind("long transaction", "conn_terminated_tx_timeout", "25P04",
         _set_and_wait("transaction_timeout = 10", "begin"), since=17),
    Kind("cancel", "user_cancel", "57014", _canceled),
    Kind("terminated", "conn_terminated_admin", "57P01", _terminated),
    Kind("lock wait", "lock_waiting", None, _locked(_wait_and_get)),
    Kind("lock acquired", "lock_acquired", None, lambda world: None),
    Kind("lock_timeout", "lock_timeout", "55P03", _locked(_wait_and_fail)),
    Kind("nowait", "lock_not_available_relation", "55P03",
         _locked(lambda world, holder, waiter: waiter.query("begin; lock table busy nowait"))),
    Kind("nowait of a row", "lock_not_available_row", "55P03",
         _locked(lambda world, holder, waiter: waiter.query("select * from busy for update nowait"),
                 "select * from busy for update")),
    Kind("failed lock", "lock_nowait_failed", None, lambda world: None, since=18),
    Kind("skip locked", "vacuum_skip_locked", "55P03",
         _locked(lambda world, holder, waiter: waiter.query("vacuum (skip_locked) busy"))),
    Kind("analyze locked", "analyze_skip_locked", "55P03",
         _locked(lambda world, holder, waiter: waiter.query("analyze (skip_locked) busy"))),
    Kind("vacuum of others' tables", "vacuum_permission_skip", None, statements("set role plain", "vacuum busy")),
    Kind("deadlock", "deadlock", "40P01", _deadlock),
    Kind("deadlock in the wait", "lock_deadlock_detected_wait", None, lambda world: None),
    Kind("concurrent update", "serialization_update", "40001",
         _serialization("update busy set b = 1 where a = 21", "update busy set b = 2 where a = 21")),
    Kind("concurrent delete", "serialization_delete", "40001",
         _serialization("delete from busy where a = 22", "update busy set b = 2 where a = 22")),
    Kind("write skew", "serialization_rw", "40001", _write_skew),
]
