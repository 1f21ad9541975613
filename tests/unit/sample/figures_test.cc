#include "exporter/sample/figures.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>

#include "exporter/sample/sampler.h"
#include "exporter/scrape/host.h"
#include "logparse/events/catalogue.h"

namespace pgbeacon::sample {
namespace {

using std::chrono::seconds;

TEST(FigureCollectors, AskForKeysOfRecords) {
  const Result<collectors::Catalogue> collectors = FigureCollectors();
  ASSERT_TRUE(collectors.ok()) << collectors.error().message;
  const Result<log::Catalogue> events = log::Catalogue::Builtin();
  ASSERT_TRUE(events.ok());
  const std::set<std::string> aids = {"pg_sample_backend_pid", "pg_sample_tmp_in_data_directory",
                                      "pg_sample_wal_size_bytes"};
  for (const auto& collector : collectors->collectors()) {
    EXPECT_TRUE(collector->timeout) << collector->name << " stands in the way of scrapes";
    for (const collectors::Column& column : collector->columns) {
      const bool printed = std::ranges::any_of(events->samples(), [&](const auto& key) {
        return key.metric == column.metric && key.print != log::SamplePrint::kNever;
      });
      EXPECT_TRUE(printed || aids.contains(column.metric)) << column.metric;
    }
  }
}

HostLook Look(double after, double read, double written) {
  HostLook look;
  look.at =
      TimePoint() + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(after));
  look.io = collectors::DiskIo{read, written};
  return look;
}

TEST(HostFigures, DivideLoadByTheProcessors) {
  HostLook look;
  look.cpus = 4;
  look.load = collectors::Load{2, 1, 0.5};
  look.memory = collectors::Memory{1000, 100, 750, 600};
  look.server_memory = 50;
  Figures figures;
  AddHost(look, std::nullopt, figures);
  const Figures expected = {
      {"pg_sample_load_avg_1m", 0.5},        {"pg_sample_load_avg_5m", 0.25},
      {"pg_sample_load_avg_15m", 0.125},     {"pg_sample_memory_total_bytes", 1000},
      {"pg_sample_memory_free_bytes", 100},  {"pg_sample_memory_cached_bytes", 600},
      {"pg_sample_memory_used_ratio", 0.25}, {"pg_sample_memory_postgres_bytes", 50}};
  EXPECT_EQ(figures, expected);
}

TEST(HostFigures, GiveOperationsOf16KibPerSecondBetweenTwoLooks) {
  Figures figures;
  AddHost(Look(10, 16384 * 100, 0), std::nullopt, figures);
  EXPECT_TRUE(figures.empty()) << "one look tells no rate";
  AddHost(Look(20, 16384 * 300, 16384 * 5), Look(10, 16384 * 100, 0), figures);
  const Figures expected = {{"pg_sample_read_iops", 20}, {"pg_sample_write_iops", 0.5}};
  EXPECT_EQ(figures, expected);
}

TEST(HostFigures, LeaveOutRatesThatCannotBe) {
  Figures figures;
  AddHost(Look(20, 0, 0), Look(10, 16384, 16384), figures);
  AddHost(Look(10.01, 1, 1), Look(10, 0, 0), figures);
  EXPECT_TRUE(figures.empty()) << "another device; looks too close";
}

TEST(HostFigures, ShareTheDiskOfTheWal) {
  HostLook look;
  look.tmp_disk = collectors::Disk{"/", 1000, 600, 300};
  look.wal_disk = collectors::Disk{"/wal", 200, 100, 100};
  Figures figures = {{"pg_sample_wal_size_bytes", 50}};
  AddHost(look, std::nullopt, figures);
  EXPECT_EQ(figures["pg_sample_wal_used_ratio"], 0.25);
  EXPECT_EQ(figures["pg_sample_tmp_disk_used_bytes"], 300);
  EXPECT_EQ(figures["pg_sample_tmp_disk_available_bytes"], 600);
}

TEST(Limits, ShowHowMuchOfThemIsUsed) {
  Figures figures = {{"pg_sample_active_connections", 5},
                     {"pg_sample_max_connections", 100},
                     {"pg_sample_db_size_bytes", 25},
                     {"pg_sample_read_iops", 30},
                     {"pg_sample_write_iops", 10}};
  AddLimits({.connections = 20, .bytes = 100, .iops = 80}, figures);
  EXPECT_EQ(figures["pg_sample_max_connections"], 20);
  EXPECT_EQ(figures["pg_sample_connections_used_ratio"], 0.25);
  EXPECT_EQ(figures["pg_sample_db_max_size_bytes"], 100);
  EXPECT_EQ(figures["pg_sample_db_size_used_ratio"], 0.25);
  EXPECT_EQ(figures["pg_sample_iops_used_ratio"], 0.5);
}

TEST(Limits, AreUnknownWithoutAPlan) {
  Figures figures = {{"pg_sample_db_size_bytes", 25}, {"pg_sample_max_connections", 100}};
  AddLimits({}, figures);
  EXPECT_EQ(figures.size(), 2U) << "nothing is made up";
}

TEST(Host, IsNotTheServersWhereTheProcessIsNone) {
  EXPECT_FALSE(scrape::FindPostmaster(static_cast<int>(getpid()), UnixNow()));
  EXPECT_FALSE(scrape::FindPostmaster(0, 0));
  EXPECT_FALSE(scrape::FindPostmaster(-1, 0));
}

TEST(Host, IsNotTakenForAnotherWhereNoFileCanBeOpened) {
  Status trouble;
  EXPECT_FALSE(scrape::FindPostmaster(0, 0, &trouble));
  EXPECT_TRUE(trouble.ok()) << "there is no such process, and that is known";
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit none{0, limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  EXPECT_FALSE(scrape::FindPostmaster(static_cast<int>(getpid()), UnixNow(), &trouble));
  setrlimit(RLIMIT_NOFILE, &limit);
  ASSERT_FALSE(trouble.ok());
  EXPECT_NE(trouble.error().message.find("Too many open files"), std::string::npos);
}

TEST(LogHead, LooksAsHerokuLogsDo) {
  EXPECT_EQ(LogHead(1661428800.5), "2022-08-25T12:00:00.500000+00:00 app[heroku-postgres]: ");
}

}  // namespace
}  // namespace pgbeacon::sample
