#include "exporter/config/logplex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/config/config.h"

namespace pgbeacon::config {
namespace {

using testing::HasSubstr;

TEST(LogplexConfig, IsReadWhole) {
  const Config config = ReadConfig(R"(
logplex:
  tokens: /etc/pgbeacon/drains
  credentials: /etc/pgbeacon/users
  prefix: "%m [%p] "
  body_bytes: 1048576
  in_flight_bytes: 4194304
)",
                                   "pgbeacon.yml");
  ASSERT_TRUE(config.errors->empty()) << config.errors->ToError().message;
  EXPECT_TRUE(config.logplex.open);
  EXPECT_FALSE(config.logplex.invalid);
  EXPECT_EQ(config.logplex.tokens, "/etc/pgbeacon/drains");
  EXPECT_EQ(config.logplex.credentials, "/etc/pgbeacon/users");
  EXPECT_EQ(config.logplex.prefix, "%m [%p] ");
  EXPECT_EQ(config.logplex.body_bytes, 1048576U);
  EXPECT_EQ(config.logplex.in_flight_bytes, 4194304U);
}

TEST(LogplexConfig, IsClosedUnlessAskedFor) {
  EXPECT_FALSE(ReadConfig("", "pgbeacon.yml").logplex.open);
  EXPECT_FALSE(ReadConfig("", "pgbeacon.yml").logplex.invalid);
  EXPECT_TRUE(ReadConfig("logplex: {}", "pgbeacon.yml").logplex.open);
}

TEST(LogplexConfig, AMistakeIsToldAndRemembered) {
  const std::pair<const char*, const char*> cases[] = {
      {"logplex: {token: /etc/drains}", "did you mean"},
      {"logplex: yes", "logplex"},
      {"logplex: {tokens: [a, b]}", "tokens"},
      {"logplex: {body_bytes: 10}", "body_bytes: expected a number from 131072"},
      {"logplex: {body_bytes: 4194304, in_flight_bytes: 1048576}", "less than body_bytes"},
  };
  for (const auto& [text, wanted] : cases) {
    const Config config = ReadConfig(text, "pgbeacon.yml");
    ASSERT_FALSE(config.errors->empty()) << text;
    EXPECT_THAT(config.errors->ToError().message, HasSubstr(wanted));
    EXPECT_TRUE(config.logplex.invalid) << text;
  }
  EXPECT_TRUE(ReadConfig("a: [", "pgbeacon.yml").logplex.invalid) << "not known what it says";
}

}  // namespace
}  // namespace pgbeacon::config
