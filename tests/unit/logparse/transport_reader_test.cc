#include "logparse/transport/frame_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "form_support.h"
#include "logparse/tally.h"
#include "logparse/transport/frame.h"
#include "logparse/transport/framer.h"
#include "tally_support.h"

namespace pgbeacon::log {
namespace {

using testing::Each;
using testing::ElementsAre;
using Strings = std::vector<std::string>;

constexpr std::string_view kPrefix = "%m [%p] %q%u@%d ";
constexpr std::string_view kHead = "2026-11-20 20:14:23.488 UTC [7] bob@shop ";

struct Outcome {
  Strings messages;
  ReaderStats stats;
};

class Frames {
 public:
  explicit Frames(ReaderOptions options = {.prefix = std::string(kPrefix)})
      : reader_(std::move(options), [this](const Message& m) {
          outcome_.messages.push_back(Text(m));
          shown_.push_back(Shown(m));
        }) {}

  Frames& Take(std::string_view bytes, std::string_view peer = "10.0.0.7") {
    reader_.Take(ParseFrame(bytes), peer);
    return *this;
  }
  // A message of PostgreSQL as syslog() makes it.
  Frames& Log(std::string_view message, std::string_view peer = "10.0.0.7", int pri = 134,
              int pid = 7) {
    return Take("<" + std::to_string(pri) + ">Nov 20 20:14:23 db1 postgres[" + std::to_string(pid) +
                    "]: " + std::string(message),
                peer);
  }
  Outcome End() {
    reader_.Flush();
    outcome_.stats = reader_.stats();
    return outcome_;
  }
  FrameReader& reader() { return reader_; }
  const Strings& shown() const { return shown_; }

 private:
  static std::string Text(const Message& m) {
    std::string out(m.text);
    for (const std::string_view part : {m.detail, m.context, m.statement}) {
      if (!part.empty()) out.append("|").append(part);
    }
    return out;
  }

