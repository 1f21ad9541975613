"""A private PgBouncer before a private server."""

import os
import subprocess

import psycopg2

from .beacon import ROOT
from .postgres import PASSWORD, free_port
from .tools import require
from .users import command_as_user, give, reachable
from .waiting import wait_for

_PLACE = os.path.join(ROOT, "build/tools/pgbouncer/usr")

_CONFIG = """[databases]
app = host={server.sockets} port={server.port} dbname=postgres user=postgres pool_size={pool_size}
postgres = host={server.sockets} port={server.port} dbname=postgres user=postgres
* = host={server.sockets} port={server.port} user=postgres pool_size=1

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users.txt
stats_users = beacon
admin_users = boss
pool_mode = {mode}
max_client_conn = {clients}
default_pool_size = 5
reserve_pool_size = 1
logfile = {folder}/pgbouncer.log
{more}
"""


class Pooler:
    """All databases of `server` behind pools, `app` and `postgres` by name; `beacon` may read its statistics. `more`
    are further lines of its configuration."""

    def __init__(self, server, folder, mode="transaction", pool_size=2, clients=60, more=""):
        self.server, self.folder = server, folder
        place = reachable(require(_PLACE, "PgBouncer"), folder)
        self.program = os.path.join(place, "sbin/pgbouncer")
        self.libraries = os.path.join(place, "lib/x86_64-linux-gnu")
        self.port = free_port()
        self.process = None
        for name, text in (("pgbouncer.ini", _CONFIG.format(
            server=server, port=self.port, folder=folder, mode=mode, pool_size=pool_size, clients=clients,
            more=more)),
                           ("users.txt", f'"beacon" "{PASSWORD}"\n"boss" "b"\n"postgres" "p"\n')):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            give(path)

    def start(self):
        self.process = subprocess.Popen(
            command_as_user([self.program, os.path.join(self.folder, "pgbouncer.ini")]),
            env={**os.environ, "LD_LIBRARY_PATH": self.libraries}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._answers, "PgBouncer to answer")
        return self

    def _answers(self):
        try:
            self.admin("show version")
            return True
        except psycopg2.OperationalError:
            return False

    def connect(self, dbname="app", user="postgres", password="p"):
        session = psycopg2.connect(host="127.0.0.1", port=self.port, user=user, dbname=dbname,
                                   password=password, connect_timeout=10)
        session.autocommit = True
        return session

    def admin(self, command):
        """Columns and rows of one command of the admin console."""
        session = self.connect("pgbouncer", "boss", "b")
        try:
            with session.cursor() as cursor:
                cursor.execute(command)
                if cursor.description is None:
                    return [], []
                return [column.name for column in cursor.description], cursor.fetchall()
        finally:
            session.close()

    def dsn(self, user="beacon", password=PASSWORD, dbname="pgbouncer"):
        return f"host=127.0.0.1 port={self.port} user={user} password='{password}' dbname={dbname}"

    def log(self):
        with open(os.path.join(self.folder, "pgbouncer.log"), encoding="utf-8") as log:
            return log.read()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
