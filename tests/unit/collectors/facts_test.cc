#include "collectors/engine/facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgbeacon::collectors {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<std::string> kIdentityColumns = {
    "version_num",       "version",      "version_text", "in_recovery",
    "system_identifier", "cluster_name", "database",     "start_time",
    "conf_load_time",    "superuser",    "create_role",  "privileges"};

MemoryRows::Row IdentityRow() {
  return {"150018",
          "15.18",
          "PostgreSQL 15.18 on x",
          "t",
          "7710378746672960198",
          "c15",
          "app",
          "12.5",
          "13.5",
          "f",
          "t",
          "pg_monitor,pg_read_all_stats"};
}

TEST(Facts, ReadsTheIdentity) {
  ServerFacts facts;
  ASSERT_TRUE(
      ReadFacts(FactsQuery::kIdentity, MemoryRows(kIdentityColumns, {IdentityRow()}), facts).ok());
  EXPECT_EQ(facts.version_num, 150018);
  EXPECT_EQ(facts.major(), 15);
  EXPECT_EQ(facts.version, "15.18");
  EXPECT_TRUE(facts.in_recovery);
  EXPECT_EQ(facts.system_identifier, "7710378746672960198");
  EXPECT_EQ(facts.cluster_name, "c15");
  EXPECT_EQ(facts.database, "app");
  EXPECT_EQ(facts.start_time_seconds, 12.5);
  EXPECT_EQ(facts.conf_load_time_seconds, 13.5);
  EXPECT_FALSE(facts.superuser);
  EXPECT_TRUE(facts.create_role);
  EXPECT_THAT(facts.privileges, ElementsAre("pg_monitor", "pg_read_all_stats"));
}

TEST(Facts, NullIdentifierAndPrivilegesAreEmpty) {
  ServerFacts facts;
  facts.privileges = {"pg_monitor"};
  facts.system_identifier = "old";
  MemoryRows::Row row = IdentityRow();
  row[4] = row[11] = std::nullopt;
  ASSERT_TRUE(ReadFacts(FactsQuery::kIdentity, MemoryRows(kIdentityColumns, {row}), facts).ok());
  EXPECT_EQ(facts.system_identifier, "");
  EXPECT_THAT(facts.privileges, IsEmpty());
}

TEST(Facts, RefusesAnAnswerThatIsNotOne) {
  ServerFacts facts;
  EXPECT_FALSE(ReadFacts(FactsQuery::kIdentity, MemoryRows(kIdentityColumns, {}), facts).ok());
  EXPECT_FALSE(ReadFacts(FactsQuery::kIdentity, MemoryRows({"a"}, {{"b"}}), facts).ok());
  for (const std::size_t column : {0U, 3U, 7U}) {
    for (const char* wrong : {"", "x", "99999999999"}) {
      MemoryRows::Row row = IdentityRow();
      row[column] = column == 7 && wrong[0] == '9' ? "soon" : wrong;
      EXPECT_FALSE(
          ReadFacts(FactsQuery::kIdentity, MemoryRows(kIdentityColumns, {row}), facts).ok())
          << kIdentityColumns[column] << " " << wrong;
    }
  }
  for (const FactsQuery query :
       {FactsQuery::kExtensions, FactsQuery::kSettings, FactsQuery::kColumns}) {
    EXPECT_FALSE(ReadFacts(query, MemoryRows({"other"}, {{"1"}}), facts).ok());
  }
}

TEST(Facts, EachAnswerReplacesItsPart) {
  ServerFacts facts;
  facts.extensions["gone"] = {"public", "1"};
  facts.settings["gone"] = "1";
  facts.columns["gone"] = {"a"};
  ASSERT_TRUE(
      ReadFacts(FactsQuery::kExtensions,
                MemoryRows({"extname", "schema", "extversion"}, {{"hstore", "\"My Ext\"", "1.8"}}),
                facts)
          .ok());
  ASSERT_TRUE(ReadFacts(FactsQuery::kSettings,
                        MemoryRows({"name", "setting"},
                                   {{"log_line_prefix", "%m [%p] "}, {"x", std::nullopt}}),
                        facts)
                  .ok());
  ASSERT_TRUE(
      ReadFacts(FactsQuery::kColumns,
                MemoryRows({"relation", "name"}, {{"v", "a"}, {"v", "b"}, {"none", std::nullopt}}),
                facts)
          .ok());
  ASSERT_EQ(facts.extensions.size(), 1U);
  EXPECT_EQ(facts.extensions["hstore"].schema, "\"My Ext\"");
  EXPECT_EQ(facts.settings, (std::map<std::string, std::string>{{"log_line_prefix", "%m [%p] "}}));
  ASSERT_EQ(facts.columns.size(), 2U);
  EXPECT_THAT(facts.columns["v"], ElementsAre("a", "b"));
  EXPECT_THAT(facts.columns["none"], IsEmpty());
}

TEST(Facts, AsksForWhatTheCollectorsName) {
  Result<Collector> read = ReadCollector(
      "{name: a, topic: t, help: h, needs: {setting: my.set'ing=on, extension: x},\n"
      " queries: [{from: '{{ext.x}}.my_view'}], columns: [{col: c, metric: m, help: h}]}",
      "a.yml");
  ASSERT_TRUE(read.ok()) << read.error().message;
  Catalogue catalogue;
  ASSERT_TRUE(catalogue.Add(std::move(read).value()).ok());
  EXPECT_THAT(FactsSql(FactsQuery::kColumns, catalogue),
              HasSubstr("ARRAY['my_view'::pg_catalog.name]"));
  EXPECT_THAT(FactsSql(FactsQuery::kSettings, catalogue), HasSubstr("'my.set''ing'"));
}

TEST(Facts, EveryStatementIsMarked) {
  for (const FactsQuery query : kFactsQueries) {
    EXPECT_THAT(FactsSql(query, {}), ::testing::StartsWith("/* pgbeacon:"));
  }
}

}  // namespace
}  // namespace pgbeacon::collectors
