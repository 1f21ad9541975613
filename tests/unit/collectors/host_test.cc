#include "collectors/native/host.h"

#include <gtest/gtest.h>

namespace pgbeacon::collectors {
namespace {

TEST(Host, ReadsMemoryInBytes) {
  const auto memory = DecodeMemory(
      "MemTotal:       16384 kB\nMemFree:         1024 kB\nMemAvailable:    8192 kB\n"
      "Buffers:          12 kB\nCached:          4096 kB\nSwapCached:        7 kB\n");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->total, 16384 * 1024);
  EXPECT_EQ(memory->free, 1024 * 1024);
  EXPECT_EQ(memory->available, 8192 * 1024);
  EXPECT_EQ(memory->cached, 4096 * 1024);
  EXPECT_FALSE(DecodeMemory("MemTotal: 1 kB\n"));
  EXPECT_FALSE(DecodeMemory(""));
}

TEST(Host, ReadsWhatOneDeviceReadAndWrote) {
  const char* const text =
      "   8       0 sda 10 0 999 4 20 0 998 9 0 12 13\n"
      "   8       1 sda1 10 0 32 4 20 0 64 9 0 12 13 0 0 0 0\n";
  const auto io = DecodeDiskIo(text, 8, 1);
  ASSERT_TRUE(io);
  EXPECT_EQ(io->read_bytes, 16384);
  EXPECT_EQ(io->written_bytes, 32768);
  EXPECT_FALSE(DecodeDiskIo(text, 8, 2));
  EXPECT_FALSE(DecodeDiskIo("   8       1 sda1 10 0", 8, 1));
}

TEST(Host, ReadsAProcessWhateverItIsCalled) {
  const auto stat = DecodeProcessStat(
      "4711 (a) S 1 (b)) S 42 4711 4711 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 1559182 2998272 4");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "a) S 1 (b)");
  EXPECT_EQ(stat->parent, 42);
  EXPECT_EQ(stat->start_ticks, 1559182U);
  EXPECT_FALSE(DecodeProcessStat("4711 (postgres) S 42"));
  EXPECT_FALSE(DecodeProcessStat(")("));
  EXPECT_FALSE(DecodeProcessStat(""));
}

TEST(Host, TellsAProcessesOwnMemoryFromWhatItShares) {
  const auto memory = DecodeProcessMemory(
      "Name:\tpostgres\nVmRSS:\t 100 kB\nRssAnon:\t 10 kB\nRssFile:\t 20 kB\n"
      "RssShmem:\t 70 kB\nHugetlbPages:\t 2048 kB\n");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->own, 10 * 1024);
  EXPECT_EQ(memory->shared, (70 + 2048) * 1024);
  EXPECT_FALSE(DecodeProcessMemory("Name:\tkthreadd\n"));
}

TEST(Host, ReadsWhenItStarted) {
  EXPECT_EQ(DecodeBootTime("cpu  1 2 3\nbtime 1795251514\nprocesses 5\n"), 1795251514);
  EXPECT_FALSE(DecodeBootTime("cpu  1 2 3\n"));
}

}  // namespace
}  // namespace pgbeacon::collectors
