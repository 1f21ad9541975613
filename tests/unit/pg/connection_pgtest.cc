#include "exporter/pg/connection.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exporter/pg/attempt.h"
#include "exporter/pg/login.h"
#include "exporter/pg/up_reason.h"
#include "tests/support/event_loop.h"
#include "tests/support/fake_pooler.h"
#include "tests/support/postgres.h"

namespace pgbeacon::pg {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kTimeout{5000};

/// One server for all tests of a program run.
class ConnectionPgTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { server = test::Postgres::Start(); }
  static void TearDownTestSuite() { server.reset(); }
  void SetUp() override { ASSERT_NE(server, nullptr); }

  static std::shared_ptr<Login> MakeLogin(const std::string& conninfo) {
    return std::make_shared<Login>(*Login::Make(conninfo, "", ""));
  }

  Attempt::Connected Open(std::shared_ptr<Login> login) {
    const TimePoint deadline = SteadyClock::now() + seconds(10);
    const auto attempt =
        Attempt::Start(loop.io.get_executor(), loop.pool, std::move(login), kTimeout, deadline);
    EXPECT_TRUE(loop.Until([&] { return attempt->ended(); }));
    return attempt->Take();
  }

  UpReason ReasonFor(const std::string& conninfo) {
    const Attempt::Connected connected = Open(MakeLogin(conninfo));
    return connected.ok() ? UpReason::kOk : ReasonOf(connected.error());
  }

  /// The first value of each answer, or its SQLSTATE.
  std::vector<std::string> Ask(Connection& connection, const std::vector<std::string>& sqls,
                               milliseconds timeout = kTimeout) {
    std::vector<Statement> statements;
    for (const std::string& sql : sqls) statements.emplace_back(sql, timeout);
    std::vector<std::string> values(sqls.size(), "unanswered");
    AnswerSink sink = [&values](std::size_t index, Answer answer) {
      values[index] = !answer.rows.ok() ? answer.rows.error().sqlstate
                      : answer.rows.value()->rows() == 0
                          ? "no rows"
                          : std::string(answer.rows.value()->at(0, 0).value_or("NULL"));
    };
    status = loop.Await(Wrap(connection, std::move(statements), std::move(sink)));
    return values;
  }

  static net::awaitable<Status> Wrap(Connection& connection, std::vector<Statement> statements,
                                     AnswerSink sink) {
    const TimePoint deadline = SteadyClock::now() + seconds(3);
    return connection.Run(std::move(statements), deadline, std::move(sink));
  }

  static inline std::unique_ptr<test::Postgres> server;
  test::EventLoop loop;
  Status status;
};

TEST_F(ConnectionPgTest, ConnectsOverTcpAndSocketWithOurSettings) {
  for (const std::string& conninfo : {server->Conninfo(), server->SocketConninfo()}) {
    Attempt::Connected connected = Open(MakeLogin(conninfo));
    ASSERT_TRUE(connected.ok()) << connected.error().message;
    const std::vector<std::string> values = Ask(
        **connected,
        {"SELECT current_setting('statement_timeout')", "SELECT current_setting('lock_timeout')",
         "SELECT current_setting('search_path')", "SELECT current_setting('transaction_read_only')",
         "SELECT current_setting('application_name')",
         "SELECT current_setting('client_connection_check_interval', true)"});
    EXPECT_TRUE(status.ok());
    const std::string check = (*connected)->server_version() >= 140000 ? "1s" : "NULL";
    EXPECT_EQ(values,
              (std::vector<std::string>{"5s", "100ms", "pg_catalog", "on", "pgbeacon", check}));
  }
}

TEST_F(ConnectionPgTest, KeepsAnErrorWithItsStatement) {
  Attempt::Connected connected = Open(MakeLogin(server->Conninfo()));
  ASSERT_TRUE(connected.ok());
  std::vector<std::string> sqls;
  std::vector<std::string> expected;
  for (int i = 0; i < 30; ++i) {
    const bool fails = i % 3 == 1;
    sqls.push_back(fails ? "SELECT 1/0" : "SELECT " + std::to_string(i));
    expected.push_back(fails ? "22012" : std::to_string(i));
  }
  sqls.push_back("CREATE TABLE public.t (a int)");
  expected.push_back("25006");
  sqls.push_back("");
  expected.push_back("no rows");
  sqls.push_back("SELECT NULL");
  expected.push_back("NULL");
  EXPECT_EQ(Ask(**connected, sqls), expected);
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(Ask(**connected, {"SELECT 7"}), std::vector<std::string>{"7"});
}

