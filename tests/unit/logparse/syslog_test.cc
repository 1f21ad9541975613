#include "logparse/forms/syslog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "logparse/forms/syslog_chunks.h"
#include "logparse/forms/text.h"

namespace pgbeacon::log {
namespace {

using Strings = std::vector<std::string>;

constexpr std::string_view kPrefix = "%m [%p] %q%u@%d ";
constexpr std::string_view kHead = "2026-11-20 20:14:23.488 UTC [7] bob@shop ";

struct Outcome {
  Strings messages;
  ReaderStats stats;
  FormKind kind = FormKind::kAuto;
};

std::string Show(const Message& m) {
  std::string out(SideName(m.side));
  const auto add = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) out.append(" ").append(name).append("=").append(value);
  };
  add("severity", SeverityName(m.severity));
  add("source", m.source);
  add("process", m.process);
  add("pid", m.pid);
  add("user", m.user);
  add("database", m.database);
  add("text", m.text);
  add("detail", m.detail);
  add("context", m.context);
  add("statement", m.statement);
  if (m.truncated) out += " truncated";
  return out;
}

Outcome Read(std::string_view log,
             ReaderOptions options = {.form = FormKind::kSyslog, .prefix = std::string(kPrefix)}) {
  Outcome outcome;
  TextForm form(std::move(options), [&](const Message& m) { outcome.messages.push_back(Show(m)); });
  form.Push(log);
  form.Flush(true);
  outcome.stats = form.stats();
  outcome.kind = form.kind();
  return outcome;
}

std::uint64_t Count(const Outcome& outcome, Unparsed reason) {
  return outcome.stats.unparsed[static_cast<std::size_t>(reason)];
}

// ---- Lines of daemons ----

TEST(Syslog, TakesTheLinesOfDaemonsApart) {
  const struct {
    std::string_view line, time, host, ident, pid, message;
    int level;
  } cases[] = {
      {"Nov 20 20:14:23 db1 postgres[18655]: [10-1] x", "Nov 20 20:14:23", "db1", "postgres",
       "18655", "[10-1] x", -1},
      {"Nov  2 20:14:23 postgres[18655]: [10-1] x", "Nov  2 20:14:23", "", "postgres", "18655",
       "[10-1] x", -1},
      {"<134>Nov 20 20:14:23 db1 postgres[18655]: x", "Nov 20 20:14:23", "db1", "postgres", "18655",
       "x", 6},
      {"Nov 20 2026 20:14:23.123 db1 postgres-prod: x", "Nov 20 2026 20:14:23.123", "db1",
       "postgres-prod", "", "x", -1},
      {"2026-11-20T20:14:23.488512+00:00 db1 postgresql-15[7]: x",
       "2026-11-20T20:14:23.488512+00:00", "db1", "postgresql-15", "7", "x", -1},
      {"2026-11-20T20:14:23+0000 db1 postgres[7]: x", "2026-11-20T20:14:23+0000", "db1", "postgres",
       "7", "x", -1},
      {"<131>1 2026-11-20T20:14:23.4Z db1 postgres 7 - - [10-1] x", "2026-11-20T20:14:23.4Z", "db1",
       "postgres", "7", "[10-1] x", 3},
      {"<131>1 2026-11-20T20:14:23.4Z db1 postgres 7 ID [a b=\"c]\\\"\"][d e=\"f\"] x",
       "2026-11-20T20:14:23.4Z", "db1", "postgres", "7", "x", 3},
      {"<131>1 2026-11-20T20:14:23.4Z db1 postgres 7 - [10-1] x", "2026-11-20T20:14:23.4Z", "db1",
       "postgres", "7", "[10-1] x", 3},
      {"Nov 20 20:14:23 db1 postgres[7]: [ID 748625 local0.info] [10-1] x", "Nov 20 20:14:23",
       "db1", "postgres", "7", " [10-1] x", 6},
      {"Nov 20 20:14:23 db1 local0.info<158> postgres[7]: x", "Nov 20 20:14:23", "db1", "postgres",
       "7", "x", 6},
      {"Nov 20 20:14:23 local0.err db1 postgres[7]: x", "Nov 20 20:14:23", "db1", "postgres", "7",
       "x", 3},
      {"Nov 20 20:14:23 db1 last message repeated 2 times", "Nov 20 20:14:23", "db1", "", "",
       "message repeated 2 times", -1},
  };
  for (const auto& c : cases) {
    const std::optional<SyslogLine> line = ParseSyslog(c.line);
    ASSERT_TRUE(line) << c.line;
    EXPECT_EQ(line->time, c.time) << c.line;
    EXPECT_EQ(line->host, c.host) << c.line;
    EXPECT_EQ(line->ident, c.ident) << c.line;
    EXPECT_EQ(line->pid, c.pid) << c.line;
    EXPECT_EQ(line->level, c.level) << c.line;
    if (!c.ident.empty()) {
      EXPECT_EQ(line->message, c.message) << c.line;
    }
  }
  for (std::string_view line : {"", "x", "LOG:  x", "<134>", "<999>Nov 20 20:14:23 a b: c",
                                "2026-11-20 20:14:23.488 UTC [7] LOG:  x", "Foo 20 20:14:23 a b: c",
                                "Nov 20 20:14:23", "<134>1 ", "2026-11-20T20:14:23Z "}) {
    EXPECT_FALSE(ParseSyslog(line)) << line;
  }
}

