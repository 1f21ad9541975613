"""Events of the server itself: its housekeeping, replication, configuration, crashes, the end."""

import os
import signal

from .events import HBA, Kind, statements
from .events_wire import Wire, message, string
from .users import give
from .waiting import wait_for


def _autovacuum(world):
    world.server.query("create table dirty with (autovacuum_vacuum_threshold = 1, autovacuum_analyze_threshold = 1) "
                       "as select g as a from generate_series(1, 1000) g")
    world.server.query("delete from dirty where a > 100")
    world.logged('automatic vacuum of table "postgres.public.dirty"')
    world.logged('automatic analyze of table "postgres.public.dirty"')


def _archive(command, text):
    def run(world):
        world.configure(archive_command=command)
        world.server.query("create table if not exists written (a int)")
        world.server.query("insert into written values (1)")
        world.server.query("select pg_switch_wal()")
        world.logged(text)
    return run


def _archive_works(world):
    world.configure(archive_command="echo a word of the command >&2")
    wait_for(lambda: world.server.value("select archived_count from pg_stat_archiver") > 0, "an archived segment")


# ---- Replication ----

def _synchronous(names, text):
    def run(world):
        world.configure(synchronous_standby_names="")
        wait_for(lambda: world.server.value("select max(sync_priority) from pg_stat_replication") == 0,
                 "no synchronous standby")
        world.server.query("insert into written values (2)")  # the standby confirms it, as no synchronous one
        lsn = world.server.value("select pg_current_wal_lsn()")
        wait_for(lambda: world.server.value("select max(flush_lsn) >= %s from pg_stat_replication", (lsn,)),
                 "the standby to confirm")
        world.configure(synchronous_standby_names=names)
        world.logged(text)
    return run


def _wait_for_nobody(world):
    world.configure(synchronous_standby_names="nobody")
    with world.session() as wire:
        wait_for(lambda: world.server.value("show synchronous_standby_names") == "nobody", "the setting")
        wire.send(message(b"Q", string("create table waited (a int)")))
        wait_for(lambda: world.server.value("select count(*) from pg_stat_activity where pid = %s and "
                                            "wait_event = 'SyncRep'", (wire.pid,)), "the wait for a standby")
        world.server.query("select pg_cancel_backend(%s)", (wire.pid,))
        wire.until(b"Z")
    world.configure(synchronous_standby_names="")


def _streaming(world):
    wire = Wire(world.server).startup(replication="true")
    lsn = world.server.value("select pg_current_wal_lsn()")
    wire.send(message(b"Q", string(f"START_REPLICATION SLOT kept PHYSICAL {lsn}")))
    wire.until(b"W", b"Z")
    return wire


def _slot_in_use(world):
    first, second = _streaming(world), _streaming(world)
    second.close()
    first.socket.close()  # without goodbye
    world.logged("unexpected EOF on standby connection")


def _too_many_standbys(world):
    wires = [Wire(world.server).startup(replication="true") for _ in range(7)]
    for wire in wires:
        wire.close()


def _logical_slot(world):
    world.server.query("select pg_create_logical_replication_slot('logical', 'test_decoding')")
    world.server.query("select * from pg_logical_slot_get_changes('logical', null, null)")
    world.server.query("select pg_drop_replication_slot('logical')")


def _subscription(world):
    query = world.server.query
    query("create table published (a int primary key); insert into published values (1); "
          "create publication p for table published")
    query("create database subscriber")
    query("create table published (a int primary key)", dbname="subscriber")
    query("select pg_create_logical_replication_slot('sub', 'pgoutput')")
    query(f"create subscription sub connection 'host={world.server.sockets} port={world.server.port} user=postgres "
          "dbname=postgres' publication p with (create_slot = false, slot_name = 'sub')", dbname="subscriber")
    world.logged('table "published" has finished')


def _conflict(world):
    world.server.query("insert into published values (5)", dbname="subscriber")
    world.server.query("insert into published values (5)")
    world.logged('"published_pkey"')


def _unsubscribe(world):
    world.server.query("alter subscription sub disable", dbname="subscriber")
    wait_for(lambda: not world.server.value("select active from pg_replication_slots where slot_name = 'sub'"),
             "the subscription to stop")
    world.server.query("drop publication p")


def _launcher_ends(world):
    world.server.query("select pg_terminate_backend(pid) from pg_stat_activity "
                       "where backend_type = 'logical replication launcher'")
    world.logged("background worker \"logical replication launcher\"")


