"""The host and control group of a server that runs beside pgbeacon."""

import os
import re
import signal
import subprocess
import unittest

from harness.case import PairCase
from harness.postgres import Pair
from harness.users import give
from harness.waiting import wait_for


def elsewhere():
    """What makes a command run as on another host: processes of its own; nothing where the kernel forbids it."""
    command = ["unshare", "--pid", "--fork", "--kill-child=INT"]
    tried = subprocess.run([*command, "--", "true"], capture_output=True, check=False)
    return command if tried.returncode == 0 else None


def numbers(path, line):
    """The numbers on the line of a file of /proc that begins with `line`."""
    with open(path, encoding="ascii") as file:
        for text in file:
            if text.split()[:len(line)] == line:
                return [int(word) for word in text.split()[len(line):] if word.isdigit()]
    return []


def memory_of(pids):
    """Sums over processes, in bytes: anonymous and shared memory with what several have once, and all that is resident."""
    once = resident = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            parts = {words[0]: int(words[1]) * 1024 for words in map(str.split, file) if words[-1] == "kB"}
        once += parts["Pss_Anon:"] + parts["Pss_Shmem:"]
        resident += parts["Rss:"]
    return once, resident


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

    def test_values_are_those_of_the_moment(self):
        _, program = self.page()
        place = os.stat(self.primary.data).st_dev
        device = [str(os.major(place)), str(os.minor(place))]
        ticks = os.sysconf("SC_CLK_TCK")

        def look():
            disk = os.statvfs(self.primary.data)
            with open("/proc/diskstats", encoding="ascii") as file:
                found = [line.split() for line in file if line.split()[:2] == device]
            io = {} if not found else {
                "reads_completed_total": int(found[0][3]), "read_bytes_total": int(found[0][5]) * 512,
                "writes_completed_total": int(found[0][7]), "written_bytes_total": int(found[0][9]) * 512,
                "io_time_seconds_total": int(found[0][12]) / 1000}
            user, _, system = numbers("/proc/stat", ["cpu"])[:3]
            return {**{"pg_host_disk_" + name: value for name, value in io.items()},
                    "user": user / ticks, "system": system / ticks,
                    "available": disk.f_bavail * disk.f_frsize}

        before = look()
        page = program.scrape()
        after = look()
        for name in before.keys() - {"user", "system", "available"}:
            self.assertTrue(before[name] <= page.value(name) <= after[name], (name, before, page.value(name), after))
        for mode in ("user", "system"):
            value = page.value("pg_host_cpu_seconds_total", mode=mode)
            self.assertTrue(before[mode] <= value <= after[mode], (mode, before, value, after))
        self.assertAlmostEqual(before["available"], page.value("pg_host_filesystem_available_bytes", use="data"),
                               delta=1 << 28)
        self.assertAlmostEqual(numbers("/proc/meminfo", ["MemAvailable:"])[0] * 1024,
                               page.value("pg_host_memory_available_bytes"), delta=1 << 28)
        self.assertAlmostEqual(os.getloadavg()[0], page.value("pg_host_load1"), delta=1)
        self.assertEqual(numbers("/proc/stat", ["btime"])[0], page.value("pg_host_boot_timestamp_seconds"))
        with open("/proc/pressure/io", encoding="ascii") as file:
            total = int(file.readline().rsplit("=", 1)[1]) / 1e6
        self.assertLessEqual(page.value("pg_host_pressure_waiting_seconds_total", resource="io"), total)
        once, resident = memory_of([self.primary.process.pid, *self.primary.children()])
        ours = page.value("pg_host_server_memory_bytes")
        self.assertTrue(once * 0.9 <= ours <= resident * 1.1, (once, ours, resident))

    def test_nothing_of_a_host_for_a_server_that_is_not_here(self):
        wrap = elsewhere()
        if not wrap:
            self.skipTest("no process namespace can be made here")
        pair = Pair(standby=False)
        self.addCleanup(pair.close)
        server = pair.primary
        server.stop()
        server.wrap = lambda command: [*wrap, "--", *command]
        server.start()
        try:
            program = self.beacon(dsn=server.dsn())
            for _ in range(2):
                page = program.scrape()
                self.assertEqual(1, page.value("pg_up"))
                self.assertFalse([name for name in page.names() if name.startswith(("pg_host_", "pg_cgroup_"))])
                self.assertIsNone(page.value("pg_scrape_collector_success", collector="host"))
                self.assertEqual({}, page.failed_collectors())
        finally:
            for pid in server.children():
                os.kill(pid, signal.SIGINT)
            server.process.wait(30)
            server.process = None

    def test_host_stays_known_while_the_server_is_down(self):
        _, program = self.page()
        self.primary.stop()
        try:
            page = program.scrape()
            self.assertEqual(0, page.value("pg_up"))
            self.assertIsNotNone(page.value("pg_host_filesystem_available_bytes", use="data"))
        finally:
            self.primary.start()

    def test_a_statement_that_sleeps_takes_neither_the_host_nor_its_neighbours_along(self):
        path = self.write("queries.yaml", "".join(
            f"s_{name}:\n  query: select 1 as v{sql}\n  metrics: [{{v: {{usage: GAUGE}}}}]\n"
            for name, sql in (("a", ""), ("sleeps", ", pg_sleep(1000)"), ("b", ""), ("c", ""))))
        program = self.beacon(f"--extend.query-path={path}", "--collection-timeout=3s", dsn=self.primary.dsn())
        for _ in range(3):
            page = program.scrape(seconds=3)
            self.assertEqual({"s_sleeps"}, set(page.failed_collectors()))
            self.assertEqual({1.0}, set(page.series("s_b_v").values()) & set(page.series("s_c_v").values()))
            self.assertEqual(1, page.value("pg_scrape_collector_success", collector="host"))
            self.assertIsNotNone(page.value("pg_host_cpus"))
        told = re.findall("collector=s_sleeps file=(.*):(\\d+):\\d+ reason=timeout: .*", program.log())
        self.assertEqual([(path, "4")], told)

    def test_host_is_off_when_switched_off(self):
        program = self.beacon("--no-collector.host", dsn=self.primary.dsn())
        for _ in range(2):
            page = program.scrape()
        self.assertFalse([name for name in page.names() if name.startswith(("pg_host_", "pg_cgroup_"))])
        self.assertIsNone(page.value("pg_scrape_collector_success", collector="host"))

    @staticmethod
    def move(pid, group):
        try:
            with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as procs:
                procs.write(str(pid))
        except ProcessLookupError:
            pass  # a session that has ended meanwhile

    def test_control_group_of_the_server(self):
        root = cgroup_root()
        group = root and os.path.join(root, f"pgbeacon-e2e-{os.getpid()}")
        try:
            os.mkdir(group)
        except (OSError, TypeError):
            self.skipTest("no control group of version 2 can be made here")
        try:
            for pid in [self.primary.process.pid, *self.primary.children()]:
                self.move(pid, group)
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
