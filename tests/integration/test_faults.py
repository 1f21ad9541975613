"""A server in trouble: the page is always answered, says what is wrong, and recovers by itself."""

import http.client
import os
import threading
import time
import unittest

from harness.beacon import Beacon
from harness.case import Background, MostBackends, PairCase
from harness.collectors import LOCKED_ROWS, nap
from harness.links import Link
from harness.pages import seed_names
from harness.postgres import PASSWORD, free_port
from harness.waiting import wait_for


def states(page):
    """The collectors with a state on the page, without those that do not ask the server."""
    return page.labels("pg_scrape_collector_success", "collector") - {"host", "process"}


class ServerStops(PairCase):
    with_standby = False

    def assert_down(self, page, reason):
        self.assertEqual((0, reason), (page.value("pg_up"), page.up_reason()))
        self.assertIsNotNone(page.value("pgbeacon_build_info"))

    def test_a_stopped_server_is_down_and_back_at_the_next_scrape(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        self.assertEqual(1, exporter.scrape().value("pg_up"))
        self.primary.stop()
        try:
            for _ in range(3):
                page = exporter.scrape()
                self.assert_down(page, "unreachable")
                self.assertNotIn("pg_stat_database_xact_commit", page.names())
        finally:
            self.primary.start()
        page = exporter.scrape()
        self.assertEqual((1, "ok"), (page.value("pg_up"), page.up_reason()))
        self.assertEqual({}, page.failed_collectors())

    def test_a_restart_during_scrapes_never_costs_a_page(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        with Background(lambda: exporter.scrape(seconds=5)) as scraping:
            wait_for(lambda: scraping.rounds > 2, "scrapes")
            before = scraping.rounds
            self.primary.restart()
            wait_for(lambda: scraping.rounds > before + 3, "scrapes after the restart")
        self.assertEqual(1, exporter.scrape().value("pg_up"))

    def test_a_server_that_nobody_listens_for_is_unreachable(self):
        port = free_port()
        exporter = self.beacon(dsn=f"host=127.0.0.1 port={port} user=x dbname=y connect_timeout=2")
        self.assert_down(exporter.scrape(seconds=5), "unreachable")
        self.assertIn(str(port), exporter.log())

    def test_a_host_name_that_does_not_exist_is_a_dns_failure(self):
        exporter = self.beacon(dsn="host=no-such-host.invalid user=x dbname=y", ready=False)
        self.assert_down(exporter.scrape(seconds=10), "dns")


class ServerFreezes(PairCase):
    with_standby = False

    def test_a_frozen_server_times_out_within_the_deadline_and_returns_at_the_next_scrape(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        self.assertEqual(1, exporter.scrape().value("pg_up"))
        self.primary.freeze()
        try:
            for _ in range(3):
                started = time.monotonic()
                page = exporter.scrape(seconds=2)
                took = time.monotonic() - started
                self.assertLess(took, 2.0)
                self.assertEqual((0, "timeout"), (page.value("pg_up"), page.up_reason()))
                self.assertIsNotNone(page.value("pgbeacon_build_info"))
        finally:
            self.primary.thaw()
        page = exporter.scrape(seconds=10)
        self.assertEqual((1, "ok"), (page.value("pg_up"), page.up_reason()))
        self.assertEqual({}, page.failed_collectors())
        wait_for(lambda: self.primary.backends() <= 2, "at most two backends", 10)

    def test_an_exporter_started_at_a_frozen_server_returns_too(self):
        self.primary.freeze()
        try:
            exporter = self.beacon(dsn=self.primary.dsn(), ready=False)
            page = exporter.scrape(seconds=2)
            self.assertEqual((0, "timeout"), (page.value("pg_up"), page.up_reason()))
        finally:
            self.primary.thaw()
        self.assertEqual(1, exporter.scrape(seconds=10).value("pg_up"))
        self.assertLessEqual(self.primary.backends(), 2)

    def test_ends_at_once_while_the_server_is_frozen(self):
        exporter = Beacon(dsn=self.primary.dsn())
        self.addCleanup(exporter.stop, quiet=True)
        self.primary.freeze()
        self.addCleanup(self.primary.thaw)
        scraping = threading.Thread(target=lambda: self._scrape_quietly(exporter), daemon=True)
        scraping.start()
        self.assertLess(exporter.stop(), 5)

    @staticmethod
    def _scrape_quietly(exporter):
        try:
            exporter.get("/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": "20"})
        except (OSError, http.client.HTTPException):
            pass  # the connection may end with the process


class ConnectionsCut(PairCase):
    with_standby = False

    def proxy(self, after=None):
        proxy = Link(self.primary.port)
        proxy.after = after
        self.addCleanup(proxy.close)
        return proxy, self.primary.dsn().replace(f"port={self.primary.port}", f"port={proxy.port}")

    def test_no_page_of_a_run_that_was_cut_looks_healthy(self):
        expected = states(self.beacon(dsn=self.primary.dsn()).scrape())
        for after in (6000, 12000, 20000, 30000):
            proxy, dsn = self.proxy(after)
            exporter = self.beacon(dsn=dsn)
            for _ in range(2):
                page = exporter.scrape()
                self.assertEqual(1, page.value("pg_up"))
                self.assertEqual(set(), expected - states(page), after)
                failed = page.failed_collectors()
                self.assertLess(5, len(failed), after)
                self.assertEqual({"connection"}, set(failed.values()), after)
            told = [line for line in exporter.log().splitlines() if "reason=connection" in line]
            self.assertEqual(1, len(told), exporter.log())
            proxy.after = None
            self.assertEqual({}, exporter.scrape().failed_collectors())

    def test_a_reconnect_that_is_cut_marks_the_collectors_of_before(self):
        proxy, dsn = self.proxy()
        exporter = self.beacon(dsn=dsn)
        expected = states(exporter.scrape())
        proxy.after = 20000
        proxy.cut()
        for _ in range(2):
            page = exporter.scrape()
            self.assertEqual(set(), expected - states(page))
            self.assertEqual({"connection"}, set(page.failed_collectors().values()))
        proxy.after = None
        self.assertEqual({}, exporter.scrape().failed_collectors())


class Refusals(PairCase):
    with_standby = False
    settings = {"max_connections": "10"}

    def down(self, reason, **dsn):
        exporter = self.beacon(dsn=self.primary.dsn(**dsn))
        for _ in range(2):
            page = exporter.scrape()
            self.assertEqual((0, reason), (page.value("pg_up"), page.up_reason()))
        self.assertNotIn(PASSWORD, exporter.log())
        return exporter

    def test_a_wrong_password(self):
        exporter = self.down("auth_failed", password="not the secret word")
        self.assertIn("password authentication failed", exporter.log())
        self.assertNotIn("not the secret word", exporter.log())

    def test_a_missing_database(self):
        self.assertIn("nowhere", self.down("database_missing", dbname="nowhere").log())

    def test_a_client_that_pg_hba_rejects(self):
        path = os.path.join(self.primary.data, "pg_hba.conf")
        with open(path, encoding="utf-8") as file:
            before = file.read()

        def write(text):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            self.primary.query("select pg_reload_conf()")

        write("host all beacon all reject\n" + before)
        self.addCleanup(write, before)
        rules = "select count(*) from pg_hba_file_rules where auth_method = 'reject'"
        wait_for(lambda: self.primary.value(rules) == 1, "the rule")
        self.down("hba_rejected")

    def test_too_many_connections_and_back(self):
        self.primary.query("create role crowd login")
        crowd = []
        self.addCleanup(lambda: [session.close() for session in crowd])
        for _ in range(7):
            crowd.append(self.primary.connect(user="crowd"))
        exporter = self.beacon(dsn=self.primary.dsn())
        page = exporter.scrape()
        self.assertEqual((0, "too_many_connections"), (page.value("pg_up"), page.up_reason()))
        while crowd:
            crowd.pop().close()
        wait_for(lambda: exporter.scrape().value("pg_up"), "a place to be free")

    def test_a_role_without_privileges_still_gets_a_page(self):
        self.primary.query("create role nobody_special login")
        self.primary.query("alter role nobody_special password %s", (PASSWORD,))
        exporter = self.beacon("--collector.all", dsn=self.primary.dsn(user="nobody_special"))
        for _ in range(2):
            page = exporter.scrape()
            self.assertEqual(1, page.value("pg_up"))
            self.assertIsNotNone(page.value("pg_stat_database_xact_commit", datname="postgres"))
            failed = set(page.failed_collectors().values())
            self.assertLessEqual(failed, {"permission", "missing_extension"})

    def test_a_superuser_is_told_about_or_refused(self):
        self.primary.query("alter role postgres password %s", (PASSWORD,))
        dsn = self.primary.dsn(user="postgres")
        exporter = self.beacon(dsn=dsn)
        page = exporter.scrape()
        self.assertEqual((1, 1), (page.value("pg_up"), page.value("pgbeacon_superuser_login")))
        self.assertIn("superuser", exporter.log())
        page = self.beacon("--refuse-superuser", dsn=dsn).scrape()
        self.assertEqual((0, "superuser_refused"), (page.value("pg_up"), page.up_reason()))


class Locks(PairCase):
    with_standby = True

    def test_a_locked_table_costs_only_the_collector_that_reads_it(self):
        self.primary.query("create table locked as select generate_series(1, 5) n")
        self.primary.query("grant select on locked to beacon")
        exporter = self.beacon("--collector.file", self.write("locked.yml", LOCKED_ROWS),
                               dsn=self.primary.dsn())
        self.assertEqual(5, exporter.scrape().value("e2e_locked_rows"))
        blocker = self.session(self.primary)
        blocker.autocommit = False
        blocker.cursor().execute("lock table locked in access exclusive mode")
        with MostBackends(self.primary) as watch:
            for _ in range(5):
                page = exporter.scrape(seconds=10)
                missing = [n for n in seed_names("primary") if n not in page.names()]
                self.assertEqual([], missing)
                self.assertEqual({"locked_rows": "lock_timeout"}, page.failed_collectors())
                self.assertIsNone(page.value("e2e_locked_rows"))
            wait_for(lambda: watch.rounds > 3, "the watcher to look")
        self.assertLessEqual(watch.most, 2)
        blocker.rollback()
        page = exporter.scrape()
        self.assertEqual((5, {}), (page.value("e2e_locked_rows"), page.failed_collectors()))

    def test_a_catalogue_that_is_locked_at_the_start_fails_every_collector_by_name(self):
        expected = states(self.beacon(dsn=self.primary.dsn()).scrape())
        # The lock on pg_class lets nobody connect.
        for catalogue, state, reason in (("pg_proc", 1, "lock_timeout"),
                                         ("pg_namespace", 1, "lock_timeout"),
                                         ("pg_class", 0, "connection")):
            blocker = self.session(self.primary)
            blocker.autocommit = False
            blocker.cursor().execute(f"lock table {catalogue} in access exclusive mode")
            exporter = self.beacon(dsn=self.primary.dsn(), ready=False)
            for _ in range(3):
                page = exporter.scrape(seconds=4)
                self.assertEqual(state, page.value("pg_up"), catalogue)
                failed = page.failed_collectors()
                self.assertEqual(set(), expected - set(failed), catalogue)
                self.assertEqual({reason}, set(failed.values()), catalogue)
            blocker.rollback()
            page = exporter.scrape()
            self.assertEqual((1, {}), (page.value("pg_up"), page.failed_collectors()))
            self.assertNotIn("startup options are ignored", exporter.log())
            exporter.stop()

    def test_locked_tables_and_catalogues_leave_no_error_of_ours_in_the_log(self):
        self.primary.query("create table kept as select generate_series(1, 5) n")
        self.primary.query("create index on kept (n)")
        exporter = self.beacon("--collector.all", dsn=self.primary.dsn())
        exporter.scrape()
        blocker = self.session(self.primary)
        blocker.autocommit = False
        blocker.cursor().execute("lock table kept in access exclusive mode")
        before = self.primary.complaints_about()
        for _ in range(3):
            page = exporter.scrape(seconds=10)
            self.assertEqual([], [n for n in seed_names("primary") if n not in page.names()])
        blocker.rollback()
        self.assertEqual(before, self.primary.complaints_about())


class Runs(PairCase):
    settings = {"shared_preload_libraries": "pg_stat_statements"}

    def calls(self):
        return self.primary.value(
            "select coalesce(sum(calls), 0) from pg_stat_statements where query like '%pg_sleep%' "
            "and query like '%as nap%'")

    def test_eight_scrapes_at_once_share_one_run(self):
        self.primary.query("create extension pg_stat_statements")
        exporter = self.beacon("--collector.file", self.write("nap.yml", nap(1.5)),
                               dsn=self.primary.dsn())
        exporter.scrape()
        before = self.calls()
        start = threading.Barrier(8)
        pages = []

        def scrape(openmetrics):
            start.wait()
            pages.append(exporter.scrape(openmetrics, seconds=20))

        threads = [threading.Thread(target=scrape, args=(n % 2 == 0,)) for n in range(8)]
        with MostBackends(self.primary) as watch:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual([1.0] * 8, [page.value("e2e_nap") for page in pages])
        self.assertEqual(1, self.calls() - before)
        self.assertLessEqual(watch.most, 2)

    def test_a_slow_collector_is_left_behind_at_the_deadline_and_the_rest_is_there(self):
        exporter = self.beacon("--collector.file", self.write("nap.yml", nap(30)),
                               "--collection-timeout", "3s", dsn=self.primary.dsn())
        # What runs in the background may miss the first page.
        wait_for(lambda: exporter.scrape(seconds=2).value("pg_database_size_bytes",
                                                          datname="postgres"), "sizes")
        with MostBackends(self.primary) as watch:
            for _ in range(2):
                started = time.monotonic()
                page = exporter.scrape(seconds=2)
                self.assertLess(time.monotonic() - started, 2.0)
                self.assertEqual({"nap": "timeout"}, page.failed_collectors())
                self.assertEqual([], [n for n in seed_names("primary") if n not in page.names()])
        self.assertLessEqual(watch.most, 2)

    def test_scrapes_join_each_with_its_own_deadline(self):
        exporter = self.beacon("--collector.file", self.write("nap.yml", nap(4)),
                               dsn=self.primary.dsn())
        took = {}

        def scrape(seconds):
            started = time.monotonic()
            page = exporter.scrape(seconds=seconds)
            took[seconds] = (time.monotonic() - started, page.value("e2e_nap"))

        patient = threading.Thread(target=scrape, args=(20,))
        patient.start()
        napping = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
        wait_for(lambda: self.primary.value(napping), "the slow statement to run")
        scrape(2)
        patient.join()
        self.assertLess(took[2][0], 2.0)
        self.assertIsNone(took[2][1])
        self.assertEqual(1, took[20][1])


class Promotion(PairCase):
    def test_a_standby_promoted_during_scrapes_is_planned_anew(self):
        exporter = self.beacon(dsn=self.standby.dsn())
        roles = []

        def scrape():
            page = exporter.scrape(seconds=5)
            self.assertEqual(1, page.value("pg_up"))
            roles.append(page.value("pg_replication_is_replica"))
            return page.series("pg_settings_transaction_read_only").values()

        wait_for(lambda: list(scrape()) == [1], "the settings of a standby")
        with Background(scrape) as scraping:
            wait_for(lambda: scraping.rounds > 2, "scrapes")
            self.assertTrue(self.standby.value("select pg_promote()"))
            wait_for(lambda: roles[-1] == 0, "the new role on the page")
        self.assertEqual(sorted(roles, reverse=True), roles)
        wait_for(lambda: list(scrape()) == [0], "the settings of a primary")
        page = exporter.scrape()
        self.assertEqual({}, page.failed_collectors())
        self.assertEqual([], self.standby.complaints_about())


class GoodGuest(PairCase):
    def test_normal_operation_writes_no_error_into_the_servers_log(self):
        self.primary.query("create table t as select generate_series(1, 10) n")
        for server in (self.primary, self.standby):
            before = server.complaints_about()
            with self.beacon(dsn=server.dsn()) as exporter:
                for _ in range(4):
                    self.assertEqual({}, exporter.scrape().failed_collectors())
                self.assert_promtool_content(exporter.scrape(False))
            self.assertEqual(before, server.complaints_about())
            wait_for(lambda s=server: s.backends() == 0, "the backends to leave")

    def test_a_backend_that_is_terminated_is_replaced(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        exporter.scrape()
        self.primary.query("select pg_terminate_backend(pid) from pg_stat_activity "
                           "where application_name = 'pgbeacon'")
        wait_for(lambda: self.primary.backends() == 0, "the backend to end")
        page = exporter.scrape()
        self.assertEqual((1, {}), (page.value("pg_up"), page.failed_collectors()))


if __name__ == "__main__":
    unittest.main()
