#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/engine/spec.h"

namespace pgbeacon::collectors {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kGood = R"(name: thing
topic: test
help: A thing.
versions: ">=14"
interval: 5m
limit: 10
needs: {extension: pg_thing}
queries:
  - {versions: ">=14 <17", from: "{{ext.pg_thing}}.things", where: a > 0, order: a}
  - {versions: ">=17", sql: SELECT 1 AS a}
columns:
  - {label: server, target: true}
  - {col: a, label: a}
  - col: b
    metric: pg_thing_b_seconds_total
    type: counter
    scale: 0.001
    labels: [a]
    help: Time of b.
    compat: [{name: pg_thing_b, scale: 1, type: untyped, versions: "<16"}]
)";

TEST(Reader, ReadsEveryKey) {
  const Result<Collector> read = ReadCollector(kGood, "thing.yml");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->name, "thing");
  EXPECT_TRUE(read->on_by_default) << "cheap is on";
  EXPECT_EQ(read->interval, std::chrono::minutes(5));
  EXPECT_EQ(read->limit, 10U);
  EXPECT_EQ(read->needs.extension, "pg_thing");
  EXPECT_FALSE(read->versions.Contains(13));
  ASSERT_EQ(read->queries.size(), 2U);
  EXPECT_TRUE(read->queries[0].versions.Contains(16));
  EXPECT_FALSE(read->queries[0].versions.Contains(17));
  ASSERT_EQ(read->columns.size(), 3U);
  EXPECT_TRUE(read->columns[0].target);
  const Column& b = read->columns[2];
  EXPECT_EQ(b.type, MetricType::Counter);
  EXPECT_EQ(b.scale, 0.001);
  EXPECT_EQ(b.labels, std::vector<std::string>{"a"});
  ASSERT_EQ(b.compat.size(), 1U);
  EXPECT_EQ(b.compat[0].type, MetricType::Untyped);
  EXPECT_EQ(b.compat[0].scale, 1);
  EXPECT_FALSE(b.compat[0].versions.Contains(16));
}

TEST(Reader, CompatNamesInheritTypeAndScale) {
  std::string text(kGood);
  text.replace(text.find(", scale: 1, type: untyped"), 25, "");
  const Result<Collector> read = ReadCollector(text, "thing.yml");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->columns[2].compat[0].type, MetricType::Counter);
  EXPECT_EQ(read->columns[2].compat[0].scale, 0.001);
}