  Outcome outcome_;
  Strings shown_;
  FrameReader reader_;
};

std::string Line(std::string_view text) { return std::string(kHead) + std::string(text); }

// What write_syslog() makes of a message: pieces at line feeds and before 900 bytes.
Strings Pieces(std::string text, int record, bool sequence = true) {
  Strings out;
  for (int piece = 1; !text.empty();) {
    if (text[0] == '\n') {
      text.erase(0, 1);
      continue;
    }
    const std::size_t feed = std::min(text.find('\n'), text.size());
    std::size_t size = std::min<std::size_t>(feed, 900);
    if (size < feed) {
      while ((static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
      const std::size_t blank = text.find_last_of(" \t", size - 1);
      if (blank != std::string::npos && blank > 0) size = blank;
    }
    const std::string number = sequence ? std::to_string(record) + "-" : "";
    out.push_back("[" + number + std::to_string(piece++) + "] " + text.substr(0, size));
    text.erase(0, size);
  }
  return out;
}

// A statement as the server prints it: line feeds get a tab behind them.
std::string Tabbed(std::string text) {
  for (std::size_t i = text.find('\n'); i != std::string::npos; i = text.find('\n', i + 1)) {
    text.insert(i + 1, 1, '\t');
  }
  return text;
}

const Strings kStatements = {
    "select 1",
    "select 1,\n  2,\n\n\t3",
    "select '" + std::string(2500, 'w') + "'",
    "select '" +
        [] {
          std::string text;
          for (int i = 0; i < 1000; ++i) text += "gr\xc3\xbc\xe2\x82\xac";
          return text;
        }() +
        "'",
    "select 'a#011b #012'\n-- \xff\xfe\r",
    "select '" + std::string(890, 'x') + " " + std::string(20, ' ') + "y'",
};

TEST(FrameReader, GivesBackWhatTheServerLoggedInEveryModeOfSyslog) {
  for (const std::string& statement : kStatements) {
    const std::string record = Line("LOG:  duration: 1.000 ms  statement: " + Tabbed(statement));
    const std::string expected = "duration: 1.000 ms  statement: " + statement;
    for (const std::string_view mode : {"sequence, split", "split", "sequence", "neither"}) {
      Frames frames;
      for (int i = 1; i <= 3; ++i) {
        if (mode.ends_with("split")) {
          for (const std::string& piece : Pieces(record, i, mode != "split")) frames.Log(piece, "");
        } else {
          const std::string mark = mode == "sequence" ? "[" + std::to_string(i) + "] " : "";
          frames.Log(mark + record + "\n", "");
        }
      }
      const Outcome outcome = frames.End();
      EXPECT_EQ(outcome.messages, Strings(3, expected)) << mode;
      EXPECT_EQ(outcome.stats.truncated, 0U);
      EXPECT_EQ(outcome.stats.unparsed, ReaderStats().unparsed) << mode;
    }
  }
}

TEST(FrameReader, JoinsTheFieldsOfARecord) {
  Frames frames;
  frames.Log("[3-1] " + Line("ERROR:  duplicate key"), "10.0.0.7", 132)
      .Log("[3-2] " + Line("DETAIL:  Key (id)=(1) exists."), "10.0.0.7", 132)
      .Log("[3-3] " + Line("STATEMENT:  insert"), "10.0.0.7", 132)
      .Log("[3-4] \tinto t", "10.0.0.7", 132);
  EXPECT_THAT(frames.End().messages,
              ElementsAre("duplicate key|Key (id)=(1) exists.|insert\ninto t"));
  EXPECT_THAT(frames.shown(), Each("server severity=ERROR time=2026-11-20 20:14:23.488 UTC pid=7 "
                                   "session=7 user=bob database=shop source=db1 process=postgres "
                                   "text=duplicate key detail=Key (id)=(1) exists. "
                                   "statement=insert\ninto t"));
}

TEST(FrameReader, PutsPiecesIntoOrder) {
  Frames frames;
  frames.Log("[3-2] \tb").Log("[3-1] " + Line("LOG:  a")).Log("[3-4] \td").Log("[3-3] \tc");
  frames.Log("[4-1] " + Line("LOG:  next"));
  EXPECT_THAT(frames.End().messages, testing::UnorderedElementsAre("a\nb\nc\nd", "next"));
}

TEST(FrameReader, KeepsHostsWithTheSameProcessApart) {
  Frames frames;
  frames.Log("[3-1] " + Line("LOG:  a"), "10.0.0.7").Log("[3-1] " + Line("LOG:  b"), "10.0.0.8");
  frames.Log("[3-2] \t7", "10.0.0.7").Log("[3-2] \t8", "10.0.0.8");
  EXPECT_THAT(frames.End().messages, ElementsAre("a\n7", "b\n8"));
}

TEST(FrameReader, TurnsEscapesOfRelaysBack) {
  Frames frames;
  frames.Log("[3-1] " + Line("LOG:  a"))
      .Log("[3-2] #011b")
      .Log("[4] " + Line("LOG:  c#012#011d#012"));
  EXPECT_THAT(frames.End().messages, ElementsAre("a\nb", "c\nd"));
}

TEST(FrameReader, TakesNoTextForAnEscapeWhereControlCharactersCome) {
  Frames frames;
  frames.Log("[3-1] " + Line("LOG:  a")).Log("[3-2] \tb").Log("[4-1] " + Line("LOG:  #011"));
  EXPECT_THAT(frames.End().messages, ElementsAre("a\nb", "#011"));
  Frames local;
  local.Log("[3-1] " + Line("LOG:  #011"), "");
  EXPECT_THAT(local.End().messages, ElementsAre("#011"));
}

TEST(FrameReader, TakesTheSeverityOfOtherLanguagesFromThePri) {
  Frames frames;
  frames.Log("[3-1] " + Line("\xd0\x9e\xd0\xa8:  nope"), "10.0.0.7", 131);
  frames.End();
  ASSERT_EQ(frames.shown().size(), 1U);
  EXPECT_THAT(frames.shown()[0], testing::HasSubstr("severity=FATAL"));
}

TEST(FrameReader, ReadsTheLinesOfHeroku) {
  const std::string begin = "<134>1 2026-11-20T20:14:23+00:00 host ";
  Frames frames({.prefix = ""});
  frames.Take(begin + "app postgres.10 - [GOLD] [8-1] LOG:  a")
      .Take(begin + "app postgres.10 - [GOLD] [8-3] \tc")
      .Take(begin + "app postgres.10 - [GOLD] [8-2]")
      .Take(begin + "app heroku-postgres - source=DATABASE addon=x sample#db_size=1bytes")
      .Take(begin + "heroku router - at=info status=200")
      .Take(begin + "app web.1 - PG::UndefinedTable: ERROR:  relation \"t\" does not exist");
  frames.End();
  EXPECT_THAT(
      frames.shown(),
      testing::UnorderedElementsAre(
          "server severity=LOG time=2026-11-20T20:14:23+00:00 source=app process=postgres.10 "
          "color=GOLD text=a\n\nc",
          "platform time=2026-11-20T20:14:23+00:00 source=app process=heroku-postgres "
          "text=source=DATABASE addon=x sample#db_size=1bytes unlabelled",
          "platform time=2026-11-20T20:14:23+00:00 source=heroku process=router "
          "text=at=info status=200 unlabelled",
          "client severity=ERROR time=2026-11-20T20:14:23+00:00 sqlstate=42P01 source=app "
          "process=web.1 text=relation \"t\" does not exist"));
}

TEST(FrameReader, KeepsOtherProgramsApart) {
  Frames frames;
  frames.Take("<86>Nov 20 20:14:23 db1 sshd[9]: ERROR:  no message of the server");
  frames.Take("<134>Nov 20 20:14:23 db1 pgbouncer[9]: C-0x5: shop/bob@10.0.0.1:5 login attempt");
  frames.End();
  ASSERT_EQ(frames.shown().size(), 2U);
  EXPECT_TRUE(frames.shown()[0].starts_with("platform ")) << frames.shown()[0];
  EXPECT_TRUE(frames.shown()[1].starts_with("pooler ")) << frames.shown()[1];
}

TEST(FrameReader, OpensNoRecordByALaterPiece) {
  Frames frames;
  frames.Log("[3-1] " + Line("LOG:  statement: select '")).Log("[3-2] " + Line("PANIC:  forged"));
  const Outcome outcome = frames.End();
  EXPECT_EQ(outcome.stats.messages, 1U);
  EXPECT_THAT(frames.shown(), Each(testing::StartsWith("server severity=LOG")));
}

TEST(FrameReader, TakesALineWithoutHeaderForTheRestOfTheOneBefore) {
  Frames frames;
  frames.Log("[3] " + Line("LOG:  a")).Take("\tb").Take("PANIC:  forged");
  EXPECT_THAT(frames.End().messages, ElementsAre("a\nb\nPANIC:  forged"));
}

TEST(FrameReader, ReadsAStreamThatHasNoHeaders) {
  Frames frames;
  frames.Take(Line("LOG:  a")).Take("\tb").Take(Line("LOG:  c"));
  EXPECT_THAT(frames.End().messages, ElementsAre("a\nb", "c"));
}

TEST(FrameReader, FindsThePrefix) {
  Frames frames{ReaderOptions{}};
  for (int i = 1; i <= 40; ++i) {
    frames.Log("[" + std::to_string(i) + "-1] " + Line("LOG:  duration: 1.000 ms"),
               i % 2 == 0 ? "10.0.0.7" : "10.0.0.8");
  }
  const Outcome outcome = frames.End();
  EXPECT_TRUE(frames.reader().prefix());
  EXPECT_EQ(outcome.messages, Strings(40, "duration: 1.000 ms"));
  EXPECT_EQ(outcome.stats.lines, 40U);
  EXPECT_THAT(frames.shown(), Each(testing::HasSubstr("user=bob database=shop")));
}

TEST(FrameReader, UsesAPrefixThatItIsTold) {
  Frames frames{ReaderOptions{}};
  frames.Log("[1-1] " + Line("LOG:  a"));
  EXPECT_FALSE(frames.reader().SetPrefix("%"));
  EXPECT_TRUE(frames.reader().SetPrefix(kPrefix));
  frames.Log("[2-1] " + Line("LOG:  b")).Log("[3-1] LOG:  c");
  const Outcome outcome = frames.End();
  EXPECT_THAT(outcome.messages, ElementsAre("a", "b"));
  EXPECT_EQ(outcome.stats.unparsed[static_cast<std::size_t>(Unparsed::kNoPrefix)], 1U);
}

TEST(FrameReader, CutsAFrameThatIsTooLong) {
  Frames frames({.prefix = std::string(kPrefix), .record_bytes = 1000});
  frames.Log("[1-1] " + Line("LOG:  " + std::string(100'000, 'x')));
  const Outcome outcome = frames.End();
  ASSERT_EQ(outcome.messages.size(), 1U);
  EXPECT_LE(outcome.messages[0].size(), 1000U);
  EXPECT_EQ(outcome.stats.truncated, 1U);
}

TEST(FrameReader, CompletesARecordWhenItsProcessWentOn) {
  Frames frames;
  int delivered = 0;
  FrameReader reader({.prefix = std::string(kPrefix)}, [&](const Message&) { ++delivered; });
  for (int i = 1; i <= 100; ++i) {
    const std::string bytes = "<134>Nov 20 20:14:23 db1 postgres[7]: [" + std::to_string(i) +
                              "-1] " + Line("LOG:  duration: 1.000 ms");
    reader.Take(ParseFrame(bytes), "");
  }
  EXPECT_GE(delivered, 90);
}

// ---- The stream of one connection, whatever way it is read ----

Strings Mix() {
  Strings out;
  const auto counted = [&out](const std::string& frame) {
    out.push_back(std::to_string(frame.size()) + " " + frame);
  };
  for (int i = 1; i <= 60; ++i) {
    const std::string& statement = kStatements[static_cast<std::size_t>(i) % kStatements.size()];
    const std::string record = Line("LOG:  duration: 1.000 ms  statement: " + Tabbed(statement));
    const std::string tag = "postgres[" + std::to_string(i % 3 + 1) + "]: ";
    for (const std::string& piece : Pieces(record, i)) {
      if (i % 2 == 0) {
        counted("<134>1 2026-11-20T20:14:23Z db1 postgres " + std::to_string(i % 3 + 1) + " - - " +
                piece);
      } else {
        out.push_back("<134>Nov 20 20:14:23 db1 " + tag + piece + "\n");
      }
    }
    if (i % 5 == 0)
      counted("<132>Nov 20 20:14:23 db1 " + tag + "[9" + std::to_string(i) + "-1] " +
              Line("ERROR:  deadlock detected"));
    if (i % 7 == 0) out.push_back("<86>Nov 20 20:14:23 db1 sshd[9]: session opened\r\n");
    if (i % 11 == 0) out.push_back("12 <13>short");
    if (i % 13 == 0) {
      counted(
          "<134>1 2026-11-20T20:14:23Z host app heroku-postgres - source=DATABASE addon=x "
          "sample#tables=5");
    }
  }
  return out;
}

struct Counted {
  Strings page;
  std::uint64_t bad = 0;
};

template <class Size>
Counted Count(std::string_view bytes, Size&& size) {
  Tally tally(Builtin(), {});
  const int server = tally.Server("db1");
  Framer framer(1 << 20);
  FrameReader reader(ReaderOptions{}, [&](const Message& message) {
    Event event;
    Builtin().Match(message, event);
    tally.Count(server, message, event, 1000);
  });
  const auto take = [&](std::string_view frame, bool cut) {
    reader.Take(ParseFrame(frame), "10.0.0.7", cut);
  };
  while (!bytes.empty()) {
    const std::string piece(bytes.substr(0, size()));
    framer.Push(piece, take);
    bytes.remove_prefix(piece.size());
  }
  framer.Finish(take);
  reader.Flush();
  return {Page(tally), framer.bad_frames()};
}

TEST(FrameReader, CountsTheSameHoweverTheStreamIsSplit) {
  std::mt19937 random(20261121);
  std::string bytes;
  for (const std::string& part : Mix()) bytes += part;
  const Counted whole = Count(bytes, [&bytes] { return bytes.size(); });
  EXPECT_GT(whole.bad, 0U);
  EXPECT_THAT(whole.page, testing::Contains(testing::StartsWith("pg_log_")));
  for (int run = 0; run < 12; ++run) {
    const std::uint32_t most = run == 0 ? 1 : 1U << (run + 3);
    const Counted split = Count(bytes, [&] { return 1 + random() % most; });
    ASSERT_EQ(split.page, whole.page) << most;
    ASSERT_EQ(split.bad, whole.bad);
  }
}

}  // namespace
}  // namespace pgbeacon::log