TEST_F(ConnectionPgTest, CarriesSettingsInATransactionWhereOptionsAreRefused) {
  const auto login = MakeLogin(server->Conninfo());
  login->options_refused = true;
  Attempt::Connected connected = Open(login);
  ASSERT_TRUE(connected.ok());
  const std::string settings =
      "SELECT concat_ws(' ', current_setting('statement_timeout'), "
      "current_setting('lock_timeout'), "
      "current_setting('search_path'), current_setting('transaction_read_only'))";
  EXPECT_EQ(Ask(**connected, {settings, "SELECT 1/0", "SELECT broken", settings}),
            (std::vector<std::string>{"5s 100ms pg_catalog on", "22012", "42703",
                                      "5s 100ms pg_catalog on"}));
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(server->Sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbeacon' "
                        "AND state <> 'idle'"),
            "0");
}

TEST_F(ConnectionPgTest, KeepsItsGuardsWhateverTheConnectionStringSets) {
  Attempt::Connected connected =
      Open(MakeLogin(server->Conninfo() +
                     " options='-c statement_timeout=0 -c lock_timeout=0 -c search_path=public "
                     "--default-transaction-read-only=off -c work_mem=5MB'"));
  ASSERT_TRUE(connected.ok()) << connected.error().message;
  EXPECT_EQ(Ask(**connected,
                {"SELECT current_setting('statement_timeout')",
                 "SELECT current_setting('lock_timeout')", "SELECT current_setting('search_path')",
                 "SELECT current_setting('transaction_read_only')",
                 "SELECT current_setting('work_mem')"}),
            (std::vector<std::string>{"5s", "100ms", "pg_catalog", "on", "5MB"}));
}

TEST_F(ConnectionPgTest, MakesTextsOfADatabaseInAnyEncodingValid) {
  server->Sql(
      "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' "
      "LC_CTYPE 'C'");
  const auto login = MakeLogin(server->Conninfo("postgres", "ascii"));
  Attempt::Connected connected = Open(login);
  ASSERT_TRUE(connected.ok()) << connected.error().message;
  EXPECT_TRUE(login->any_encoding);
  EXPECT_EQ(Ask(**connected, {"SELECT E'caf\\xe9'", "SELECT E'caf\\xc3\\xa9'"}),
            (std::vector<std::string>{"caf\xEF\xBF\xBD", "caf\xC3\xA9"}));
  *login = login->To("postgres");
  Attempt::Connected other = Open(login);
  ASSERT_TRUE(other.ok()) << other.error().message;
  EXPECT_FALSE(login->any_encoding) << "a lesson about another database";
}

TEST_F(ConnectionPgTest, SeesWhenTheServerHasEndedABackend) {
  Attempt::Connected connected = Open(MakeLogin(server->Conninfo()));
  ASSERT_TRUE(connected.ok());
  const int pid = (*connected)->backend_pid();
  kill(pid, SIGSTOP);
  const auto place = std::make_shared<int>(1);
  const std::shared_ptr<Leaving> leaving = (*connected)->Leave(place);
  ASSERT_NE(leaving, nullptr);
  EXPECT_FALSE(loop.Await(leaving->Wait(SteadyClock::now() + milliseconds(300))));
  EXPECT_EQ(place.use_count(), 2);
  kill(pid, SIGCONT);
  EXPECT_TRUE(loop.Await(leaving->Wait(SteadyClock::now() + seconds(10))));
  EXPECT_EQ(place.use_count(), 1);
  EXPECT_EQ(server->Sql("SELECT count(*) FROM pg_stat_activity WHERE pid = " + std::to_string(pid)),
            "0");
}

