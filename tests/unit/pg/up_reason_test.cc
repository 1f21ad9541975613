#include "exporter/pg/up_reason.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace pgbeacon::pg {
namespace {

std::string At(const std::string& rest) {
  return "connection to server at \"127.0.0.1\", port 5432 failed: " + rest;
}

TEST(UpReason, FollowsTheSqlstateOfARefusedConnect) {
  const std::pair<std::string, UpReason> cases[] = {
      {"FATAL:  28P01: password authentication failed for user \"pw\"", UpReason::kAuthFailed},
      {"FATAL:  28000: role \"x\" does not exist", UpReason::kAuthFailed},
      {"FATAL:  28000: pg_hba.conf rejects connection for host \"::1\"", UpReason::kHbaRejected},
      {"FATAL:  28000: no pg_hba.conf entry for host \"::1\"", UpReason::kHbaRejected},
      {"FATAL:  42501: permission denied for database \"x\"", UpReason::kAuthFailed},
      {"FATAL:  3D000: database \"nope\" does not exist", UpReason::kDatabaseMissing},
      {"FATAL:  55000: database \"x\" is not currently accepting connections",
       UpReason::kNotAccepting},
      {"FATAL:  53300: sorry, too many clients already", UpReason::kTooManyConnections},
      {"FATAL:  57P03: the database system is starting up", UpReason::kStartingUp},
      {"FATAL:  57P03: the database system is in recovery mode", UpReason::kStartingUp},
      {"FATAL:  57P03: the database system is shutting down", UpReason::kInShutdown},
      {"FATAL:  57P03: the database system is not accepting connections", UpReason::kNotAccepting},
      {"FATAL:  57P01: terminating connection due to administrator command", UpReason::kInShutdown},
      {"FATAL:  08P01: no more connections allowed (max_client_conn)",
       UpReason::kTooManyConnections},
      {"FATAL:  08P01: not allowed", UpReason::kAuthFailed},
      {"FATAL:  08P01: admin access needed", UpReason::kAuthFailed},
      {"FATAL:  08P01: SSL required", UpReason::kTls},
      {"FATAL:  08P01: database \"x\" is disabled", UpReason::kNotAccepting},
      {"FATAL:  08P01: server login has been failing", UpReason::kUnreachable},
      {"FATALER FEHLER:  28P01: Passwort-Authentifizierung fehlgeschlagen", UpReason::kAuthFailed},
      {"FATAL:  XX000: something new", UpReason::kOther},
  };
  for (const auto& [text, reason] : cases) {
    const Error error = ConnectError(At(text) + "\nLOCATION:  somewhere, file.c:1\n");
    EXPECT_STREQ(UpReasonName(ReasonOf(error)), UpReasonName(reason)) << text;
    EXPECT_EQ(error.message.find("LOCATION"), std::string::npos);
  }
}

TEST(UpReason, FollowsLibpqsWordsWhereTheServerSaidNothing) {
  const std::pair<std::string, UpReason> cases[] = {
      {"could not translate host name \"nosuch.invalid\" to address: Name or service not known",
       UpReason::kDns},
      {At("Connection refused\n\tIs the server running on that host?"), UpReason::kUnreachable},
      {"connection to server on socket \"/x/.s.PGSQL.1\" failed: No such file or directory",
       UpReason::kUnreachable},
      {At("server does not support SSL, but SSL was required"), UpReason::kTls},
      {At("SSL error: certificate verify failed"), UpReason::kTls},
      {At("fe_sendauth: no password supplied"), UpReason::kAuthFailed},
      {At("server closed the connection unexpectedly"), UpReason::kUnreachable},
      {At("timeout expired"), UpReason::kTimeout},
      {At("expected authentication request from server, but received H"), UpReason::kOther},
      {At("received invalid response to SSL negotiation: H"), UpReason::kOther},
      {At("server is not in hot standby mode"), UpReason::kOther},
  };
  for (const auto& [text, reason] : cases) {
    EXPECT_STREQ(UpReasonName(ReasonOf(ConnectError(text))), UpReasonName(reason)) << text;
  }
}

TEST(UpReason, TakesTheLastOfSeveralAttempts) {
  const Error error = ConnectError(At("FATAL:  28000: no pg_hba.conf entry, SSL encryption\n") +
                                   At("FATAL:  28P01: password authentication failed\n"));
  EXPECT_EQ(error.sqlstate, "28P01");
}

TEST(UpReason, HasOneNamePerReason) {
  std::set<std::string> names;
  for (const UpReason reason : kUpReasons) names.insert(UpReasonName(reason));
  EXPECT_EQ(names.size(), kUpReasons.size());
}

TEST(FailureLabel, NamesTheKindOfFailure) {
  const std::pair<const char*, const char*> cases[] = {
      {"57014", "timeout"}, {"55P03", "lock_timeout"}, {"42501", "permission"},
      {"42P01", "syntax"},  {"57P01", "connection"},   {"22012", "other"},
  };
  for (const auto& [sqlstate, label] : cases) {
    EXPECT_EQ(FailureLabel(Error(CodeOfSqlstate(sqlstate), "", sqlstate)), label) << sqlstate;
  }
}

}  // namespace
}  // namespace pgbeacon::pg