TEST(Syslog, UnescapesWhatDaemonsEscapeAndNothingElse) {
  const struct {
    std::string_view text, expected;
  } cases[] = {{"a#011b#012c", "a\tb\nc"},
               {"order #123 of #1011", "order #123 of #1011"},
               {"#177", "\x7f"},
               {"J#303#274rgen", "J\xc3\xbcrgen"},
               {"issue #303", "issue #303"},
               {"#01", "#01"},
               {"#009", "#009"}};
  for (const auto& c : cases) {
    std::string out(c.text);
    UnescapeSyslog(c.text, out);
    EXPECT_EQ(out, c.expected) << c.text;
  }
}

// ---- Records in the four modes ----

TEST(SyslogForm, ReadsTheFourModesAlike) {
  const std::string head(kHead);
  const std::string ground = "2026-11-20 20:14:23.488 UTC [3] ";
  const auto line = [](int pid, const std::string& text) {
    return "Nov 20 20:14:23 db1 postgres[" + std::to_string(pid) + "]: " + text + "\n";
  };
  const std::string split =
      line(7, "[10-1] " + head + "ERROR:  no") + line(3, "[4-1] " + ground + "LOG:  other") +
      line(7, "[10-2] " + head + "DETAIL:  why") +
      line(7, "[10-3] " + head + "STATEMENT:  select") + line(7, "[10-4] #011\t1 from") +
      line(7, "[10-5] #011") + line(7, "[10-6] #011a table") + line(7, "[10-7]  of all") +
      line(7, "[11-1] " + head + "LOG:  bye");
  const std::string pieces =
      line(7, "[1] " + head + "ERROR:  no") + line(3, "[1] " + ground + "LOG:  other") +
      line(7, "[2] " + head + "DETAIL:  why") + line(7, "[3] " + head + "STATEMENT:  select") +
      line(7, "[4] #011\t1 from") + line(7, "[5] #011") + line(7, "[6] #011a table") +
      line(7, "[7]  of all") + line(7, "[1] " + head + "LOG:  bye");
  const std::string whole = head + "ERROR:  no#012" + head + "DETAIL:  why#012" + head +
                            "STATEMENT:  select#012#011\t1 from#012#011#012#011a table of all";
  const std::string numbered = line(7, "[10] " + whole) + line(3, "[4] " + ground + "LOG:  other") +
                               line(7, "[11] " + head + "LOG:  bye");
  const std::string bare =
      line(7, whole) + line(3, ground + "LOG:  other") + line(7, head + "LOG:  bye");
  Strings expected = {
      "server severity=ERROR source=db1 process=postgres pid=7 user=bob database=shop text=no "
      "detail=why statement=select\n\t1 from\n\na table of all",
      "server severity=LOG source=db1 process=postgres pid=3 text=other",
      "server severity=LOG source=db1 process=postgres pid=7 user=bob database=shop text=bye"};
  std::sort(expected.begin(), expected.end());
  for (const std::string& log : {split, pieces, numbered, bare}) {
    for (const bool told : {true, false}) {
      ReaderOptions options;
      if (told) options.prefix = kPrefix;
      Outcome outcome = Read(log, options);
      std::sort(outcome.messages.begin(), outcome.messages.end());
      EXPECT_EQ(outcome.messages, expected) << told << "\n" << log;
      EXPECT_EQ(outcome.stats.unparsed, decltype(outcome.stats.unparsed){}) << told << "\n" << log;
      EXPECT_EQ(outcome.kind, FormKind::kSyslog);
    }
  }
}

// A long first word makes the server cut between the two blanks.
TEST(SyslogForm, ReadsLabelsThatAPieceEndsIn) {
  const std::string daemon = "Nov 20 20:14:23 db1 postgres[7]: ";
  const std::string head(kHead);
  for (const std::string_view text : {"word", " word"}) {
    const bool blank = text[0] == ' ';
    const std::string piece = "]  " + std::string(text.substr(blank ? 1 : 0)) + "\n";
    const std::string end = blank ? ":  \n" : ": \n";
    const Outcome outcome = Read(daemon + "[1-1] " + head + "ERROR" + end + daemon + "[1-2" +
                                 piece + daemon + "[1-3] " + head + "DETAIL" + end + daemon +
                                 "[1-4" + piece + daemon + "[1-5]  and more\n");
    EXPECT_THAT(
        outcome.messages,
        testing::ElementsAre("server severity=ERROR source=db1 process=postgres pid=7 "
                             "user=bob database=shop text=" +
                             std::string(text) + " detail=" + std::string(text) + " and more"));
  }
}

