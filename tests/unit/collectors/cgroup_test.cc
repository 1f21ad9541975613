#include "collectors/native/cgroup.h"

#include "collectors/native/host_families.h"
#include "tests/unit/collectors/native_support.h"

namespace pgbeacon::collectors {
namespace {

TEST(Cgroup, FindsTheGroupOfVersion2) {
  EXPECT_EQ(CgroupPath("12:memory:/old\n0::/system.slice/postgresql@15-main.service\n"),
            "/system.slice/postgresql@15-main.service");
  EXPECT_EQ(CgroupPath("0::/\n"), "/");
  EXPECT_FALSE(CgroupPath("0::/../sibling\n")) << "outside of what this process sees";
  EXPECT_FALSE(CgroupPath("12:memory:/old\n"));
  EXPECT_FALSE(CgroupPath(""));
}

TEST(Cgroup, DecodesItsFiles) {
  CgroupFiles files;
  for (const char* name : kCgroupFiles) files[name] = "";
  files["cpu.stat"] =
      "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnr_periods 10\n"
      "nr_throttled 3\nthrottled_usec 250000\n";
  files["cpu.max"] = "150000 100000\n";
  files["memory.current"] = "1048576\n";
  files["memory.peak"] = "2097152\n";
  files["memory.high"] = "max\n";
  files["memory.max"] = "4194304\n";
  files["memory.swap.current"] = "0\n";
  files["memory.swap.peak"] = "8192\n";
  files["memory.swap.max"] = "max\n";
  files["pids.current"] = "9\n";
  files["pids.max"] = "max\n";
  files["memory.events"] = "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 0\n";
  files["memory.stat"] = "anon 10\nfile 20\nkernel 30\nkernel_stack 31\nshmem 40\nfile_dirty 50\n";
  files["io.stat"] =
      "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n253:0 rbytes=1 wbytes=x\n\n";
  files["cpu.pressure"] = "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n";
  files["memory.pressure"] =
      "some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\n"
      "full avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n";
  Sheet sheet;
  AddCgroup(
      files, [](std::string_view device) { return device == "8:0" ? "sda" : ""; }, sheet);
  ExpectGolden("cgroup.golden", sheet.Take());
}

TEST(Cgroup, IsBoundByTheTightestOfTheLimitsAbove) {
  EXPECT_EQ(TighterLimit("max\n", "4096\n"), "4096\n");
  EXPECT_EQ(TighterLimit("4096\n", "max\n"), "4096\n");
  EXPECT_EQ(TighterLimit("4096\n", ""), "4096\n");
  EXPECT_EQ(TighterLimit("", "max\n"), "");
  EXPECT_EQ(TighterLimit("300000 200000\n", "100000 100000\n"), "100000 100000\n");
  EXPECT_EQ(TighterLimit("100000 100000\n", "max 100000\n"), "100000 100000\n");
}

TEST(Cgroup, SaysNothingOfWhatItCannotRead) {
  Sheet sheet;
  AddCgroup(
      {}, [](std::string_view) { return ""; }, sheet);
  EXPECT_TRUE(sheet.Take().empty());
}

TEST(HostFamilies, ShowPlacesAndEachDeviceOnce) {
  HostReport report;
  report.cpus = 2;
  report.load = Load{0.5, 1, 2};
  report.cpu_seconds = DecodeCpuSeconds("cpu  100 200 300 400 500 600 700 800 9 9\ncpu0 1\n", 100);
  report.stalls = {{"io", DecodeStalls("some avg10=0 avg60=0 avg300=0 total=5000000\n")}};
  report.memory = DecodeMemory(
      "MemTotal: 8 kB\nMemFree: 1 kB\nMemAvailable: 4 kB\nCached: 2 kB\nSwapTotal: 3 kB\n");
  Place data;
  data.use = "data";
  data.disk = Disk{"/d", 1000, 400, 500, 10, 4};
  data.io = DecodeDiskIo("8 1 sda1 10 0 32 4 20 0 64 9 1 12 13 0 0 0 0\n", 8, 1);
  Place fast = data;
  fast.use = "tablespace";
  fast.tablespace = "fast";
  fast.disk.inodes = 0;
  report.places = {data, fast};
  Sheet sheet;
  AddHost(report, sheet);
  ExpectGolden("host.golden", sheet.Take());
}

}  // namespace
}  // namespace pgbeacon::collectors
