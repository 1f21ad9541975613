#include "exporter/config/drains.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "exporter/config/config.h"

namespace pgbeacon::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TEST(DrainsConfig, IsReadWhole) {
  const std::string token = testing::TempDir() + "pgbeacon-token-" + std::to_string(getpid());
  std::ofstream(token) << "d.01234567-89ab\n";
  const Config config = ReadConfig(R"(
drains:
  - url: syslog+tls://logs.example.com
    servers: [orders-*, billing]
    ps: postgres
    source: app
    severity: WARNING
    token_file: )" + token + R"(
    tls: {verify: false}
    buffer: 5000
  - url: https://user:p%40ss@logs.example.com/in?team=db
    name: archive
    token: d.1
  - url: "syslog://[::1]:5140"
)",
                                   "pgbeacon.yml");
  std::filesystem::remove(token);
  ASSERT_TRUE(config.errors->empty()) << config.errors->ToError().message;
  ASSERT_THAT(config.drains, SizeIs(3));
  const fanout::DrainOptions& first = config.drains[0];
  EXPECT_EQ(first.name, "logs.example.com:6514");
  EXPECT_EQ(first.address.kind, fanout::DrainKind::kSyslog);
  EXPECT_TRUE(first.address.url.tls);
  EXPECT_THAT(first.filter.servers, ElementsAre("orders-*", "billing"));
  EXPECT_EQ(first.filter.process, "postgres");
  EXPECT_EQ(first.filter.source, "app");
  EXPECT_EQ(first.filter.at_least, log::Severity::kWarning);
  EXPECT_EQ(first.token, "d.01234567-89ab");
  EXPECT_FALSE(first.tls.verify);
  EXPECT_EQ(first.lines, 5000U);
  const fanout::DrainOptions& second = config.drains[1];
  EXPECT_EQ(second.name, "archive");
  EXPECT_EQ(second.address.kind, fanout::DrainKind::kLogplex);
  EXPECT_EQ(second.address.url.target, "/in?team=db");
  EXPECT_EQ(second.address.url.user_info, "user:p@ss");
  EXPECT_TRUE(second.tls.verify);
  EXPECT_EQ(config.drains[2].name, "::1:5140");
  EXPECT_EQ(config.drains[2].lines, 1024U);
}

TEST(DrainsConfig, AMistakeIsToldWithItsPlaceAndNoSecret) {
  const std::pair<const char*, const char*> cases[] = {
      {"drains: [{name: a}]", "url"},
      {"drains: [{url: 'ftp://u:secret@host'}]", "expected syslog://HOST[:PORT]"},
      {"drains: [{url: 'syslog://u:secret@host'}]", "expected syslog://HOST[:PORT]"},
      {"drains: [{url: 'syslog://host:99999'}]", "expected syslog://HOST[:PORT]"},
      {"drains: [{url: 'syslog://host', server: a}]", "did you mean 'servers'"},
      {"drains: [{url: 'syslog://host', severity: LOUD}]", "severity"},
      {"drains: [{url: 'syslog://host', buffer: 0}]", "buffer: expected lines from 1"},
      {"drains: [{url: 'syslog://host', servers: []}]", "servers: an empty list sends nothing"},
      {"drains: [{url: 'syslog://host', token: 'a secret'}]", "token: expected one word"},
      {"drains: [{url: 'syslog://host', token: secret, token_file: f}]", "token or token_file"},
      {"drains: [{url: 'syslog://host', token_file: /nonexistent}]", "/nonexistent"},
      {"drains: [{url: 'syslog://host', tls: {verify: false}}]", "neither https://"},
      {"drains: [{url: 'https://host', tls: {ca: /nonexistent}}]", "/nonexistent"},
      {"drains: [{url: 'https://u:secret@h/a'}, {url: 'https://h/b'}]",
       "a drain of this name already"},
  };
  for (const auto& [text, wanted] : cases) {
    const Config config = ReadConfig(text, "pgbeacon.yml");
    ASSERT_FALSE(config.errors->empty()) << text;
    const std::string told = config.errors->ToError().message;
    EXPECT_THAT(told, HasSubstr(wanted)) << text;
    EXPECT_THAT(told, testing::StartsWith("pgbeacon.yml:1:")) << text;
    EXPECT_EQ(told.find("secret"), std::string::npos) << told;
  }
}

}  // namespace
}  // namespace pgbeacon::config
