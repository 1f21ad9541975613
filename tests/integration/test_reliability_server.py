"""The life of a server: stopped, starting, recovering, shutting down, frozen, crashed, promoted. Every fault is a row
of docs/reliability.md."""

import os
import re
import signal
import unittest

from harness.certificates import certify
from harness.collectors import NAPPING, nap
from harness.faults import FaultCase, backends_of
from harness.users import give
from harness.waiting import wait_equal, wait_for


class Stopped(FaultCase):
    def test_stopped(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("server stopped", exporter) as fault:
            self.primary.stop()
            fault.shows(0, "unreachable", rounds=3)
            self.primary.start()
            fault.recovers()

    def test_starting_up(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("server starting up", exporter) as fault:
            self.primary.stop()
            go_on = os.path.join(self.primary.folder, "go-on")
            self.primary.settings["restore_command"] = f"until test -e {go_on}; do sleep 0.1; done; false"
            marker = os.path.join(self.primary.data, "recovery.signal")
            with open(marker, "w", encoding="ascii"):
                pass
            give(marker)
            self.primary.start(wait=False)
            wait_for(lambda: exporter.scrape(seconds=2).up_reason() != "unreachable", "the server's first word")
            fault.shows(0, "starting_up", rounds=3)
            with open(go_on, "w", encoding="ascii"):
                pass
            wait_for(self.primary.answers, "the server")
            fault.recovers()

    def test_shutting_down_fast(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("fast shutdown", exporter) as fault:
            stuck = self.session(self.primary)
            os.kill(stuck.get_backend_pid(), signal.SIGSTOP)
            self.primary.process.send_signal(signal.SIGINT)
            wait_for(lambda: backends_of(self.primary) == 0, "our backend to be sent away")
            fault.shows(0, "in_shutdown", rounds=3)
            os.kill(stuck.get_backend_pid(), signal.SIGCONT)
            self.primary.stop()
            self.primary.start()
            fault.recovers()

    def test_shutting_down_smart(self):
        self.primary.stop()
        self.primary.settings.update(ssl="on", log_connections="on")
        certify(self.primary.data)
        self.primary.start()
        exporter = self.beacon(dsn=self.primary.dsn().replace("sslmode=disable", "sslmode=require"))
        with self.fault("smart shutdown", exporter) as fault:
            seen = len(self.primary.log())
            other = self.session(self.primary)
            knock = re.compile(r"connection received: host=127\.0\.0\.1 ")
            wait_for(lambda: knock.search(self.primary.log(), seen), "pgbeacon at the door", 20)
            self.primary.process.send_signal(signal.SIGTERM)
            wait_equal(lambda: backends_of(self.primary), 0, "pgbeacon to let go of the server")
            fault.shows(0, "in_shutdown", rounds=3)
            other.close()
            self.primary.process.wait(20)
            self.assertIn("the server shuts down", exporter.log())
            self.assertNotRegex(self.primary.log()[seen:], "could not|SSL error|unexpected|terminating connection")
            self.primary.stop()
            self.primary.start()
            fault.recovers()


class Frozen(FaultCase):
    def test_frozen(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("server frozen (SIGSTOP)", exporter) as fault:
            self.primary.freeze()
            fault.shows(0, "timeout", rounds=3)
            self.primary.thaw()
            fault.recovers()

    def test_one_backend_frozen(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("pgbeacon's backend frozen", exporter) as fault:
            mine = self.primary.value("select pid from pg_stat_activity where application_name = 'pgbeacon'")
            os.kill(mine, signal.SIGSTOP)
            fault.shows(0, "timeout")
            fault.shows(1, "ok", rounds=3)
            os.kill(mine, signal.SIGCONT)
            fault.recovers()


class Crashed(FaultCase):
    def test_in_mid_query(self):
        exporter = self.beacon("--collection-timeout", "3s", "--collector.file", self.write("nap.yml", nap(60)),
                               dsn=self.primary.dsn())
        with self.fault("crash in mid-statement", exporter, deadline=3,
                        failing={"nap": "timeout"}) as fault:
            wait_equal(lambda: self.primary.value(NAPPING), 0, "the statement to be cancelled")
            scraping = self.meanwhile(lambda: fault.shows(1, "ok", "connection"))
            wait_for(lambda: self.primary.value(NAPPING), "the statement")
            os.kill(self.primary.value("select pid from pg_stat_activity where wait_event = 'PgSleep'"),
                    signal.SIGKILL)
            page = scraping.result()
            self.assertIn("nap", page.failed_collectors())
            self.assertIn("pg_stat_database_xact_commit", page.names())
            wait_for(self.primary.answers, "the server")
            fault.recovers(seconds=2)

    def test_crash_recovery(self):
        exporter = self.beacon(dsn=self.primary.dsn())
        with self.fault("crash recovery", exporter, deadline=1) as fault:
            stuck, victim = self.session(self.primary), self.session(self.primary)
            os.kill(stuck.get_backend_pid(), signal.SIGSTOP)  # the server waits 5 s for it
            os.kill(victim.get_backend_pid(), signal.SIGKILL)
            wait_for(lambda: backends_of(self.primary) == 0, "our backend to be sent away")
            fault.shows(0, "starting_up", rounds=3)
            wait_for(self.primary.answers, "the server", 30)
            fault.recovers()


class Standby(FaultCase):
    with_standby = True

    def test_standby(self):
        standby = self.standby
        exporter = self.beacon(dsn=standby.dsn())
        with self.fault("in recovery (a standby)", exporter, server=standby) as fault:
            standby.query("select pg_wal_replay_pause()")
            self.primary.query("create table behind as select 1")
            page = fault.shows(1, "ok", rounds=2)
            self.assertEqual(1, page.value("pg_replication_is_replica"))
            standby.query("select pg_wal_replay_resume()")
            fault.recovers()
        with self.fault("standby that takes no queries", exporter, server=standby) as fault:
            standby.stop()
            standby.settings["hot_standby"] = "off"
            standby.start(wait=False)
            wait_for(lambda: exporter.scrape(seconds=2).up_reason() == "not_accepting", "the server's refusal")
            fault.shows(0, "not_accepting", rounds=3)
            standby.stop()
            standby.settings["hot_standby"] = "on"
            standby.start()
            fault.recovers()
        with self.fault("standby promoted", exporter, server=standby) as fault:
            self.assertTrue(standby.value("select pg_promote()"))
            page = fault.scrape()
            fault.note(page)
            self.assertEqual((1, {}), (page.value("pg_up"), page.failed_collectors()))
            page = fault.recovers()
            self.assertEqual(0, page.value("pg_replication_is_replica"))


if __name__ == "__main__":
    unittest.main()
