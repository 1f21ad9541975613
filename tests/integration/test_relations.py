"""Collectors about tables, indexes, sequences and functions on every major.

PGB_MATRIX_DIR holds a folder per major but 15 (tests/support/postgres_majors.sh makes it).
"""

import unittest

from harness import relations
from harness.case import BeaconCase
from harness.majors import EveryMajor
from harness.postgres import PASSWORD, Pair, programs_of
from harness.waiting import wait_for



class Majors(EveryMajor, BeaconCase):
    def run_major(self, major):
        pair = Pair(programs_of(major), relations.SETTINGS)
        self.addCleanup(pair.close)
        pair.primary.query(relations.SQL)
        sizes = pair.primary.query("select pg_table_size('orders'), pg_indexes_size('orders')")[0]
        for user in ("beacon", "postgres"):
            page = self.check(pair.primary, user)
            for name, labels, value in relations.VALUES:
                self.assertEqual(value, page.value(name, datname="postgres", **labels), (name, labels))
            for what, size in zip(("table", "index"), sizes):
                name = f"pg_stat_user_tables_{what}_size_bytes"
                self.assertEqual(size, page.value(name, relname="orders"))
            self.assertLess(0, page.value("pg_table_bloat_ratio", relname="orders"))
            self.assertLess(0, page.value("pg_index_bloat_ratio", indexrelname="orders_price"))
            self.assertEqual(major >= 16, "pg_stat_user_tables_last_seq_scan_timestamp_seconds" in page.names())
            self.assertEqual(major >= 18, "pg_stat_user_tables_vacuum_seconds_total" in page.names())
            self.assertEqual(major >= 14, "pg_table_failsafe_ratio" in page.names())
        replayed = "select count(*) from pg_class where relname = 'tickets'"
        wait_for(lambda: pair.standby.value(replayed), "the standby to have it all")
        page = self.check(pair.standby, "beacon")
        self.assertIn("pg_stat_user_tables_table_size_bytes", page.names())
        pair.primary.query("create role nobody_special login")
        pair.primary.query("alter role nobody_special password %s", (PASSWORD,))
        page = self.check(pair.primary, "nobody_special")
        self.assertEqual(4, page.value("pg_table_bloat_unknown"))
        self.assertEqual(3, page.value("pg_sequences_unread"))
        self.assertEqual(sizes[0], page.value("pg_stat_user_tables_table_size_bytes", relname="orders"))

    def check(self, server, user):
        before = server.complaints_about()
        flags = [f"--collector.{name}" for name in relations.COLLECTORS]
        page = self.beacon(*flags, dsn=server.dsn(user=user, password=PASSWORD)
                           if user != "postgres" else self.trusted(server)).scrape(openmetrics=False)
        self.assert_promtool_content(page)
        failed = set(page.failed_collectors()) & set(relations.COLLECTORS)
        self.assertEqual(set(), failed)
        self.assertEqual(before, server.complaints_about())
        return page

    @staticmethod
    def trusted(server):
        return f"host={server.sockets} port={server.port} user=postgres dbname=postgres"


if __name__ == "__main__":
    unittest.main()
