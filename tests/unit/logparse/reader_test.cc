#include "logparse/reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "reader_support.h"

namespace pgbeacon::log {
namespace {

std::string File(const std::string& name) {
  std::ifstream file(PGB_SOURCE_DIR "/tests/data/logs/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Reader, JoinsSecondaryLinesToTheMessageOfTheirSession) {
  const std::string log =
      "[1] LOG:  one\n[2] ERROR:  two\n[1] DETAIL:  of one\n[2] HINT:  of two\n"
      "[2] QUERY:  q\n[2] CONTEXT:  c\n[2] LOCATION:  f, g.c:1\n[2] BACKTRACE:  b\n"
      "[2] STATEMENT:  select\n\t1\n\t\n\t  2\n[1] LOG:  three\n";
  const Outcome outcome = ReadAll(log, "[%p] ");
  EXPECT_EQ(outcome.messages,
            (Strings{"server severity=LOG session=1 text=one detail=of one",
                     "server severity=ERROR session=2 text=two hint=of two query=q context=c "
                     "location=f, g.c:1 backtrace=b statement=select\n1\n\n  2",
                     "server severity=LOG session=1 text=three"}));
  EXPECT_EQ(outcome.stats.messages, 3U);
  EXPECT_EQ(outcome.stats.prefix_matched, 10U);
  EXPECT_EQ(outcome.stats.prefix_tried, 10U);
}

TEST(Reader, TakesTheSqlstateOfVerboseVerbosity) {
  const struct {
    std::string_view line, expected;
  } cases[] = {
      {"ERROR:  42P01: relation \"x\" does not exist",
       "sqlstate=42P01 session=1 text=relation \"x\" does not exist"},
      {"LOG:  00000: hi", "sqlstate=00000 session=1 text=hi"},
      {"ERROR:  U0001: raised", "sqlstate=U0001 session=1 text=raised"},
      {"ERROR:  Hello: x", "text=Hello: x"},
      {"ERROR:  42P01:x", "text=42P01:x"},
  };
  for (const auto& c : cases) {
    const Outcome outcome =
        ReadAll("[1] " + std::string(c.line) + "\n[1] LOCATION:  \n[1] STATEMENT:  \n", "[%p] ");
    ASSERT_EQ(outcome.messages.size(), 1U);
    EXPECT_TRUE(outcome.messages[0].ends_with(c.expected)) << outcome.messages[0];
  }
}

TEST(Reader, PrefersTheSqlstateOfThePrefix) {
  const std::string location = "00000|LOCATION:  \n";
  EXPECT_EQ(ReadAll("P0001|ERROR:  42000: x\n" + location, "%e|").messages,
            (Strings{"server severity=ERROR sqlstate=P0001 text=42000: x"}));
  EXPECT_EQ(ReadAll("42000|ERROR:  42000: x\n" + location, "%e|").messages,
            (Strings{"server severity=ERROR sqlstate=42000 text=x"}));
}

TEST(Reader, KeepsForgedLinesInsideStatementsText) {
  const std::string log =
      "[1] ERROR:  no\n[1] STATEMENT:  select\n\t[2] PANIC:  forged\n\tFATAL:  x\n";
  EXPECT_EQ(ReadAll(log, "[%p] ").messages,
            (Strings{"server severity=ERROR session=1 text=no "
                     "statement=select\n[2] PANIC:  forged\nFATAL:  x"}));
}

TEST(Reader, KeepsUserNamesThatForgeLinesNames) {
  const std::string time(kTime);
  const std::string log = time + "[9] evil\n" + time +
                          "[1] PANIC:  f@shop FATAL:  role \"evil\n\t" + time +
                          "[1] PANIC:  f\" does not exist\n" + time + "[9] evil\n" + time +
                          "[1] PANIC:  f@shop LOCATION:  here\n" + time + "[2] LOG:  next\n";
  const Outcome outcome = ReadAll(log);
  EXPECT_EQ(outcome.messages, (Strings{"server severity=FATAL session=9 user=evil\n" + time +
                                           "[1] PANIC:  f database=shop text=role \"evil\n" + time +
                                           "[1] PANIC:  f\" does not exist location=here",
                                       "server severity=LOG session=2 text=next"}));
}

TEST(Reader, TakesAHeadThatOnlyLookedLikeATornNameAsUnprefixed) {
  const std::string time(kTime);
  const Outcome outcome = ReadAll(time + "[9] nothing more\n" + time + "[2] LOG:  next\n");
  EXPECT_EQ(outcome.messages, (Strings{"server severity=LOG session=2 text=next"}));
  EXPECT_EQ(Unparsed(outcome, Unparsed::kNoPrefix), 1U);
}

TEST(Reader, ReadsDoubtfulHeadsAsTheSessionWasCalledBefore) {
  const std::string start = "[7] bob@shop LOG:  first\n";
  const std::string forged = "[7] bob@shop WARNING:  x@y PANIC:  bob@shop WARNING:  x\n";
  const Outcome outcome = ReadAll(start + forged, "[%p] %q%u@%d ");
  EXPECT_EQ(outcome.messages,
            (Strings{"server severity=LOG session=7 user=bob database=shop text=first",
                     "server severity=WARNING session=7 user=bob database=shop "
                     "text=x@y PANIC:  bob@shop WARNING:  x"}));
}

// The server indents what belongs to a record; the rest comes from programs that it starts.
TEST(Reader, CountsUnprefixedLinesAndLeavesTheRecordAlone) {
  const Outcome outcome = ReadAll(
      "stray\n[1] LOG:  one\nmore\n\nyet more\r\n[2] HINT:  no record\n\tof none\n", "[%p] ");
  EXPECT_EQ(outcome.messages, (Strings{"server severity=LOG session=1 text=one"}));
  EXPECT_EQ(Unparsed(outcome, Unparsed::kNoPrefix), 3U);
  EXPECT_EQ(Unparsed(outcome, Unparsed::kOrphan), 2U);
}

TEST(Reader, NeverOpensARecordWithoutTheKnownPrefix) {
  const Outcome outcome = ReadAll("FATAL:  bare\ntemporary file: path \"x\", size 1\n", "[%p] ");
  EXPECT_TRUE(outcome.messages.empty());
  EXPECT_EQ(Unparsed(outcome, Unparsed::kNoPrefix), 2U);
}

TEST(Reader, DeliversAQuietSessionWhileOthersAreBusy) {
  Strings messages;
  Reader reader({.prefix = "[%p] "}, [&](const Message& m) { messages.emplace_back(m.text); });
  reader.Push("[1] ERROR:  quiet\n");
  for (int i = 0; i < 2000; ++i) reader.Push("[2] LOG:  busy\n");
  EXPECT_NE(std::find(messages.begin(), messages.end(), "quiet"), messages.end());
}

TEST(Reader, UnwrapsHerokuAndClientLines) {
  const struct {
    std::string_view line, expected;
  } cases[] = {
      {"[8-2] g0afa5bjht [GOLD] LOG: duration: 1 ms",
       "server severity=LOG user=g0afa5bjht color=GOLD text=duration: 1 ms"},
      {"[CHARCOAL] checkpoint complete: x",
       "server color=CHARCOAL text=checkpoint complete: x unlabelled"},
      {"temporary file: path \"x\", size 7",
       "server text=temporary file: path \"x\", size 7 unlabelled"},
      {"app[postgres.1]: [GOLD] [3-1]  sql_error_code = 42P01 ERROR:  no",
       "server severity=ERROR sqlstate=42P01 source=app process=postgres.1 color=GOLD text=no"},
      {"2014-11-02T00:35:38+00:00 app[web.1]: hello",
       "client source=app process=web.1 text=hello unlabelled"},
      {"2014-11-02T00:35:38.123456+00:00 app[web.1]: PGError: ERROR:  no",
       "client severity=ERROR source=app process=web.1 text=no"},
      {"\x1b[36m2014-11-02T00:35:38Z heroku[router]:\x1b[0m at=error",
       "platform source=heroku process=router text=at=error unlabelled"},
      {"2014-11-02T00:35:38Z heroku: hi", "platform source=heroku text=hi unlabelled"},
      {"source=DB sample#db_size=1bytes",
       "platform text=source=DB sample#db_size=1bytes unlabelled"},
      {"PGError: ERROR: no", "client severity=ERROR text=no"},
      {"PG::UndefinedTable: ERROR:  no", "client severity=ERROR sqlstate=42P01 text=no"},
      {"ActiveRecord::StatementInvalid: PG::UndefinedTable: ERROR:  no",
       "client severity=ERROR sqlstate=42P01 text=no"},
      {"FATAL:  no (PG::Error)", "client severity=FATAL text=no"},
      {"FATAL:  no (PG::ConnectionBad)", "client severity=FATAL text=no"},
      {"psycopg2.errors.UndefinedTable: no",
       "client severity=ERROR sqlstate=42P01 text=no unlabelled"},
      {"sqlalchemy.exc.ProgrammingError: (psycopg2.errors.UndefinedTable) no",
       "client severity=ERROR sqlstate=42P01 text=no unlabelled"},
      {"org.postgresql.util.PSQLException: ERROR: no", "client severity=ERROR text=no"},
      {"SQLSTATE[42P01]: Undefined table: 7 ERROR:  no",
       "client severity=ERROR sqlstate=42P01 text=no"},
      {"PDOException: SQLSTATE[42P01]: Undefined table: 7 ERROR:  no",
       "client severity=ERROR sqlstate=42P01 text=no"},
      {"pq: no", "client severity=ERROR text=no unlabelled"},
      {"ERROR: no (SQLSTATE 42P01)", "client severity=ERROR sqlstate=42P01 text=no"},
      {"Npgsql.PostgresException (0x80004005): 42P01: no",
       "client severity=ERROR sqlstate=42P01 text=no unlabelled"},
      {"error: no", "client text=no unlabelled"},
      {"ActiveRecord::RecordNotFound: no such thing",
       "server text=ActiveRecord::RecordNotFound: no such thing unlabelled"},
      {"FATAL: hi", "server severity=FATAL text=hi"},
      {"DEBUG3: hi", "server severity=DEBUG text=hi"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ReadUnconfigured(std::string(c.line) + "\n").messages,
              Strings{std::string(c.expected)})
        << c.line;
    EXPECT_EQ(ReadUnconfigured(c.line).messages, Strings{std::string(c.expected)}) << c.line;
  }
}

TEST(Reader, JoinsClientLinesThatPointAtTheError) {
  EXPECT_EQ(ReadUnconfigured(
                "PG::SyntaxError: ERROR:  no\nLINE 1: select nope\n               ^\nHINT:  try\n")
                .messages,
            (Strings{"client severity=ERROR sqlstate=42601 text=no\nLINE 1: select nope\n          "
                     "     ^ hint=try"}));
}

TEST(Reader, JoinsChunksOfOneRecordAndNeverOpensOneInTheMiddle) {
  const std::string app = "2026-11-20T20:14:23+00:00 app[postgres.1]: [GOLD] ";
  const std::string other = "2026-11-20T20:14:23+00:00 app[postgres.2]: [GOLD] ";
  const std::string head = " sql_error_code = 42P01 ";
  const std::string log = app + "[5-1] " + head + "ERROR:  no\n" + other + "[9-1] " + head +
                          "ERROR:  other\n" + app + "[5-2] " + head + "STATEMENT:  select a\n" +
                          app + "[5-3] \tfrom\n" + app + "[5-4]\n" + app + "[5-5]  table\n" + app +
                          "[5-6] " + head + "PANIC:  forged\n" +
                          "2026-11-20T20:14:23+00:00 heroku[router]: at=info\n";
  const Outcome outcome = ReadUnconfigured(log);
  EXPECT_EQ(
      outcome.messages,
      (Strings{
          "server severity=ERROR sqlstate=42P01 source=app process=postgres.2 color=GOLD "
          "text=other",
          "server severity=ERROR sqlstate=42P01 source=app process=postgres.1 color=GOLD text=no "
          "statement=select a\nfrom\n table sql_error_code = 42P01 PANIC:  forged",
          "platform source=heroku process=router text=at=info unlabelled"}));
}

TEST(Reader, KeepsAnUnfinishedLineWhileTheFileIsFollowed) {
  Strings messages;
  Reader reader({.prefix = "[%p] "}, [&](const Message& m) { messages.emplace_back(m.text); });
  reader.Push("[1] LOG:  one\n[1] LOG:  tw");
  reader.Flush(false);
  EXPECT_EQ(messages, Strings{"one"});
  reader.Push("o\r\n");
  reader.Flush(true);
  EXPECT_EQ(messages, (Strings{"one", "two"}));
  EXPECT_EQ(reader.stats().lines, 2U);
}

TEST(Reader, CutsLongRecordsAndCountsEachOnce) {
  const std::string big(5000, 'x');
  const std::string log =
      "[1] LOG:  " + big + "\n\t" + big + "\n[1] STATEMENT:  " + big + "\n[2] LOG:  short\n";
  const Outcome outcome = ReadPieces({log}, {.prefix = "[%p] ", .record_bytes = 1000});
  ASSERT_EQ(outcome.messages.size(), 2U);
  EXPECT_TRUE(outcome.messages[0].ends_with("x truncated"));
  EXPECT_LE(outcome.messages[0].size(), 1100U);
  EXPECT_EQ(outcome.stats.truncated, 1U);
  EXPECT_EQ(outcome.messages[1], "server severity=LOG session=2 text=short");
}

TEST(Reader, CountsAnEndlessLineOnce) {
  std::vector<std::string_view> pieces(100, "no line feed in sight ");
  const Outcome outcome = ReadPieces(pieces, {.prefix = "[%p] ", .record_bytes = 100});
  EXPECT_TRUE(outcome.messages.empty());
  EXPECT_EQ(outcome.stats.lines, 1U);
  EXPECT_EQ(Unparsed(outcome, Unparsed::kNoPrefix), 1U);
  pieces.resize(100 * 100, "no line feed in sight ");
  EXPECT_EQ(
      Unparsed(ReadPieces(pieces, {.prefix = "[%p] ", .record_bytes = 100}), Unparsed::kTooLong),
      1U);
}

TEST(Reader, StaysWithinTheBudgetOfOpenRecordsWithoutLosingAny) {
  std::string log;
  const std::string text(2000, 'x');
  for (int pid = 0; pid < 400; ++pid) log += "[" + std::to_string(pid) + "] LOG:  " + text + "\n";
  Strings messages;
  Reader reader({.prefix = "[%p] ", .open_bytes = 100'000},
                [&](const Message& m) { messages.push_back(Show(m)); });
  reader.Push(log);
  EXPECT_GT(messages.size(), 300U);
  reader.Flush(true);
  EXPECT_EQ(messages.size(), 400U);
  EXPECT_EQ(reader.stats().truncated, 0U);
}

// ---- A real server's logs (PostgreSQL 15), with forged names, texts and statements. ----

struct RealLog {
  std::string_view file, prefix;
  bool detectable;
};

const RealLog kRealLogs[] = {
    {"debian-verbose.log", "%m [%p] %q%u@%d ", true},
    {"application.log", "%m [%p] %q%u@%d app=%a ", true},
    {"all-escapes.log",
     "%-12a|%20u|%-15d|%r|%h|%b|%10p|%P|%-28t|%m|%n|%i|%e|%c|%-6l|%s|%v|%x|%Q|%%|%z|", false},
};

TEST(Reader, ReadsRealLogsCompletely) {
  for (const RealLog& log : kRealLogs) {
    std::map<std::string, int> severities;
    int forged_application = 0;
    Reader reader({.prefix = std::string(log.prefix)}, [&](const Message& m) {
      ++severities[std::string(SeverityName(m.severity))];
      if (m.text.starts_with("duration: 99999")) ++forged_application;
      EXPECT_EQ(m.severity == Severity::kError && m.statement.empty(), false) << m.text;
    });
    reader.Push(File(std::string(log.file)));
    reader.Flush(true);
    const std::map<std::string, int> expected = {
        {"ERROR", 13}, {"FATAL", 5}, {"LOG", 55}, {"NOTICE", 1}, {"WARNING", 1}};
    EXPECT_EQ(severities, expected) << log.file;
    EXPECT_EQ(forged_application, 0) << log.file;
    EXPECT_EQ(reader.stats().unparsed, (std::array<std::uint64_t, kUnparsedReasons>{})) << log.file;
  }
}

TEST(Reader, DetectsThePrefixOfRealLogs) {
  for (const RealLog& log : kRealLogs) {
    if (!log.detectable) continue;
    const std::string bytes = File(std::string(log.file));
    const Outcome detected = ReadUnconfigured(bytes);
    EXPECT_EQ(detected.prefix, log.prefix) << log.file;
    EXPECT_EQ(detected.messages, ReadAll(bytes, log.prefix).messages) << log.file;
  }
}

// ---- Properties ----

std::vector<std::string_view> RandomCuts(std::string_view bytes, std::mt19937& random) {
  std::vector<std::string_view> pieces;
  const std::size_t most = std::uniform_int_distribution<std::size_t>(1, 300)(random);
  while (!bytes.empty()) {
    const std::size_t size = std::uniform_int_distribution<std::size_t>(1, most)(random);
    pieces.push_back(bytes.substr(0, size));
    bytes.remove_prefix(std::min(size, bytes.size()));
  }
  return pieces;
}

TEST(Reader, GivesTheSameMessagesForAnyCutOfTheBytes) {
  std::mt19937 random(42);
  std::ifstream seeds(PGB_SOURCE_DIR "/tests/data/seed-logs.txt");
  std::string mixed(std::istreambuf_iterator<char>(seeds), {});
  std::string crlf;
  for (const char c : File("application.log")) crlf.append(c == '\n' ? "\r\n" : std::string(1, c));
  const std::vector<std::string> logs = {File("debian-verbose.log"), File("all-escapes.log"), mixed,
                                         crlf};
  for (const std::string& log : logs) {
    for (const std::size_t record_bytes : {std::size_t{100}, std::size_t{1} << 20}) {
      const ReaderOptions options{.record_bytes = record_bytes, .open_bytes = 10'000};
      const Outcome whole = ReadPieces({log}, options);
      for (int i = 0; i < 20; ++i) {
        const Outcome cut = ReadPieces(RandomCuts(log, random), options);
        ASSERT_EQ(cut.messages, whole.messages);
        ASSERT_EQ(cut.stats.unparsed, whole.stats.unparsed);
        ASSERT_EQ(cut.stats.lines, whole.stats.lines);
      }
    }
  }
}

TEST(Reader, SurvivesRandomBytes) {
  std::mt19937 random(7);
  const std::string_view words[] = {"LOG:  ",
                                    "ERROR:  ",
                                    "DETAIL:  ",
                                    "[1] ",
                                    "[2] bob@shop ",
                                    "\n",
                                    "\n",
                                    "\t",
                                    "app[postgres.1]: ",
                                    "[8-2] ",
                                    "[GOLD] ",
                                    "2026-11-20 20:14:23.488 UTC ",
                                    "2014-11-02T00:35:38Z ",
                                    "PGError: ",
                                    "x",
                                    "'",
                                    "\r",
                                    "@",
                                    " "};
  for (int round = 0; round < 300; ++round) {
    std::string log;
    for (int i = 0; i < 200; ++i) {
      if (random() % 4 == 0) {
        log += static_cast<char>(random());
      } else {
        log += words[random() % std::size(words)];
      }
    }
    ReaderOptions options{.record_bytes = random() % 2 == 0 ? 64U : 4096U, .open_bytes = 1000};
    if (random() % 2 == 0) options.prefix = kDebian;
    const Outcome outcome = ReadPieces(RandomCuts(log, random), options);
    EXPECT_EQ(outcome.stats.messages, outcome.messages.size());
    EXPECT_LE(outcome.messages.size(), outcome.stats.lines);
  }
}

}  // namespace
}  // namespace pgbeacon::log
