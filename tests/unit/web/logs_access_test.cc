#include "exporter/web/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "exporter/config/config.h"
#include "exporter/http/url.h"

namespace pgbeacon::web {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class LogsAccess : public testing::Test {
 protected:
  LogsAccess() {
    folder_ = testing::TempDir() + "pgbeacon-access-" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
  }
  ~LogsAccess() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  static Access From(const std::string& rules) {
    const config::Config config = config::ReadConfig("logs:\n  access:\n" + rules, "test.yml");
    EXPECT_THAT(config.errors->messages(), IsEmpty());
    return Access(config.logs_access);
  }

  std::string folder_;
};

TEST_F(LogsAccess, IsOpenWithoutRules) {
  Access access(config::ReadConfig("", "test.yml").logs_access);
  EXPECT_TRUE(access.open());
  EXPECT_THAT(*access.Check(""), IsEmpty());
}

TEST_F(LogsAccess, ATokenReadsItsServers) {
  Access access =
      From("    - {token_file: " + Write("token", "t0ken\n") + ", servers: [a-*, b]}\n");
  EXPECT_FALSE(access.open());
  EXPECT_THAT(*access.Check("Bearer t0ken"), ElementsAre("a-*", "b"));
  EXPECT_THAT(*access.Check("bearer  t0ken "), ElementsAre("a-*", "b"));
  for (const char* header : {"", "Bearer", "Bearer ", "Bearer t0ke", "Bearer t0ken2", "t0ken",
                             "Basic t0ken", "Digest t0ken"}) {
    EXPECT_FALSE(access.Check(header)) << header;
  }
}

TEST_F(LogsAccess, ATokenMayBeGivenAsItsDigest) {
  Access access = From(
      "    - token_sha256: 2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE97BF527A25B\n");
  EXPECT_THAT(*access.Check("Bearer secret"), IsEmpty());
  EXPECT_FALSE(access.Check("Bearer other"));
}

TEST_F(LogsAccess, AUserHasAPassword) {
  Access access = From("    - {user: dba, password_file: " + Write("password", "a:b\n") + "}\n");
  EXPECT_TRUE(access.Check(http::BasicCredentials("dba:a:b")));
  for (const char* login : {"dba:", "dba", "dba:a", "dbb:a:b", ":a:b", ""}) {
    EXPECT_FALSE(access.Check(http::BasicCredentials(login))) << login;
  }
  for (const char* header :
       {"Basic", "Basic ", "Basic ====", "Basic =", "Basic !!!!", "Basic YQ"}) {
    EXPECT_FALSE(access.Check(header)) << header;
  }
}

TEST_F(LogsAccess, ASecretIsReadAgain) {
  Access access = From("    - token_file: " + Write("token", "old") + "\n");
  EXPECT_TRUE(access.Check("Bearer old"));
  Write("token", "new");
  EXPECT_FALSE(access.Check("Bearer old"));
  EXPECT_TRUE(access.Check("Bearer new"));
}

TEST_F(LogsAccess, AMissingOrEmptySecretLetsNobodyIn) {
  Access access = From("    - token_file: " + Write("token", "\n") +
                       "\n    - {user: dba, password_file: " + folder_ + "/absent}\n");
  EXPECT_FALSE(access.Check("Bearer "));
  EXPECT_FALSE(access.Check("Bearer"));
  EXPECT_FALSE(access.Check(http::BasicCredentials("dba:")));
}

TEST_F(LogsAccess, SeveralRulesForOneTokenAddUp) {
  const std::string token = Write("token", "t");
  Access access = From("    - {token_file: " + token +
                       ", servers: [a]}\n    - {token_file: " + token + ", servers: [b]}\n");
  EXPECT_THAT(*access.Check("Bearer t"), ElementsAre("a", "b"));
}

TEST_F(LogsAccess, MistakesAreToldAndNeverOpenTheLogs) {
  const std::vector<std::pair<std::string, const char*>> cases = {
      {"logs: {access: [{servers: [a]}]}", "give one of token_file, token_sha256"},
      {"logs: {access: [{token_file: t, user: u, password_file: p}]}", "give one of"},
      {"logs: {access: [{user: u}]}", "go together"},
      {"logs: {access: [{user: 'a:b', password_file: p}]}", "colon"},
      {"logs: {access: [{token_sha256: abc}]}", "64 hexadecimal digits"},
      {"logs: {access: [{token_file: t, servers: []}]}", "an empty list lets nobody read"},
      {"logs: {access: [{token_file: t, server: a}]}", "server"},
      {"logs: {access: everybody}", "access"},
      {"logs: {acces: [{token_file: t}]}", "acces"},
      {"logs: everybody", "logs"},
      {"logs: [", "test.yml"}};
  for (const auto& [text, message] : cases) {
    const config::Config config = config::ReadConfig(text, "test.yml");
    ASSERT_THAT(config.errors->messages(), testing::Not(IsEmpty())) << text;
    EXPECT_THAT(config.errors->messages()[0], HasSubstr(message)) << text;
    EXPECT_THAT(config.errors->messages()[0], HasSubstr("test.yml:")) << text;
    EXPECT_FALSE(Access(config.logs_access).open()) << text;
    EXPECT_FALSE(Access(config.logs_access).Check("")) << text;
  }
  EXPECT_FALSE(Access(config::LoadConfig("/nonexistent.yml").logs_access).open());
}

}  // namespace
}  // namespace pgbeacon::web