TEST(Reader, ReportsEachMistakeAtItsPlace) {
  struct Case {
    const char* name;
    const char* find;
    const char* replace;
    const char* message;
  };
  const Case cases[] = {
      {"unknown key", "topic: test", "topic: test\ntopik: x",
       "thing.yml:3:1: unknown key 'topik'; did you mean 'topic'?"},
      {"duplicate key", "topic: test", "topic: test\ntopic: x",
       "thing.yml:3:1: duplicate key 'topic'"},
      {"wrong type", "limit: 10", "limit: ten", "thing.yml:6:1: limit: expected a whole number"},
      {"limit out of range", "limit: 10", "limit: 0", "thing.yml:6:1: limit: expected 1 to"},
      {"no name", "name: thing", "", "'name' is required"},
      {"bad name", "name: thing", "name: Thing-1", "thing.yml:1:1: 'Thing-1' is no collector name"},
      {"no collector help", "help: A thing.", "", "'help' is required"},
      {"no metric help", "    help: Time of b.\n", "", "'help' is required with 'metric'"},
      {"bad metric name", "pg_thing_b_seconds_total", "pg-thing",
       "thing.yml:15:5: 'pg-thing' is no metric name"},
      {"bad compat name", "name: pg_thing_b,", "name: 1x,",
       "thing.yml:20:15: '1x' is no metric name"},
      {"bad label name", "col: a, label: a", "col: a, label: a-b",
       "thing.yml:13:14: 'a-b' is no label name"},
      {"reserved label name", "col: a, label: a", "col: a, label: __a", "'__a' is no label name"},
      {"bad type", "type: counter", "type: summary",
       "thing.yml:16:5: type: expected one of gauge, counter, untyped"},
      {"bad scale", "scale: 0.001", "scale: -1",
       "thing.yml:17:5: scale: expected a number above 0"},
      {"bad versions", "\">=14 <17\"", "14-16", "versions: expected a range such as"},
      {"empty range", "\">=14 <17\"", "\">=17 <14\"", "versions: expected a range such as"},
      {"a hole", "\">=14 <17\"", "\">=14 <16\"", "thing.yml:8:1: no query for PostgreSQL 16"},
      {"a hole below", "versions: \">=14\"\n", "", "thing.yml:7:1: no query for PostgreSQL 13"},
      {"a hole above", "versions: \">=17\"", "versions: \">=17 <19\"",
       "no query for PostgreSQL 19"},
      {"overlap", "\">=14 <17\"", "\">=14\"", "two queries for PostgreSQL 17"},
      {"neither label nor metric", "{col: a, label: a}", "{col: a}",
       "thing.yml:13:6: column 'a' is neither label nor metric"},
      {"label and metric", "{col: a, label: a}", "{col: a, label: a, metric: x}",
       "'metric' does not belong to a label"},
      {"target without label", "{label: server, target: true}", "{target: true, col: c}",
       "'target' goes with 'label' alone"},
      {"column without name", "{col: a, label: a}", "{label: a}", "'col' is required"},
      {"column that is an expression", "{col: a, label: a}", "{col: a + 1, label: a}",
       "is no plain column name"},
      {"two columns of a name", "{col: a, label: a}", "{col: b, label: a}",
       "col 'b' is given twice"},
      {"two labels of a name", "{col: a, label: a}", "{col: a, label: server}",
       "label 'server' is given twice"},
      {"metric twice", "name: pg_thing_b,", "name: pg_thing_b_seconds_total,",
       "compat 'pg_thing_b_seconds_total' is given twice"},
      {"label that no column gives", "labels: [a]", "labels: [z]", "no column gives the label 'z'"},
      {"query of both kinds", "sql: SELECT 1 AS a", "sql: SELECT 1, from: x",
       "either 'from' or 'sql'"},
      {"query of no kind", "sql: SELECT 1 AS a", "order: a", "either 'from' or 'sql'"},
      {"where with sql", "sql: SELECT 1 AS a", "sql: SELECT 1, where: a",
       "'where', 'order' and 'columns_of' go with 'from'"},
      {"undeclared extension", "needs: {extension: pg_thing}", "needs: {privilege: pg_monitor}",
       "'needs' must have 'extension: pg_thing'"},
      {"unknown need", "needs: {extension: pg_thing}", "needs: {extension: pg_thing, x: y}",
       "unknown key 'x'"},
      {"bad scope", "topic: test", "topic: test\nscope: table",
       "scope: expected one of server, database"},
      {"peer_default without peer", "topic: test", "topic: test\npeer_default: true",
       "'peer_default' goes with 'peer'"},
      {"name that nothing fills", "pg_thing_b_seconds_total", "\"pg_thing_{}_total\"",
       "{} in a name needs one column with 'fills'"},
      {"fills nothing", "{col: a, label: a}", "{col: a, label: a}\n  - {col: f, fills: true}",
       "thing.yml:14:14: no metric's name has a {} to fill"},
      {"fills and label", "{col: a, label: a}", "{col: a, label: a, fills: true}",
       "'fills' belongs neither to a label nor to a metric"},
      {"has without expression", "{col: a, label: a}", "{col: a, label: a, has: a}",
       "'has' goes with 'expr'"},
      {"no metric at all", "metric: pg_thing_b_seconds_total", "label: b",
       "'columns' must have a metric"},
  };
  for (const Case& c : cases) {
    std::string text(kGood);
    const std::size_t at = text.find(c.find);
    ASSERT_NE(at, std::string::npos) << c.name;
    text.replace(at, std::string_view(c.find).size(), c.replace);
    const Result<Collector> read = ReadCollector(text, "thing.yml");
    ASSERT_FALSE(read.ok()) << c.name;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalid) << c.name;
    EXPECT_THAT(read.error().message, HasSubstr(c.message)) << c.name;
  }
}

TEST(Reader, RefusesExpressionsWhereAllQueriesAreStatements) {
  const Result<Collector> read = ReadCollector(
      "{name: a, topic: t, help: h, queries: [{sql: SELECT 1}],\n"
      " columns: [{col: a, expr: b + 1, metric: m, help: h}]}",
      "a.yml");
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr("a.yml:2:21: 'expr' goes with 'from'"));
}

TEST(Reader, ReportsAllMistakesAtOnce) {
  const Result<Collector> read = ReadCollector("name: 1\ncolumns: x\n", "bad.yml");
  ASSERT_FALSE(read.ok());
  for (const char* part : {"is no collector name", "'topic' is required", "'queries' is required",
                           "columns: expected a list"}) {
    EXPECT_THAT(read.error().message, HasSubstr(part));
  }
}

TEST(VersionRange, ReadsWhatCollectorFilesWrite) {
  const std::optional<VersionRange> range = ParseVersionRange(" >=13  <17 ");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->min, 13);
  EXPECT_EQ(range->below, 17);
  EXPECT_TRUE(ParseVersionRange("<17")->Contains(12));
  EXPECT_TRUE(ParseVersionRange(">=17")->Contains(99));
  for (const char* bad : {"", "13", ">13", ">=", "<=17", ">=17 <17", ">=x", ">=-1", "17+"}) {
    EXPECT_FALSE(ParseVersionRange(bad)) << bad;
  }
}

}  // namespace
}  // namespace pgbeacon::collectors
