#include "exporter/own_log/line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <chrono>

namespace pgbeacon::own_log {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

const std::chrono::system_clock::time_point kTime{milliseconds(1'777'000'000'123)};

std::string Logfmt(std::string_view text) {
  return FormatLine(LineForm::kLogfmt, kTime, "warn", text);
}

TEST(Line, IsLogfmtOrJson) {
  EXPECT_EQ(Logfmt("target=db1: gone"),
            "ts=2026-04-24T03:06:40.123Z level=warn msg=\"target=db1: gone\"\n");
  const std::string json = FormatLine(LineForm::kJson, kTime, "error", "say \"no\"");
  const auto value = boost::json::parse(json);
  EXPECT_EQ(value.at("msg").as_string(), "say \"no\"");
  EXPECT_EQ(value.at("level").as_string(), "error");
  EXPECT_EQ(value.at("ts").as_string(), "2026-04-24T03:06:40.123Z");
}

TEST(Line, CannotBeForgedByItsText) {
  const std::string line = Logfmt("a\nts=1 level=error msg=\"b\"\r\x1b[2J\x07");
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_THAT(line, HasSubstr("\"a\\nts=1 level=error msg=\\\"b\\\"\\r\\u001b[2J\\u0007\""));
}

TEST(Line, EscapesWhatATerminalOrAViewerObeys) {
  EXPECT_THAT(Logfmt("a\x7f"), HasSubstr("\"a\\u007f\""));
  EXPECT_THAT(Logfmt("a\xc2\x9b[2J"), HasSubstr("\"a\\u009b[2J\""));
  EXPECT_THAT(Logfmt("a\xe2\x80\xae"), HasSubstr("\"a\\u202e\""));
  EXPECT_THAT(Logfmt("a\xe2\x80\xa8z"), HasSubstr("\"a\\u2028z\""));
  EXPECT_THAT(Logfmt("a\xe2\x81\xa9"), HasSubstr("\"a\\u2069\""));
  EXPECT_THAT(Logfmt("\xc3\xa9 \xe2\x82\xac"), HasSubstr("\"\xc3\xa9 \xe2\x82\xac\""));
}

TEST(Line, ReplacesWhatIsNotUtf8) { EXPECT_THAT(Logfmt("a\xff"), HasSubstr("\"a\xef\xbf\xbd\"")); }

TEST(Line, IsCutWhereItIsLong) {
  const std::string line = Logfmt(std::string(kMostLineBytes + 100, 'x'));
  EXPECT_THAT(line, HasSubstr("x ... (100 bytes more)\"\n"));
}

}  // namespace
}  // namespace pgbeacon::own_log