TEST(SyslogForm, ReadsRecordsWhoseLineFeedsStandRaw) {
  const std::string head(kHead);
  const std::string log = "Nov 20 20:14:23 db1 postgres[7]: [10] " + head + "ERROR:  no\n" + head +
                          "STATEMENT:  select\n\t1\n" + head + "PANIC:  forged\n";
  EXPECT_EQ(Read(log).messages,
            Strings{"server severity=ERROR source=db1 process=postgres pid=7 user=bob "
                    "database=shop text=no statement=select\n1\n" +
                    head + "PANIC:  forged"});
}

TEST(SyslogForm, LeavesOtherProgramsToThePlatform) {
  const std::string log =
      "Nov 20 20:14:23 db1 sshd[99]: error: PAM: FATAL:  nothing of ours\n"
      "Nov 20 20:14:23 db1 CRON[98]: (root) CMD (x)\n"
      "Nov 20 20:14:24 db1 last message repeated 2 times\n"
      "Nov 20 20:14:24 db1 pgbouncer[12]: C-0x55d0: shop/app@10.0.0.7:51234 closing because: x\n"
      "Nov 20 20:14:24 db1 postgres[7]: [1-1] " +
      std::string(kHead) + "LOG:  ours\n";
  const Outcome outcome = Read(log, {.form = FormKind::kAuto, .prefix = std::string(kPrefix)});
  int servers = 0;
  int poolers = 0;
  for (const std::string& message : outcome.messages) {
    if (message.starts_with("server")) ++servers;
    if (message.starts_with("pooler")) {
      ++poolers;
      EXPECT_EQ(message,
                "pooler source=db1 process=pgbouncer pid=12 user=app database=shop "
                "text=closing because: x");
    }
  }
  EXPECT_EQ(servers, 1);
  EXPECT_EQ(poolers, 1);
  EXPECT_EQ(outcome.messages.size(), 5U);
  EXPECT_EQ(outcome.stats.unparsed, decltype(outcome.stats.unparsed){});
  EXPECT_EQ(outcome.stats.prefix_tried, 1U);
}

TEST(SyslogForm, TakesTheSeverityOfUnknownLanguagesFromThePri) {
  const std::string head(kHead);
  const auto line = [&](int pri, const std::string& text) {
    return "<" + std::to_string(pri) + ">Nov 20 20:14:23 db1 postgres[7]: [10-1] " + head + text;
  };
  const struct {
    int pri;
    std::string_view severity;
  } cases[] = {{135, "DEBUG"}, {134, "LOG"},   {133, "WARNING"},
               {132, "ERROR"}, {131, "FATAL"}, {130, "PANIC"}};
  for (const auto& c : cases) {
    EXPECT_EQ(Read(line(c.pri, "XATO:  no")).messages,
              Strings{"server severity=" + std::string(c.severity) +
                      " source=db1 process=postgres pid=7 user=bob database=shop text=no"});
  }
}

TEST(SyslogForm, BelievesThePriBeforeALabelInAName) {
  const std::string head = "2026-11-20 20:14:23.488 UTC [7] x@y PANIC:  f@shop ";
  EXPECT_EQ(
      Read("<131>Nov 20 20:14:23 db1 postgres[7]: [10-1] " + head + "FATAL:  go away").messages,
      Strings{"server severity=FATAL source=db1 process=postgres pid=7 user=x@y PANIC:  f "
              "database=shop text=go away"});
}

// ---- Order ----

std::string Piece(int pid, int record, int number, const std::string& text) {
  return "Nov 20 20:14:23 db1 postgres[" + std::to_string(pid) + "]: [" + std::to_string(record) +
         "-" + std::to_string(number) + "] " + text + "\n";
}

TEST(SyslogForm, PutsPiecesInOrder) {
  const std::string head(kHead);
  const std::string expected =
      "server severity=ERROR source=db1 process=postgres pid=7 user=bob database=shop text=no "
      "statement=a\nb\nc";
  const std::string one = Piece(7, 10, 1, head + "ERROR:  no");
  const std::string two = Piece(7, 10, 2, head + "STATEMENT:  a");
  const std::string three = Piece(7, 10, 3, "#011b");
  const std::string four = Piece(7, 10, 4, "#011c");
  for (const std::string& log : {one + two + three + four, one + three + two + four,
                                 four + three + two + one, two + one + four + three}) {
    const Outcome outcome = Read(log);
    EXPECT_EQ(outcome.messages, Strings{expected}) << log;
    EXPECT_EQ(Count(outcome, Unparsed::kOrphan), 0U);
  }
}

