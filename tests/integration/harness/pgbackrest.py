"""A private pgBackRest repository of a private server."""

import json
import os
import subprocess

from .beacon import ROOT
from .tools import require
from .users import command_as_user, give, reachable

_PLACE = os.path.join(ROOT, "build/tools/pgbackrest/usr")

_CONFIG = """[global]
repo1-path={folder}/repository
repo1-retention-full=2
log-path={folder}
lock-path={folder}/lock
spool-path={folder}/spool
log-level-file=off
log-level-console=warn
start-fast=y
compress-type=gz
compress-level=1

[main]
pg1-path={data}
pg1-port={port}
pg1-socket-path={sockets}
pg1-user=postgres
"""


class Repository:
    """Stanza `main`. `settings(...)` is what the server needs; `attach` once it runs."""

    def __init__(self, folder):
        self.folder = folder
        self.place = reachable(require(_PLACE, "pgBackRest"), folder)
        self.program = os.path.join(self.place, "bin/pgbackrest")
        self.libraries = os.path.join(self.place, "lib/x86_64-linux-gnu")
        self.config = os.path.join(folder, "pgbackrest.conf")

    def command(self, *arguments):
        """The command line, as a test or PostgreSQL runs it."""
        return ["env", f"LD_LIBRARY_PATH={self.libraries}", self.program, f"--config={self.config}",
                "--stanza=main", *arguments]

    def settings(self):
        return {"archive_mode": "on", "archive_command": " ".join(self.command("archive-push", "%p"))}

    def attach(self, server):
        self.write_config(server.data, server.port, server.sockets)
        self.run("stanza-create")

    def write_config(self, data, port, sockets):
        with open(self.config, "w", encoding="ascii") as file:
            file.write(_CONFIG.format(folder=self.folder, data=data, port=port, sockets=sockets))
        give(self.config)

    def run(self, *arguments):
        done = subprocess.run(command_as_user(self.command(*arguments)), cwd=self.folder, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
        if done.returncode != 0:
            raise RuntimeError(f"pgbackrest {arguments} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def info(self):
        return json.loads(self.run("info", "--output=json"))
