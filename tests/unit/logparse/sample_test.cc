#include "logparse/sample.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

namespace pgbeacon::log {
namespace {

const std::vector<SampleSpec>& Specs() {
  static const Result<Catalogue> catalogue = Catalogue::Builtin();
  return catalogue->samples();
}

// "name{labels} value" of every sample, labels without the server.
std::map<std::string, double> Shown(const SampleStore& store, double now) {
  std::map<std::string, Family> families;
  store.Collect(Specs(), "db", now, families);
  std::map<std::string, double> out;
  for (const auto& [name, family] : families) {
    for (const ClientMetric& metric : family.metric) {
      std::string series = name;
      for (const auto& label : metric.label) {
        if (label.name != "server") series += " " + label.name + "=" + label.value;
      }
      EXPECT_TRUE(out.emplace(series, metric.gauge.value).second) << "twice: " << series;
    }
  }
  return out;
}

TEST(SampleValue, ReadsNumbersLeniently) {
  const struct {
    const char* text;
    double expected;
  } cases[] = {
      {"7", 7},
      {"-5", -5},
      {"+5", 5},
      {"1e3", 1000},
      {"15405636.0kB", 15405636.0 * 1024},
      {"61229240bytes", 61229240},
      {"1.5MB", 1572864},
      {"250ms", 0.25},
      {"12%", 0.12},
      {"0.99999", 0.99999},
      {"3GB", 3221225472},
      {"20us", 20e-6},
      {"2h", 7200},
  };
  for (const auto& c : cases) EXPECT_EQ(ParseSampleValue(c.text, 1), c.expected) << c.text;
  for (const char* text : {"", "x", "kB", "nan", "inf", "1e999", "5parsecs", "--5", "5 kB"}) {
    EXPECT_EQ(ParseSampleValue(text, 1), std::nullopt) << text;
  }
  EXPECT_EQ(ParseSampleValue("1500", 0.000001), 0.0015);
}

TEST(LogTime, IsReadWhereItsZoneIsKnown) {
  const struct {
    const char* text;
    std::optional<double> expected;
  } cases[] = {
      {"2022-08-25T12:00:00.5+00:00", 1661428800.5},
      {"2022-08-25 12:00:00.500 UTC", 1661428800.5},
      {"2022-08-25 14:00:00 +0200", 1661428800},
      {"2022-08-25T06:30:00-05:30", 1661428800},
      {"2022-08-25 12:00:00Z", 1661428800},
      {"1661428800.250", 1661428800.25},
      {"2022-08-25 12:00:00 CEST", std::nullopt},
      {"2022-08-25 12:00:00", std::nullopt},
      {"2022-02-30 12:00:00 UTC", std::nullopt},
      {"2022-08-25 12:00", std::nullopt},
      {"Aug 25 12:00:00", std::nullopt},
      {"", std::nullopt},
      {"-5", std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(ParseLogTime(c.text), c.expected) << c.text;
}

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

}  // namespace
}  // namespace pgbeacon::log
