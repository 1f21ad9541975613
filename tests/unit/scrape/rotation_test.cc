#include "exporter/scrape/rotation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

#include "exporter/scrape/page_query.h"
#include "tests/support/gauges.h"

namespace pgbeacon::scrape {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RotationTest : public testing::Test {
 protected:
  RotationTest() {
    tables_.name = "tables";
    bloat_.name = "bloat";
    tables_.scope = bloat_.scope = collectors::Scope::kDatabase;
    server_.name = "server";
    for (const collectors::Collector* collector : {&tables_, &server_, &bloat_}) {
      collectors::PlannedCollector& planned = plan_.on.emplace_back();
      planned.collector = collector;
      planned.limit = 3;
    }
    plan_.on[2].interval = minutes(60);
  }

  static Discovery All() {
    Discovery discovery;
    discovery.on = true;
    return discovery;
  }

  static collectors::MemoryRows Databases(std::vector<collectors::MemoryRows::Row> rows) {
    return collectors::MemoryRows({"datname", "skipped"}, std::move(rows));
  }

  Status Begin(Rotation& rotation, std::vector<collectors::MemoryRows::Row> rows, TimePoint now) {
    return rotation.Begin(Databases(std::move(rows)), "postgres", now);
  }

  static Outcome Good(std::size_t series = 1) {
    Outcome outcome;
    outcome.done = true;
    Family& family = AddFamily(outcome.families, "rows", MetricType::Gauge, "Rows.");
    for (std::size_t i = 0; i < series; ++i) {
      AddSample(family, {{"relname", std::to_string(i)}}, static_cast<double>(i));
    }
    return outcome;
  }

  static Outcome Bad() {
    Outcome outcome;
    outcome.done = true;
    outcome.failure = "timeout";
    return outcome;
  }

  static std::vector<std::string> Queue(Rotation& rotation) {
    std::vector<std::string> names;
    while (std::optional<std::string> name = rotation.Next()) names.push_back(*std::move(name));
    return names;
  }

  Families Page(const Rotation& rotation, TimePoint now) const {
    Families page;
    for (const auto& [collector, databases] : rotation.Shown()) {
      for (const Families* families : databases) {
        page.insert(page.end(), families->begin(), families->end());
      }
    }
    rotation.AppendTo(page, now);
    return page;
  }

  static std::optional<double> State(const Families& page, const std::string& state) {
    return test::GaugeOf(page, "pgbeacon_databases", state);
  }

