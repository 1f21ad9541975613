#include "exporter/pg/login.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "exporter/pg/setup_sql.h"

namespace pgbeacon::pg {
namespace {

using std::chrono::milliseconds;

std::string Find(const Login& login, const std::string& keyword) {
  const auto parameters = login.Parameters(milliseconds(900));
  if (!parameters.ok()) return "error: " + parameters.error().message;
  for (const auto& [name, value] : *parameters) {
    if (name == keyword) return value;
  }
  return "absent";
}

TEST(Login, SendsSettingsAsStartupOptions) {
  const Result<Login> login = Login::Make("host=a", "", "");
  ASSERT_TRUE(login.ok());
  EXPECT_EQ(Find(*login, "options"),
            "-c search_path=pg_catalog -c default_transaction_read_only=on "
            "-c statement_timeout=900 -c lock_timeout=100");
  EXPECT_EQ(Find(*login, "fallback_application_name"), "pgbeacon");
  EXPECT_EQ(Find(*login, "client_encoding"), "UTF8");
}

TEST(Login, LeavesTheUsersOwnOptionsInForceButForItsGuards) {
  const Result<Login> login = Login::Make(
      "host=a application_name=mine keepalives_idle=60 "
      "options='-c Lock_Timeout=1s --statement-timeout=5s -c work_mem=4MB'",
      "", "");
  ASSERT_TRUE(login.ok());
  EXPECT_EQ(Find(*login, "options"),
            "-c Lock_Timeout=1s --statement-timeout=5s -c work_mem=4MB "
            "-c search_path=pg_catalog -c default_transaction_read_only=on "
            "-c statement_timeout=900 -c lock_timeout=100");
  EXPECT_EQ(Find(*login, "application_name"), "mine");
  EXPECT_EQ(Find(*login, "keepalives_idle"), "60");
}

TEST(Login, SendsNoOptionsWhereAPoolerRefusesThem) {
  Result<Login> login = Login::Make("host=a options='-c work_mem=4MB'", "", "");
  ASSERT_TRUE(login.ok());
  login->options_refused = true;
  EXPECT_EQ(Find(*login, "options"), "");
}

TEST(Login, HasNoOptionsWhereTheServersOwnSettingsAreWanted) {
  const Result<Login> login = Login::Make("host=a options='-c statement_timeout=0'", "", "");
  ASSERT_TRUE(login.ok());
  const Login without = login->WithoutOptions();
  EXPECT_TRUE(without.without_options());
  EXPECT_EQ(Find(without, "options"), "");
  EXPECT_EQ(Find(without, "host"), "a");
}

TEST(Login, TakesTextsAsTheyAreFromADatabaseOfAnyEncoding) {
  Result<Login> login = Login::Make("host=a client_encoding=LATIN1", "", "");
  ASSERT_TRUE(login.ok());
  login->any_encoding = true;
  EXPECT_EQ(Find(*login, "client_encoding"), "SQL_ASCII");
}

TEST(Login, AsksForTheClientCheckOnlyWhereItIsKnownToWork) {
  Result<Login> login = Login::Make("host=a", "", "");
  ASSERT_TRUE(login.ok());
  EXPECT_EQ(Find(*login, "options").find("client_connection_check"), std::string::npos);
  login->check_client = CheckClient::kYes;
  EXPECT_NE(Find(*login, "options").find("-c client_connection_check_interval=1000"),
            std::string::npos);
}

TEST(Login, ReadsCredentialFilesAtEachConnect) {
  char path[] = "/tmp/pgb-login-XXXXXX";
  close(mkstemp(path));
  const Result<Login> login = Login::Make("host=a user=x password=old", "", path);
  ASSERT_TRUE(login.ok());
  std::ofstream(path) << "first\n";
  EXPECT_EQ(Find(*login, "password"), "first");
  std::ofstream(path) << "second \r\n";
  EXPECT_EQ(Find(*login, "password"), "second ");
  unlink(path);
  const auto parameters = login->Parameters(milliseconds(1));
  ASSERT_FALSE(parameters.ok());
  EXPECT_NE(parameters.error().message.find(path), std::string::npos);
}

TEST(Login, NeedsAValidConnectionString) {
  EXPECT_FALSE(Login::Make("host=a nonsense", "", "").ok());
}

TEST(SetupSql, QuotesTheRolesName) {
  const std::string sql = SetupSql("o'dd\"na\\me");
  EXPECT_NE(sql.find("E'o''dd\"na\\\\me'"), std::string::npos) << sql;
  EXPECT_NE(sql.find("GRANT pg_monitor TO \"o'dd\"\"na\\me\";"), std::string::npos) << sql;
}

TEST(Login, WaitsForNoPipeThatStandsWhereAPasswordShould) {
  std::string pipe = testing::TempDir() + "password.XXXXXX";
  const int file = mkstemp(pipe.data());
  ASSERT_GE(file, 0);
  close(file);
  unlink(pipe.c_str());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const Result<Login> login = Login::Make("host=a", "", pipe);
  ASSERT_TRUE(login.ok());
  EXPECT_EQ(Find(*login, "password"), "error: password file: cannot read " + pipe +
                                          ": it is a named pipe, expected a regular file");
  unlink(pipe.c_str());
}

}  // namespace
}  // namespace pgbeacon::pg
