#include "collectors/engine/governor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "base/text.h"
#include "tests/unit/collectors/planned.h"
#include "tests/unit/collectors/series_text.h"

namespace pgbeacon::collectors {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

/// A collector with rules, and what it remembers.
struct Governing : Planned {
  Governing(const std::string& head, const std::string& columns) : Planned(columns, head) {}

  Decoded Run(const MemoryRows& rows) {
    const Governed governed = governor.Apply(plan.on.at(0), rows);
    in_other = governed.in_other;
    left_out = governed.left_out;
    return Decode(plan.on.at(0), *governed.rows, "db1:5432");
  }

  std::vector<std::string> Text(const MemoryRows& rows) { return SeriesText(Run(rows).families); }

  Governor governor;
  std::size_t in_other = 0;
  std::size_t left_out = 0;
};

constexpr const char* kCounter =
    "  - {col: k, label: k}\n"
    "  - {col: v, metric: m, type: counter, help: h}\n";

MemoryRows Values(const std::map<std::string, double>& values) {
  std::vector<MemoryRows::Row> rows;
  for (const auto& [key, value] : values) rows.push_back({key, FormatDouble(value)});
  return MemoryRows({"k", "v"}, std::move(rows));
}

TEST(Governor, ShowsTheGreatestAndCountsTheRestFromTheFirstRunOn) {
  Governing t("top: {by: v, keep: 2}\n", kCounter);
  EXPECT_THAT(t.Text(Values({{"a", 10}, {"b", 5}, {"c", 1}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 10", "m{k=\"b\"} 5", "m{k=\"other\"} 0"));
  EXPECT_EQ(t.in_other, 1U);
  EXPECT_THAT(t.Text(Values({{"a", 10}, {"b", 5}, {"c", 3}, {"d", 1}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 10", "m{k=\"b\"} 5", "m{k=\"other\"} 3"));
  EXPECT_EQ(t.in_other, 2U);
}

TEST(Governor, KeepsWhatTheLimitHasRoomForWhereTheRuleDoesNotSay) {
  Governing t("top: {of: [k], by: v}\nlimit: 3\n", kCounter);
  EXPECT_THAT(t.Text(Values({{"a", 10}, {"b", 5}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 10", "m{k=\"b\"} 5"))
      << "nobody is left out";
  EXPECT_THAT(t.Text(Values({{"a", 10}, {"b", 5}, {"c", 3}, {"d", 1}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 10", "m{k=\"b\"} 5", "m{k=\"other\"} 4"));
  EXPECT_EQ(t.in_other, 2U);
  t.plan.on.at(0).limit = 0;
  EXPECT_THAT(t.Text(Values({{"a", 11}, {"b", 5}})), ElementsAre());
  EXPECT_EQ(t.in_other, 2U);
}

TEST(Governor, TheLimitLeavesRoomForTheRemainderOfWhatARuleKeeps) {
  Governing t("top: {by: v, keep: 5}\nlimit: 3\n", kCounter);
  EXPECT_THAT(t.Text(Values({{"a", 10}, {"b", 5}, {"c", 3}, {"d", 1}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 10", "m{k=\"b\"} 5", "m{k=\"other\"} 0"));
  EXPECT_THAT(t.Text(Values({{"a", 10}, {"b", 5}, {"c", 4}, {"d", 3}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 10", "m{k=\"b\"} 5", "m{k=\"other\"} 3"));
}

TEST(Governor, KeepsMembersUntilAnOutsiderIsClearlyAbove) {
  Governing t("top: {by: v, keep: 1}\n", kCounter);
  t.Run(Values({{"a", 100}, {"b", 90}}));
  EXPECT_THAT(t.Text(Values({{"a", 100}, {"b", 109}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 100", "m{k=\"other\"} 19"));
  EXPECT_THAT(t.Text(Values({{"a", 100}, {"b", 112}})),
              ElementsAre("TYPE m counter", "m{k=\"b\"} 112", "m{k=\"other\"} 22"))
      << "the step that brought it in is seen by no series of its own";
  EXPECT_THAT(t.Text(Values({{"a", 104}, {"b", 113}})),
              ElementsAre("TYPE m counter", "m{k=\"b\"} 113", "m{k=\"other\"} 26"));
}

TEST(Governor, KeepsTheDoorOpenForMembersThatAreAwayForAMoment) {
  Governing t("top: {by: v, keep: 1}\n", kCounter);
  t.Run(Values({{"a", 100}, {"b", 1}}));
  for (int run = 0; run < 3; ++run) t.Run(Values({{"b", 1}}));
  EXPECT_THAT(t.Text(Values({{"a", 100}, {"b", 1}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 100", "m{k=\"other\"} 0"));
  for (int run = 0; run < 4; ++run) t.Run(Values({{"b", 1}}));
  EXPECT_THAT(t.Text(Values({{"b", 1}})),
              ElementsAre("TYPE m counter", "m{k=\"b\"} 1", "m{k=\"other\"} 0"));
}

TEST(Governor, ARowThatIsNamedOtherJoinsTheOthers) {
  Governing t("top: {by: v, keep: 5}\n", kCounter);
  t.Run(Values({{"a", 1}, {"other", 7}}));
  EXPECT_THAT(t.Text(Values({{"a", 1}, {"other", 9}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 1", "m{k=\"other\"} 2"));
}

TEST(Governor, WithoutOtherTheRestIsOnlyCounted) {
  Governing t("top: {by: v, keep: 1, other: false}\n", kCounter);
  EXPECT_THAT(t.Text(Values({{"a", 10}, {"b", 5}, {"c", 1}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 10"));
  EXPECT_EQ(t.left_out, 2U);
  EXPECT_EQ(t.in_other, 0U);
}

TEST(Governor, GaugesHaveARemainderOfWhatIsThereNow) {
  Governing t("top: {by: n, keep: 1}\n",
              "  - {col: k, label: k}\n"
              "  - {col: n, metric: n, help: h, remainder: sum}\n"
              "  - {col: x, metric: x, help: h, remainder: max}\n"
              "  - {col: l, metric: l, help: h}\n");
  const std::vector<std::string> names = {"k", "n", "x", "l"};
  EXPECT_THAT(t.Text(MemoryRows(names, {{"a", "9", "1", "1"},
                                        {"b", "3", "4", "1"},
                                        {"c", "2", "8", "1"},
                                        {"d", std::nullopt, std::nullopt, "1"}})),
              ElementsAre("TYPE n gauge", "n{k=\"a\"} 9", "n{k=\"other\"} 5", "TYPE x gauge",
                          "x{k=\"a\"} 1", "x{k=\"other\"} 8", "TYPE l gauge", "l{k=\"a\"} 1"));
  EXPECT_EQ(t.in_other, 7U);
  EXPECT_EQ(t.left_out, 0U);
  EXPECT_THAT(t.Text(MemoryRows(names, {{"a", "9", "1", "1"}})),
              ElementsAre("TYPE n gauge", "n{k=\"a\"} 9", "TYPE x gauge", "x{k=\"a\"} 1",
                          "TYPE l gauge", "l{k=\"a\"} 1"));
}

TEST(Governor, ARuleMayBeAboutSomeLabelsOnly) {
  Governing t("top: [{of: [app], keep: 1}, {of: [user], keep: 1}]\n",
              "  - {col: db, label: db}\n"
              "  - {col: app, label: app}\n"
              "  - {col: user, label: user}\n"
              "  - {col: n, metric: n, help: h, remainder: sum}\n");
  EXPECT_THAT(t.Text(MemoryRows({"db", "app", "user", "n"}, {{"x", "web", "u", "1"},
                                                             {"y", "web", "u", "1"},
                                                             {"x", "job1", "u", "2"},
                                                             {"x", "job2", "u", "3"},
                                                             {"y", "web", "v", "4"}})),
              UnorderedElementsAre("TYPE n gauge", "n{db=\"x\",app=\"web\",user=\"u\"} 1",
                                   "n{db=\"y\",app=\"web\",user=\"u\"} 1",
                                   "n{db=\"x\",app=\"other\",user=\"u\"} 5",
                                   "n{db=\"y\",app=\"web\",user=\"other\"} 4"));
}

/// Tenants in databases: `step` is how often each has counted, the more the lower its numbers.
MemoryRows Tenants(int step) {
  std::vector<MemoryRows::Row> rows;
  for (int db = 1; db <= 5; ++db) {
    for (int tenant = 1; tenant <= 20; ++tenant) {
      const int share = (21 - tenant) * (6 - db);
      rows.push_back({"db" + std::to_string(db), "t" + std::to_string(tenant),
                      std::to_string(share * step), std::to_string(share + (step + tenant) % 2)});
    }
  }
  return MemoryRows({"db", "tenant", "v", "n"}, std::move(rows));
}

TEST(Governor, SeveralRulesAndALimitKeepTheSumsAndTheSeries) {
  constexpr std::size_t kLimit = 24;  // (2 and other) x (3 and other) x two metrics
  Governing t("top: [{of: [db], by: v, keep: 2}, {of: [tenant], by: v, keep: 3}]\nlimit: 24\n",
              "  - {col: db, label: db}\n"
              "  - {col: tenant, label: tenant}\n"
              "  - {col: v, metric: v, type: counter, help: h}\n"
              "  - {col: n, metric: n, help: h, remainder: sum}\n");
  std::map<std::string, double> before;
  for (int step = 1; step < 20; ++step) {
    const MemoryRows rows = Tenants(step);
    const Decoded decoded = t.Run(rows);
    EXPECT_EQ(decoded.series, kLimit);
    EXPECT_EQ(decoded.dropped + t.left_out, 0U);
    std::map<std::string, double> now;
    double gauges = 0;
    for (const Family& family : decoded.families) {
      for (const ClientMetric& metric : family.metric) {
        const std::string key =
            family.name + " " + metric.label[0].value + " " + metric.label[1].value;
        now[key] = ValueIn(metric, family.type);
        if (family.name == "n") gauges += metric.gauge.value;
      }
    }
    double counted = 0;
    double there = 0;
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      counted += *ParseDouble(*rows.at(row, 2)) / step;
      there += *ParseDouble(*rows.at(row, 3));
    }
    EXPECT_EQ(gauges, there);
    double increase = 0;
    for (const auto& [key, value] : now) {
      EXPECT_TRUE(step == 1 || before.contains(key)) << key;
      if (key.starts_with("v ")) increase += value - before[key];
    }
    if (step > 1) EXPECT_EQ(increase, counted);
    before = std::move(now);
  }
}

TEST(Governor, HistogramsKeepTheirObservations) {
  Governing t("top: {of: [k], keep: 1}\n",
              "  - {col: k, label: k}\n"
              "  - {col: v, metric: m, type: histogram, buckets: [1, 5], help: h}\n");
  const Decoded decoded = t.Run(MemoryRows(
      {"k", "v"}, {{"a", "1"}, {"a", "9"}, {"b", "2"}, {"c", "4"}, {"c", "0.5"}, {"a", "3"}}));
  ASSERT_EQ(decoded.families.size(), 1U);
  ASSERT_EQ(decoded.families[0].metric.size(), 2U);
  const ClientMetric::Histogram& other = decoded.families[0].metric[1].histogram;
  EXPECT_EQ(decoded.families[0].metric[1].label[0].value, "other");
  EXPECT_EQ(other.sample_count, 3U);
  EXPECT_EQ(other.sample_sum, 6.5);
  EXPECT_EQ(other.bucket[0].cumulative_count, 1U);
  EXPECT_EQ(other.bucket[1].cumulative_count, 3U);
}

constexpr const char* kKeyed =
    "  - {col: k, label: k}\n"
    "  - {col: top}\n"
    "  - {col: since}\n"
    "  - {col: v, metric: m, type: counter, help: h}\n";
constexpr const char* kKeyedHead = "merge: sum\nkey: [top]\nsince: since\ntop: {by: v, keep: 1}\n";

MemoryRows Keyed(std::vector<MemoryRows::Row> rows) {
  return MemoryRows({"k", "top", "since", "v"}, std::move(rows));
}

TEST(Governor, ASeriesOfSeveralRowsDoesNotFallWhenOneGoes) {
  Governing t(kKeyedHead, kKeyed);
  t.Run(Keyed({{"a", "t", "1", "100"}, {"a", "f", "1", "7"}}));
  EXPECT_THAT(t.Text(Keyed({{"a", "t", "1", "101"}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 108", "m{k=\"other\"} 0"));
  EXPECT_THAT(t.Text(Keyed({{"a", "t", "1", "103"}, {"a", "f", "2", "1"}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 111", "m{k=\"other\"} 0"));
  EXPECT_THAT(t.Text(Keyed({{"a", "t", "3", "2"}, {"a", "f", "2", "1"}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 113", "m{k=\"other\"} 0"));
  EXPECT_THAT(t.Text(Keyed({{"a", "t", "4", "2"}, {"a", "f", "4", "1"}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 3", "m{k=\"other\"} 0"))
      << "all of it began anew, so does the series";
}

TEST(Governor, SeesARowBeginAnewThoughItIsGreaterThanBefore) {
  Governing t(kKeyedHead, kKeyed);
  t.Run(Keyed({{"a", "t", "1", "100"}, {"b", "t", "1", "2"}}));
  EXPECT_THAT(t.Text(Keyed({{"a", "t", "1", "100"}, {"b", "t", "2", "5"}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 100", "m{k=\"other\"} 5"));
}

TEST(Governor, OtherColumnsThanBeforeBeginAnew) {
  Governing t("top: {by: v, keep: 1}\n",
              "  - {col: k, label: k}\n"
              "  - {col: v, metric: m, type: counter, help: h}\n"
              "  - {col: w, metric: w, type: counter, help: h}\n");
  t.Run(MemoryRows({"k", "v"}, {{"a", "5"}, {"b", "1"}}));
  EXPECT_THAT(t.Text(MemoryRows({"k", "v", "w"}, {{"a", "5", "1"}, {"b", "2", "900"}})),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 5", "m{k=\"other\"} 0", "TYPE w counter",
                          "w{k=\"a\"} 1", "w{k=\"other\"} 0"));
}

/// Statements that come, count, are evicted and come back, and the reset of all of them.
class Flood : public ::testing::TestWithParam<unsigned> {
 protected:
  using Values = std::map<std::string, double>;

  /// Counts for a while; `counted` gets what was counted where a later answer can show it.
  void Step() {
    for (int i = 0; i < 400; ++i) {
      const std::string key = "q" + std::to_string(random() % 60 * (random() % 40));
      const double more = static_cast<double>(1 + random() % 5);
      if (live.size() < kEntries || live.contains(key)) live[key] += more;
    }
    if (random() % 3 == 0) {
      for (int i = 0; i < 20 && !live.empty(); ++i) {
        live.erase(std::next(live.begin(), static_cast<std::ptrdiff_t>(random() % live.size())));
      }
    }
    if (random() % 10 == 0) live.clear();
  }

  MemoryRows Shuffled() {
    std::vector<MemoryRows::Row> rows;
    for (const auto& [key, value] : live) rows.push_back({key, FormatDouble(value)});
    std::ranges::shuffle(rows, random);
    return MemoryRows({"k", "v"}, std::move(rows));
  }

  static constexpr std::size_t kEntries = 300;
  std::mt19937 random{GetParam()};
  Values live;
};

/// The increase from one page to the next, as rate() has it.
double Increase(double before, double now) { return now < before ? now : now - before; }

TEST_P(Flood, MembersAndOtherCountWhatWasCounted) {
  Governing t("top: {by: v, keep: 20}\n", kCounter);
  Values before_live;
  Values before_page;
  double counted = 0;
  double shown = 0;
  std::size_t changed = 0;
  for (int run = 0; run < 200; ++run) {
    Step();
    Values page;
    const Decoded decoded = t.Run(Shuffled());
    for (const ClientMetric& metric : decoded.families.at(0).metric) {
      page[metric.label[0].value] = metric.counter.value;
    }
    ASSERT_LE(page.size(), 21U);
    ASSERT_TRUE(page.contains("other"));
    if (run > 0) {
      ASSERT_GE(page["other"], before_page["other"]) << "run " << run;
      for (const auto& [key, value] : live) counted += Increase(before_live[key], value);
      for (const auto& [key, value] : page) {
        const bool first = !before_page.contains(key);
        // A source that is new to everybody begins at 0; one that was known before has its past
        // in "other".
        if (first && live[key] > 0 && before_live[key] > 0) continue;
        shown += Increase(before_page[key], value);
        changed += first;
      }
      ASSERT_DOUBLE_EQ(shown, counted) << "run " << run;
    }
    before_live = live;
    before_page = page;
  }
  EXPECT_GT(counted, 10'000);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Flood, ::testing::Range(0U, 20U));

TEST(Governor, HoldsNoMoreThanTheAnswer) {
  Governing t("top: {by: v, keep: 10}\n", kCounter);
  double left = 0;
  for (int run = 0; run < 20; ++run) {
    std::map<std::string, double> values;
    for (int i = 0; i < 2000; ++i) values["r" + std::to_string(run * 2000 + i)] = 1;
    const Decoded decoded = t.Run(Values(values));
    EXPECT_LE(decoded.series, 11U);
    left = decoded.families.at(0).metric.back().counter.value;
  }
  EXPECT_GE(left, 19 * 1990);
  EXPECT_LE(left, 19 * 2000);
}

}  // namespace
}  // namespace pgbeacon::collectors
