#include "exporter/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <string_view>

namespace pgbeacon::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Environment Fixed(std::map<std::string, std::string> values) {
  return [values](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

TEST(Config, ReadsTargetSourcesAndCollectors) {
  const Config config = ReadConfig(R"(
targets:
  - name: orders
    host: db1
    port: 5433
    user: o'brien
    database: shop
    password_file: /etc/pgbeacon/password
    sources:
      - {file: /var/log/postgresql/*.log, prefix: "%m [%p] ", from: begin}
      - {file: /var/log/postgresql/*.json, format: json, forms: all}
sources:
  - {file: /var/log/other.log, server: other}
collectors:
  database: {enabled: true, interval: 10m, timeout: 30s, limit: 100}
user_collectors: [/etc/pgbeacon/collectors/*.yml]
long_statement_threshold: 500ms
datname_limit: 20
fingerprints: 50
)",
                                   "pgbeacon.yml");
  ASSERT_TRUE(config.errors->empty()) << config.errors->ToError().message;
  const Target& target = *config.target;
  EXPECT_EQ(target.name, "orders");
  EXPECT_EQ(target.conninfo, "host='db1' port='5433' user='o\\'brien' dbname='shop'");
  EXPECT_EQ(target.password_file, "/etc/pgbeacon/password");
  ASSERT_EQ(target.sources.size(), 2U);
  EXPECT_EQ(target.sources[0].prefix, "%m [%p] ");
  EXPECT_EQ(target.sources[0].from_begin, true);
  EXPECT_EQ(target.sources[0].form, log::FormKind::kAuto);
  EXPECT_FALSE(target.sources[0].all_forms);
  EXPECT_EQ(target.sources[1].form, log::FormKind::kJson);
  EXPECT_TRUE(target.sources[1].all_forms);
  ASSERT_EQ(config.sources.size(), 1U);
  EXPECT_EQ(config.sources[0].server, "other");
  const collectors::Choice& choice = config.selection.choices.at("database");
  EXPECT_EQ(choice.enabled, true);
  EXPECT_EQ(choice.interval, std::chrono::minutes(10));
  EXPECT_EQ(choice.limit, 100U);
  EXPECT_EQ(config.long_statement, std::chrono::milliseconds(500));
  EXPECT_EQ(config.datname_limit, 20);
  EXPECT_EQ(config.fingerprints, 50);
}

TEST(Config, NamesFileLineAndColumnOfEveryMistake) {
  const struct {
    const char* name;
    const char* text;
    const char* expected;
  } cases[] = {
      {"unknown key", "targts: []\n", "c.yml:1:1: unknown key 'targts'; did you mean 'targets'?"},
      {"duplicate key", "sources: []\nsources: []\n",
       "c.yml:2:1: duplicate key 'sources', first given in line 1"},
      {"wrong type", "collectors:\n  wal: {enabled: perhaps}\n",
       "c.yml:2:9: enabled: expected true or false"},
      {"bad time", "long_statement_threshold: soon\n", "expected a time such as"},
      {"bad form", "sources:\n  - {file: x, server: y, format: cvs}\n",
       "c.yml:2:26: format: expected one of auto, stderr, csv, json"},
      {"too many databases", "datname_limit: 1000000\n",
       "c.yml:1:1: datname_limit: expected a number from 0 to 10000"},
      {"dsn and parts", "targets:\n  - {dsn: \"host=a\", host: b}\n",
       "c.yml:2:6: give either dsn or its parts"},
      {"no server", "targets:\n  - {name: x}\n", "a target needs dsn"},
      {"no such default", "default_target: x\n",
       "c.yml:1:1: default_target: there is no such target"},
      {"source without server", "sources:\n  - {file: x}\n", "'server' is required"},
      {"YAML syntax", "targets: [\n", "YAML syntax"},
      {"not a map", "- 1\n", "c.yml:1:1: the document must be a map of keys"},
  };
  for (const auto& test : cases) {
    const Config config = ReadConfig(test.text, "c.yml");
    EXPECT_THAT(config.errors->ToError().message, HasSubstr(test.expected)) << test.name;
  }
}

/// Every key that a config may have; `@` stands where the value is put.
constexpr const char* kPlaces[] = {
    "@: 1\n",
    "@: [1]\n@: 2\n",
    "targets: @\n",
    "targets: [@]\n",
    "targets: {@: 1}\n",
    "targets: [{name: a, host: h, @: x}]\n",
    "targets: [{host: h, group: @}]\n",
    "targets: [{host: h, auth_module: @}]\n",
    "targets: [{host: h, labels: @}]\n",
    "targets: [{host: h, labels: {@: x}}]\n",
    "targets: [{host: h, labels: {@: [x]}}]\n",
    "targets: [{host: h, limits: {connections: @}}]\n",
    "targets: [{host: h, databases: {all: @, interval: @}}]\n",
    "targets: [{host: h, collectors: {wal: {enabled: @, limit: @}, @: {}, x: @}}]\n",
    "targets: [{host: h, sources: [{file: @, format: @, from: @, forms: @}]}]\n",
    "targets: [{host: h, pgbouncer: [{name: @, dsn: 'host=h'}, {name: @, dsn: 'host=h'}]}]\n",
    "targets: [{host: h, backups: [{name: @, glob: a}, {name: @, glob: b}]}]\n",
    "targets: [{host: h, entrypoint: @}]\n",
    "targets: [{host: h, patroni: {url: @}}]\n",
    "default_target: @\n",
    "default_target: {@: 1}\n",
    "groups: @\n",
    "groups: {a: @, @: 1}\n",
    "defaults: @\n",
    "auth_modules: @\n",
    "auth_modules: {a: @, @: 1}\n",
    "auth_modules: {a: {type: @, userpass: @, options: {@: [1]}}}\n",
    "file_sd: {files: @, refresh_interval: @}\n",
    "sources: [{type: @}]\n",
    "sources: [{type: syslog_udp, addr: @, max_message: @}]\n",
    "sources: [{type: syslog_tls, addr: ':1', tls: {cert: @, key: @}}]\n",
    "collectors: {@: {}, wal: {interval: @, options: {@: x}}}\n",
    "user_collectors: [@]\n",
    "events: @\n",
    "logplex: {tokens: @, credentials: [@]}\n",
    "logs: {access: [{token_file: @}, {token_sha256: @}, {user: @}]}\n",
    "drains: [{url: @}, {url: 'http://h', severity: @, buffer: @, token_file: @}]\n",
    "drains: [{url: 'http://h', name: @}, {url: 'http://h', name: @, tls: {ca: @}}]\n",
    "sample: {interval: @}\n",
    "long_statement_threshold: @\n",
    "datname_limit: @\n",
    "fingerprints: @\n",
};

TEST(Config, NoMistakeShowsAConnectionThatStandsInAnotherPlace) {
  for (const char* secret : {"postgresql://u:hunter2@h/d", "host=h user=u password=hunter2",
                             "https://u:hunter2@h", "hunter2"}) {
    for (const std::string_view place : kPlaces) {
      std::string text;
      for (const char c : place) {
        text += c == '@' ? "'" + std::string(secret) + "'" : std::string(1, c);
      }
      Config config = ReadConfig(text, "c.yml");
      if (place.find("collectors") != std::string::npos) {
        const Result<collectors::Catalogue> catalogue = LoadCollectors(config);
        ASSERT_TRUE(catalogue.ok());
        CheckSelection(config, *catalogue);
      }
      EXPECT_EQ(config.errors->ToError().message.find("hunter2"), std::string::npos)
          << text << config.errors->ToError().message;
    }
  }
}

TEST(Config, NoMistakeShowsAPasswordThatStandsBesideItsKey) {
  for (const char* text :
       {"auth_modules: {a: {type: hunter2}}\n", "targets: [{host: h, auth_module: hunter2}]\n",
        "auth_modules: {a: {type: userpass, userpass: hunter2}}\n",
        "auth_modules: {a: {type: userpass, userpass: {password:hunter2}}}\n",
        "drains: [{url: 'http://h', token_file: hunter2}]\n", "groups: hunter2\n"}) {
    const Config config = ReadConfig(text, "c.yml");
    EXPECT_FALSE(config.errors->empty()) << text;
    EXPECT_EQ(config.errors->ToError().message.find("hunter2"), std::string::npos) << text;
  }
}

TEST(Config, AnEmptyFileIsAnEmptyConfig) {
  const Config config = ReadConfig("", "c.yml");
  EXPECT_TRUE(config.errors->empty());
  EXPECT_FALSE(config.target);
}

TEST(Config, AMissingFileNamesThePathAndTheRemedy) {
  const Config config = LoadConfig("/nonexistent/pgbeacon.yml");
  const std::string message = config.errors->ToError().message;
  EXPECT_THAT(message, HasSubstr("/nonexistent/pgbeacon.yml: No such file"));
  EXPECT_THAT(message, HasSubstr("--config.file"));
}

TEST(Environment, TakesTheServerInThePeersOrder) {
  const std::map<std::string, std::string> all = {
      {"DATA_SOURCE_NAME", "host=name"},     {"DATA_SOURCE_URI", "uri:5432/db?sslmode=disable"},
      {"DATA_SOURCE_USER", "me@home"},       {"DATA_SOURCE_PASS", "p:/w"},
      {"DATABASE_URL", "postgres://url/db"}, {"PGHOST", "pghost"}};
  const struct {
    std::vector<std::string> without;
    const char* expected;
  } cases[] = {
      {{}, "host=name"},
      {{"DATA_SOURCE_NAME"}, "postgresql://me%40home:p%3A%2Fw@uri:5432/db?sslmode=disable"},
      {{"DATA_SOURCE_NAME", "DATA_SOURCE_URI"}, "postgres://url/db"},
      {{"DATA_SOURCE_NAME", "DATA_SOURCE_URI", "DATABASE_URL"}, ""},
  };
  for (const auto& test : cases) {
    std::map<std::string, std::string> values = all;
    for (const std::string& name : test.without) values.erase(name);
    const Result<std::vector<Target>> targets = TargetsFromEnvironment(Fixed(values));
    ASSERT_TRUE(targets.ok() && targets->size() == 1);
    EXPECT_EQ(targets->front().conninfo, test.expected);
  }
}

TEST(Environment, WithoutAnyVariableThereIsNoTarget) {
  const Result<std::vector<Target>> targets = TargetsFromEnvironment(Fixed({{"PGPORT", "5433"}}));
  ASSERT_TRUE(targets.ok());
  EXPECT_TRUE(targets->empty());
}

TEST(Environment, AListOfServersIsTakenApart) {
  const auto targets = TargetsFromEnvironment(
      Fixed({{"DATA_SOURCE_NAME", "postgres://a,b/x,postgresql://c/x?options=-csearch_path=d,e"}}));
  ASSERT_TRUE(targets.ok() && targets->size() == 2);
  EXPECT_EQ((*targets)[0].conninfo, "postgres://a,b/x");
  EXPECT_EQ((*targets)[1].conninfo, "postgresql://c/x?options=-csearch_path=d,e");
}

TEST(Environment, AMissingUriFileIsAnErrorThatNamesTheVariable) {
  const auto target = TargetsFromEnvironment(Fixed({{"DATA_SOURCE_URI_FILE", "/nonexistent/uri"}}));
  ASSERT_FALSE(target.ok());
  EXPECT_THAT(target.error().message,
              HasSubstr("DATA_SOURCE_URI_FILE: cannot read /nonexistent/uri"));
}

TEST(Config, AnUnknownCollectorNamesTheNearest) {
  const Result<collectors::Catalogue> catalogue = collectors::Catalogue::Builtin();
  ASSERT_TRUE(catalogue.ok()) << catalogue.error().message;
  Config config;
  config.selection.choices["stat_databse"].enabled = true;
  CheckSelection(config, *catalogue);
  EXPECT_THAT(config.errors->ToError().message, HasSubstr("did you mean 'stat_database'?"));
}

TEST(Config, AUserCollectorMustExistButAGlobMayMatchNothing) {
  Config config;
  config.user_collectors = {"/nonexistent/*.yml", "/nonexistent/mine.yml"};
  const Result<collectors::Catalogue> catalogue = LoadCollectors(config);
  ASSERT_TRUE(catalogue.ok());
  EXPECT_EQ(config.errors->messages(),
            std::vector<std::string>{
                "user collectors: cannot read /nonexistent/mine.yml: No such file or directory"});
}

TEST(Config, AUserCollectorHasNoMetricOfPgbeaconsOwn) {
  const std::string path = testing::TempDir() + "own.yml";
  std::ofstream(path) << "name: own\ntopic: t\nhelp: h\nqueries: [{sql: SELECT 1 AS up}]\n"
                         "columns: [{col: up, metric: pg_up, type: gauge, help: h}]\n";
  Config config;
  config.user_collectors = {path};
  const Result<collectors::Catalogue> catalogue = LoadCollectors(config, [] {
    return std::map<std::string, MetricType>{{"pg_up", MetricType::Gauge}};
  });
  ASSERT_TRUE(catalogue.ok());
  EXPECT_EQ(catalogue->Find("own"), nullptr);
  EXPECT_THAT(config.errors->messages(),
              ElementsAre(path + ":1:1: the metric 'pg_up' is pgbeacon's own; give it another "
                                 "name"));
}

TEST(Config, AWrongEventRowIsLeftOutAndTheOthersLoad) {
  Config config = ReadConfig(R"(events:
  - {name: mine, nonsense: 1}
  - {name: good, class: app, text: job done, sample: job done}
)",
                             "c.yml");
  const Result<log::Catalogue> events = LoadEvents(config);
  ASSERT_TRUE(events.ok()) << events.error().message;
  ASSERT_EQ(events->rows().size(), events->own_rows() + 1);
  EXPECT_EQ(events->rows().back().name, "good");
  for (const std::string& message : config.errors->messages()) {
    EXPECT_THAT(message, HasSubstr("c.yml:2:"));
  }
  EXPECT_THAT(config.errors->ToError().message, HasSubstr("c.yml:2:18: unknown key 'nonsense'"));
}

}  // namespace
}  // namespace pgbeacon::config
