#include "exporter/scrape/schedule.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace pgbeacon::scrape {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class ScheduleTest : public testing::Test {
 protected:
  ScheduleTest() {
    sizes_.name = "sizes";
    collectors::PlannedCollector& planned = plan_.on.emplace_back();
    planned.collector = &sizes_;
    planned.interval = minutes(5);
  }

  static Outcome Good() {
    Outcome outcome;
    outcome.done = true;
    AddSample(AddFamily(outcome.families, "size_bytes", MetricType::Gauge, "Size."), {}, 1);
    return outcome;
  }

  static Outcome Bad() {
    Outcome outcome;
    outcome.done = true;
    outcome.failure = "lock_timeout";
    return outcome;
  }

  collectors::Collector sizes_;
  collectors::Plan plan_;
  Schedule schedule_;
  const TimePoint start_ = SteadyClock::now();
};

TEST_F(ScheduleTest, RunsACollectorAtOnceAndThenAfterItsInterval) {
  EXPECT_TRUE(schedule_.Untried(plan_));
  EXPECT_EQ(schedule_.Due(plan_, start_).size(), 1u);
  schedule_.Record(plan_.on[0], Good(), start_);
  EXPECT_FALSE(schedule_.Untried(plan_));
  EXPECT_TRUE(schedule_.Due(plan_, start_ + minutes(5) - seconds(1)).empty());
  EXPECT_EQ(schedule_.Due(plan_, start_ + minutes(5)).size(), 1u);
}

TEST_F(ScheduleTest, ShowsTheLastGoodValuesUntilThreeIntervalsAreMissed) {
  schedule_.Record(plan_.on[0], Good(), start_);
  schedule_.Record(plan_.on[0], Bad(), start_ + minutes(5));
  EXPECT_EQ(schedule_.Due(plan_, start_ + minutes(6)).size(), 1u) << "tried again after a minute";
  schedule_.Expire(plan_, start_ + minutes(15));
  const Schedule::Entry* entry = schedule_.Find("sizes");
  ASSERT_NE(entry, nullptr);
  EXPECT_TRUE(entry->has_shown);
  EXPECT_EQ(entry->shown.size(), 1u);
  EXPECT_EQ(entry->last.failure, "lock_timeout");
  schedule_.Expire(plan_, start_ + minutes(15) + seconds(1));
  EXPECT_FALSE(entry->has_shown);
  EXPECT_TRUE(entry->shown.empty());
}

TEST_F(ScheduleTest, ForgetsWhatIsNotPlannedAnyMore) {
  schedule_.Record(plan_.on[0], Good(), start_);
  schedule_.Expire(collectors::Plan(), start_);
  EXPECT_EQ(schedule_.Find("sizes"), nullptr);
}

TEST_F(ScheduleTest, LeavesCollectorsOfEveryScrapeAlone) {
  plan_.on[0].interval.reset();
  EXPECT_TRUE(schedule_.Due(plan_, start_).empty());
  EXPECT_FALSE(schedule_.Untried(plan_));
}

}  // namespace
}  // namespace pgbeacon::scrape