# ---- The standby ----

def _caught_up(world):
    lsn = world.server.value("select pg_current_wal_lsn()")
    wait_for(lambda: world.standby.value("select pg_last_wal_replay_lsn() >= %s", (lsn,)), "the standby", 30)


def _restartpoint(world):
    world.server.query("checkpoint")
    _caught_up(world)
    world.standby.query("checkpoint")


def _denied(world):
    with world.session(server=world.standby) as wire:
        wire.query("vacuum")


def _recovery_conflict(world):
    world.server.query("create table conflicted (a int)")
    _caught_up(world)
    with world.session(server=world.standby) as wire:
        wire.query("begin")
        wire.query("table conflicted")
        wire.send(message(b"Q", string("select pg_sleep(60)")))
        world.server.query("drop table conflicted")
        wire.until(b"Z", b"")
    with world.session(server=world.standby) as wire:
        world.server.query("create table conflicted (a int)")
        _caught_up(world)
        wire.query("begin")
        wire.query("table conflicted")
        world.server.query("drop table conflicted")
        wire.drain()


def _promote(world):
    world.standby.query("select pg_promote()")
    world.logged("archive recovery complete", world.standby)


# ---- Configuration ----

def _bad_settings(world):
    path = os.path.join(world.server.data, "postgresql.conf")
    with open(path, "a", encoding="ascii") as file:
        file.write("nothing = 1\nshared_buffers = '24MB'\nwork_mem = 'x'\n")
    world.reload()
    world.logged("contains errors")


def _settings(world):
    world.configure(work_mem="5MB", maintenance_work_mem="32MB")
    world.logged('parameter "work_mem" changed to "5MB"')
    world.logged('parameter "maintenance_work_mem" changed to "32MB"')
    del world.server.settings["maintenance_work_mem"]
    world.configure()
    world.logged('parameter "maintenance_work_mem" removed')


def _bad_hba(world):
    write_hba(world.server, "local all all nonsense\nhostssl all all all trust\n")
    world.reload()
    world.logged("hostssl record cannot match because SSL is disabled")
    write_hba(world.server, HBA)


