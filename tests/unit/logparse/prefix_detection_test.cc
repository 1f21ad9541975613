// Which log_line_prefix the reader takes a log to have.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "reader_support.h"

namespace pgbeacon::log {
namespace {

TEST(PrefixDetection, DetectsCommonPrefixesFromOneLine) {
  const struct {
    std::string_view head, prefix;
  } cases[] = {
      {"2026-11-20 20:14:23.488 UTC [7] ", "%m [%p] "},
      {"2026-11-20 20:14:23 UTC [7] ", "%t [%p] "},
      {"2026-11-20 20:14:23.488 UTC [7] bob@shop ", "%m [%p] %q%u@%d "},
      {"2026-11-20 20:14:23 UTC [7-1] bob@shop ", "%t [%p-%l] %q%u@%d "},
      {"2026-11-20 20:14:23 UTC [7]: [1-1] user=bob,db=shop,app=psql,client=[local] ",
       "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h "},
      {"2026-11-20 20:14:23 UTC:10.0.0.1(5123):bob@shop:[7]:", "%t:%r:%u@%d:[%p]:"},
      {"2026-11-20 20:14:23 UTC-65a1b2c3.1f4-", "%t-%c-"},
      {"sql_error_code = 00000 ", "sql_error_code = %e "},
      {"2026-11-20 20:14:23.488 UTC ", "%m "},
      {"pid=7 app=psql db=shop user=bob ", "pid=%p app=%a db=%d user=%u "},
      {"7|bob|", "%p|%~|"},
  };
  for (const auto& c : cases) {
    const Outcome outcome = ReadUnconfigured(std::string(c.head) + "LOG:  hi\n");
    EXPECT_EQ(outcome.prefix.value_or("none"), c.prefix) << c.head;
    ASSERT_EQ(outcome.messages.size(), 1U) << c.head;
    EXPECT_TRUE(outcome.messages[0].ends_with("text=hi")) << outcome.messages[0];
  }
}

TEST(PrefixDetection, DetectsTextsWithBlanksAndSignedNumbers) {
  const struct {
    std::string_view before, behind;
    std::vector<std::string_view> values;
    std::string_view prefix;
  } cases[] = {
      {"[7] (", ") ", {"psql", "PostgreSQL JDBC Driver", "my app 2"}, "%m [%p] (%b) "},
      {"[7] [", "] ", {"client backend", "checkpointer"}, "%m [%p] [%b] "},
      {"[7] ", " ", {"-1302153480592237684", "4302153480592237684", "0"}, "%m [%p] %Q "},
  };
  for (const auto& c : cases) {
    std::string log;
    for (int i = 0; i < 100; ++i) {
      log += kTime;
      log.append(c.before).append(c.values[i % c.values.size()]).append(c.behind);
      log += "LOG:  hi\n";
    }
    const Outcome outcome = ReadUnconfigured(log);
    EXPECT_EQ(outcome.prefix.value_or("none"), c.prefix);
    EXPECT_EQ(outcome.messages.size(), 100U) << c.prefix;
  }
}

TEST(PrefixDetection, WidensADetectedPrefixWithoutLosingALine) {
  std::string log;
  for (int i = 0; i < 100; ++i) log += std::string(kTime) + "[1] LOG:  background\n";
  log += std::string(kTime) + "[7] bob@shop ERROR:  no\n" + std::string(kTime) +
         "[7] bob@shop STATEMENT:  select\n";
  log += std::string(kTime) + "[1] LOG:  background\n";
  const Outcome outcome = ReadUnconfigured(log);
  EXPECT_EQ(outcome.prefix, kDebian);
  EXPECT_EQ(outcome.messages.size(), 102U);
  EXPECT_EQ(
      std::count(outcome.messages.begin(), outcome.messages.end(),
                 "server severity=ERROR session=7 user=bob database=shop text=no statement=select"),
      1);
  EXPECT_EQ(outcome.stats.prefix_tried, outcome.stats.prefix_matched);
}

TEST(PrefixDetection, FollowsAChangedPrefix) {
  std::string log;
  for (int i = 0; i < 50; ++i) log += std::string(kTime) + "[1] LOG:  before\n";
  for (int i = 0; i < 50; ++i) {
    log +=
        "2026-11-20 20:14:23 UTC [7]: [1-1] user=bob,db=shop,app=psql,client=[local] LOG:  after\n";
  }
  const Outcome outcome = ReadUnconfigured(log);
  const auto after = std::count_if(outcome.messages.begin(), outcome.messages.end(),
                                   [](const std::string& m) { return m.ends_with("text=after"); });
  EXPECT_EQ(outcome.messages.size() + Unparsed(outcome, Unparsed::kNoPrefix), 100U);
  EXPECT_EQ(after, 50);
}

TEST(PrefixDetection, ReadsABareLogWithoutAPrefix) {
  std::string log;
  for (int i = 0; i < 30; ++i) log += "ERROR:  no\nDETAIL:  because\nSTATEMENT:  select\n\t1\n";
  const Outcome outcome = ReadUnconfigured(log);
  EXPECT_EQ(outcome.messages,
            Strings(30, "server severity=ERROR text=no detail=because statement=select\n1"));
  EXPECT_FALSE(outcome.prefix.has_value());
}

TEST(PrefixDetection, CountsServerLinesWhosePrefixItCannotMakeOut) {
  std::string words;
  for (int i = 0; i < 40; ++i) words += "word ";
  const Outcome outcome = ReadUnconfigured(words + "LOG:  hi\nsome text\n");
  EXPECT_EQ(outcome.messages, Strings{"server text=some text unlabelled"});
  EXPECT_EQ(Unparsed(outcome, Unparsed::kNoPrefix), 1U);
}

TEST(PrefixDetection, TakesAPrefixThatTheServerTold) {
  Strings messages;
  Reader reader({}, [&](const Message& m) { messages.push_back(Show(m)); });
  EXPECT_FALSE(reader.SetPrefix("%m %"));
  reader.Push("early|7 LOG:  held\n");
  EXPECT_TRUE(reader.SetPrefix("%a|%p "));
  EXPECT_EQ(reader.prefix(), "%a|%p ");
  reader.Push("psql|7 LOG:  hi\n");
  reader.Flush(true);
  EXPECT_EQ(messages, (Strings{"server severity=LOG session=7 application=early text=held",
                               "server severity=LOG session=7 application=psql text=hi"}));
}

}  // namespace
}  // namespace pgbeacon::log