TEST(SyslogForm, TellsOfRecordsThatLackAPiece) {
  const std::string head(kHead);
  std::string log = Piece(7, 10, 1, head + "ERROR:  no") + Piece(7, 10, 3, head + "STATEMENT:  a");
  const Outcome outcome = Read(log);
  EXPECT_EQ(outcome.messages, Strings{"server severity=ERROR source=db1 process=postgres pid=7 "
                                      "user=bob database=shop text=no statement=a truncated"});
  EXPECT_EQ(outcome.stats.truncated, 1U);
}

TEST(SyslogForm, CountsPiecesOfRecordsThatItNeverSawBegin) {
  const std::string head(kHead);
  const Outcome outcome = Read(Piece(7, 9, 2, head + "PANIC:  forged") + Piece(7, 9, 3, "#011x") +
                               Piece(7, 10, 1, head + "LOG:  hi"));
  ASSERT_EQ(outcome.messages.size(), 1U);
  EXPECT_TRUE(outcome.messages[0].ends_with("text=hi"));
  EXPECT_EQ(Count(outcome, Unparsed::kOrphan), 2U);
}

TEST(SyslogForm, KeepsProcessesWithOnePidApart) {
  const std::string head(kHead);
  const Outcome outcome =
      Read(Piece(7, 10, 1, head + "ERROR:  old") + Piece(7, 3, 1, head + "ERROR:  new") +
           Piece(7, 3, 2, head + "STATEMENT:  of new") + Piece(7, 10, 1, head + "ERROR:  newer") +
           Piece(7, 10, 2, head + "STATEMENT:  of newer"));
  ASSERT_EQ(outcome.messages.size(), 3U);
  EXPECT_TRUE(outcome.messages[0].ends_with("text=old"));
}

TEST(Chunks, StayBoundedWhateverComes) {
  Chunks chunks(1000);
  const std::string line(100, 'x');
  std::size_t given = 0;
  for (int i = 0; i < 20'000; ++i) {
    chunks.Admit("key" + std::to_string(i % 3000), 2 + i % 7, line, false, 0);
    std::size_t rounds = 0;
    while (chunks.TakeOverdue(false)) {
      ++given;
      ASSERT_LT(++rounds, 200U);
    }
  }
  while (chunks.TakeOverdue(true)) ++given;
  EXPECT_TRUE(chunks.empty());
  EXPECT_GT(given, 15'000U);
}

// ---- Attacks ----

TEST(SyslogForm, NeverOpensARecordForALaterPiece) {
  const std::string forged = "2026-11-20 20:14:23.488 UTC [1] PANIC:  forged";
  const std::string head = "2026-11-20 20:14:23.488 UTC [7] ";
  const Strings logs = {
      // A user name with a line feed: the torn head goes on in the next piece.
      Piece(7, 10, 1, head + "x") + Piece(7, 10, 2, forged + "@shop FATAL:  role \"x") +
          Piece(7, 10, 3, "#011" + forged + "\" does not exist"),
      // The name holds a label before its line feed.
      Piece(7, 10, 1, head + "x@y PANIC:  f") +
          Piece(7, 10, 2, "z@shop FATAL:  role \"x@y PANIC:  f") +
          Piece(7, 10, 3, "#011z\" does not exist"),
      // A query that the server cuts right before the forged head.
      Piece(7, 10, 1, head + "bob@shop FATAL:  no" + std::string(800, '-')) +
          Piece(7, 10, 2, " " + forged),
      // All in one line.
      "Nov 20 20:14:23 db1 postgres[7]: " + head + "x#012" + forged + "@shop FATAL:  role\n",
  };
  for (const std::string& log : logs) {
    const Outcome outcome = Read(log);
    ASSERT_EQ(outcome.messages.size(), 1U) << log;
    EXPECT_TRUE(outcome.messages[0].starts_with("server severity=FATAL")) << outcome.messages[0];
  }
}

TEST(SyslogNumbers, AreNotTurnedByAForgedPiece) {
  SyslogNumbers numbers;
  for (int i = 0; i < 20; ++i) {
    numbers.Observe("p", 1, SyslogNumbers::Looks::kOpens);
    numbers.Observe("p", 2, SyslogNumbers::Looks::kContinues);
  }
  EXPECT_EQ(numbers.Observe("p", 3, SyslogNumbers::Looks::kOpens), SyslogNumbers::Meaning::kPiece);
}

}  // namespace
}  // namespace pgbeacon::log
