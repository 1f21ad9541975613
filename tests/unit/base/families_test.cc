#include "base/families.h"

#include <gtest/gtest.h>

namespace pgbeacon {
namespace {

TEST(Families, SampleValueFollowsTheType) {
  Families families;
  EXPECT_EQ(AddSample(AddFamily(families, "a", MetricType::Counter, ""), {}, 1).counter.value, 1);
  EXPECT_EQ(AddSample(AddFamily(families, "b", MetricType::Gauge, ""), {}, 2).gauge.value, 2);
  EXPECT_EQ(AddSample(AddFamily(families, "c", MetricType::Untyped, ""), {}, 3).untyped.value, 3);
}

TEST(Families, HistogramCountsBecomeCumulative) {
  Families families;
  Family& family = AddFamily(families, "h", MetricType::Histogram, "");
  const auto& histogram = AddHistogram(family, {{"a", "b"}}, {1, 5}, {2, 0, 3}, 17).histogram;
  ASSERT_EQ(histogram.bucket.size(), 3U);
  EXPECT_EQ(histogram.bucket[0].cumulative_count, 2U);
  EXPECT_EQ(histogram.bucket[1].cumulative_count, 2U);
  EXPECT_EQ(histogram.bucket[2].cumulative_count, 5U);
  EXPECT_EQ(histogram.sample_count, 5U);
  EXPECT_EQ(histogram.sample_sum, 17);
}

TEST(Normalize, SortsMergesAndRemovesEmptyFamilies) {
  Families families;
  AddSample(AddFamily(families, "b", MetricType::Gauge, "first"), {{"x", "1"}}, 1);
  AddFamily(families, "empty", MetricType::Gauge, "");
  AddSample(AddFamily(families, "a", MetricType::Gauge, ""), {}, 2);
  AddSample(AddFamily(families, "b", MetricType::Gauge, "second"), {{"x", "2"}}, 3);
  EXPECT_EQ(Normalize(families), 0U);
  ASSERT_EQ(families.size(), 2U);
  EXPECT_EQ(families[0].name, "a");
  EXPECT_EQ(families[1].name, "b");
  EXPECT_EQ(families[1].help, "first");
  EXPECT_EQ(families[1].metric.size(), 2U);
}

TEST(Normalize, CountsSamplesOfAnotherType) {
  Families families;
  AddSample(AddFamily(families, "a", MetricType::Gauge, ""), {}, 1);
  AddSample(AddFamily(families, "a", MetricType::Counter, ""), {{"x", "1"}}, 2);
  EXPECT_EQ(Normalize(families), 1U);
  ASSERT_EQ(families.size(), 1U);
  EXPECT_EQ(families[0].type, MetricType::Gauge);
}

TEST(Normalize, KeepsTheFirstOfEqualSeriesInAnyLabelOrder) {
  Families families;
  Family& family = AddFamily(families, "a", MetricType::Gauge, "");
  AddSample(family, {{"x", "1"}, {"y", "2"}}, 1);
  AddSample(family, {{"y", "2"}, {"x", "1"}}, 2);
  AddSample(family, {{"x", "1"}, {"y", "2"}, {"z", ""}}, 3);
  EXPECT_EQ(Normalize(families), 2U);
  ASSERT_EQ(families[0].metric.size(), 1U);
  EXPECT_EQ(families[0].metric[0].gauge.value, 1);
}

TEST(Normalize, TellsSeriesApartWhateverBytesTheyHold) {
  Families families;
  Family& family = AddFamily(families, "a", MetricType::Gauge, "");
  using namespace std::string_literals;
  AddSample(family, {{"x", "1\0y\0002"s}}, 1);
  AddSample(family, {{"x", "1"}, {"y", "2"}}, 2);
  EXPECT_EQ(Normalize(families), 0U);
}

TEST(Normalize, FindsSeriesThatAreEqualOnThePage) {
  Families families;
  Family& family = AddFamily(families, "a", MetricType::Gauge, "");
  AddSample(family, {{"x", "\xFE"}}, 1);
  AddSample(family, {{"x", "\xFD"}}, 2);
  EXPECT_EQ(Normalize(families), 1U);
}

TEST(Normalize, TakesAnEmptyPage) {
  Families families;
  EXPECT_EQ(Normalize(families), 0U);
  AddFamily(families, "a", MetricType::Gauge, "");
  EXPECT_EQ(Normalize(families), 0U);
  EXPECT_TRUE(families.empty());
}

TEST(Names, FollowTheDataModel) {
  for (const char* good : {"a", "_", "pg_up", "A9", "job:x"})
    EXPECT_TRUE(IsMetricName(good)) << good;
  for (const char* bad : {"", "9a", "a-b", "a b", "\xC3\xA9", "a.b"})
    EXPECT_FALSE(IsMetricName(bad)) << bad;
  for (const char* good : {"a", "_a", "le"}) EXPECT_TRUE(IsLabelName(good)) << good;
  for (const char* bad : {"", "9a", "a:b", "__name__", "__"}) EXPECT_FALSE(IsLabelName(bad)) << bad;
}

}  // namespace
}  // namespace pgbeacon
