#include <gtest/gtest.h>

#include <optional>

#include "collectors/engine/rows.h"
#include "exporter/scrape/page.h"
#include "exporter/scrape/page_query.h"
#include "tests/support/gauges.h"

namespace pgbeacon::scrape {
namespace {

/// A plan of three collectors, each with one family of ten series.
struct Planned {
  Planned() {
    plan.on.resize(3);
    for (std::size_t i = 0; i < 3; ++i) {
      collectors[i].name = std::string(1, static_cast<char>('a' + i));
      plan.on[i].collector = &collectors[i];
      outcomes[i].done = true;
      Family& family = AddFamily(outcomes[i].families, collectors[i].name, MetricType::Gauge, "h");
      for (int n = 0; n < 10; ++n) AddSample(family, {{"n", std::to_string(n)}}, n);
    }
    input.reason = pg::UpReason::kOk;
    input.plan = &plan;
    input.outcomes = &outcomes;
  }

  static std::optional<double> Dropped(const Families& page, const std::string& collector) {
    return test::GaugeOf(page, "pgbeacon_series_dropped", collector);
  }

  collectors::Collector collectors[3];
  collectors::Plan plan;
  std::vector<Outcome> outcomes = std::vector<Outcome>(3);
  PageInput input;
};

TEST(PageBudget, TheLastOfThePlanLose) {
  Planned t;
  t.input.series_limit = 14;
  for (const bool take : {false, true}) {
    t.input.take = take;
    const Families page = MakePage(t.input);
    EXPECT_EQ(Values(page, "a").size(), 10U);
    EXPECT_EQ(Values(page, "b"), (std::vector<double>{0, 1, 2, 3}));
    EXPECT_TRUE(Values(page, "c").empty());
    EXPECT_EQ(t.Dropped(page, "a"), 0);
    EXPECT_EQ(t.Dropped(page, "b"), 6);
    EXPECT_EQ(t.Dropped(page, "c"), 10);
  }
}

TEST(PageBudget, WhatOtherStandsForIsNotDropped) {
  Planned t;
  t.outcomes[0].left_out.in_other = 7;
  const Families page = MakePage(t.input);
  EXPECT_EQ(t.Dropped(page, "a"), 0);
  EXPECT_EQ(test::GaugeOf(page, "pgbeacon_series_in_other", "a"), 7);
  EXPECT_FALSE(test::GaugeOf(page, "pgbeacon_series_in_other", "b"));
}

TEST(PageBudget, OfSeriesThatAreAlikeTheLaterOnesAreCountedWithTheirCollector) {
  Planned t;
  for (std::size_t i = 1; i < 3; ++i) {
    Family& family = t.outcomes[i].families[0];
    family.name = "a";
    family.metric.resize(4);
    AddSample(family, {{"n", std::to_string(10 * i)}}, 1);
    AddSample(family, {{"n", "3"}, {"empty", ""}}, 1);
  }
  const std::set<std::string> names = {"a"};
  t.input.namesakes = &names;
  Families page = MakePage(t.input);
  EXPECT_EQ(t.Dropped(page, "a"), 0);
  EXPECT_EQ(t.Dropped(page, "b"), 5);
  EXPECT_EQ(t.Dropped(page, "c"), 5);
  EXPECT_EQ(Normalize(page), 0U);
  EXPECT_EQ(Values(page, "a").size(), 12U);
}

TEST(PageBudget, LabelsThatAreCutAreTold) {
  Planned t;
  t.outcomes[1].left_out.shortened = 3;
  const Families page = MakePage(t.input);
  EXPECT_EQ(test::GaugeOf(page, "pgbeacon_label_values_shortened", "b"), 3);
  EXPECT_FALSE(test::GaugeOf(page, "pgbeacon_label_values_shortened", "a"));
}

TEST(PageBudget, EverySeriesOfAHistogramCounts) {
  Planned t;
  t.outcomes[0].families.clear();
  Family& family = AddFamily(t.outcomes[0].families, "a", MetricType::Histogram, "h");
  AddHistogram(family, {{"n", "1"}}, {1, 2}, {0, 0, 0}, 0);
  AddHistogram(family, {{"n", "2"}}, {1, 2}, {0, 0, 0}, 0);
  t.input.series_limit = 9;
  const Families page = MakePage(t.input);
  EXPECT_EQ(t.Dropped(page, "a"), 5);
  EXPECT_EQ(Values(page, "b").size(), 4U);
}

TEST(PageBudget, OtherDatabasesGetWhatTheConnectedOneLeaves) {
  Planned t;
  Discovery all;
  all.on = true;
  Rotation rotation(all);
  const collectors::MemoryRows databases({"datname", "skipped"}, {{"shop", ""}});
  ASSERT_TRUE(rotation.Begin(databases, "postgres", t.input.now).ok());
  collectors::Collector elsewhere;
  elsewhere.name = "d";
  collectors::PlannedCollector planned;
  planned.collector = &elsewhere;
  rotation.Record("shop", planned, t.outcomes[2], t.input.now);
  rotation.Record("shop", t.plan.on[0], t.outcomes[0], t.input.now);
  t.input.rotation = &rotation;
  t.input.series_limit = 44;
  const Families page = MakePage(t.input);
  EXPECT_EQ(Values(page, "a").size(), 20U);
  EXPECT_EQ(t.Dropped(page, "a"), 0);
  EXPECT_EQ(t.Dropped(page, "c"), 0);
  EXPECT_EQ(t.Dropped(page, "d"), 6) << "it runs in no plan of the connected database";
}

}  // namespace
}  // namespace pgbeacon::scrape
