#include "exporter/config/native.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/config/config.h"

namespace pgbeacon::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Config Read(const std::string& keys) {
  return ReadConfig("targets:\n  - name: a\n    dsn: host=h\n" + keys, "c.yml");
}

TEST(NativeConfig, ReadsEverySource) {
  const Config config = Read(
      "    pgbouncer: [{dsn: host=p}, {name: two, dsn: host=q, password_file: /f}]\n"
      "    patroni: {url: 'https://u:p@h:8008/x', tls: {verify: false}}\n"
      "    pgbackrest: {stanza: main, config: /c, command: [sudo, pgbackrest]}\n"
      "    backups: [{name: n, kind: pg_dump, glob: '/b/*'}, {name: m, json: /j}]\n");
  ASSERT_TRUE(config.errors->empty()) << config.errors->messages()[0];
  const Native& native = config.target->native;
  ASSERT_EQ(native.poolers.size(), 2U);
  EXPECT_EQ(native.poolers[0].name, "pgbouncer");
  EXPECT_EQ(native.poolers[1].password_file, "/f");
  EXPECT_EQ(native.patroni->url.port, 8008);
  EXPECT_FALSE(native.patroni->tls.verify);
  EXPECT_THAT(native.pgbackrest->command, ElementsAre("sudo", "pgbackrest", "--config=/c",
                                                      "--stanza=main", "--output=json", "info"));
  ASSERT_EQ(native.backups.size(), 2U);
  EXPECT_EQ(native.backups[0].kind, "pg_dump");
  EXPECT_EQ(native.backups[1].kind, "files");
}

TEST(NativeConfig, AnEntrypointIsAConnectionString) {
  const Config config = Read("    entrypoint: {dsn: 'host=p port=6432', password_file: /f}\n");
  ASSERT_TRUE(config.errors->empty()) << config.errors->messages()[0];
  EXPECT_EQ(config.target->native.entrypoint->conninfo, "host=p port=6432");
  EXPECT_EQ(config.target->native.entrypoint->password_file, "/f");
  const Config wrong = Read("    entrypoint: {dsn: 'hst=p'}\n");
  ASSERT_EQ(wrong.errors->messages().size(), 1U);
  EXPECT_THAT(wrong.errors->messages()[0], HasSubstr("c.yml:4:"));
  EXPECT_FALSE(wrong.target && wrong.target->native.entrypoint);
}

TEST(NativeConfig, RunsPgBackRestForAnEmptyMap) {
  const Config config = Read("    pgbackrest: {}\n");
  EXPECT_TRUE(config.errors->empty());
  EXPECT_THAT(config.target->native.pgbackrest->command,
              ElementsAre("pgbackrest", "--output=json", "info"));
}

TEST(NativeConfig, TellsMistakesAndLeavesThemOut) {
  const std::pair<const char*, const char*> cases[] = {
      {"    pgbouncer: [{name: x}]\n", "dsn"},
      {"    pgbouncer: [{dsn: a=b}, {dsn: c=d}]\n", "already"},
      {"    patroni: {url: 'ftp://h'}\n", "url"},
      {"    patroni: {url: 'http://h', tls: {ca: /c}}\n", "tls"},
      {"    patroni: {url: 'http://h', uri: 1}\n", "uri"},
      {"    pgbackrest: {file: /f, stanza: main}\n", "either"},
      {"    backups: [{name: n}]\n", "one of both"},
      {"    backups: [{name: n, glob: a, json: b}]\n", "one of both"},
      {"    backups: [{name: n, glob: a}, {name: n, glob: b}]\n", "already"},
  };
  for (const auto& [keys, words] : cases) {
    const Config config = Read(keys);
    ASSERT_FALSE(config.errors->empty()) << keys;
    EXPECT_THAT(config.errors->messages()[0], HasSubstr(words)) << keys;
    const Native& native = config.target->native;
    EXPECT_FALSE(native.patroni);
    EXPECT_FALSE(native.pgbackrest);
    EXPECT_LE(native.backups.size() + native.poolers.size(), 1U);
  }
}

}  // namespace
}  // namespace pgbeacon::config
