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
import subprocess

from .application import Application, prepare
from .beacon import Beacon
from .case import Background
from .pgbackrest import Repository
from .pgbouncer import Pooler
from .postgres import Pair
from .prometheus import PROGRAM, PROGRAM_3, Prometheus
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

class Monitored(contextlib.ExitStack):
    """Parts: pair, repository, pooler, beacons {instance: Beacon}, prometheus, prometheus_3 (None where it is not there)."""

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
        self._prepare_servers()
        prepare(self.primary)
        self.pooler = Pooler(self.primary, self._folder()).start()
        self.callback(self.pooler.stop)
        self.repository.run("backup", "--type=full")
        self.repository.run("backup", "--type=diff")
        self.primary.query("alter system set synchronous_standby_names = 'standby_one'")
        self.primary.query("select pg_reload_conf()")
        # The standby's pgbeacon is in a database without pg_stat_statements: that collector fails there.
        self.beacons = {"orders-1": self._serve(self.primary, self._primary_extras()),
                        "orders-2": self._serve(self.standby, {"dsn": self.standby.dsn(dbname="shop")})}
        self.prometheus = self._watch(self.folder, rules)
        self.prometheus_3 = self._watch(self._folder(), rules, PROGRAM_3) if os.path.exists(PROGRAM_3) else None
        for work in Application(self.primary, self.standby, self.pooler).parts():
            self.enter_context(Background(work))

    def _prepare_servers(self):
        """Checksums, one slot that is used, one that is not, and on the standby one whose WAL is soon lost."""
        self.primary.query("select pg_create_physical_replication_slot('standby_one')")
        self.primary.query("select pg_create_physical_replication_slot('forgotten', true)")
        self.primary.query("grant execute on function pg_hba_file_rules() to beacon")
        self.primary.query("grant select on pg_hba_file_rules to beacon")
        self.standby.settings.update(primary_slot_name="standby_one", max_slot_wal_keep_size="32MB")
        for server in (self.standby, self.primary):
            server.stop()
            server._run("pg_checksums", "--enable", "--no-sync", "-D", server.data)
        for server in (self.primary, self.standby):
            server.start()
        self.standby.query("select pg_create_physical_replication_slot('lost', true)")
        wait_for(self.pair.streaming, "the standby to stream again", 60)

    def _watch(self, folder, rules, program=PROGRAM):
        prometheus = Prometheus(folder, {name: beacon.port for name, beacon in self.beacons.items()}, rules,
                                program=program)
        self.callback(prometheus.stop)
        return prometheus.start()

    def _certificate(self):
        cert, key = (os.path.join(self.folder, name) for name in ("tls.crt", "tls.key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=pgbeacon", "-days", "30", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        return {"cert": cert, "key": key}

    def _folder(self):
        path = private_folder()
        self.callback(shutil.rmtree, path, ignore_errors=True)
        return path

    def _primary_extras(self):
        command = command_as_user(self.repository.command())
        return {"databases": {"all": True, "interval": "1s"},
                "pgbackrest": {"command": command},
                "pgbouncer": [{"name": "pool", "dsn": self.pooler.dsn()}],
                "entrypoint": {"dsn": self.pooler.dsn(dbname="postgres")}}

    def _serve(self, server, extras=None):
        config = {
            "targets": [{"name": server.name, "dsn": server.dsn(),
                         "sources": [{"file": server.log_file, "from": "begin"}], **(extras or {})}],
            "collectors": {"pgbackrest": {"interval": "1s", "timeout": "20s"},
                           "stat_statements": {"enabled": True},
                           "table_bloat": {"enabled": True, "interval": "1s"},
                           **{name: {"interval": "1s"} for name in (
                               "database_size", "table_size", "index_problems", "sequences",
                               "tablespaces", "hba_rules")}},
            "sources": [{"type": "syslog_tls", "addr": "127.0.0.1:0", "tls": self._certificate()}],
            "state_dir": self._folder(),
        }
        path = os.path.join(self.folder, server.name + ".yml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)  # JSON is YAML
        beacon = Beacon("--config.file", path, "--web.enable-logs")
        self.callback(beacon.stop)
        return beacon
