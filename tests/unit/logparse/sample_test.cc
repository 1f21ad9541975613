#include "logparse/sample.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "sample_support.h"

namespace pgbeacon::log {
namespace {

TEST(SampleStore, CountsValuesThatItCannotRead) {
  SampleStore store;
  store.Take(Specs(), "source=A sample#tables=1 sample#broken=x sample#=1 sample#none", 1000);
  EXPECT_EQ(store.unread(), 3U);
  EXPECT_EQ(store.dropped(), 0U);
}

TEST(SampleStore, ShowsSamplesOfUnknownTimeWithoutATimestamp) {
  SampleStore store;
  store.Take(Specs(), "source=A sample#tables=1", 0);
  store.Take(Specs(), "source=A sample#tables=2", 0);
  const std::map<std::string, double> expected = {{"pg_sample_tables source=A addon=", 2}};
  EXPECT_EQ(Shown(store, 0), expected);
  EXPECT_EQ(Shown(store, 5000), expected);
}

TEST(SampleStore, TurnsDocumentedKeysIntoGaugesInBaseUnits) {
  SampleStore store;
  store.Take(
      Specs(),
      "source=DATABASE addon=pg-1 sample#db_size=61229240bytes sample#memory-total=7629452kB "
      "sample#load-avg-1m=0.395 sample#new-key=5kB sample#broken=x sample#=1 sample#none",
      1000);
  EXPECT_EQ(Shown(store, 1000),
            (std::map<std::string, double>{
                {"pg_sample_db_size_bytes source=DATABASE addon=pg-1", 61229240},
                {"pg_sample_memory_total_bytes source=DATABASE addon=pg-1", 7629452.0 * 1024},
                {"pg_sample_load_avg_1m source=DATABASE addon=pg-1", 0.395},
                {"pg_sample_value source=DATABASE addon=pg-1 key=new-key", 5120},
                {"pg_sample_last_timestamp_seconds source=DATABASE addon=pg-1", 1000},
            }));
}

TEST(SampleStore, ScalesWhatIsSentInAnotherUnitWithoutSayingSo) {
  SampleStore store;
  store.Take(Specs(), "source=pgbouncer sample#avg_query=1500", 1);
  EXPECT_EQ(Shown(store, 1)["pg_sample_avg_query_seconds source=pgbouncer addon="], 0.0015);
}

TEST(SampleStore, GivesOneSeriesForTwoSpellings) {
  SampleStore store;
  store.Take(Specs(), "source=A sample#writes-iops=1 sample#write-iops=2", 10);
  store.Take(Specs(), "source=A sample#writes-iops=3", 70);
  EXPECT_EQ(Shown(store, 70)["pg_sample_write_iops source=A addon="], 3);
}

TEST(SampleStore, ForgetsSamplesAfterThreeMissedIntervals) {
  SampleStore store;
  const std::string series = "pg_sample_tables source=A addon=";
  store.Take(Specs(), "source=A sample#tables=1", 1000);
  EXPECT_TRUE(Shown(store, 1180).contains(series));
  EXPECT_FALSE(Shown(store, 1181).contains(series));
  EXPECT_TRUE(Shown(store, 1181).contains("pg_sample_last_timestamp_seconds source=A addon="));
  store.Take(Specs(), "source=A sample#tables=1", 1010);  // every ten seconds
  EXPECT_TRUE(Shown(store, 1040).contains(series));
  EXPECT_FALSE(Shown(store, 1041).contains(series));
}

TEST(SampleStore, LearnsLongIntervalsByAndBy) {
  SampleStore store;
  for (int i = 0; i < 4; ++i) store.Take(Specs(), "source=A sample#tables=1", 1000 + 300 * i);
  EXPECT_TRUE(Shown(store, 1900 + 900).contains("pg_sample_tables source=A addon="));
}

TEST(SampleStore, BoundsSourcesAndKeys) {
  SampleStore store;
  for (int i = 0; i < 150; ++i)
    store.Take(Specs(), "source=s" + std::to_string(i) + " sample#tables=1", 1000);
  EXPECT_EQ(store.dropped(), 150 - SampleStore::kMaxSources);
  std::string line = "source=s0";
  for (int i = 0; i < 300; ++i) line += " sample#k" + std::to_string(i) + "=1";
  store.Take(Specs(), line, 1000);
  EXPECT_EQ(Shown(store, 1000).size(), 2 * SampleStore::kMaxSources + SampleStore::kMaxKeys - 1);
}

TEST(SampleStore, MergesByTime) {
  SampleStore early;
  SampleStore late;
  early.Take(Specs(), "source=A sample#tables=1 sample#db_size=5bytes", 1000);
  late.Take(Specs(), "source=A sample#tables=2", 1060);
  SampleStore both = late;
  both.Merge(early);
  SampleStore other = early;
  other.Merge(late);
  EXPECT_EQ(Shown(both, 1060), Shown(other, 1060));
  EXPECT_EQ(Shown(both, 1060)["pg_sample_tables source=A addon="], 2);
  EXPECT_EQ(Shown(both, 1060)["pg_sample_db_size_bytes source=A addon="], 5);
}

TEST(SampleStore, LearnsTheIntervalOfEachKey) {
  SampleStore store;
  for (int i = 0; i < 120; ++i) {
    const std::string rare = i % 60 == 0 ? " sample#tables=1" : "";
    store.Take(Specs(), "source=A sample#load-avg-1m=0.5 count#x=1" + rare, 1000 + i);
  }
  const std::map<std::string, double> shown = Shown(store, 1120);
  EXPECT_TRUE(shown.contains("pg_sample_tables source=A addon="));
  EXPECT_TRUE(shown.contains("pg_sample_load_avg_1m source=A addon="));
  EXPECT_FALSE(Shown(store, 1123).contains("pg_sample_load_avg_1m source=A addon="));
  EXPECT_FALSE(Shown(store, 1060 + 181).contains("pg_sample_tables source=A addon="));
}

TEST(SampleStore, AddsCountsUpAndKeepsThem) {
  SampleStore store;
  store.Take(Specs(), "source=A count#resets=1 count#resets= count#resets count#sent=1.5kB", 1000);
  store.Take(Specs(), "count#resets=2 source=A count#resets=-1 count#resets=nan", 1060);
  store.Take(Specs(), "count#resets=5", 1060);
  const std::map<std::string, double> expected = {
      {"pg_sample_count_total source=A key=resets", 5},
      {"pg_sample_count_total source=A key=sent", 1536},
      {"pg_sample_count_total source= key=resets", 5},
  };
  EXPECT_EQ(Shown(store, 1e6), expected);
  EXPECT_EQ(store.unread(), 2U);
}

TEST(SampleStore, DistributesMeasurements) {
  SampleStore store;
  store.Take(Specs(), "source=A measure#query=4ms measure.query=0.25s measure#query=2h", 1000);
  store.Take(Specs(), "source=A measure#page=1kB measure#page=1025B measure#page=-1B", 1000);
  const std::map<std::string, double> shown = Shown(store, 1e6);
  const auto below = [&shown](const std::string& key, const std::string& bound) {
    return shown.at("pg_sample_measure source=A key=" + key + " le=" + bound);
  };
  EXPECT_EQ(below("query", "0.0025"), 0);
  EXPECT_EQ(below("query", "0.005"), 1);
  EXPECT_EQ(below("query", "0.25"), 2);
  EXPECT_EQ(below("query", "8192"), 3);
  EXPECT_EQ(below("page", "1024"), 1);
  EXPECT_EQ(below("page", "8192"), 2);
  EXPECT_EQ(shown.at("pg_sample_measure source=A key=query count"), 3);
  EXPECT_EQ(shown.at("pg_sample_measure source=A key=query sum"), 7200.254);
  EXPECT_EQ(store.unread(), 1U);
}

TEST(SampleStore, RefusesUnitsOfSomethingElse) {
  SampleStore store;
  store.Take(Specs(), "source=A sample#db_size=5s sample#max_wait=5kB sample#tables=3ms", 1000);
  store.Take(Specs(), "source=A sample#hit-rate=99% sample#avg_recv=1kB sample#new=5s", 1000);
  EXPECT_EQ(store.unread(), 3U);
  EXPECT_EQ(Shown(store, 1000), (std::map<std::string, double>{
                                    {"pg_sample_hit_ratio source=A addon=", 0.99},
                                    {"pg_sample_avg_recv_bytes_per_second source=A addon=", 1024},
                                    {"pg_sample_value source=A addon= key=new", 5},
                                    {"pg_sample_last_timestamp_seconds source=A addon=", 1000},
                                }));
}

TEST(SampleStore, ReadsTheFiguresOfADyno) {
  SampleStore store;
  store.Take(Specs(),
             "source=web.1 dyno=heroku.2808254.d97d0ea7 sample#load_avg_1m=2.46 "
             "sample#memory_rss=21.25MB sample#memory_quota=512.00MB "
             "sample#memory_pgpgin=348836pages",
             1000);
  const std::map<std::string, double> shown = Shown(store, 1000);
  EXPECT_EQ(shown.at("pg_sample_load_avg_1m source=web.1 addon="), 2.46);
  EXPECT_EQ(shown.at("pg_sample_memory_rss_bytes source=web.1 addon="), 21.25 * 1048576);
  EXPECT_EQ(shown.at("pg_sample_memory_quota_bytes source=web.1 addon="), 512 * 1048576);
  EXPECT_EQ(shown.at("pg_sample_memory_pgpgin_pages source=web.1 addon="), 348836);
}

TEST(SampleStore, BoundsCountsAndMeasurements) {
  SampleStore store;
  for (std::size_t i = 0; i < SampleStore::kMaxCounts + 7; ++i) {
    store.Take(Specs(), "source=A count#k" + std::to_string(i) + "=1", 1000);
  }
  for (std::size_t i = 0; i < SampleStore::kMaxMeasures + 5; ++i) {
    store.Take(Specs(), "source=A measure#k" + std::to_string(i) + "=1", 1000);
  }
  store.Take(Specs(), "source=A count#k0=1 measure#k0=1", 1000);  // known ones go on
  EXPECT_EQ(store.dropped(), 12U);
  EXPECT_EQ(Shown(store, 1000).at("pg_sample_count_total source=A key=k0"), 2);
}

TEST(SampleStore, GivesTheRoomOfSourcesThatStoppedToNewOnes) {
  SampleStore store;
  for (std::size_t i = 0; i < SampleStore::kMaxSources; ++i) {
    store.Take(Specs(), "source=s" + std::to_string(i) + " sample#tables=1", 1000);
  }
  store.Take(Specs(), "source=early sample#tables=1", 1100);
  EXPECT_EQ(store.dropped(), 1U);
  store.Take(Specs(), "source=late sample#tables=1", 1181);
  EXPECT_EQ(store.dropped(), 1U);
  EXPECT_TRUE(Shown(store, 1181).contains("pg_sample_tables source=late addon="));
}

TEST(SampleStore, MergesCountsAndMeasurements) {
  SampleStore one;
  SampleStore two;
  SampleStore both;
  for (int i = 0; i < 100; ++i) {
    const std::string line =
        "source=A count#c=0." + std::to_string(i) + " measure#m=" + std::to_string(i) + "ms";
    (i % 3 == 0 ? one : two).Take(Specs(), line, 1000);
    both.Take(Specs(), line, 1000);
  }
  one.Merge(two);
  EXPECT_EQ(Shown(one, 1000), Shown(both, 1000));
}

}  // namespace
}  // namespace pgbeacon::log
