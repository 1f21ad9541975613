"""One smoke run on each PostgreSQL major but 15: primary and standby, every name, no complaint.

PGB_MATRIX_DIR holds a folder per major (tests/support/postgres_majors.sh makes it).
"""

import os
import unittest

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
