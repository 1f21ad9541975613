#include "exporter/pg/login_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <map>

#include "exporter/net/descriptor.h"
#include "exporter/pg/up_reason.h"
#include "tests/support/loopback.h"
#include "tests/support/temp_folder.h"

namespace pgbeacon::pg {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr milliseconds kTimeout{100};

/// A variable of the environment for the time of a test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { unsetenv(name_); }

 private:
  const char* name_;
};

/// "role path" of each.
std::vector<std::string> Texts(const std::vector<LoginFile>& files) {
  std::vector<std::string> texts;
  for (const LoginFile& file : files) texts.push_back(file.role + " " + file.path);
  return texts;
}

/// A server that takes connections and says nothing.
class LoginFiles : public testing::Test {
 protected:
  Login Here(const std::string& more) const {
    Result<Login> login =
        Login::Make("host=127.0.0.1 port=" + std::to_string(port_) + " " + more, "", "");
    EXPECT_TRUE(login.ok());
    return *std::move(login);
  }
  std::vector<std::string> OfStart(const std::string& more) const {
    return Texts(FilesOfStart(*Here(more).Parameters(kTimeout), "/h"));
  }
  std::vector<std::string> OfTls(const std::string& more) const {
    const Result<PgConn> conn = Here(more).Start(kTimeout);
    if (!conn.ok()) return {conn.error().message};
    return Texts(FilesOfTls(conn->get(), "/h"));
  }

  net::Descriptor server_{socket(AF_INET, SOCK_STREAM, 0)};
  int port_ = test::ListenOnLoopback(server_.get());
  Looking looking_;
};

TEST_F(LoginFiles, AreThoseThatLibpqOpensAtTheStart) {
  EXPECT_THAT(OfStart(""), ElementsAre("passfile /h/.pgpass"));
  EXPECT_THAT(OfStart("passfile=/p"), ElementsAre("passfile /p"));
  EXPECT_THAT(OfStart("password=x passfile=/p"), IsEmpty());
  EXPECT_THAT(OfStart("service=x"),
              ElementsAre("service /h/.pg_service.conf", "passfile /h/.pgpass"));
  const Variable service("PGSERVICE", "x");
  const Variable services("PGSERVICEFILE", "/s");
  const Variable folder("PGSYSCONFDIR", "/etc/pg");
  const Variable passfile("PGPASSFILE", "/q");
  EXPECT_THAT(OfStart(""),
              ElementsAre("service /s", "service /etc/pg/pg_service.conf", "passfile /q"));
}

TEST_F(LoginFiles, AreThoseThatLibpqOpensForTls) {
  EXPECT_THAT(
      OfTls(""),
      ElementsAre("sslrootcert /h/.postgresql/root.crt", "sslcrl /h/.postgresql/root.crl",
                  "sslcert /h/.postgresql/postgresql.crt", "sslkey /h/.postgresql/postgresql.key"));
  EXPECT_THAT(OfTls("sslrootcert=/r sslcrldir=/d sslcert=/c sslkey=/k"),
              ElementsAre("sslrootcert /r", "sslcrldir /d", "sslcert /c", "sslkey /k"));
  EXPECT_THAT(OfTls("sslrootcert=/r sslmode=disable"), IsEmpty());
  const Variable root("PGSSLROOTCERT", "/environment");
  EXPECT_THAT(OfTls(""), Contains("sslrootcert /environment"));
}

TEST_F(LoginFiles, APipeIsRefusedWithWhatItIsFor) {
  const test::TempFolder folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const std::map<std::string, UpReason> cases = {{"passfile", UpReason::kAuthFailed},
                                                 {"sslrootcert", UpReason::kTls},
                                                 {"sslcrl", UpReason::kTls},
                                                 {"sslcert", UpReason::kTls},
                                                 {"sslkey", UpReason::kTls}};
  for (const auto& [role, reason] : cases) {
    const Result<PgConn> conn = StartLogin(Here(role + "=" + pipe), kTimeout, looking_);
    ASSERT_FALSE(conn.ok()) << role;
    EXPECT_EQ(conn.error().message, (role == "passfile" ? "passfile file" : "SSL file " + role) +
                                        ": cannot read " + pipe +
                                        ": it is a named pipe, expected a regular file");
    EXPECT_EQ(ReasonOf(conn.error()), reason) << role;
    EXPECT_THAT(looking_.at(), HasSubstr(role + (role == "passfile" ? " file " : " ") + pipe));
  }
  const Variable services("PGSERVICEFILE", pipe);
  const Result<PgConn> conn = StartLogin(Here("service=x"), kTimeout, looking_);
  ASSERT_FALSE(conn.ok());
  EXPECT_THAT(conn.error().message, HasSubstr("service file: cannot read " + pipe));
}

TEST_F(LoginFiles, WhatIsNotThereOrEmptyIsLeftToLibpq) {
  const Login login = Here("sslrootcert=/nowhere/x passfile=/dev/null");
  const Result<PgConn> conn = StartLogin(login, kTimeout, looking_);
  EXPECT_TRUE(conn.ok()) << conn.error().message;
  EXPECT_EQ(looking_.at(), "");
}

}  // namespace
}  // namespace pgbeacon::pg