  collectors::Collector tables_;
  collectors::Collector server_;
  collectors::Collector bloat_;
  collectors::Plan plan_;
  const TimePoint start_ = SteadyClock::now();
};

TEST_F(RotationTest, NeverRunsWithoutDiscovery) {
  const Rotation rotation({});
  EXPECT_FALSE(rotation.Due(start_));
  EXPECT_FALSE(rotation.Untried());
  EXPECT_THAT(Page(rotation, start_), IsEmpty());
}

TEST_F(RotationTest, VisitsWhatCanBeVisitedAndCountsTheRest) {
  Discovery discovery = All();
  discovery.include = {"app*"};
  discovery.exclude = {"app_old"};
  Rotation rotation(discovery);
  ASSERT_TRUE(Begin(rotation,
                    {{"postgres", ""},
                     {"template1", "template"},
                     {"app1", ""},
                     {"app2", ""},
                     {"app_old", ""},
                     {"other", ""},
                     {"app_bad", "invalid"},
                     {"app_wall", "no_privilege"}},
                    start_)
                  .ok());
  EXPECT_THAT(Queue(rotation), ElementsAre("app1", "app2"));
  const Families page = Page(rotation, start_);
  EXPECT_EQ(State(page, "visited"), 1) << "the connected one";
  EXPECT_EQ(State(page, "pending"), 2);
  EXPECT_EQ(State(page, "excluded"), 3);
  EXPECT_EQ(State(page, "invalid"), 1);
  EXPECT_EQ(State(page, "no_privilege"), 1);
}

TEST_F(RotationTest, ShowsWhatEachDatabaseGaveUnderItsName) {
  Rotation rotation(All());
  ASSERT_TRUE(Begin(rotation, {{"a", ""}, {"b", ""}}, start_).ok());
  EXPECT_TRUE(rotation.Untried());
  for (const std::string& name : Queue(rotation)) {
    const auto due = rotation.DueIn(name, plan_, start_);
    ASSERT_EQ(due.size(), 2u) << "not the collector about the server";
    rotation.Record(name, *due[0], Good(), start_);
    rotation.Visited(name, start_);
  }
  rotation.End(start_ + seconds(2));
  EXPECT_FALSE(rotation.Untried());
  Families page = Page(rotation, start_ + seconds(3));
  EXPECT_EQ(Normalize(page), 0u);
  EXPECT_EQ(Values(page, "rows").size(), 2u);
  EXPECT_EQ(Value(page, "pgbeacon_database_pass_seconds"), 2);
  EXPECT_THAT(Values(page, "pgbeacon_database_age_seconds"), ElementsAre(3, 3));
}

TEST_F(RotationTest, RunsCollectorsWithAnIntervalWhenItHasPassed) {
  Rotation rotation(All());
  ASSERT_TRUE(Begin(rotation, {{"a", ""}}, start_).ok());
  for (const collectors::PlannedCollector* planned : rotation.DueIn("a", plan_, start_)) {
    rotation.Record("a", *planned, Good(), start_);
  }
  EXPECT_THAT(rotation.DueIn("a", plan_, start_ + minutes(1)), ElementsAre(&plan_.on[0]));
  EXPECT_EQ(rotation.DueIn("a", plan_, start_ + minutes(60)).size(), 2u);
}

TEST_F(RotationTest, ADroppedDatabaseVanishesAtTheNextPass) {
  Rotation rotation(All());
  ASSERT_TRUE(Begin(rotation, {{"a", ""}, {"b", ""}}, start_).ok());
  rotation.Record("a", plan_.on[0], Good(), start_);
  rotation.Record("b", plan_.on[0], Good(), start_);
  ASSERT_TRUE(Begin(rotation, {{"b", ""}}, start_ + minutes(1)).ok());
  EXPECT_EQ(Values(Page(rotation, start_ + minutes(1)), "rows").size(), 1u);
  EXPECT_FALSE(rotation.Record("a", plan_.on[0], Good(), start_)) << "it is not known any more";
}

TEST_F(RotationTest, AFailureIsShownAndTakesNoOtherValuesWithIt) {
  Rotation rotation(All());
  ASSERT_TRUE(Begin(rotation, {{"a", ""}, {"b", ""}}, start_).ok());
  rotation.Record("a", plan_.on[0], Good(), start_);
  rotation.Visited("a", start_);
  EXPECT_TRUE(rotation.Failed("b", "permission"));
  EXPECT_FALSE(rotation.Failed("b", "permission")) << "told once";
  EXPECT_TRUE(rotation.Record("a", plan_.on[2], Bad(), start_));
  const Families page = Page(rotation, start_);
  EXPECT_EQ(State(page, "failed"), 1);
  EXPECT_EQ(State(page, "visited"), 1);
  EXPECT_EQ(Values(page, "rows").size(), 1u);
  EXPECT_EQ(Values(page, "pgbeacon_database_failure_info").size(), 2u);
}

TEST_F(RotationTest, ValuesVanishAfterThreeMissedVisits) {
  Rotation rotation(All());
  ASSERT_TRUE(Begin(rotation, {{"a", ""}}, start_).ok());
  rotation.Record("a", plan_.on[0], Good(), start_);
  rotation.Expire(start_ + minutes(3));
  EXPECT_EQ(Values(Page(rotation, start_), "rows").size(), 1u);
  rotation.Expire(start_ + minutes(3) + seconds(1));
  EXPECT_THAT(Values(Page(rotation, start_), "rows"), IsEmpty());
}

TEST_F(RotationTest, AllDatabasesShareTheCollectorsLimit) {
  Rotation rotation(All());
  ASSERT_TRUE(Begin(rotation, {{"a", ""}, {"b", ""}}, start_).ok());
  EXPECT_EQ(rotation.Room("a", plan_.on[0]), 3u);
  rotation.Record("a", plan_.on[0], Good(2), start_);
  EXPECT_EQ(rotation.Room("a", plan_.on[0]), 3u) << "its own are replaced";
  EXPECT_EQ(rotation.Room("b", plan_.on[0]), 1u);
}

TEST_F(RotationTest, ALargeDatabaseGivesWayToSmallOnes) {
  Rotation rotation(All());
  collectors::PlannedCollector tables = plan_.on[0];
  tables.limit = 10;
  ASSERT_TRUE(Begin(rotation, {{"large", ""}, {"a", ""}, {"b", ""}}, start_).ok());
  Outcome large = Good(10);
  large.left_out.in_other = 90;
  rotation.Record("large", tables, std::move(large), start_);
  EXPECT_EQ(rotation.Room("a", tables), 0u) << "until the large one is visited again";
  Outcome left_out = Good(0);
  left_out.left_out.dropped = 2;
  rotation.Record("a", tables, left_out, start_);
  rotation.Record("b", tables, left_out, start_);
  EXPECT_EQ(rotation.Room("large", tables), 6u);
  rotation.Record("large", tables, Good(6), start_);
  EXPECT_GE(rotation.Room("a", tables), 2u);
  rotation.Record("a", tables, Good(2), start_);
  EXPECT_EQ(rotation.Room("b", tables), 2u);
}

TEST_F(RotationTest, CollectorsTogetherStayWithinAPage) {
  Rotation rotation(All());
  collectors::PlannedCollector tables = plan_.on[0];
  collectors::PlannedCollector bloat = plan_.on[2];
  tables.limit = bloat.limit = kSeriesLimit;
  ASSERT_TRUE(Begin(rotation, {{"a", ""}}, start_).ok());
  ASSERT_TRUE(rotation.Next());
  rotation.Record("a", tables, Good(kSeriesLimit - 7), start_);
  EXPECT_EQ(rotation.Room("a", bloat), 7u);
}

}  // namespace
}  // namespace pgbeacon::scrape