TEST_F(ConnectionPgTest, WorksThroughAPoolerThatRefusesOrIgnoresOptions) {
  for (const auto options :
       {test::FakePooler::Options::kRefuse, test::FakePooler::Options::kIgnore}) {
    const test::FakePooler pooler(server->port(), options);
    const auto login = MakeLogin("host=127.0.0.1 user=postgres dbname=postgres port=" +
                                 std::to_string(pooler.port()));
    for (int i = 0; i < 2; ++i) {
      Attempt::Connected connected = Open(login);
      ASSERT_TRUE(connected.ok()) << connected.error().message;
      EXPECT_TRUE(login->options_refused);
      EXPECT_EQ(Ask(**connected, {"SELECT current_setting('lock_timeout')"}),
                std::vector<std::string>{"100ms"});
    }
    EXPECT_EQ(pooler.refusals(), options == test::FakePooler::Options::kRefuse ? 1 : 0);
  }
}

TEST_F(ConnectionPgTest, GivesOneStatementATimeoutOfItsOwn) {
  Attempt::Connected connected = Open(MakeLogin(server->Conninfo()));
  ASSERT_TRUE(connected.ok());
  EXPECT_EQ(Ask(**connected, {"SELECT pg_sleep(20)", "SELECT 1"}, milliseconds(150)),
            (std::vector<std::string>{"57014", "1"}));
  EXPECT_EQ(Ask(**connected, {"SELECT current_setting('statement_timeout')"}),
            std::vector<std::string>{"5s"});
}

TEST_F(ConnectionPgTest, EndsAtTheDeadline) {
  Attempt::Connected connected = Open(MakeLogin(server->Conninfo()));
  ASSERT_TRUE(connected.ok());
  EXPECT_EQ(Ask(**connected, {"SELECT 1", "SELECT pg_sleep(20)"}),
            (std::vector<std::string>{"1", "unanswered"}));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kTimeout);
}

TEST_F(ConnectionPgTest, SaysThatCopyCannotRun) {
  Attempt::Connected connected = Open(MakeLogin(server->Conninfo()));
  ASSERT_TRUE(connected.ok());
  Ask(**connected, {"SELECT 1", "COPY (SELECT 1) TO STDOUT"});
  EXPECT_FALSE(status.ok());
}

TEST_F(ConnectionPgTest, TellsWhenTheBackendIsTerminated) {
  Attempt::Connected connected = Open(MakeLogin(server->Conninfo()));
  ASSERT_TRUE(connected.ok());
  server->Sql("SELECT pg_terminate_backend(" + std::to_string((*connected)->backend_pid()) + ")");
  Ask(**connected, {"SELECT 1"});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
}

TEST_F(ConnectionPgTest, NamesTheReasonOfAFailedConnect) {
  server->Sql("CREATE ROLE pw LOGIN PASSWORD 'right'");
  server->Sql("CREATE DATABASE walled");
  server->Sql("CREATE DATABASE closed ALLOW_CONNECTIONS false");
  const std::pair<std::string, UpReason> cases[] = {
      {server->Conninfo("pw") + " password=right", UpReason::kOk},
      {server->Conninfo("pw") + " password=wrong", UpReason::kAuthFailed},
      {server->Conninfo("pw") + " passfile=/nonexistent", UpReason::kAuthFailed},
      {server->Conninfo("nobody_of_this_name"), UpReason::kAuthFailed},
      {server->Conninfo("postgres", "walled"), UpReason::kHbaRejected},
      {server->Conninfo("postgres", "nope"), UpReason::kDatabaseMissing},
      {server->Conninfo("postgres", "closed"), UpReason::kNotAccepting},
      {server->Conninfo() + " sslmode=require", UpReason::kTls},
      {"host=nosuch.invalid user=x", UpReason::kDns},
      {"host=127.0.0.1 port=1 user=x", UpReason::kUnreachable},
      {"host=/nonexistent user=x", UpReason::kUnreachable},
      {"host=127.0.0.1,/nonexistent port=1 user=x", UpReason::kUnreachable},
  };
  for (const auto& [conninfo, reason] : cases) {
    EXPECT_STREQ(UpReasonName(ReasonFor(conninfo)), UpReasonName(reason)) << conninfo;
  }
}

TEST_F(ConnectionPgTest, TriesTheNextOfSeveralHosts) {
  const std::string two = "host=/nonexistent,127.0.0.1 user=postgres dbname=postgres port=" +
                          std::to_string(server->port());
  EXPECT_EQ(ReasonFor(two), UpReason::kOk);
}

}  // namespace
}  // namespace pgbeacon::pg
