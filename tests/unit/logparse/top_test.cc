#include "logparse/top.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "logparse/fingerprint.h"
#include "logparse/top_plan.h"

namespace pgbeacon::log {
namespace {

struct Shown {
  double statements = 0;
  double seconds = 0;
};

// By label `fingerprint`.
std::map<std::string, Shown> Series(const StatementTable& table) {
  std::map<std::string, Family> families;
  table.Collect("db", families);
  std::map<std::string, Shown> out;
  for (const auto& metric : families["pg_log_fingerprint_statements_total"].metric)
    out[metric.label[1].value].statements = metric.counter.value;
  for (const auto& metric : families["pg_log_fingerprint_seconds_total"].metric)
    out[metric.label[1].value].seconds = metric.counter.value;
  return out;
}

std::string Statement(unsigned i) { return "SELECT * FROM table_" + std::to_string(i); }
std::string Name(unsigned i) { return FingerprintName(Fingerprint(Statement(i))); }

const NamedStatement* Find(const StatementTotals& totals, const std::string& sql) {
  const auto row = std::ranges::find(totals.rows, Fingerprint(sql), &NamedStatement::fingerprint);
  return row == totals.rows.end() ? nullptr : &*row;
}

StatementStats Sum(const StatementTotals& totals) {
  StatementStats sum = totals.other;
  for (const NamedStatement& row : totals.rows) sum.Add(row);
  return sum;
}

void ExpectEqual(const StatementStats& a, const StatementStats& b) {
  EXPECT_EQ(a.calls, b.calls);
  EXPECT_EQ(a.seconds.value(), b.seconds.value());
  EXPECT_EQ(a.max_seconds, b.max_seconds);
  EXPECT_EQ(a.temp_file_bytes, b.temp_file_bytes);
  EXPECT_EQ(a.plan_bytes, b.plan_bytes);
  EXPECT_EQ(a.plan_temp_bytes, b.plan_temp_bytes);
}

TEST(StatementTable, AddsUpWhatEachStatementTook) {
  StatementTable table(10, true);
  table.Run("SELECT * FROM t WHERE a = 1", 0.5, true);
  table.Run("select * from t where a = 2", 0.25, true);
  table.Run("select * from t where a = $1", 0.125, false);  // its parse line
  table.Run("SELECT 2", 1, true);
  table.Run("", 2, true);
  const StatementTotals totals = table.Totals();
  const NamedStatement* row = Find(totals, "select * from t where a = 0");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->calls, 2U);
  EXPECT_EQ(row->seconds.value(), 0.875);
  EXPECT_EQ(row->max_seconds, 0.5);
  EXPECT_EQ(row->text, "select * from t where a = ?");
  EXPECT_EQ(totals.other.calls, 1U);
  EXPECT_EQ(totals.all.calls, 4U);
  ExpectEqual(Sum(totals), totals.all);
}

TEST(StatementTable, KeepsNoTextsUnlessAsked) {
  StatementTable table(10, false);
  table.Run("SELECT secret FROM t", 1, true);
  EXPECT_EQ(table.Totals().rows.at(0).text, "");
}

TEST(StatementTable, ShowsSeriesThatAddUpAndNeverFall) {
  constexpr unsigned kShown = 5;
  StatementTable table(kShown, false);
  std::mt19937 random(3);
  std::map<std::string, Shown> before;
  double total = 0;
  unsigned folded = 0;
  for (unsigned i = 1; i <= 20'000; ++i) {
    // The busy statements change as time goes on.
    const unsigned busy = i / 1000;
    const unsigned statement = random() % 4 == 0 ? random() % 300 : busy + random() % 3;
    const double seconds = (1 + random() % 1000) * std::pow(2, i / 2000) / 1e6;
    table.Run(Statement(statement), seconds, true);
    total += seconds;
    if (i % 50 != 0) continue;
    const std::map<std::string, Shown> now = Series(table);
    Shown sum;
    for (const auto& [name, shown] : now) {
      sum.statements += shown.statements;
      sum.seconds += shown.seconds;
      const auto old = before.find(name);
      if (old == before.end()) continue;
      ASSERT_GE(shown.statements, old->second.statements) << name;
      ASSERT_GE(shown.seconds, old->second.seconds) << name;
    }
    for (const auto& [name, shown] : before) folded += now.contains(name) ? 0 : 1;
    ASSERT_EQ(sum.statements, i);
    ASSERT_NEAR(sum.seconds, total, total * 1e-9);
    ASSERT_LE(now.size(), 2 * kShown + 1);
    before = now;
  }
  EXPECT_GT(folded, 0U) << "the test does not reach the end of series";
  EXPECT_TRUE(before.contains(Name(20))) << "the busiest statement of late is not shown";
}

TEST(StatementTable, KeepsSeriesWhenStatementsAreAboutEqual) {
  StatementTable table(2, false);
  for (unsigned i = 0; i < 4; ++i) table.Run(Statement(i), 1, true);
  for (unsigned round = 0; round < 100; ++round) {
    for (unsigned i = 0; i < 4; ++i) table.Run(Statement(i), 1, true);
  }
  const std::map<std::string, Shown> series = Series(table);
  EXPECT_EQ(series.size(), 3U);
  EXPECT_EQ(series.at(Name(0)).statements, 101);
  EXPECT_EQ(series.at(Name(1)).statements, 101);
  EXPECT_EQ(series.at("other").statements, 202);
}

TEST(StatementTable, CountsWhatCameBeforeASeriesAsOther) {
  StatementTable table(1, false);
  table.Run(Statement(0), 1, true);
  table.Run(Statement(1), 1, true);
  table.Run(Statement(1), 3, true);
  table.Run(Statement(0), 0.5, true);
  const std::map<std::string, Shown> series = Series(table);
  EXPECT_EQ(series.at(Name(0)).seconds, 1);
  EXPECT_EQ(series.at(Name(1)).seconds, 3);
  EXPECT_EQ(series.at("other").seconds, 1.5);
}

TEST(StatementTable, BoundsItsMemoryAndKeepsWhatMatters) {
  StatementTable table(3, true);
  const std::string heavy = "SELECT heavy FROM t";
  const std::string frequent = "SELECT frequent FROM t";
  const std::string spilling = "SELECT spilling FROM t";
  table.Run(heavy, 1000, true);
  table.AddTempFile(spilling, 1 << 20);
  for (unsigned i = 0; i < 50'000; ++i) {
    table.Run(Statement(i), 0.001, true);
    if (i % 2 == 0) table.Run(frequent, 0.000001, true);
  }
  const StatementTotals totals = table.Totals();
  EXPECT_LE(totals.rows.size(), StatementTable::kCandidates);
  ASSERT_NE(Find(totals, heavy), nullptr);
  ASSERT_NE(Find(totals, frequent), nullptr);
  ASSERT_NE(Find(totals, spilling), nullptr);
  EXPECT_EQ(Find(totals, frequent)->calls, 25'000U);
  EXPECT_EQ(totals.all.calls, 75'001U);
  ExpectEqual(Sum(totals), totals.all);
}

TEST(StatementTable, CutsLongTexts) {
  StatementTable table(1, true);
  std::string sql = "select";
  for (int i = 0; i < 1000; ++i) sql += " column_" + std::to_string(i) + ",";
  table.Run(sql, 1, true);
  EXPECT_EQ(table.Totals().rows.at(0).text.size(), StatementTable::kTextBytes);
}

TEST(StatementTable, IgnoresDurationsThatAreNone) {
  StatementTable table(1, true);
  for (const double seconds : {-1.0, std::nan(""), HUGE_VAL, 1e300}) {
    table.Run("SELECT 1", seconds, true);
  }
  EXPECT_EQ(table.Totals().all.calls, 0U);
}

TEST(StatementTable, MergesToWhatOneTableWouldHaveCounted) {
  std::mt19937 random(5);
  StatementTable whole(10, true);
  std::vector<StatementTable> parts(3, StatementTable(10, true));
  for (int i = 0; i < 20'000; ++i) {
    const std::string sql = Statement(random() % 200 * (random() % 7));
    const double seconds = (random() % 100'000) / 1e6;
    StatementTable& part = parts[random() % parts.size()];
    for (StatementTable* table : {&whole, &part}) {
      table->Run(sql, seconds, true);
      if (i % 10 == 0) table->AddTempFile(sql, 4096);
    }
  }
  const auto merge = [&parts](const std::vector<std::size_t>& order) {
    StatementTable merged(10, true);
    for (const std::size_t i : order) merged.Merge(parts[i]);
    return merged;
  };
  const StatementTable merged = merge({0, 1, 2});
  const StatementTotals expected = whole.Totals();
  const StatementTotals totals = merged.Totals();
  ExpectEqual(totals.all, expected.all);
  ASSERT_EQ(totals.rows.size(), expected.rows.size());
  for (const NamedStatement& row : expected.rows) {
    const auto same = std::ranges::find(totals.rows, row.fingerprint, &NamedStatement::fingerprint);
    ASSERT_NE(same, totals.rows.end());
    ExpectEqual(*same, row);
    EXPECT_EQ(same->text, row.text);
  }
  const std::map<std::string, Shown> series = Series(merged);
  const std::map<std::string, Shown> other_order = Series(merge({2, 0, 1}));
  EXPECT_EQ(series.size(), 11U);
  for (const auto& [name, shown] : series) {
    ASSERT_TRUE(other_order.contains(name));
    EXPECT_EQ(shown.seconds, other_order.at(name).seconds);
    EXPECT_EQ(shown.statements, other_order.at(name).statements);
  }
}

TEST(LoggedPlan, IsReadAsTextAndJson) {
  const LoggedPlan text = ReadPlan(
      "\nQuery Text: SELECT *\n  FROM t;\nSort  (cost=1.00..2.00 rows=3 width=4)\n"
      "  Sort Key: a\n"
      "  Buffers: shared hit=3 read=2 dirtied=7 written=1, local read=1, temp read=4 written=5\n"
      "  ->  Seq Scan on t  (cost=0.00..1.00 rows=3 width=4)\n"
      "        Buffers: shared hit=3 read=2");
  EXPECT_EQ(text.query, "SELECT *\n  FROM t;");
  EXPECT_TRUE(text.has_buffers);
  EXPECT_EQ(text.bytes, 8U * 8192);
  EXPECT_EQ(text.temp_bytes, 5U * 8192);

  const LoggedPlan json = ReadPlan(
      "\n{\n  \"Query Text\": \"SELECT \\\"A\\\"\\n FROM t\",\n  \"Plan\": {\n"
      "    \"Node Type\": \"Sort\",\n    \"Shared Hit Blocks\": 3,\n"
      "    \"Shared Read Blocks\": 2,\n    \"Shared Written Blocks\": 1,\n"
      "    \"Local Read Blocks\": 1,\n    \"Temp Read Blocks\": 4,\n"
      "    \"Temp Written Blocks\": 5,\n"
      "    \"Plans\": [{\"Node Type\": \"Seq Scan\", \"Shared Read Blocks\": 2}]\n  }\n}");
  EXPECT_EQ(json.query, "SELECT \"A\"\n FROM t");
  EXPECT_TRUE(json.has_buffers);
  EXPECT_EQ(json.bytes, 8U * 8192);
  EXPECT_EQ(json.temp_bytes, 5U * 8192);

  const LoggedPlan with_parameters = ReadPlan(
      "\nQuery Text: SELECT $1\nQuery Parameters: $1 = '1'\nResult  (cost=0.00..0.01 rows=1 "
      "width=4)");
  EXPECT_EQ(with_parameters.query, "SELECT $1");
  EXPECT_FALSE(with_parameters.has_buffers);
  for (const char* bad :
       {"", "\n", "<explain>", "{", "{\"Query Text\": \"", "{\"Query Text\": \"\\",
        "Query Text: ", "Query Text: x\n", "{\"Query Text\": \"\\u12"}) {
    EXPECT_FALSE(ReadPlan(bad).has_buffers) << bad;
  }
}

TEST(StatementTable, TakesInputAndOutputFromPlans) {
  StatementTable table(1, false);
  table.AddPlan("\nQuery Text: SELECT 1;\nResult  (cost=0.00..0.01 rows=1 width=4)");
  EXPECT_FALSE(table.Totals().plans_known);
  table.AddPlan(
      "\nQuery Text: SELECT 1;\nResult  (cost=0.00..0.01 rows=1 width=4)\n"
      "  Buffers: shared read=2, temp written=1");
  const StatementTotals totals = table.Totals();
  EXPECT_TRUE(totals.plans_known);
  ASSERT_NE(Find(totals, "select 2"), nullptr);
  EXPECT_EQ(Find(totals, "select 2")->plan_bytes, 16384U);
  EXPECT_EQ(Find(totals, "select 2")->plan_temp_bytes, 8192U);
  EXPECT_EQ(totals.all.calls, 0U);
  EXPECT_FALSE(totals.temp_files_known);
}

}  // namespace
}  // namespace pgbeacon::log
