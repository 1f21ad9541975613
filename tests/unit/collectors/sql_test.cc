#include "collectors/engine/sql.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgbeacon::collectors {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(BuildStatement, PutsATestForLocksInPlaceOfUnlocked) {
  const Result<Collector> collector = ReadCollector(
      "name: t\ntopic: t\nhelp: A test.\nqueries:\n"
      "  - sql: SELECT {{unlocked c.oid}} AS a, {{unlocked i.oid}} AS b FROM pg_catalog.pg_class "
      "c\n"
      "columns:\n  - {col: a, metric: t_a, help: A.}\n  - {col: b, metric: t_b, help: B.}\n",
      "t.yml");
  ASSERT_TRUE(collector.ok()) << collector.error().message;
  ServerFacts facts;
  facts.version_num = 150000;
  const std::optional<Statement> statement = BuildStatement(*collector, facts);
  ASSERT_TRUE(statement);
  EXPECT_THAT(statement->sql, HasSubstr("(c.oid NOT IN ("));
  EXPECT_THAT(statement->sql, HasSubstr("(i.oid NOT IN ("));
  EXPECT_THAT(statement->sql, HasSubstr("AccessExclusiveLock"));
  EXPECT_THAT(statement->sql, Not(HasSubstr("{{")));
}

TEST(BuildStatement, PutsTheServersSettingInPlaceOfSet) {
  const Result<Collector> collector = ReadCollector(
      "name: t\ntopic: t\nhelp: A test.\nqueries:\n"
      "  - sql: SELECT {{set.lock_timeout}} AS a, {{set.not_known}} AS b\n"
      "columns:\n  - {col: a, metric: t_a, help: A.}\n  - {col: b, metric: t_b, help: B.}\n",
      "t.yml");
  ASSERT_TRUE(collector.ok()) << collector.error().message;
  ServerFacts facts;
  facts.version_num = 150000;
  facts.settings["lock_timeout"] = "it's 7";
  const std::optional<Statement> statement = BuildStatement(*collector, facts);
  ASSERT_TRUE(statement);
  EXPECT_THAT(statement->sql, HasSubstr("SELECT 'it''s 7' AS a, NULL AS b"));
}

}  // namespace
}  // namespace pgbeacon::collectors
