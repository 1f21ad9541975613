#include "exporter/fanout/format.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <string>

namespace pgbeacon::fanout {
namespace {

Entry Example(std::string_view text) {
  Entry entry;
  entry.server = "orders";
  entry.time = "2026-01-31T23:59:59.500000+00:00";
  entry.source = "app";
  entry.process = "postgres.7";
  entry.text = text;
  return entry;
}

std::string Text(const Entry& entry, std::size_t skip = 0) {
  std::string out;
  AppendText(entry, skip, out);
  return out;
}

TEST(LineFormat, IsThatOfHerokuLogs) {
  EXPECT_EQ(Text(Example("LOG:  hello")),
            "2026-01-31T23:59:59.500000+00:00 app[postgres.7]: LOG:  hello\n");
  Entry without = Example("hello");
  without.process = "";
  EXPECT_EQ(Text(without), "2026-01-31T23:59:59.500000+00:00 app: hello\n");
}

TEST(LineFormat, PrintsALineForEachLineFeed) {
  const std::string head = "2026-01-31T23:59:59.500000+00:00 app[postgres.7]: ";
  const Entry entry = Example("one\r\n\ntwo\n");
  EXPECT_EQ(Text(entry), head + "one\n" + head + "\n" + head + "two\n");
  EXPECT_EQ(TextLines(entry), 3U);
  EXPECT_EQ(Text(entry, 2), head + "two\n");
  EXPECT_EQ(Text(Example("")), head + "\n");
  EXPECT_EQ(TextLines(Example("")), 1U);
}

TEST(LineFormat, IsValidJsonWhateverTheBytes) {
  Entry entry = Example("quote \" tab \t bell \a bad \xff end\n");
  entry.severity = log::Severity::kError;
  entry.level = 4;
  std::string out;
  AppendJson(entry, out);
  ASSERT_TRUE(out.ends_with("}\n"));
  EXPECT_EQ(out.find('\n'), out.size() - 1);
  const auto object = boost::json::parse(out).as_object();
  EXPECT_EQ(object.at("text").as_string(), "quote \" tab \t bell \a bad \xEF\xBF\xBD end");
  EXPECT_EQ(object.at("server").as_string(), "orders");
  EXPECT_EQ(object.at("severity").as_string(), "ERROR");
  EXPECT_EQ(object.at("level").as_int64(), 4);
}

TEST(LineFormat, LeavesOutOfJsonWhatALineDoesNotHave) {
  std::string out;
  Entry entry;
  entry.text = "hello";
  AppendJson(entry, out);
  EXPECT_EQ(out, "{\"text\":\"hello\"}\n");
}

TEST(LineFormat, EventsHaveOneDataLineForEachLine) {
  std::string out;
  AppendEvent(7, "one\ntwo\n", out);
  AppendEvent(0, "", out);
  EXPECT_EQ(out, "id: 7\ndata: one\ndata: two\n\ndata: \n\n");
}

TEST(LineFormat, TheNoticeIsThatOfLogplex) {
  EXPECT_EQ(DroppedNotice(90, 1769903999),
            "Error L11 (Tail buffer overflow) -> This tail session dropped 90 messages since "
            "2026-01-31T23:59:59.000000+00:00.");
}

}  // namespace
}  // namespace pgbeacon::fanout
