"""One smoke run on each PostgreSQL major but 15: primary and standby, every name, no complaint.

PGB_MATRIX_DIR holds a folder per major (tests/support/postgres_majors.sh makes it).
"""

import json
import os
import unittest

from harness import beacon
from harness.case import BeaconCase
from harness.pages import seed_names
from harness.postgres import Pair
from harness.tools import require

ROOT = os.environ.get("PGB_MATRIX_DIR", os.path.join(os.path.dirname(__file__), "../../build/tools"))


def programs(major):
    return os.path.join(os.path.abspath(ROOT), f"postgres-{major}", "bin")


class Majors(BeaconCase):
    def smoke(self, major):
        require(os.path.join(programs(major), "postgres"),
                f"PostgreSQL {major} (tests/support/postgres_majors.sh fetches it)")
        pair = Pair(programs(major))
        self.addCleanup(pair.close)
        self.assertEqual(major, int(pair.primary.value("show server_version_num")) // 10000)
        for server, kind in ((pair.primary, "primary"), (pair.standby, "standby")):
            for flags in ((), ("--collector.all",)):
                with self.subTest(server=kind, flags=flags):
                    self.check(server, kind, flags)
            with self.subTest(server=kind, record=True):
                self.check_record(server, kind)

    def check(self, server, kind, flags):
        exporter = self.beacon(*flags, dsn=server.dsn())
        for openmetrics in (False, True):
            page = exporter.scrape(openmetrics)
            self.assertEqual((1, "ok"), (page.value("pg_up"), page.up_reason()))
            failed = page.failed_collectors()
            expected = {"missing_extension"} if flags else set()
            self.assertLessEqual(set(failed.values()), expected, failed)
            self.assertEqual([], [n for n in seed_names(kind) if n not in page.names()])
        self.assertEqual(kind == "standby", page.value("pg_replication_is_replica"))
        self.assertEqual([], server.complaints_about())

    def check_record(self, server, kind):
        done = beacon.run("sample", "--count", 1, "-o", "json", env={"DATA_SOURCE_NAME": server.dsn()})
        self.assertEqual(0, done.returncode, done.stderr)
        figures = json.loads(done.stdout)["samples"]
        for key, sql in (("db_size", "select pg_database_size(current_database())"),
                         ("tables", "select count(*) from pg_stat_user_tables"),
                         ("max-connections", "show max_connections"),
                         ("current_transaction",
                          "select pg_snapshot_xmax(pg_current_snapshot())::text::int8")):
            self.assertEqual(int(server.value(sql)), figures[key], key)
        self.assertLessEqual(1, figures["active-connections"])
        self.assertEqual(0, figures["waiting-connections"])
        self.assertLess(1 << 20, figures["memory-postgres"])
        self.assertLessEqual({"follower-lag-commits"} & set(figures),
                             {"follower-lag-commits"} if kind == "standby" else set())
        self.assertEqual([], server.complaints_about())

    def test_13(self):
        self.smoke(13)

    def test_14(self):
        self.smoke(14)

    def test_16(self):
        self.smoke(16)

    def test_17(self):
        self.smoke(17)

    def test_18(self):
        self.smoke(18)


if __name__ == "__main__":
    unittest.main()