def write_hba(server, text):
    path = os.path.join(server.data, "pg_hba.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    give(path)


# ---- Crashes and ends ----

def _killed(world):
    world.configure(autovacuum="off")
    world.logged('parameter "autovacuum" changed to "off"')
    with world.session() as wire:
        os.kill(wire.pid, signal.SIGKILL)
        world.logged("all server processes terminated; reinitializing")
        wait_for(world.server.answers, "the server to recover", 60)


def _smart(world):
    """A session keeps the server from ending; who comes now is turned away."""
    with world.session() as wire:
        world.server.process.send_signal(signal.SIGTERM)
        world.logged("received smart shutdown request")
        with Wire(world.server) as late:
            late.startup()
        wire.query("select 1")
    world.server.process.wait(60)
    world.server.process = None


def _immediate(world):
    world.server.start()
    with world.session() as wire:
        wire.query("begin")
        world.server.stop(signal.SIGQUIT)


def _damage(world):
    """Pages of a table overwritten, another table's file removed, while the server is down."""
    world.server.start()
    paths = [world.server.value("create table rotten as select 1 as a; select pg_relation_filepath('rotten')"),
             world.server.value("create table lost as select 1 as a; select pg_relation_filepath('lost')")]
    world.server.restart()
    world.server.stop()
    with open(os.path.join(world.server.data, paths[0]), "r+b") as file:
        file.write(os.urandom(1024))
    os.unlink(os.path.join(world.server.data, paths[1]))
    world.server.start()
    statements("table rotten")(world)
    statements("table lost")(world)


def nothing(_):
    """The event belongs to what another kind does."""


KINDS = [
    Kind("checkpoint", "checkpoint_starting", None, lambda world: world.server.query("checkpoint")),
    Kind("checkpoint complete", "checkpoint_complete", None, nothing),
    Kind("autovacuum", "autovacuum_completed", None, _autovacuum),
    Kind("autoanalyze", "autoanalyze_completed", None, nothing),
    Kind("no archive_command", "archive_not_configured", None, _archive("", "enabled, yet archiv")),
    Kind("archive_command fails", "archive_command_failed", None, _archive("false", "failed with exit code 1")),
    Kind("archive_command fails again", "archive_giveup", None, lambda world: world.logged("too many times")),
    Kind("archive_command killed", "archive_command_signaled", None,
         _archive("kill -KILL $$", "was terminated by signal 9")),
    Kind("archive_command works", None, None, _archive_works),
    Kind("synchronous standby", "sync_standby", None,
         _synchronous("standby_one", "is now a synchronous standby with priority")),
    Kind("quorum", "sync_standby_quorum", None, _synchronous("ANY 1 (standby_one)", "candidate for quorum")),
    Kind("wait for a standby canceled", "sync_wait_canceled", None, _wait_for_nobody),
    Kind("slot in use", "slot_in_use", "55006", _slot_in_use),
    Kind("standby gone", "unexpected_eof_standby", "08P01", nothing),
    Kind("replication command", None, None, nothing),
    Kind("too many standbys", "too_many_standbys", "53300", _too_many_standbys),
    Kind("logical decoding", "logical_decoding_start", None, _logical_slot),
    Kind("consistent point", "logical_consistent_point", None, nothing),
    Kind("subscription", "logical_apply_started", None, _subscription),
    Kind("table synchronization", "logical_sync_started", None, nothing),
    Kind("table synchronized", "logical_sync_finished", None, nothing),
    Kind("conflict of a subscription", "unique_violation", "23505", _conflict, until=17),
    Kind("conflict of a subscription", "logical_conflict", "23505", _conflict, since=18),
    Kind("end of a subscription", None, None, _unsubscribe),
    Kind("worker ends", "bgworker_exited", None, _launcher_ends),
    Kind("restartpoint", "restartpoint_starting", None, _restartpoint),
    Kind("restartpoint complete", "restartpoint_complete", None, nothing),
    Kind("denied in recovery", "recovery_command_denied", "25006", _denied),
    Kind("recovery conflict", "recovery_conflict_cancel", "40001", _recovery_conflict),
    Kind("recovery conflict of a connection", "conn_terminated_recovery_conflict", "40001", nothing),
    Kind("recovery waits", "recovery_conflict_waiting", None, nothing, since=14),
    Kind("promotion", "promote_requested", None, _promote),
    Kind("timeline", "timeline_selected", None, nothing),
    Kind("recovery complete", "archive_recovery_complete", None, nothing),
    Kind("standby mode", "entering_standby", None, nothing),
    Kind("consistent", "consistent_state", None, nothing),
    Kind("ready for queries only", "server_ready_read_only", None, nothing),
    Kind("settings", "param_changed", None, _settings),
    Kind("reload", "sighup", None, nothing),
    Kind("setting removed", "param_removed", None, nothing),
    Kind("bad settings", "config_errors", "F0000", _bad_settings),
    Kind("needs a restart", "param_needs_restart", "55P02", nothing),
    Kind("bad pg_hba.conf", "hba_not_loaded", None, _bad_hba),
    Kind("bad line of pg_hba.conf", "hba_line_error", "F0000", nothing),
    Kind("backend killed", "backend_signaled", None, _killed),
    Kind("others end", "crash_terminating_others", None, nothing),
    Kind("reinitialized", "crash_reinitializing", None, nothing),
    Kind("interrupted", "startup_interrupted", None, nothing),
    Kind("crash recovery", "crash_recovery", None, nothing),
    Kind("redo starts", "redo_starts", None, nothing),
    Kind("redo done", "redo_done", None, nothing),
    Kind("end of WAL", "wal_end_record_length", None, nothing),
    Kind("smart shutdown", "shutdown_smart", None, _smart),
    Kind("turned away", "db_shutting_down", "57P03", nothing),
    Kind("immediate shutdown", "shutdown_immediate", None, _immediate),
    Kind("damaged page", "invalid_page", "XX001", _damage),
    Kind("file gone", "disk_file_open_failed", "58P01", nothing),
    Kind("fast shutdown", "shutdown_fast", None, lambda world: world.server.stop()),
    Kind("aborting", "aborting_transactions", None, nothing),
    Kind("shutting down", "shutting_down", None, nothing),
    Kind("shut down", "server_shut_down", None, nothing),
    Kind("started", "server_starting", None, nothing),
    Kind("listening", "listening", None, nothing),
    Kind("after a shutdown", "startup_after_clean_shutdown", None, nothing),
    Kind("ready", "server_ready", None, nothing),
]
