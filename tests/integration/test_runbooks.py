"""The commands of docs/runbooks, and those that alerts name as the next, work when pasted: SQL on a primary and on its
standby, shell commands beside a running pgbeacon."""

import os
import re
import shutil
import subprocess
import unittest

import psycopg2

from harness import cases
from harness.beacon import BIN, environment
from harness.case import BeaconCase
from harness.majors import EveryMajor
from harness.postgres import BIN as PROGRAMS, Pair, programs_of

# Needs more than a server and pgbeacon: the machine's services, another tool, a file of the reader's own.
NOT_HERE = re.compile(r"systemctl|journalctl|pgbackrest info|openssl x509 .*CERTIFICATE|amtool|^dmesg|/var/lib/pgbeacon")
PRIMARY = re.compile(r" -h (EACH|ENTRYPOINT)")


def blocks(language):
    for name, text in cases.runbooks():
        for block in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL):
            yield name, block


class Commands(EveryMajor, BeaconCase):
    def run_major(self, major):
        pair = Pair(programs=programs_of(major), settings={
            "shared_preload_libraries": "pg_stat_statements", "archive_mode": "on", "archive_command": "true"})
        self.addCleanup(pair.close)
        pair.primary.query("create extension if not exists pg_stat_statements")
        self.statements(pair.primary, pair.standby)
        if major == 15:
            self.shell(pair.primary, pair.standby)

    def statements(self, primary, standby):
        refused = []
        for name, sql in blocks("sql"):
            for server in (primary, standby):
                try:
                    server.query(sql)
                except psycopg2.Error as error:
                    if server is standby and "recovery is in progress" in str(error):
                        continue  # of the primary's position, which a standby has not
                    refused.append(f"{name} on the {server.name}: {error}")
        self.assertEqual([], refused)

    def shell(self, primary, standby):
        config = self.write("pgbeacon.yml", "targets: []\n")
        exporter = self.beacon("--source.file", primary.log_file, dsn=primary.dsn())
        folder = self.folder()
        shutil.copy(BIN, os.path.join(folder, "pgbeacon"))
        variables = environment({
            "PATH": f"{folder}:{PROGRAMS}:{os.environ['PATH']}", "PGHOST": primary.sockets, "PGPORT": str(primary.port),
            "PGUSER": "postgres", "PGDATABASE": "postgres", "DATA_SOURCE_NAME": primary.dsn(), "LOG": primary.log_file,
            "BEACON": f"http://127.0.0.1:{exporter.port}", "CONFIG": config})
        lines = [(name, line) for name, block in blocks("sh") for line in block.strip().split("\n")]
        lines += [(alert, command) for alert, rule in cases.rules().items()
                  for command in rule["annotations"]["next"].split("; ")]
        bad = []
        for name, line in lines:
            if NOT_HERE.search(line):
                continue
            here = PRIMARY.sub("", line).replace(" -h STANDBY", f" -p {standby.port}")
            done = subprocess.run(["bash", "-c", here], env=variables, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=60, check=False)
            complaint = done.stderr.strip()
            # grep ends with 1 where nothing is found, pgbeacon check with how the server is.
            good = done.returncode == 0 or ("grep" in line and done.returncode == 1) or "pgbeacon check" in line
            if not good or re.search(r"not found|usage|unknown|ERROR", complaint):
                bad.append(f"{name}: {line}: {done.returncode} {complaint}")
        self.assertEqual([], bad)


if __name__ == "__main__":
    unittest.main()
