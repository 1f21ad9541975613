#include "logparse/client.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "logparse/conditions.h"

namespace pgbeacon::log {
namespace {

std::string Show(const Message& message) {
  return std::string(SideName(message.side)) + "|" + std::string(SeverityName(message.severity)) +
         "|" + std::string(message.sqlstate) + "|" + std::string(message.text);
}

std::string Unwrapped(std::string_view line) {
  Message message;
  return UnwrapClient(line, message) ? Show(message) : "none";
}

TEST(Client, TakesTheWrappersOfEveryDriverOff) {
  const struct {
    std::string_view line, expected;
  } cases[] = {
      // Ruby
      {"PGError: ERROR:  no x", "client|ERROR||no x"},
      {"PG::UndefinedTable: ERROR:  no x", "client|ERROR|42P01|no x"},
      {"PG::TRDeadlockDetected: ERROR:  no x", "client|ERROR|40P01|no x"},
      {"ActiveRecord::StatementInvalid: PG::UndefinedTable: ERROR:  no x",
       "client|ERROR|42P01|no x"},
      {"ActiveRecord::StatementInvalid (PG::UndefinedTable: ERROR:  no x)",
       "client|ERROR|42P01|no x"},
      {"app.rb:3:in `exec': ERROR:  no x (PG::UndefinedTable)", "client|ERROR|42P01|no x"},
      {"FATAL:  no x (PG::Error)", "client|FATAL||no x"},
      // Python
      {"psycopg2.errors.UndefinedTable: no \"x\"", "client|ERROR|42P01|no \"x\""},
      {"psycopg.errors.UniqueViolation: no x", "client|ERROR|23505|no x"},
      {"2026-11-20 12:00:01,123 ERROR [app] psycopg2.errors.UndefinedTable: no x",
       "client|ERROR|42P01|no x"},
      {"psycopg2.OperationalError: connection to server at \"db\" (10.0.0.7), port 5432 failed: "
       "FATAL:  password no",
       "client|FATAL||password no"},
      {"sqlalchemy.exc.ProgrammingError: (psycopg2.errors.UndefinedTable) no x",
       "client|ERROR|42P01|no x"},
      {"sqlalchemy.exc.ProgrammingError: (sqlalchemy.dialects.postgresql.asyncpg.ProgrammingError) "
       "<class 'asyncpg.exceptions.UndefinedTableError'>: no x",
       "client|ERROR|42P01|no x"},
      {"asyncpg.exceptions.UndefinedTableError: no x", "client|ERROR|42P01|no x"},
      {"django.db.utils.ProgrammingError: no x", "client|||no x"},
      // Java
      {"org.postgresql.util.PSQLException: ERROR: no x", "client|ERROR||no x"},
      {"Caused by: org.postgresql.util.PSQLException: FATAL: no x", "client|FATAL||no x"},
      {"Exception in thread \"main\" org.postgresql.util.PSQLException: ERROR: no x",
       "client|ERROR||no x"},
      {"org.springframework.jdbc.BadSqlGrammarException: bad SQL; nested exception is "
       "org.postgresql.util.PSQLException: ERROR: no x",
       "client|ERROR||no x"},
      {"12:00:01 WARN o.h.engine.jdbc.spi.SqlExceptionHelper : ERROR: no x", "client|ERROR||no x"},
      {"io.r2dbc.postgresql.ExceptionFactory$PostgresqlBadGrammarException: [42P01] no x",
       "client|ERROR|42P01|no x"},
      // PHP
      {"SQLSTATE[42P01]: Undefined table: 7 ERROR:  no x", "client|ERROR|42P01|no x"},
      {"PHP Fatal error:  Uncaught PDOException: SQLSTATE[42P01]: Undefined table: 7 ERROR:  no x",
       "client|ERROR|42P01|no x"},
      // Go
      {"pq: no x", "client|ERROR||no x"},
      {"2026/11/20 12:00:01 pq: no x", "client|ERROR||no x"},
      {"panic: pq: no x", "client|ERROR||no x"},
      {"ERROR: no x (SQLSTATE 42P01)", "client|ERROR|42P01|no x"},
      {"2026/11/20 12:00:01 query: ERROR: no x (SQLSTATE 42P01)", "client|ERROR|42P01|no x"},
      // .NET, JavaScript, Elixir, Rust, C
      {"Npgsql.PostgresException (0x80004005): 42P01: no x", "client|ERROR|42P01|no x"},
      {"Unhandled exception. Npgsql.PostgresException (0x80004005): 42P01: no x",
       "client|ERROR|42P01|no x"},
      {"error: no x", "client|||no x"},
      {"SequelizeDatabaseError: no x", "client|||no x"},
      {"** (Postgrex.Error) ERROR 42P01 (undefined_table) no x", "client|ERROR|42P01|no x"},
      {"db error: ERROR: no x", "client|ERROR||no x"},
      {"psql: error: FATAL:  no x", "client|FATAL||no x"},
  };
  for (const auto& c : cases) EXPECT_EQ(Unwrapped(c.line), c.expected) << c.line;
}

TEST(Client, LeavesOtherLinesAlone) {
  for (const std::string_view line : {
           "",
           "PG::",
           "hello",
           "ActiveRecord::RecordNotFound: no such thing",
           "java.sql.SQLException: no suitable driver",
           "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: x",
           "ERROR:  relation \"PG::UndefinedTable: x\" does not exist",
           "LOG:  statement: SELECT 'psycopg2.errors.UndefinedTable: x'",
           "2026-11-20 20:14:23.488 UTC [7] a@b ERROR:  no (PG::Error) here",
           "2026-11-20 20:14:23.488 UTC [7] a@b LOG:  statement: SELECT 'PG::X: ERROR:  y'",
           "2026-11-20 20:14:23.488 UTC [7] a@b ERROR:  no x (SQLSTATE 42P01)",
           "stmpq: x",
           "SQLSTATE[42P01]",
       }) {
    EXPECT_EQ(Unwrapped(line), "none") << line;
  }
}

TEST(Client, KnowsSqlstatesByTheNamesOfExceptions) {
  EXPECT_EQ(SqlstateOfException("UndefinedTable"), "42P01");
  EXPECT_EQ(SqlstateOfException("UndefinedTableError"), "42P01");
  EXPECT_EQ(SqlstateOfException("SerializationFailure"), "40001");
  EXPECT_EQ(SqlstateOfException("OperationalError"), "");
  EXPECT_EQ(SqlstateOfException(""), "");
}

// What is counted of these lines of one process: "E" an error, "-" none.
std::string Counted(const std::vector<std::string_view>& lines) {
  ClientErrors errors;
  std::string out;
  std::uint64_t number = 0;
  for (const std::string_view line : lines) {
    Message message;
    const bool error =
        errors.Unwrap("web.1", line, ++number, message) && message.severity != Severity::kNone;
    out += error ? 'E' : '-';
    EXPECT_TRUE(!error || message.text == "no x") << line;
  }
  return out;
}

TEST(ClientErrors, CountAChainOfExceptionsOnce) {
  EXPECT_EQ(Counted({"Traceback (most recent call last):", "psycopg2.errors.UndefinedTable: no x",
                     "The above exception was the direct cause of the following exception:",
                     "sqlalchemy.exc.ProgrammingError: (psycopg2.errors.UndefinedTable) no x"}),
            "-E--");
  EXPECT_EQ(Counted({"org.springframework.X: bad; nested exception is "
                     "org.postgresql.util.PSQLException: ERROR: no x",
                     "\tat App.main(App.java)",
                     "Caused by: org.postgresql.util.PSQLException: ERROR: no x"}),
            "E--");
}

TEST(ClientErrors, CountAnErrorThatHappensAgain) {
  EXPECT_EQ(Counted({"12:00:01 pq: no x", "12:00:02 pq: no x", "12:00:03 pq: no x"}), "EEE");
  EXPECT_EQ(Counted({"1 ERROR: no x (SQLSTATE 42P01)", "2 ERROR: no x (SQLSTATE 42P01)"}), "EE");
  const std::string_view inner = "psycopg2.errors.UndefinedTable: no x";
  const std::string_view outer =
      "sqlalchemy.exc.ProgrammingError: (psycopg2.errors.UndefinedTable) no x";
  EXPECT_EQ(Counted({inner, outer, inner, outer, inner, outer}), "E-E-E-");
}

TEST(ClientErrors, AreTheProcessesOwn) {
  ClientErrors errors;
  Message message;
  EXPECT_TRUE(errors.Unwrap("web.1", "PG::UndefinedTable: ERROR:  no x", 1, message));
  EXPECT_TRUE(errors.Unwrap("web.2", "PGError: ERROR:  no x", 2, message));
  EXPECT_EQ(Show(message), "client|ERROR||no x");
  EXPECT_TRUE(errors.Unwrap("web.1", "PGError: ERROR:  no x", 3, message));
  EXPECT_EQ(Show(message), "client|||PGError: ERROR:  no x");
  EXPECT_TRUE(errors.Unwrap("web.1", "psycopg2.Error: no x", 4 + ClientErrors::kRun, message));
  EXPECT_EQ(Show(message), "client|ERROR||no x");
}

}  // namespace
}  // namespace pgbeacon::log
