"""Private PostgreSQL servers: a primary and its streaming standby on loopback and a unix socket."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess

import psycopg2

from .tools import require
from .users import command_as_user, give, private_folder, reachable
from .waiting import wait_for

BIN = os.environ.get("PGB_PG_BIN", "/usr/lib/postgresql/15/bin")
MAJORS = os.environ.get("PGB_MATRIX_DIR",
                        os.path.join(os.path.dirname(__file__), "../../../build/tools"))
PREFIX = "%m [%p] %q%u@%d/%a "
PASSWORD = "lamp oil"
LOG_NAME = "postgresql.log"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "40",
    "superuser_reserved_connections": "3",
    "shared_buffers": "16MB",
    "fsync": "off",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": LOG_NAME,
    "log_line_prefix": PREFIX,
    "log_timezone": "UTC",
    "lc_messages": "C",
    "hot_standby": "on",
    "wal_level": "replica",
    "wal_receiver_status_interval": "1s",
    "track_io_timing": "on",
    "client_min_messages": "warning",
    "password_encryption": "scram-sha-256",
}


def programs_of(major):
    """Debian's 15, else what PGB_MATRIX_DIR holds (tests/support/postgres_majors.sh fetches it)."""
    programs = BIN if major == 15 else os.path.join(os.path.abspath(MAJORS), f"postgres-{major}", "bin")
    require(os.path.join(programs, "postgres"), f"PostgreSQL {major}")
    return programs


def reachable_programs(programs, folder):
    """`programs`, or a copy in `folder` that the servers' user can reach: they find their libraries
    relative to themselves, so a whole tree is copied."""
    tree = re.sub(r"(/usr/lib/postgresql/\d+)?/bin/?$", "", programs)
    if not tree:  # installed by the system's packages
        return programs
    return reachable(tree, folder) + programs[len(tree):]


