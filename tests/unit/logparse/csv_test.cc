#include "logparse/forms/csv.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "form_support.h"
#include "logparse/forms/csv_scan.h"

namespace pgbeacon::log {
namespace {

using Strings = std::vector<std::string>;

constexpr std::size_t kPieces[] = {1, 2, 7, 63, 64, 65, 4096};

FormOutcome ReadCsv(std::string_view log, const ReaderOptions& options = {}) {
  return ReadBy<CsvForm>(log, std::string_view::npos, options);
}

TEST(CsvForm, ReadsEveryColumnOfEveryMajor) {
  for (const int columns : {23, 24, 26}) {
    std::string log;
    Strings expected;
    std::uint64_t lines = 0;
    for (const Row& row : HardRows()) {
      if (columns == 23 && row.message.empty()) continue;
      log += Csv(row, columns);
      expected.push_back(Shown(row));
    }
    lines = static_cast<std::uint64_t>(std::count(log.begin(), log.end(), '\n'));
    const FormOutcome whole = ReadCsv(log);
    EXPECT_EQ(Difference(whole.messages, expected), "") << columns;
    EXPECT_EQ(whole.stats.lines, lines);
    EXPECT_EQ(whole.stats.bytes, log.size());
    EXPECT_EQ(whole.stats.messages, expected.size());
    EXPECT_EQ(whole.unparsed(Unparsed::kBadCsv), 0U);
    for (const std::size_t piece : kPieces) {
      const FormOutcome cut = ReadBy<CsvForm>(log, piece);
      EXPECT_EQ(Difference(cut.messages, expected), "")
          << columns << " columns in pieces of " << piece;
      EXPECT_EQ(cut.stats.lines, lines);
    }
  }
}

TEST(CsvForm, JoinsQuotedLineFeeds) {
  const std::string log = Csv({.message = "a\n\nb", .query = "select\n1"});
  Strings texts;
  CsvForm form({}, [&](const Message& m) {
    texts.emplace_back(m.text);
    texts.emplace_back(m.statement);
  });
  form.Push(log);
  EXPECT_EQ(texts, (Strings{"a\n\nb", "select\n1"}));
}

TEST(CsvForm, HalvesDoubledQuotes) {
  EXPECT_EQ(ReadCsv(Csv({.message = "\"a\" \"\"", .detail = "\"", .query = "\"b\""})).messages,
            (Strings{Shown(Row{.message = "\"a\" \"\"", .detail = "\"", .query = "\"b\""})}));
}

TEST(CsvForm, GivesTheBytesThemselvesWhereNothingIsQuotedInside) {
  const std::string log = Csv({.message = "plain"});
  bool inside = false;
  CsvForm form({}, [&](const Message& m) {
    inside = m.text.data() > log.data() && m.text.data() < log.data() + log.size();
  });
  form.Push(log);
  EXPECT_TRUE(inside);
}

TEST(CsvForm, ReadsLinesThatEndWithCarriageReturns) {
  for (const int columns : {24, 26}) {
    std::string log = Csv({.message = "one"}, columns) + Csv({.message = "two"}, columns);
    for (std::size_t at = log.find('\n'); at != std::string::npos; at = log.find('\n', at + 2)) {
      log.insert(at, 1, '\r');
    }
    EXPECT_EQ(ReadCsv(log).messages,
              (Strings{Shown(Row{.message = "one"}), Shown(Row{.message = "two"})}));
  }
}

TEST(CsvForm, KnowsTheSeverityInTheServersLanguages) {
  const struct {
    std::string word, sqlstate;
    Severity severity;
    bool labelled;
  } cases[] = {
      {"PANIC", "XX000", Severity::kPanic, true},
      {"DEBUG5", "00000", Severity::kDebug, true},
      {"FEHLER", "42P01", Severity::kError, true},
      {"WARNUNG", "01000", Severity::kWarning, true},
      {"KLINGON", "42P01", Severity::kError, false},
      {"KLINGON", "00000", Severity::kLog, false},
      {"KLINGON", "01000", Severity::kWarning, false},
  };
  for (const auto& c : cases) {
    bool called = false;
    CsvForm form({}, [&](const Message& m) {
      called = true;
      EXPECT_EQ(m.severity, c.severity) << c.word << " " << c.sqlstate;
      EXPECT_EQ(m.labelled, c.labelled) << c.word;
    });
    form.Push(Csv({.severity = c.word, .sqlstate = c.sqlstate}));
    EXPECT_TRUE(called) << c.word;
    EXPECT_EQ(form.stats().unlabelled, c.labelled ? 0U : 1U);
  }
}

TEST(CsvForm, TakesALastRecordWithoutItsLineFeedAtTheEndOnly) {
  std::string log = Csv({.message = "last"});
  log.pop_back();
  int messages = 0;
  CsvForm form({}, [&](const Message&) { ++messages; });
  form.Push(log);
  form.Flush(false);
  EXPECT_EQ(messages, 0);
  form.Flush(true);
  EXPECT_EQ(messages, 1);
  EXPECT_EQ(form.stats().lines, 1U);
}

TEST(CsvForm, CountsALineThatIsNoRecordAndGoesOn) {
  for (const std::string bad : {"some text", "a,b,c", "\"", "\"open", "a\"b", "{\"json\": 1}",
                                "2026-11-20 20:14:23.488 UTC,\"", ",,,,,,,,,,,,,,,,,,,,,,,,,",
                                ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"}) {
    const std::string log = Csv({.message = "one"}) + bad + "\n" + Csv({.message = "two"}) +
                            "\r\n\n" + Csv({.message = "3"});
    for (const std::size_t piece : {log.size(), std::size_t{1}}) {
      const FormOutcome outcome = ReadBy<CsvForm>(log, piece);
      EXPECT_EQ(outcome.messages,
                (Strings{Shown(Row{.message = "one"}), Shown(Row{.message = "two"}),
                         Shown(Row{.message = "3"})}))
          << bad;
      EXPECT_EQ(outcome.unparsed(Unparsed::kBadCsv), 1U) << bad;
      EXPECT_EQ(outcome.stats.lines, 6U) << bad;
    }
  }
}

// The hard rows, each with the offset at which its record begins.
struct Log {
  std::string bytes;
  std::vector<std::size_t> begins;
  Strings messages;
};

Log HardLog(int columns) {
  Log log;
  for (const Row& row : HardRows()) {
    if (columns == 23 && row.message.empty()) continue;
    log.begins.push_back(log.bytes.size());
    log.bytes += Csv(row, columns);
    log.messages.push_back(Shown(row));
  }
  return log;
}

TEST(CsvForm, ReadsAFileThatIsOpenedAnywhere) {
  for (const int columns : {23, 24, 26}) {
    const Log log = HardLog(columns);
    for (std::size_t from = 0; from < log.bytes.size(); ++from) {
      const auto first = static_cast<std::size_t>(
          std::lower_bound(log.begins.begin(), log.begins.end(), from) - log.begins.begin());
      const Strings expected(log.messages.begin() + static_cast<std::ptrdiff_t>(first),
                             log.messages.end());
      ASSERT_EQ(Difference(ReadCsv(std::string_view(log.bytes).substr(from)).messages, expected),
                "")
          << columns << " columns, opened at " << log.bytes.substr(from, 80);
    }
  }
}

TEST(CsvForm, LosesOnlyTheRecordThatACrashCutOff) {
  const Log log = HardLog(26);
  for (std::size_t cut = 1; cut < log.begins.size(); ++cut) {
    const std::size_t begin = log.begins[cut - 1];
    const std::size_t end = log.begins[cut];
    // Up to its application_name, where no message may be missing yet.
    for (std::size_t keep = 1; begin + keep + 30 < end; ++keep) {
      const std::string damaged = log.bytes.substr(0, begin + keep) + log.bytes.substr(end);
      Strings expected = log.messages;
      expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(cut - 1));
      const FormOutcome outcome = ReadCsv(damaged);
      ASSERT_EQ(Difference(outcome.messages, expected), "")
          << "record " << cut - 1 << " cut after " << keep << ": " << damaged.substr(begin, keep);
      EXPECT_GE(outcome.unparsed(Unparsed::kBadCsv), 1U);
    }
  }
}

TEST(CsvForm, CutsLongRecordsAndCountsEachOnce) {
  const Row big{.message = "start",
                .query = std::string(5000, 'x') + "\n" + std::string(5000, '"')};
  const std::string log = Csv(big) + Csv({.message = "next"});
  for (const std::size_t piece : {log.size(), std::size_t{100}, std::size_t{1}}) {
    const FormOutcome outcome = ReadBy<CsvForm>(log, piece, {.record_bytes = 1000});
    ASSERT_EQ(outcome.messages.size(), 2U);
    EXPECT_TRUE(outcome.messages[0].ends_with("xxx truncated"));
    EXPECT_LT(outcome.messages[0].size(), 1100U);
    EXPECT_EQ(outcome.messages[1], Shown(Row{.message = "next"}));
    EXPECT_EQ(outcome.stats.truncated, 1U);
    EXPECT_EQ(outcome.stats.lines, 3U);
  }
}

TEST(CsvForm, GoesOnBehindARecordThatNeverCloses) {
  std::string log = "2026-11-20 20:14:23.488 UTC,\"" + std::string(5000, 'x') + "\n";
  log += Csv({.message = "swallowed"}) + Csv({.message = "next"});
  const FormOutcome outcome = ReadCsv(log, {.record_bytes = 1000});
  ASSERT_FALSE(outcome.messages.empty());
  EXPECT_EQ(outcome.messages.back(), Shown(Row{.message = "next"}));
}

TEST(CsvForm, GivesTheSameForAnyCutOfDamagedBytes) {
  std::mt19937 random(11);
  const std::string bytes = HardLog(26).bytes;
  for (int round = 0; round < 200; ++round) {
    std::string damaged = bytes;
    for (int i = 0; i < 4; ++i) {
      const std::size_t at = random() % damaged.size();
      if (random() % 2 == 0) {
        damaged.erase(at, random() % 200);
      } else {
        damaged[at] = "\",\n\rx0"[random() % 6];
      }
    }
    const ReaderOptions options{.record_bytes = random() % 2 == 0 ? 300U : 100'000U};
    const FormOutcome whole = ReadCsv(damaged, options);
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{64}, std::size_t{1 + random() % 500}}) {
      const FormOutcome cut = ReadBy<CsvForm>(damaged, piece, options);
      ASSERT_EQ(Difference(cut.messages, whole.messages), "");
      ASSERT_EQ(cut.stats.lines, whole.stats.lines);
      ASSERT_EQ(cut.stats.unparsed, whole.stats.unparsed);
    }
  }
}

// ---- The scanner against one that looks at each byte ----

struct Scanned {
  CsvScanner::Stop stop = CsvScanner::Stop::kMoreNeeded;
  std::size_t used = 0;
  std::vector<std::size_t> ends;
  bool operator==(const Scanned&) const = default;
};

Scanned ScanNaively(std::string_view bytes) {
  Scanned out;
  enum { kStart, kPlain, kQuoted, kClosed, kReturned } state = kStart;
  for (; out.used < bytes.size(); ++out.used) {
    const char c = bytes[out.used];
    if (state == kQuoted) {
      if (c == '"') state = kClosed;
      continue;
    }
    if (c == ',' || c == '\n') {
      out.stop = CsvScanner::Stop::kBroken;
      if (out.ends.size() == CsvScanner::kMostColumns) return out;
      out.ends.push_back(out.used);
      out.stop = CsvScanner::Stop::kMoreNeeded;
      state = kStart;
      if (c == ',') continue;
      ++out.used;
      out.stop = CsvScanner::Stop::kRecord;
      return out;
    }
    const bool quote = c == '"';
    if (state == kClosed ? !quote && c != '\r' : quote && state != kStart) {
      out.stop = CsvScanner::Stop::kBroken;
      return out;
    }
    state = quote ? kQuoted : kPlain;
  }
  return out;
}

TEST(CsvScanner, FindsTheColumnsThatALookAtEachByteFinds) {
  std::mt19937 random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    const unsigned kinds = 2 + random() % 5;
    for (std::size_t size = random() % 300; bytes.size() < size;) {
      bytes += "x\",\n\r"[random() % kinds];
      if (random() % 3 == 0) bytes.append(random() % 70, 'y');
      if (random() % 4 == 0) bytes += ",\"";
      if (random() % 4 == 0) bytes += "\",";
    }
    const Scanned expected = ScanNaively(bytes);
    for (const std::size_t piece :
         {bytes.size() + 1, std::size_t{1}, std::size_t{1 + random() % 80}}) {
      CsvScanner scanner;
      Scanned found;
      for (std::size_t at = 0; at < bytes.size() && found.stop == CsvScanner::Stop::kMoreNeeded;
           at += piece) {
        std::size_t used = 0;
        found.stop = scanner.Scan(std::string_view(bytes).substr(at, piece), used);
        found.used += used;
      }
      for (std::size_t i = 0; i < scanner.columns(); ++i)
        found.ends.push_back(scanner.ColumnEnd(i));
      ASSERT_EQ(found.stop, expected.stop) << bytes;
      ASSERT_EQ(found.used, expected.used) << bytes;
      ASSERT_EQ(found.ends, expected.ends) << bytes;
    }
  }
}

}  // namespace
}  // namespace pgbeacon::log
