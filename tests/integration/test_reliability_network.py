"""Networks between pgbeacon and a server: cut, black-holed, far away, slow. Every fault is a row of
docs/reliability.md."""

import os
import unittest

from harness.beacon import Beacon
from harness.elsewhere import Elsewhere
from harness.faults import FaultCase, backends_of
from harness.links import FullPort
from harness.waiting import wait_for

TABLES = "do $$ begin for n in 1..400 loop execute format('create table t%s (id int primary key)', n); end loop; end $$"


class Visited(Beacon):
    """A pgbeacon in another network, asked in that network."""

    def __init__(self, network, **options):
        self.network = network
        super().__init__(before=network.command(), **options)

    def get(self, *arguments, **options):
        with self.network.visit():
            return super().get(*arguments, **options)


class Cut(FaultCase):
    """By network namespaces: packets are really lost."""

    def setUp(self):
        self.network = Elsewhere()
        self.addCleanup(self.network.close)
        self.primary.stop()
        self.primary.settings["listen_addresses"] = "*"
        with open(os.path.join(self.primary.data, "pg_hba.conf"), "a", encoding="ascii") as file:
            file.write(f"host all all {self.network.there}/32 scram-sha-256\n")
        self.primary.start()
        self.exporter = Visited(self.network, dsn=self.primary.dsn().replace("127.0.0.1", self.network.here))
        self.addCleanup(self.exporter.stop)

    def fault(self, name, *_, **options):
        fault = super().fault(name, self.exporter, deadline=3, **options)
        fault.most = 4  # the server is not told of the sessions that were lost
        return fault

    def assert_old_sessions_end(self):
        wait_for(lambda: backends_of(self.primary) <= 2, "the sessions of before to end", 30)

    def test_unplugged(self):
        with self.fault("network cut") as fault:
            self.network.unplug()
            fault.shows(0, "timeout")
            page = fault.scrape()
            self.assertIn(page.up_reason(), ("timeout", "unreachable"))
            self.network.connect()
            fault.recovers()
            self.assert_old_sessions_end()

    def test_black_holed(self):
        with self.fault("network black-holed") as fault:
            self.network.swallow()
            fault.shows(0, "timeout", rounds=3)
            self.network.connect()
            fault.recovers()
            self.assert_old_sessions_end()


class FromTheStart(FaultCase):
    def test_an_address_that_swallows_packets(self):
        hole = FullPort()
        self.addCleanup(hole.close)
        exporter = self.beacon(dsn=f"host=127.0.0.1 port={hole.port} user=x dbname=y", ready=False)
        for _ in range(3):
            page = exporter.scrape(seconds=1)
            self.assertEqual((0, "timeout"), (page.value("pg_up"), page.up_reason()))


class Slow(FaultCase):
    def test_far_away(self):
        link = self.link()
        exporter = self.beacon(dsn=self.through(link))
        with self.fault("200 ms latency", exporter, port=link.port, deadline=10) as fault:
            link.latency = 0.1  # there and back again
            fault.shows(1, "ok", rounds=3)
            link.cut()
            fault.shows(1, "ok")  # with a connect
            link.latency = 0.0
            fault.recovers()

    def test_narrow(self):
        self.primary.query(TABLES)
        link = self.link()
        exporter = self.beacon("--collector.all", dsn=self.through(link))
        with self.fault("5 MB/s link", exporter, port=link.port, deadline=10) as fault:
            link.rate = 5e6
            fault.shows(1, "ok", rounds=3)
            link.rate = None
            fault.recovers()

    def test_cut(self):
        link = self.link()
        exporter = self.beacon(dsn=self.through(link))
        with self.fault("connections cut between scrapes", exporter, port=link.port) as fault:
            for _ in range(3):
                link.cut()
                fault.shows(1, "ok")
            fault.recovers()
        with self.fault("connections cut in mid-answer", exporter, port=link.port) as fault:
            link.after = 20000
            link.cut()
            fault.shows(1, "ok", "connection", rounds=2)
            link.after = None
            fault.recovers()

    def test_stalled(self):
        link = self.link()
        exporter = self.beacon(dsn=self.through(link))
        with self.fault("connection stalls in mid-answer", exporter, port=link.port) as fault:
            link.holds = True
            fault.shows(0, "timeout", rounds=3)
            link.holds = False
            fault.recovers()


if __name__ == "__main__":
    unittest.main()