def free_port():
    """One that no connection going out can be given before it is listened on."""
    while True:
        port = random.randrange(12000, 32000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
            return port
        except OSError:
            continue


class Server:
    """One cluster in `folder`; `programs` is the folder that holds initdb and postgres."""

    def __init__(self, folder, name, programs=BIN, settings=None):
        self.name = name
        self.programs = programs
        self.folder = folder
        self.data = os.path.join(folder, name)
        self.sockets = folder
        self.settings = {**SETTINGS, **(settings or {})}
        self.port = None
        self.process = None
        self.wrap = lambda command: command  # surroundings of the server's process

    # Life.

    def initialise(self):
        self._run("initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8", "--locale=C", "-N",
                  "--auth-local=trust", "--auth-host=scram-sha-256")

    def start(self, wait=True):
        """Starts the server; a port that somebody took in the meantime is replaced by another."""
        for _ in range(5):
            self.port = self.port or free_port()
            self._write_settings()
            if self._launch(wait):
                return self
            self.port = None
        raise RuntimeError(f"{self.name} does not start:\n{self._own_output()}\n{self.log()}")

    def stop(self, how=signal.SIGINT):
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(30)
        self.process = None

    def restart(self):
        self.stop()
        self.start()

    def freeze(self):
        """SIGSTOP to the whole server: it keeps its sockets and answers nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)
        for pid in self.children():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self.children():
            os.kill(pid, signal.SIGCONT)
        os.kill(self.process.pid, signal.SIGCONT)

    def children(self):
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as listing:
            return [int(pid) for pid in listing.read().split()]

    def _launch(self, wait):
        with open(os.path.join(self.folder, self.name + ".out"), "ab") as output:
            self.process = subprocess.Popen(
                self.wrap(command_as_user([os.path.join(self.programs, "postgres"), "-D", self.data])),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder)
        if not wait:
            return True
        wait_for(lambda: self.process.poll() is not None or self.answers(), f"{self.name} to start", 60)
        if self.process.poll() is None:
            return True
        self.process = None
        return False

    def answers(self):
        try:
            self.connect().close()
            return True
        except psycopg2.OperationalError:
            return False

    def _own_output(self):
        with open(os.path.join(self.folder, self.name + ".out"), encoding="utf-8") as output:
            return output.read()

    def _run(self, program, *arguments):
        done = subprocess.run(
            command_as_user([os.path.join(self.programs, program), *arguments]), cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=120, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed:\n{done.stdout}")

    def _write_settings(self):
        settings = {**self.settings, "port": str(self.port), "unix_socket_directories": self.sockets}
        with open(os.path.join(self.data, "postgresql.conf"), "w", encoding="utf-8") as conf:
            for name, value in settings.items():
                quoted = value.replace("'", "''")
                conf.write(f"{name} = '{quoted}'\n")

    # Talk.

    def connect(self, user="postgres", dbname="postgres", application="e2e", **more):
        """A session in autocommit mode over the unix socket, where every role is trusted."""
        session = psycopg2.connect(host=self.sockets, port=self.port, user=user, dbname=dbname,
                                   application_name=application, connect_timeout=10, **more)
        session.autocommit = True
        return session

    def query(self, sql, arguments=None, **where):
        """Rows of one statement in a session of its own."""
        session = self.connect(**where)
        try:
            with session.cursor() as cursor:
                cursor.execute(sql, arguments)
                return cursor.fetchall() if cursor.description else []
        finally:
            session.close()

    def value(self, sql, arguments=None, **where):
        return self.query(sql, arguments, **where)[0][0]

    def dsn(self, user="beacon", dbname="postgres", password=PASSWORD):
        """Keyword connection string over TCP with a password, as pgbeacon's users have it."""
        return (f"host=127.0.0.1 port={self.port} user={user} dbname={dbname} "
                f"password='{password}' sslmode=disable")

    def backends(self, application="pgbeacon"):
        return self.value("select count(*) from pg_stat_activity where application_name = %s",
                          (application,))

    # Log.

    @property
    def log_file(self):
        return os.path.join(self.data, "log", self.settings["log_filename"])

    def log(self):
        try:
            with open(self.log_file, encoding="utf-8", errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def complaints_about(self, application="pgbeacon"):
        """Log lines of severity ERROR and worse that sessions of `application` caused."""
        pattern = re.compile(r"^\S+ \S+ UTC \[\d+\] [^ ]*/" + re.escape(application) +
                             r" (ERROR|FATAL|PANIC):.*$", re.MULTILINE)
        return [match.group(0) for match in pattern.finditer(self.log())]


class Pair:
    """A primary with role `beacon` (pg_monitor) and a streaming standby; one temporary folder."""

    def __init__(self, programs=BIN, settings=None, standby=True):
        self.folder = private_folder()
        try:
            self._build(programs, settings, standby)
        except BaseException:
            self.close()
            raise

    primary = None
    standby = None

    def _build(self, programs, settings, standby):
        programs = reachable_programs(programs, self.folder)
        self.primary = Server(self.folder, "primary", programs, settings)
        self.primary.initialise()
        self.primary.start()
        self.primary.query("create role beacon login in role pg_monitor")
        self.primary.query("alter role beacon password %s", (PASSWORD,))
        if standby:
            self.standby = Server(self.folder, "standby", programs, settings)
            self._copy_primary()
            self.standby.start()
            wait_for(self.streaming, "the standby to stream", 60)

    def _copy_primary(self):
        """By pg_basebackup; where the version has none, a copy of the stopped primary."""
        if os.path.exists(os.path.join(self.primary.programs, "pg_basebackup")):
            self.primary._run("pg_basebackup", "-D", self.standby.data, "-d", self._source(),
                              "-c", "fast")
        else:
            self.primary.stop()
            subprocess.run(command_as_user(["cp", "-a", self.primary.data, self.standby.data]),
                           check=True)
            self.primary.start()
        shutil.rmtree(os.path.join(self.standby.data, "log"), ignore_errors=True)
        self.standby.settings["primary_conninfo"] = self._source() + " application_name=standby_one"
        marker = os.path.join(self.standby.data, "standby.signal")
        with open(marker, "w", encoding="ascii"):
            pass
        give(marker)

    def _source(self):
        return f"host={self.primary.sockets} port={self.primary.port} user=postgres"

    def streaming(self):
        return self.primary.value("select count(*) from pg_stat_replication where state = 'streaming'") == 1

    def close(self):
        for server in (self.standby, self.primary):
            if server and server.process:
                server.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


