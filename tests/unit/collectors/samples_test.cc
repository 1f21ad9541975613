#include "collectors/engine/samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/collectors/series_text.h"

namespace pgbeacon::collectors {
namespace {

using ::testing::ElementsAre;

Decoded Seen(const std::vector<std::pair<std::string, double>>& counts) {
  Decoded decoded;
  Family& family = AddFamily(decoded.families, "seen", MetricType::Counter, "h");
  for (const auto& [state, count] : counts) AddSample(family, {{"state", state}}, count);
  return decoded;
}

TEST(SampleTally, CountsSecondsOfWhatEachSampleSaw) {
  SampleTally tally;
  tally.Add(Seen({{"active", 3}, {"idle", 1}}), 10, 1);
  tally.Add(Seen({{"active", 1}}), 10, 0.5);
  tally.Add(Seen({{"active", 1}, {"waiting", 2}}), 10, 1);
  EXPECT_THAT(SeriesText(tally.families()),
              ElementsAre("TYPE seen counter", "seen{state=\"active\"} 4.5",
                          "seen{state=\"idle\"} 1", "seen{state=\"waiting\"} 2"));
  EXPECT_EQ(tally.dropped(), 0U);
}

TEST(SampleTally, HoldsNoMoreThanItsLimit) {
  SampleTally tally;
  tally.Add(Seen({{"a", 1}, {"b", 1}}), 2, 1);
  tally.Add(Seen({{"c", 1}, {"a", 1}}), 2, 1);
  EXPECT_EQ(tally.dropped(), 1U);
  EXPECT_THAT(SeriesText(tally.families()),
              ElementsAre("TYPE seen counter", "seen{state=\"a\"} 2", "seen{state=\"b\"} 1"));
}

TEST(SampleTally, TimeThatNothingStandsForAddsNothing) {
  SampleTally tally;
  tally.Add(Seen({{"a", 5}}), 10, 0);
  EXPECT_THAT(SeriesText(tally.families()),
              ElementsAre("TYPE seen counter", "seen{state=\"a\"} 0"));
}

}  // namespace
}  // namespace pgbeacon::collectors
