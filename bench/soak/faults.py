"""What happens to the servers while pgbeacon watches them; each ends with the server as it was."""

import contextlib
import os
import signal
import socket
import threading
import time

from harness.postgres import PASSWORD
from harness.waiting import wait_for


@contextlib.contextmanager
def silent_address():
    """A listener's address whose queue is full: connects to it are not answered at all."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener


def _ours(server):
    return "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgbeacon'"


def killed_sessions(pair, _):
    pair.primary.query(_ours(pair.primary))


def standby_restarts(pair, _):
    pair.standby.restart()


def primary_hangs(pair, _):
    pair.primary.freeze()
    try:
        time.sleep(12)
    finally:
        pair.primary.thaw()


def locked_catalog(pair, _):
    session = pair.primary.connect(application="locker")
    try:
        session.autocommit = False
        with session.cursor() as cursor:
            cursor.execute("lock table pg_catalog.pg_database in access exclusive mode")
            time.sleep(8)
        session.rollback()
    finally:
        session.close()


def locked_table(pair, _):
    session = pair.primary.connect(application="locker")
    try:
        session.autocommit = False
        with session.cursor() as cursor:
            cursor.execute("lock table pgbench_accounts in access exclusive mode")
            time.sleep(8)
        session.rollback()
    finally:
        session.close()


def wrong_password(pair, _):
    pair.primary.query("alter role beacon password 'another'")
    pair.primary.query(_ours(pair.primary))
    time.sleep(8)
    pair.primary.query("alter role beacon password %s", (PASSWORD,))


def crash(pair, _):
    session = pair.primary.connect()
    os.kill(session.get_backend_pid(), signal.SIGKILL)
    session.close()
    wait_for(pair.primary.answers, "the primary after its crash", 60)


def full_server(pair, _):
    sessions = []
    try:
        while True:
            sessions.append(pair.primary.connect(application="crowd"))
    except Exception:  # no room left
        time.sleep(6)
    finally:
        for session in sessions:
            session.close()


def rotated_log(pair, _):
    """The oldest files go, as rotation has it: each that is there is held open."""
    pair.primary.query("select pg_rotate_logfile()")
    folder = os.path.join(pair.primary.data, "log")
    files = sorted((os.path.join(folder, name) for name in os.listdir(folder)), key=os.path.getmtime)
    for path in files[:-2]:
        os.remove(path)


def reload_config(_, exporter):
    with open(exporter.config, encoding="ascii") as file:
        text = file.read()
    with open(exporter.config, "w", encoding="ascii") as file:
        file.write(text + "targets: [wrong\n")
    exporter.process.send_signal(signal.SIGHUP)
    time.sleep(4)
    with open(exporter.config, "w", encoding="ascii") as file:
        file.write(text)
    exporter.process.send_signal(signal.SIGHUP)


def many_scrapers(_, exporter):
    """Fifty at once, of which half hang up at once."""
    def one(hangs_up):
        try:
            with socket.create_connection(("127.0.0.1", exporter.port), timeout=30) as client:
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n")
                while not hangs_up and client.recv(1 << 16):
                    pass
        except OSError:  # the connection limit, or our own timeout
            pass
    threads = [threading.Thread(target=one, args=(i % 2 == 0,)) for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


ALL = [(function.__name__.replace("_", " "), function) for function in (
    killed_sessions, standby_restarts, primary_hangs, rotated_log, locked_catalog, many_scrapers, wrong_password,
    reload_config, locked_table, crash, full_server)]
