#include "collectors/engine/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/engine/sql.h"

namespace pgbeacon::collectors {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// A collector file with further lines of its head.
Collector Make(const std::string& name, const std::string& head = "",
               const std::string& from = "pg_catalog.things") {
  Result<Collector> read = ReadCollector("name: " + name + "\ntopic: t\nhelp: h\n" + head +
                                             "queries: [{from: '" + from + "'}]\n" +
                                             "columns:\n"
                                             "  - {col: id, label: id}\n"
                                             "  - {col: a, metric: " +
                                             name +
                                             "_a, help: h}\n"
                                             "  - {col: b, metric: " +
                                             name + "_b, help: h}\n",
                                         name + ".yml");
  EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
  return std::move(read).value();
}

Catalogue Of(std::vector<Collector> collectors) {
  Catalogue catalogue;
  for (Collector& collector : collectors) EXPECT_TRUE(catalogue.Add(std::move(collector)).ok());
  return catalogue;
}

ServerFacts Server(int major) {
  ServerFacts facts;
  facts.version_num = major * 10000 + 1;
  facts.database = "app";
  return facts;
}

std::vector<std::string> Names(const Plan& plan) {
  std::vector<std::string> names;
  for (const PlannedCollector& planned : plan.on) names.push_back(planned.collector->name);
  return names;
}

TEST(Plan, MarksTheStatementWithTheCollectorsName) {
  const Catalogue catalogue = Of({Make("one")});
  const Plan plan = MakePlan(catalogue, {}, Server(15));
  ASSERT_EQ(plan.on.size(), 1U);
  EXPECT_EQ(plan.on[0].sql, "/* pgbeacon:one */ SELECT id, a, b FROM pg_catalog.things");
}

TEST(Plan, LeavesOutColumnsThatTheServerLacks) {
  const Catalogue catalogue = Of({Make("one")});
  ServerFacts facts = Server(15);
  facts.columns["things"] = {"id", "b", "more"};
  const Plan plan = MakePlan(catalogue, {}, facts);
  ASSERT_EQ(plan.on.size(), 1U);
  EXPECT_EQ(plan.on[0].sql, "/* pgbeacon:one */ SELECT id, b FROM pg_catalog.things");
  EXPECT_EQ(plan.on[0].columns.size(), 2U);
}

TEST(Plan, LeavesOutExpressionsOverColumnsThatTheServerLacks) {
  Collector collector = Make("one");
  Column since = collector.columns[1];
  since.col = "since_epoch";
  since.expr = "extract(epoch FROM since)";
  since.metric = "one_since";
  since.has = "since";
  collector.columns.push_back(since);
  const Catalogue catalogue = Of({collector});
  ServerFacts facts = Server(15);
  EXPECT_THAT(MakePlan(catalogue, {}, facts).on.at(0).sql, HasSubstr("since_epoch"));
  facts.columns["things"] = {"id", "a"};
  EXPECT_THAT(MakePlan(catalogue, {}, facts).on.at(0).sql, Not(HasSubstr("since_epoch")));
  facts.columns["things"].insert("since");
  EXPECT_THAT(MakePlan(catalogue, {}, facts).on.at(0).sql, HasSubstr("since_epoch"));
}

TEST(Plan, SwitchesOffWhatTheServerHasNothingOf) {
  const Catalogue catalogue = Of({Make("one")});
  ServerFacts facts = Server(15);
  facts.columns["things"] = {"id", "more"};
  EXPECT_TRUE(MakePlan(catalogue, {}, facts).on.empty());
  facts.columns["things"] = {};
  const Plan plan = MakePlan(catalogue, {}, facts);
  ASSERT_EQ(plan.off.size(), 1U);
  EXPECT_THAT(plan.off[0].reason, HasSubstr("nothing of what it asks for"));
  EXPECT_FALSE(plan.off[0].missing);
}

TEST(Plan, GivesTheReasonOfVersionAndRole) {
  const Catalogue catalogue =
      Of({Make("young", "versions: '>=17'\n"), Make("old", "versions: '<14'\n"),
          Make("primary", "role: primary\n"), Make("standby", "role: standby\n")});
  ServerFacts facts = Server(16);
  Plan plan = MakePlan(catalogue, {}, facts);
  EXPECT_THAT(Names(plan), ElementsAre("primary"));
  ASSERT_EQ(plan.off.size(), 3U);
  EXPECT_EQ(plan.off[0].reason, "needs PostgreSQL 17 or newer; this server is 16");
  EXPECT_EQ(plan.off[1].reason, "ends with PostgreSQL 13; this server is 16");
  EXPECT_EQ(plan.off[2].reason, "runs on a standby; this server is a primary");
  facts.in_recovery = true;
  EXPECT_THAT(Names(MakePlan(catalogue, {}, facts)), ElementsAre("standby"));
  EXPECT_THAT(Names(MakePlan(catalogue, {}, Server(17))), ElementsAre("young", "primary"));
}

TEST(Plan, AsksNothingOfServersOlderThanTheCollectors) {
  const Catalogue catalogue = Of({Make("one")});
  const Plan plan = MakePlan(catalogue, {}, Server(12));
  ASSERT_EQ(plan.off.size(), 1U);
  EXPECT_EQ(plan.off[0].reason, "needs PostgreSQL 13 or newer; this server is 12");
}

TEST(Plan, MissesOnlyWhatWasAskedForByName) {
  struct Case {
    const char* head;
    const char* label;
  };
  for (const Case& c : {Case{"needs: {extension: hstore}\n", "missing_extension"},
                        Case{"needs: {privilege: pg_monitor}\n", "permission"},
                        Case{"needs: {setting: track_io_timing}\n", "missing_setting"}}) {
    const Catalogue catalogue = Of({Make("one", c.head)});
    Selection selection;
    selection.all = true;
    Plan plan = MakePlan(catalogue, selection, Server(15));
    ASSERT_EQ(plan.off.size(), 1U) << c.head;
    EXPECT_FALSE(plan.off[0].missing) << c.head;
    EXPECT_EQ(plan.off[0].label, "") << c.head;
    selection.choices["one"].enabled = true;
    plan = MakePlan(catalogue, selection, Server(15));
    ASSERT_EQ(plan.off.size(), 1U) << c.head;
    EXPECT_TRUE(plan.off[0].missing) << c.head;
    EXPECT_EQ(plan.off[0].label, c.label);
    EXPECT_THAT(plan.off[0].reason, HasSubstr("needs the "));
  }
}

TEST(Plan, VersionAndRoleAreNeverMissing) {
  const Catalogue catalogue = Of({Make("one", "versions: '>=17'\nneeds: {extension: hstore}\n")});
  Selection selection;
  selection.choices["one"].enabled = true;
  const Plan plan = MakePlan(catalogue, selection, Server(15));
  ASSERT_EQ(plan.off.size(), 1U);
  EXPECT_FALSE(plan.off[0].missing);
}

TEST(Plan, PrivilegeIsMetByMembershipOrSuperuser) {
  const Catalogue catalogue = Of({Make("one", "needs: {privilege: pg_monitor}\n")});
  ServerFacts facts = Server(15);
  facts.privileges = {"pg_read_all_stats"};
  EXPECT_TRUE(MakePlan(catalogue, {}, facts).on.empty());
  facts.privileges.insert("pg_monitor");
  EXPECT_EQ(MakePlan(catalogue, {}, facts).on.size(), 1U);
  facts.privileges.clear();
  facts.superuser = true;
  EXPECT_EQ(MakePlan(catalogue, {}, facts).on.size(), 1U);
}

TEST(Plan, SettingIsMetByItsValue) {
  const Catalogue any = Of({Make("one", "needs: {setting: s}\n")});
  const Catalogue value = Of({Make("one", "needs: {setting: s=top}\n")});
  struct Case {
    const char* setting;
    bool any;
    bool value;
  };
  for (const Case& c :
       {Case{"top", true, true}, Case{"all", true, false}, Case{"off", false, false},
        Case{"0", false, false}, Case{"", false, false}}) {
    ServerFacts facts = Server(15);
    facts.settings["s"] = c.setting;
    EXPECT_EQ(MakePlan(any, {}, facts).on.size(), c.any ? 1U : 0U) << c.setting;
    EXPECT_EQ(MakePlan(value, {}, facts).on.size(), c.value ? 1U : 0U) << c.setting;
  }
}

TEST(Plan, PutsTheExtensionsSchemaIntoTheStatement) {
  const Catalogue catalogue =
      Of({Make("one", "needs: {extension: hstore}\n", "{{ext.hstore}}.things(false)")});
  ServerFacts facts = Server(15);
  facts.extensions["hstore"] = {"\"My Ext\"", "1.8"};
  facts.columns["things"] = {"id", "a"};
  const Plan plan = MakePlan(catalogue, {}, facts);
  ASSERT_EQ(plan.on.size(), 1U);
  EXPECT_EQ(plan.on[0].sql, "/* pgbeacon:one */ SELECT id, a FROM \"My Ext\".things(false)");
}

TEST(Plan, TakesTheQueryOfTheServersVersion) {
  Result<Collector> read = ReadCollector(
      "name: one\ntopic: t\nhelp: h\n"
      "queries:\n"
      "  - {versions: '<17', from: pg_catalog.t, where: x > 0, order: y}\n"
      "  - {versions: '>=17', sql: 'SELECT 1 AS a ;'}\n"
      "columns:\n"
      "  - {label: server, target: true}\n"
      "  - {col: a, expr: n + 1, metric: m_a, help: h}\n"
      "  - {col: b, metric: m_b, help: h, versions: '>=15 <17'}\n",
      "one.yml");
  ASSERT_TRUE(read.ok()) << read.error().message;
  const Catalogue catalogue = [&] {
    std::vector<Collector> one;
    one.push_back(std::move(read).value());
    return Of(std::move(one));
  }();
  const auto sql = [&](int major) { return MakePlan(catalogue, {}, Server(major)).on.at(0).sql; };
  EXPECT_EQ(sql(14),
            "/* pgbeacon:one */ SELECT n + 1 AS a FROM pg_catalog.t WHERE x > 0 ORDER BY y");
  EXPECT_EQ(sql(15),
            "/* pgbeacon:one */ SELECT n + 1 AS a, b FROM pg_catalog.t WHERE x > 0 ORDER BY y");
  EXPECT_EQ(sql(17), "/* pgbeacon:one */ SELECT 1 AS a");
}

TEST(Plan, PutsCheapFirstAndIntervalsLast) {
  const Catalogue catalogue =
      Of({Make("slow", "interval: 5m\n"), Make("dear", "cost: expensive\ndefault: true\n"),
          Make("cheap"), Make("medium", "cost: medium\ndefault: true\n")});
  EXPECT_THAT(Names(MakePlan(catalogue, {}, Server(15))),
              ElementsAre("cheap", "medium", "dear", "slow"));
}

TEST(Plan, FollowsTheUsersChoice) {
  const Catalogue catalogue = Of({Make("on", "peer: theirs\n"), Make("off", "default: false\n"),
                                  Make("dear", "cost: expensive\n")});
  Selection selection;
  EXPECT_THAT(Names(MakePlan(catalogue, selection, Server(15))), ElementsAre("on"));
  selection.choices["off"].enabled = true;
  EXPECT_THAT(Names(MakePlan(catalogue, selection, Server(15))), ElementsAre("on", "off"));
  selection.peer = true;
  EXPECT_THAT(Names(MakePlan(catalogue, selection, Server(15))), ElementsAre("off"));
  selection.choices["theirs"].enabled = true;
  EXPECT_THAT(Names(MakePlan(catalogue, selection, Server(15))), ElementsAre("on", "off"));
  selection.all = true;
  selection.choices["on"].enabled = false;
  EXPECT_THAT(Names(MakePlan(catalogue, selection, Server(15))), ElementsAre("off", "dear"));
}

TEST(Plan, ThePresetChoosesAmongOurCollectorsAndLeavesUsersOwnAsTheyAre) {
  Collector users = Make("users");
  Collector rare = Make("rare", "default: false\n");
  users.users = rare.users = true;
  const Catalogue catalogue =
      Of({Make("ours", "default: true\nsearch_path: public\n"), users, rare});
  Selection selection;
  selection.peer = true;
  const Plan plan = MakePlan(catalogue, selection, Server(15));
  EXPECT_THAT(Names(plan), ElementsAre("users"));
  ASSERT_EQ(plan.off.size(), 2U);
  EXPECT_EQ(plan.off[0].reason, "not of the preset; --collector.ours adds it");
  EXPECT_EQ(plan.off[1].reason, "off by default; --collector.rare switches it on");
}

TEST(Plan, TakesIntervalTimeoutAndLimitFromTheChoiceFirst) {
  using namespace std::chrono_literals;
  const Catalogue catalogue = Of({Make("one", "interval: 5m\ntimeout: 2s\nlimit: 7\n")});
  Selection selection;
  Plan plan = MakePlan(catalogue, selection, Server(15));
  EXPECT_EQ(plan.on.at(0).interval, 5min);
  EXPECT_EQ(plan.on.at(0).timeout, 2s);
  EXPECT_EQ(plan.on.at(0).limit, 7U);
  Choice& choice = selection.choices["one"];
  choice.interval = 0ms;
  choice.timeout = 1s;
  choice.limit = 3;
  plan = MakePlan(catalogue, selection, Server(15));
  EXPECT_EQ(plan.on.at(0).interval, std::nullopt);
  EXPECT_EQ(plan.on.at(0).timeout, 1s);
  EXPECT_EQ(plan.on.at(0).limit, 3U);
}

TEST(Catalogue, RefusesTakenNamesAndOtherTypes) {
  Catalogue catalogue = Of({Make("one")});
  Status status = catalogue.Add(Make("one"));
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("'one' is taken by one.yml"));
  Collector other = Make("two");
  other.columns[1].metric = "one_a";
  other.columns[1].type = MetricType::Counter;
  status = catalogue.Add(std::move(other));
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message,
              HasSubstr("two.yml:1:1: the metric 'one_a' has another type in one.yml:1:1"));
}

TEST(Catalogue, FindsByOwnNameBeforeThePeers) {
  const Catalogue catalogue = Of({Make("part", "peer: whole\n"), Make("whole")});
  EXPECT_EQ(catalogue.Find("whole")->name, "whole");
  EXPECT_EQ(catalogue.Find("part")->name, "part");
  EXPECT_EQ(catalogue.Find(""), nullptr);
  EXPECT_EQ(catalogue.Find("none"), nullptr);
}

TEST(Sql, KnowsTheOneRelationOfAFromClause) {
  EXPECT_EQ(RelationOf("pg_catalog.pg_stat_io"), "pg_stat_io");
  EXPECT_EQ(RelationOf(" {{ext.pg_stat_statements}}.pg_stat_statements(false)\n"),
            "pg_stat_statements");
  for (const char* none : {"", "pg_stat_io", "public.t", "pg_catalog.a JOIN pg_catalog.b",
                           "pg_catalog.a x", "(SELECT 1) AS t", "pg_catalog.f(1) g(2)x"}) {
    EXPECT_EQ(RelationOf(none), "") << none;
  }
}

}  // namespace
}  // namespace pgbeacon::collectors
