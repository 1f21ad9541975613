#include "collectors/engine/histogram_text.h"

#include <gtest/gtest.h>

namespace pgbeacon::collectors {
namespace {

TEST(HistogramText, HasBoundsCountsSumAndCount) {
  const auto read = ReadHistogram("{1,0.1,Infinity}|{5,3,6}|2.5|6");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->bucket.size(), 3U);
  EXPECT_EQ(read->bucket[0].upper_bound, 0.1);
  EXPECT_EQ(read->bucket[0].cumulative_count, 3U);
  EXPECT_EQ(read->bucket[1].cumulative_count, 5U);
  EXPECT_EQ(read->sample_sum, 2.5);
  EXPECT_EQ(read->sample_count, 6U);
}

TEST(HistogramText, MayHaveNoBuckets) {
  const auto read = ReadHistogram("{}|{}|0|0");
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->bucket.empty());
}

TEST(HistogramText, LeavesOutBoundsWithoutACount) {
  const auto read = ReadHistogram("{1,2,3}|{4}|1|4");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->bucket.size(), 1U);
}

TEST(HistogramText, OfAnythingElseIsNothing) {
  for (const char* text : {"", "{1}|{1}|1", "{a}|{1}|1|1", "{NULL}|{1}|1|1", "1|1|1|1",
                           "{1}|{-1}|1|1", "{1}|{1}|1|-1", "{1}|{1e300}|1|1", "{1}|{1}|x|1"}) {
    EXPECT_FALSE(ReadHistogram(text)) << text;
  }
}

}  // namespace
}  // namespace pgbeacon::collectors
