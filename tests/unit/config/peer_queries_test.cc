#include "exporter/config/peer_queries.h"

#include <gtest/gtest.h>

#include "collectors/engine/facts.h"
#include "collectors/engine/plan.h"

namespace pgbeacon::config {
namespace {

using collectors::Collector;

constexpr const char* kQueries = R"(
pg_replication:
  query: "SELECT 1 AS lag;"
  master: true
  cache_seconds: 30
  metrics:
    - lag:
        usage: "GAUGE"
        description: "Replication lag behind primary in seconds"
shop_orders:
  query: |
    SELECT state, count(*) AS open, 'up' AS health FROM orders GROUP BY state
  runonserver: ">=14.0.0 <17.0.0"
  metrics:
    - state: {usage: LABEL, description: State of the order}
    - open: {usage: counter, description: Orders}
    - health: {usage: MAPPEDMETRIC, description: Health, metric_mapping: {up: 1, "it's down": 0}}
    - note: {usage: DISCARD}
)";

std::vector<Collector> Read(const char* text, std::vector<std::string>& mistakes) {
  YamlErrors errors;
  std::vector<Collector> collectors = ReadPeerQueries(text, "queries.yaml", errors);
  mistakes = errors.messages();
  return collectors;
}

TEST(PeerQueries, BecomeCollectors) {
  std::vector<std::string> mistakes;
  const std::vector<Collector> read = Read(kQueries, mistakes);
  EXPECT_EQ(mistakes, std::vector<std::string>());
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].name, "pg_replication");
  EXPECT_TRUE(read[0].queries[0].sql.starts_with(
      "SELECT CASE pg_catalog.pg_typeof(q.\"lag\") WHEN 'pg_catalog.bool'"))
      << read[0].queries[0].sql;
  EXPECT_TRUE(read[0].queries[0].sql.ends_with(
      "ELSE q.\"lag\"::pg_catalog.text END END AS \"lag\" FROM (SELECT 1 AS lag) AS q"))
      << read[0].queries[0].sql;
  EXPECT_EQ(read[0].interval, std::chrono::seconds(30));
  ASSERT_EQ(read[0].columns.size(), 2U);
  EXPECT_EQ(read[0].columns[0].label, "server");
  EXPECT_EQ(read[0].columns[1].metric, "pg_replication_lag");
  EXPECT_TRUE(read[0].on_by_default);

  EXPECT_NE(
      read[1].queries[0].sql.find(
          "CASE q.\"health\"::pg_catalog.text WHEN 'up' THEN 1::pg_catalog.float8 WHEN 'it''s "
          "down' THEN 0::pg_catalog.float8 END AS \"health\""),
      std::string::npos)
      << read[1].queries[0].sql;
  EXPECT_TRUE(read[1].versions.Contains(14));
  EXPECT_FALSE(read[1].versions.Contains(13));
  EXPECT_FALSE(read[1].versions.Contains(17));
  EXPECT_EQ(read[1].columns[2].type, MetricType::Counter);
  EXPECT_EQ(read[1].columns[3].metric, "shop_orders_health");
  EXPECT_EQ(read[1].columns[3].col, "health");
}

TEST(PeerQueries, TellWhatCannotBeHadAndKeepTheRest) {
  const struct {
    const char* text;
    const char* mistake;
    std::size_t left;
  } cases[] = {
      {"a: {query: SELECT 1, metrics: [{x: {usage: GAUG}}]}", "usage: expected one of LABEL", 0},
      {"a: {query: SELECT 1, metrics: [{x: {usage: LABEL}}]}",
       "'metrics' must have a COUNTER, GAUGE, MAPPEDMETRIC, HISTOGRAM or DURATION", 0},
      {"a: {metrics: [{x: {usage: GAUGE}}]}", "'query' is required", 0},
      {"a: {query: SELECT 1, colour: red, metrics: [{x: {usage: GAUGE}}]}", "unknown key 'colour'",
       1},
      {"a: {query: SELECT 1, runonserver: new, metrics: [{x: {usage: GAUGE}}]}", "runonserver", 1},
      {"a: {query: SELECT 1, metrics: [{x: {usage: MAPPEDMETRIC, metric_mapping: {a: b}}}]}",
       "metric_mapping: expected a number for each text", 1},
  };
  for (const auto& c : cases) {
    std::vector<std::string> mistakes;
    const std::vector<Collector> read = Read(c.text, mistakes);
    ASSERT_FALSE(mistakes.empty()) << c.text;
    EXPECT_NE(mistakes[0].find(c.mistake), std::string::npos) << mistakes[0];
    EXPECT_EQ(read.size(), c.left) << c.text;
  }
}

TEST(PeerQueries, ReadRangesOfServers) {
  const struct {
    const char* range;
    std::vector<int> majors;
  } cases[] = {
      {">=15.0.0", {15, 16, 17, 18}},
      {"<16.0.0", {13, 14, 15}},
      {"<=16.0.0", {13, 14, 15, 16}},
      {">13.2", {13, 14, 15, 16, 17, 18}},
      {"=14.0.0", {14}},
      {">=10.0.0 <14.3.0", {13, 14}},
  };
  for (const auto& c : cases) {
    std::vector<std::string> mistakes;
    const std::string text = "a: {query: SELECT 1, runonserver: '" + std::string(c.range) +
                             "', metrics: [{x: {usage: GAUGE}}]}";
    const std::vector<Collector> read = Read(text.c_str(), mistakes);
    ASSERT_EQ(read.size(), 1U) << c.range;
    std::vector<int> majors;
    for (int major = 13; major <= 18; ++major) {
      if (read[0].versions.Contains(major)) majors.push_back(major);
    }
    EXPECT_EQ(majors, c.majors) << c.range;
  }
}

}  // namespace
}  // namespace pgbeacon::config
