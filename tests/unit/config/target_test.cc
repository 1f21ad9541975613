#include "exporter/config/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/config/config.h"

namespace pgbeacon::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr const char* kGroups = R"(
auth_modules:
  app: {type: userpass, userpass: {username: reader, password: secret}, options: {sslmode: require}}
defaults: {user: pgbeacon, database: postgres, sslmode: verify-full, labels: {env: prod, tier: none}}
groups:
  apps:
    password_file: /etc/pgbeacon/apps
    labels: {tier: app}
    databases: {all: true}
    collectors: {wal: {enabled: false}, database: {limit: 5}}
)";

Config Read(const std::string& targets) { return ReadConfig(kGroups + targets, "c.yml"); }

TEST(Targets, TakeFromTheirGroupAndTheDefaultsWhatTheyDoNotSay) {
  const Config config = Read(R"(
targets:
  - {name: a, host: db1, group: apps, user: me, labels: {team: x}, collectors: {wal: {enabled: true}}}
  - {name: b, dsn: "postgresql://db2/app?sslmode=disable"}
)");
  ASSERT_TRUE(config.errors->empty()) << config.errors->ToError().message;
  const Target& first = *config.target;
  EXPECT_EQ(first.conninfo, "user='me' dbname='postgres' sslmode='verify-full' host='db1'");
  EXPECT_EQ(first.password_file, "/etc/pgbeacon/apps");
  EXPECT_THAT(first.labels,
              ElementsAre(Pair("env", "prod"), Pair("tier", "app"), Pair("team", "x")));
  EXPECT_TRUE(first.databases.on);
  EXPECT_EQ(first.collectors.at("wal").enabled, true);
  EXPECT_EQ(first.collectors.at("database").limit, 5U);
  ASSERT_EQ(config.others.size(), 1U);
  EXPECT_EQ(config.others[0].conninfo, "dbname='app' host='db2' sslmode='disable' user='pgbeacon'");
  EXPECT_FALSE(config.others[0].databases.on);
}

TEST(Targets, OfSeveralHostsAreOneForEachUnlessOneIsChosenByItsRole) {
  const Config config = Read(R"(
targets:
  - {name: pair, host: "db1,db2", port: "5432,5433"}
  - {name: any, dsn: "host=db1,db2 target_session_attrs=read-write"}
)");
  ASSERT_TRUE(config.errors->empty()) << config.errors->ToError().message;
  EXPECT_EQ(config.target->name, "pair/db1:5432");
  EXPECT_THAT(config.target->conninfo, HasSubstr("host='db1' port='5432'"));
  ASSERT_EQ(config.others.size(), 2U);
  EXPECT_EQ(config.others[0].name, "pair/db2:5433");
  EXPECT_THAT(config.others[0].conninfo, HasSubstr("host='db2' port='5433'"));
  EXPECT_EQ(config.others[1].name, "any");
}

TEST(Targets, AnAuthModuleGivesItsLogin) {
  const Config config = Read("targets: [{name: a, host: db1, auth_module: app}]");
  EXPECT_THAT(config.target->conninfo,
              HasSubstr("user='reader' dbname='postgres' sslmode='require' "
                        "password='secret' host='db1'"));
}

TEST(Targets, TheDefaultOneCanBeAnotherOrNone) {
  const std::string targets = "targets: [{name: a, host: db1}, {name: b, host: db2}]\n";
  EXPECT_EQ(Read(targets).target->name, "a");
  EXPECT_EQ(Read(targets + "default_target: b").target->name, "b");
  const Config none = Read(targets + "default_target: ''");
  EXPECT_FALSE(none.target);
  EXPECT_EQ(none.others.size(), 2U);
}

TEST(Targets, AMistakeCostsWhatItConcerns) {
  const struct {
    const char* targets;
    const char* message;
    std::size_t left;
  } cases[] = {
      {"targets: [{name: a, host: h, group: app}, {name: b, host: h}]",
       "group: there is no such entry in groups; did you mean 'apps'?", 1},
      {"targets: [{name: a, host: h, hots: x}, {name: b, host: h}]", "unknown key 'hots'", 2},
      {"targets: [{name: a, host: h, sslmode: require, labels: {'a b': x}}]",
       "cannot be a label of a target", 1},
      {"targets: [{name: a, dsn: 'host=h prot=1'}, {name: b, host: h}]", "connection string", 1},
      {"targets: [{name: a, host: h, auth_module: x}]", "there is no such entry in auth_modules",
       1},
  };
  for (const auto& test : cases) {
    const Config config = Read(test.targets);
    EXPECT_THAT(config.errors->ToError().message, HasSubstr(test.message)) << test.targets;
    EXPECT_EQ(AllTargets(config).size(), test.left) << test.targets;
  }
}

TEST(Targets, OfAFileMayHavePrometheusForm) {
  const Config config = Read("");
  YamlErrors errors;
  YamlMap root = ReadYaml(R"([{"targets": ["db1:5432", "[::1]:5433", "db3"], "group": "apps",
                              "labels": {"team": "x"}}, {"name": "own", "host": "db4"}])",
                          "more.json", errors, "targets");
  std::vector<std::string> names;
  for (YamlMap& map : root.Maps("targets")) {
    for (const Target& target : config.reader.ReadDiscovered(map)) names.push_back(target.name);
  }
  EXPECT_TRUE(errors.empty()) << errors.ToError().message;
  EXPECT_THAT(names, ElementsAre("db1:5432", "::1:5433", "db3:5432", "own"));
}

TEST(Targets, TheTextTellsWhetherAnythingHasChanged) {
  const std::string targets = "targets: [{name: a, host: db1, group: apps}]";
  const std::string text = Read(targets).target->text;
  EXPECT_EQ(Read("\n# a comment\n" + targets).target->text, text);
  EXPECT_NE(Read("targets: [{name: a, host: db1}]").target->text, text);
  EXPECT_EQ(Read("targets: [{name: a, host: db1, group: apps, labels: {b: c}}]").target->text, text)
      << "labels change without it";
}

}  // namespace
}  // namespace pgbeacon::config
