#include "logparse/forms/wrapped.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "form_support.h"
#include "logparse/reader.h"

namespace pgbeacon::log {
namespace {

using Strings = std::vector<std::string>;

// Each platform's envelope around a line of text.
std::string Docker(std::string_view text,
                   std::string_view time = "2026-11-20T20:14:23.488512345Z") {
  return R"({"log":)" + JsonText(std::string(text) + '\n') + R"(,"stream":"stderr","time":")" +
         std::string(time) + "\"}\n";
}
std::string Cri(std::string_view text) {
  return "2026-11-20T20:14:23.488512345Z stderr F " + std::string(text) + '\n';
}
std::string CloudSql(std::string_view text) {
  return R"({"insertId":"s=1","logName":"projects/p/logs/cloudsql.googleapis.com%2Fpostgres.log",)"
         R"("receiveTimestamp":"2026-11-20T20:14:25Z","resource":{"labels":{"database_id":"p:d"}},)"
         R"("severity":"INFO","textPayload":)" +
         JsonText(text) + R"(,"timestamp":"2026-11-20T20:14:23.488Z"})" + "\n";
}
std::string Payload(std::string_view text) {
  return R"({"jsonPayload":{"message":)" + JsonText(text) +
         R"(},"timestamp":"2026-11-20T20:14:23.488Z"})" + "\n";
}
std::string Generic(std::string_view text) {
  return R"({"file":"/var/log/pg.log","host":"h","message":)" + JsonText(text) +
         R"(,"source_type":"file","timestamp":"2026-11-20T20:14:23.488Z"})" + "\n";
}
std::string Loki(std::string_view text) {
  return R"({"labels":{"job":"pg"},"line":)" + JsonText(text) +
         R"(,"timestamp":"2026-11-20T20:14:23.488Z"})" + "\n";
}
std::string CloudNativeText(std::string_view text) {
  return R"({"level":"info","ts":"2026-11-20T20:14:23Z","logger":"postgres","msg":)" +
         JsonText(text) + R"(,"pipe":"stderr","logging_pod":"c-1"})" + "\n";
}

using Wrap = std::string (*)(std::string_view);
struct Platform {
  std::string name;
  Wrap wrap;
};
const Platform kPlatforms[] = {
    {"docker", [](std::string_view text) { return Docker(text); }},
    {"cri", Cri},
    {"gcp", CloudSql},
    {"gcp", Payload},
    {"json", Generic},
    {"json", Loki},
    {"cnpg", CloudNativeText},
};

std::string WrapLines(Wrap wrap, std::string_view log) {
  std::string out;
  while (!log.empty()) {
    const std::size_t end = log.find('\n');
    out += wrap(log.substr(0, end));
    log.remove_prefix(end + 1);
  }
  return out;
}

TEST(WrappedForm, ReadsEveryFormInEveryEnvelopeInAnyCut) {
  std::string csv;
  std::string json;
  for (const Row& row : HardRows()) {
    if (row.query && row.query->find('\r') != std::string::npos)
      continue;  // CRI has no way to say it
    csv += Csv(row);
    json += Json(row);
  }
  const std::string text =
      "2026-11-20 20:14:23.488 UTC [7] bob@shop ERROR:  no\n"
      "2026-11-20 20:14:23.488 UTC [7] bob@shop STATEMENT:  select\n\t1\n"
      "2026-11-20 20:14:24.488 UTC [8] LOG:  hi\n";
  const struct {
    FormKind form;
    std::string log;
  } logs[] = {{FormKind::kCsv, csv}, {FormKind::kJson, json}, {FormKind::kStderr, text}};
  for (const auto& [form, log] : logs) {
    const FormOutcome plain = ReadBy<Reader>(log);
    ASSERT_GE(plain.messages.size(), 2U);
    for (const Platform& platform : kPlatforms) {
      if (platform.name == "cnpg" && form != FormKind::kStderr) continue;
      const std::string wrapped = WrapLines(platform.wrap, log);
      const FormOutcome outcome = ReadBy<Reader>(wrapped);
      EXPECT_EQ(Difference(outcome.messages, plain.messages), "")
          << FormName(form) << " in " << platform.name;
      EXPECT_EQ(outcome.stats.bytes, wrapped.size());
      EXPECT_EQ(outcome.stats.lines, plain.stats.lines);
      EXPECT_EQ(outcome.stats.messages, plain.stats.messages);
      for (const std::size_t piece : {1, 7, 4096}) {
        EXPECT_EQ(Difference(ReadBy<Reader>(wrapped, piece).messages, plain.messages), "");
      }
      Reader reader({}, [](const Message&) {});
      reader.Push(wrapped);
      reader.Flush(true);
      EXPECT_EQ(reader.envelope(), platform.name);
      EXPECT_EQ(reader.form(), form) << platform.name;
    }
  }
}

TEST(WrappedForm, ReadsCloudNativePgsRecordsAndTellsThePlatformsApart) {
  const std::string log =
      R"({"level":"info","ts":"2026-11-20T20:14:23Z","logger":"instance-manager","msg":"FATAL:  no",)"
      R"("logging_pod":"c-1"})"
      "\n"
      R"({"level":"info","ts":"2026-11-20T20:14:23Z","logger":"postgres","msg":"record","logging_pod":)"
      R"("c-1","record":{"log_time":"2026-11-20 20:14:23.488 UTC","user_name":"bob","database_name":)"
      R"("shop","process_id":"7","connection_from":"[local]","session_id":"5f.7","session_line_num":"1",)"
      R"("command_tag":"SELECT","session_start_time":"2026-11-20 20:14:23 UTC","virtual_transaction_id":)"
      R"("3/5","transaction_id":"0","error_severity":"FEHLER","sql_state_code":"42P01","message":"no",)"
      R"("detail":"d","hint":"h","internal_query":"q","internal_query_pos":"1","context":"c","query":)"
      R"("select","query_pos":"3","location":"f, g.c:1","application_name":"psql","backend_type":)"
      R"("client backend","query_id":"0"}})"
      "\n"
      R"({"level":"info","ts":"2026-11-20T20:14:23Z","logger":"pg_controldata","msg":"pg_control version",)"
      R"("logging_pod":"c-1"})"
      "\n";
  const Strings expected = {
      "platform time=2026-11-20T20:14:23Z source=cnpg process=instance-manager text=FATAL:  no "
      "unlabelled",
      "server severity=ERROR time=2026-11-20 20:14:23.488 UTC sqlstate=42P01 pid=7 session=5f.7 "
      "user=bob database=shop application=psql text=no detail=d hint=h query=q context=c "
      "location=f, g.c:1 statement=select",
      "platform time=2026-11-20T20:14:23Z source=cnpg process=pg_controldata "
      "text=pg_control version unlabelled"};
  EXPECT_EQ(Difference(ReadBy<Reader>(log).messages, expected), "");
  std::string in_cri = WrapLines(Cri, log);
  EXPECT_EQ(Difference(ReadBy<Reader>(in_cri).messages, expected), "");
  Reader reader({}, [](const Message&) {});
  reader.Push(in_cri);
  reader.Flush(true);
  EXPECT_EQ(reader.envelope(), "cri+cnpg");
  EXPECT_EQ(reader.form(), FormKind::kJson);
}

TEST(WrappedForm, ReadsAzuresTextWithItsPrefixOrItsLevel) {
  const auto azure = [](std::string_view level, std::string_view code, std::string_view text) {
    return R"({"LogicalServerName":"s","category":"PostgreSQLLogs","time":"2026-11-20T20:14:23Z",)"
           R"("properties":{"timestamp":"2026-11-20 20:14:23 UTC","processId":7,"errorLevel":")" +
           std::string(level) + R"(","sqlerrcode":")" + std::string(code) + R"(","message":)" +
           JsonText(text) + "}}\n";
  };
  std::string log;
  for (int i = 0; i < 3; ++i) {
    log += azure("ERROR", "42P01", "2026-11-20 20:14:23 UTC-5ebeea55.17-ERROR:  no");
  }
  log += azure("LOG", "00000", "connection received: LABEL");
  const FormOutcome outcome = ReadBy<Reader>(log);
  EXPECT_EQ(outcome.messages.size(), 4U);
  EXPECT_EQ(
      std::count(outcome.messages.begin(), outcome.messages.end(),
                 "server severity=ERROR time=2026-11-20 20:14:23 UTC session=5ebeea55.17 text=no"),
      3)
      << outcome.messages[1];
  EXPECT_EQ(std::count(outcome.messages.begin(), outcome.messages.end(),
                       "server severity=LOG time=2026-11-20T20:14:23Z sqlstate=00000 "
                       "text=connection received: LABEL"),
            1);
}

