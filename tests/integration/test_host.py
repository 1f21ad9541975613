"""The host and control group of a server that runs beside pgbeacon."""

import os
import re
import unittest

from harness.case import PairCase
from harness.users import give
from harness.waiting import wait_for


def cgroup_root():
    with open("/proc/self/mounts", encoding="ascii") as mounts:
        for line in mounts:
            fields = line.split()
            if fields[2] == "cgroup2":
                return fields[1]
    return None


class Host(PairCase):
    with_standby = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.space = os.path.join(cls.pair.folder, "space")
        os.mkdir(cls.space)
        give(cls.space)
        cls.primary.query(f"create tablespace fast location '{cls.space}'")

    def page(self, **options):
        program = self.beacon(dsn=self.primary.dsn(), **options)
        return wait_for(lambda: self.with_host(program), "the host", 20), program

    @staticmethod
    def with_host(program):
        page = program.scrape(openmetrics=False)
        return page if page.value("pg_host_cpus") is not None else None

    def test_host_of_a_local_server(self):
        page, program = self.page()
        self.assert_promtool_content(page)
        self.assertEqual({}, page.failed_collectors())
        self.assertEqual(os.cpu_count(), page.value("pg_host_cpus"))
        with open("/proc/meminfo", encoding="ascii") as file:
            memory = dict(re.findall(r"^(\w+): +(\d+) kB", file.read(), re.MULTILINE))
        self.assertEqual(int(memory["MemTotal"]) * 1024, page.value("pg_host_memory_total_bytes"))
        self.assertEqual(int(memory["SwapTotal"]) * 1024, page.value("pg_host_swap_total_bytes"))
        for use, path in (("data", self.primary.data), ("wal", self.primary.data + "/pg_wal"),
                          ("tablespace", self.space)):
            disk = os.statvfs(path)
            self.assertEqual(disk.f_blocks * disk.f_frsize, page.value("pg_host_filesystem_size_bytes", use=use))
            self.assertEqual(disk.f_files or None, page.value("pg_host_filesystem_inodes", use=use))
        self.assertEqual({"fast"}, page.labels("pg_host_filesystem_size_bytes", "tablespace", use="tablespace"))
        self.assertGreater(page.value("pg_host_cpu_seconds_total", mode="user"), 0)
        self.assertGreater(page.value("pg_host_server_memory_bytes"), 1 << 20)
        self.assertIsNotNone(page.value("pg_host_load1"))
        device = page.labels("pg_host_filesystem_size_bytes", "device", use="data")
        if device != {""}:
            before = page.value("pg_host_disk_written_bytes_total", device=next(iter(device)))
            self.primary.query("create table written as select generate_series(1, 100000)")
            self.primary.query("checkpoint")
            os.sync()
            wait_for(lambda: program.scrape().value(
                "pg_host_disk_written_bytes_total", device=next(iter(device))) > before, "the write", 20)
        if os.path.exists("/proc/pressure/cpu"):
            self.assertIsNotNone(page.value("pg_host_pressure_waiting_seconds_total", resource="cpu"))

    def test_host_stays_known_while_the_server_is_down(self):
        _, program = self.page()
        self.primary.stop()
        try:
            page = program.scrape()
            self.assertEqual(0, page.value("pg_up"))
            self.assertIsNotNone(page.value("pg_host_filesystem_available_bytes", use="data"))
        finally:
            self.primary.start()

    def test_host_is_off_when_switched_off(self):
        program = self.beacon("--no-collector.host", dsn=self.primary.dsn())
        for _ in range(2):
            page = program.scrape()
        self.assertFalse([name for name in page.names() if name.startswith(("pg_host_", "pg_cgroup_"))])
        self.assertIsNone(page.value("pg_scrape_collector_success", collector="host"))

    def test_control_group_of_the_server(self):
        root = cgroup_root()
        group = root and os.path.join(root, f"pgbeacon-e2e-{os.getpid()}")
        try:
            os.mkdir(group)
        except (OSError, TypeError):
            self.skipTest("no control group of version 2 can be made here")
        try:
            for pid in [self.primary.process.pid, *self.primary.children()]:
                with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as procs:
                    procs.write(str(pid))
            page, program = self.page()
            used = page.value("pg_cgroup_cpu_usage_seconds_total")
            self.assertIsNotNone(used)
            self.primary.query("select sum(x) from generate_series(1, 3000000) x")
            self.assertGreater(program.scrape().value("pg_cgroup_cpu_usage_seconds_total"), used + 0.05)
            if os.path.exists(os.path.join(group, "cpu.pressure")):
                self.assertIsNotNone(page.value("pg_cgroup_pressure_waiting_seconds_total", resource="cpu"))
            program.stop()
        finally:
            self.primary.restart()  # into the group of the test's own process
            os.rmdir(group)


if __name__ == "__main__":
    unittest.main()
