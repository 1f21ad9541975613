#include "exporter/metrics/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace pgbeacon::metrics {
namespace {

using testing::ElementsAre;

TEST(ReadExposition, ReadsNamesLabelsValuesAndTypes) {
  const Exposition page = ReadExposition(R"(# HELP pg_up Whether it is up.
# TYPE pg_up gauge
pg_up 1
# TYPE h histogram
h_bucket{le="+Inf"} 3 1700000000000
h_sum 1.5e3
x{a="q\"b\\c\nd", b="",c="2",} NaN
x{c="{1}"} -Inf
broken{a="b
also broken
)");
  EXPECT_EQ(page.series.at("pg_up").at({}), 1);
  EXPECT_EQ(page.TypeOf("pg_up"), "gauge");
  EXPECT_EQ(page.TypeOf("h_bucket"), "histogram");
  EXPECT_EQ(page.TypeOf("x"), "untyped");
  const std::map<std::string, std::string> labels = {{"a", "q\"b\\c\nd"}, {"c", "2"}};
  EXPECT_TRUE(std::isnan(page.series.at("x").at(labels)));
  EXPECT_EQ(page.series.at("x").at({{"c", "{1}"}}), -INFINITY);
  EXPECT_EQ(page.unread, 2U);
}

std::vector<std::string> Told(const char* before, const char* after, const char* ours) {
  const Exposition first = ReadExposition(before);
  const Exposition second = ReadExposition(after);
  std::vector<std::string> told;
  for (const Difference& one : Compare({first, second}, ReadExposition(ours)).differences) {
    told.push_back((one.expected.empty() ? "" : "expected ") + one.kind + " " + one.name + " " +
                   std::to_string(one.series));
  }
  return told;
}

TEST(Compare, TellsWhatASwapWouldLose) {
  const char* theirs = R"(# TYPE a gauge
a{x="1"} 1
a{x="2"} 1
# TYPE b counter
b 5
c{l="1"} 1
d 1
go_goroutines 8
)";
  EXPECT_THAT(Told(theirs, theirs, theirs), ElementsAre());
  EXPECT_THAT(Told(theirs, theirs, R"(# TYPE a gauge
a{x="1"} 1
# TYPE b gauge
b 5
c{m="1"} 1
)"),
              ElementsAre("missing d 1", "type b 1", "labels c 1", "series a 1"));
}

TEST(Compare, WhatMovesMeanwhileIsNoDifference) {
  EXPECT_THAT(Told("a 10", "a 20", "a 15"), ElementsAre());
  EXPECT_THAT(Told("a 1000", "a 1000", "a 1005"), ElementsAre());
  EXPECT_THAT(Told("a NaN", "a NaN", "a NaN"), ElementsAre());
  EXPECT_THAT(Told("a 10", "a 20", "a 25"), ElementsAre("value a 1"));
  EXPECT_THAT(Told("a{x=\"1\"} 1", "a{x=\"1\"} 1\na{x=\"2\"} 1", "a{x=\"3\"} 1"),
              ElementsAre("series a 1"))
      << "a series that has just come is not asked of ours";
}

TEST(Compare, WhatIsExpectedIsToldWithItsReason) {
  const char* theirs = R"(
pg_scrape_collector_success{collector="replication_slot"} 1
pg_scrape_collector_success{collector="wal"} 1
pg_stat_activity_count{state="active",usename="peer"} 1
pg_stat_activity_count{state="idle",usename="app"} 4
pg_settings_extra_float_digits 2
)";
  const char* ours = R"(
pg_scrape_collector_success{collector="wal"} 1
pg_stat_activity_count{state="idle",usename="app"} 4
pg_settings_extra_float_digits 1
)";
  EXPECT_THAT(Told(theirs, theirs, ours),
              ElementsAre("expected series pg_scrape_collector_success 1",
                          "expected series pg_stat_activity_count 1",
                          "expected value pg_settings_extra_float_digits 1"));
}

TEST(Compare, WhatNeverHappenedIsZeroThereAndNoSeriesHere) {
  const char* never = "pg_stat_user_tables_last_vacuum{relname=\"a\"} 0\n";
  EXPECT_THAT(Told(never, never, "a 1"),
              ElementsAre("expected missing pg_stat_user_tables_last_vacuum 1"));
  const char* once = "pg_stat_user_tables_last_vacuum{relname=\"a\"} 7\n";
  EXPECT_THAT(Told(once, once, "a 1"), ElementsAre("missing pg_stat_user_tables_last_vacuum 1"));
}

TEST(Compare, WhatATableOrAReceiverDoesNotHaveIsNoLoss) {
  const char* theirs = R"(
pg_stat_replication_pg_wal_lsn_diff{slot_name="10156"} 5
pg_stat_replication_pg_wal_lsn_diff{slot_name="one"} 5
pg_stat_user_tables_idx_scan{relname="a"} 0
pg_stat_user_tables_idx_scan{relname="b"} 3
pg_statio_user_tables_toast_blocks_hit{relname="a"} 0
)";
  const char* ours = R"(
pg_stat_replication_pg_wal_lsn_diff{slot_name=""} 5
pg_stat_replication_pg_wal_lsn_diff{slot_name="one"} 5
pg_stat_user_tables_idx_scan{relname="b"} 3
)";
  EXPECT_THAT(Told(theirs, theirs, ours),
              ElementsAre("expected missing pg_statio_user_tables_toast_blocks_hit 1",
                          "expected series pg_stat_replication_pg_wal_lsn_diff 1",
                          "expected series pg_stat_user_tables_idx_scan 1"));
}

TEST(Compare, MoreThanWhatIsExpectedIsAChange) {
  const char* theirs = R"(
pg_stat_activity_count{state="active",usename="peer"} 1
pg_stat_activity_count{state="active",usename="app"} 9
pg_stat_activity_count{state="idle",usename="app"} 4
)";
  EXPECT_THAT(
      Told(theirs, theirs, "pg_stat_activity_count{state=\"idle\",usename=\"x\"} 4"),
      ElementsAre("series pg_stat_activity_count 2", "expected series pg_stat_activity_count 1"));
}

TEST(Compare, CountsWhatIsTheSameAndNamesWhatIsNew) {
  const Exposition theirs = ReadExposition("a 1\nb 2\n");
  const Comparison comparison = Compare({theirs, theirs}, ReadExposition("a 1\nb 3\nc 1\n"));
  EXPECT_EQ(comparison.names, 2U);
  EXPECT_EQ(comparison.series, 2U);
  EXPECT_EQ(comparison.same, 1U);
  EXPECT_THAT(comparison.gained, ElementsAre("c"));
}

}  // namespace
}  // namespace pgbeacon::metrics