TEST(WrappedForm, JoinsThePiecesOfLongLines) {
  const std::string head = "2026-11-20 20:14:23.488 UTC [7] LOG:  ";
  const std::string start = Cri(head + "one");
  const std::string time = "2026-11-20T20:14:23.488512345Z ";
  const FormOutcome cri = ReadBy<Reader>(start + time + "stderr P " + head + "tw\n" + time +
                                         "stdout F " + head + "between\n" + time + "stderr F o\n");
  const std::string shown = "server severity=LOG time=2026-11-20 20:14:23.488 UTC pid=7 session=7 ";
  EXPECT_EQ(cri.messages,
            (Strings{shown + "text=one", shown + "text=between", shown + "text=two"}));
  const std::string long_line = head + std::string(20'000, 'x');
  const auto piece = [](std::string_view text) {
    return R"({"log":)" + JsonText(text) + R"(,"stream":"stderr","time":"t"})" + "\n";
  };
  const FormOutcome docker =
      ReadBy<Reader>(piece(long_line.substr(0, 16384)) + piece(long_line.substr(16384) + "\n"));
  ASSERT_EQ(docker.messages.size(), 1U);
  EXPECT_TRUE(docker.messages[0].ends_with(std::string(20'000, 'x')));
}

TEST(WrappedForm, GivesTheEnvelopesTimeToMessagesWithoutOne) {
  const std::string log = Docker("LOG:  one", "t1") + Docker("DETAIL:  d", "t2") +
                          Docker("LOG:  two", "t3") + Docker("LOG:  three", "t4");
  Strings messages;
  Reader reader({.prefix = ""}, [&](const Message& m) { messages.push_back(Shown(m)); });
  reader.Push(log);
  reader.Flush(true);
  ASSERT_EQ(messages.size(), 3U);
  for (const std::string& message : messages) {
    EXPECT_TRUE(message.starts_with("server severity=LOG time=t")) << message;
  }
}

TEST(WrappedForm, CountsLinesThatHaveNoEnvelope) {
  const std::string head = "2026-11-20 20:14:23.488 UTC [7] LOG:  ";
  std::string log;
  for (int i = 0; i < 10; ++i) log += Docker(head + "hi");
  log += head + "bare\n{\"a\":1}\n" + Docker(head + "hi");
  const FormOutcome outcome = ReadBy<Reader>(log);
  EXPECT_EQ(outcome.messages.size(), 11U);
  EXPECT_EQ(outcome.unparsed(Unparsed::kBadJson), 2U);
}

TEST(WrappedForm, PassesOnThePrefixThatTheServerTold) {
  Strings messages;
  Reader reader({}, [&](const Message& m) { messages.push_back(Shown(m)); });
  reader.Push(Docker("early|7 LOG:  held", "t"));
  EXPECT_TRUE(reader.SetPrefix("%a|%p "));
  reader.Push(Docker("psql|7 LOG:  hi", "t"));
  reader.Flush(true);
  EXPECT_EQ(reader.prefix(), "%a|%p ");
  EXPECT_EQ(messages,
            (Strings{"server severity=LOG time=t pid=7 session=7 application=early text=held",
                     "server severity=LOG time=t pid=7 session=7 application=psql text=hi"}));
}

TEST(WrappedForm, TakesOffNoMoreEnvelopesThanAsked) {
  const std::string log = Docker(Docker("2026-11-20 20:14:23.488 UTC [7] LOG:  hi"));
  EXPECT_EQ(
      ReadBy<Reader>(log).messages,
      (Strings{"server severity=LOG time=2026-11-20 20:14:23.488 UTC pid=7 session=7 text=hi"}));
  for (const int most : {0, 1, 2}) {
    Reader reader({.envelopes = most}, [](const Message&) {});
    reader.Push(log);
    reader.Flush(true);
    constexpr std::string_view kNames[] = {"", "docker", "docker+docker"};
    EXPECT_EQ(reader.envelope(), kNames[most]);
  }
}

}  // namespace
}  // namespace pgbeacon::log
