#include "logparse/forms/json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "form_support.h"
#include "logparse/forms/json_line.h"

namespace pgbeacon::log {
namespace {

using Strings = std::vector<std::string>;

constexpr std::size_t kPieces[] = {1, 2, 7, 4096};

FormOutcome ReadJson(std::string_view log, const ReaderOptions& options = {}) {
  return ReadBy<JsonForm>(log, std::string_view::npos, options);
}

TEST(JsonForm, ReadsEveryKeyInAnyCutOfTheBytes) {
  std::string log;
  Strings expected;
  for (const Row& row : HardRows()) {
    log += Json(row);
    expected.push_back(Shown(row));
  }
  const FormOutcome whole = ReadJson(log);
  EXPECT_EQ(Difference(whole.messages, expected), "");
  EXPECT_EQ(whole.stats.bytes, log.size());
  EXPECT_EQ(whole.stats.lines, expected.size());
  EXPECT_EQ(whole.stats.messages, expected.size());
  for (const std::size_t piece : kPieces) {
    const FormOutcome cut = ReadBy<JsonForm>(log, piece);
    EXPECT_EQ(Difference(cut.messages, expected), "") << piece;
    EXPECT_EQ(cut.stats.lines, expected.size()) << piece;
  }
}

TEST(JsonForm, TakesAnOmittedStateCodeForSuccess) {
  EXPECT_EQ(ReadJson(Json({.message = "hi"})).messages, (Strings{Shown(Row{.message = "hi"})}));
}

TEST(JsonForm, ReadsEscapesOfEveryKind) {
  const FormOutcome outcome = ReadJson(
      R"({"timestamp":"t","pid":7,"error_severity":"LOG","message":"\u0007\t\"\\\/\u00e4\ud83d\ude00"})"
      "\n");
  ASSERT_EQ(outcome.messages.size(), 1U);
  EXPECT_TRUE(outcome.messages[0].ends_with("text=\a\t\"\\/\xc3\xa4\xf0\x9f\x98\x80"))
      << outcome.messages[0];
}

TEST(JsonForm, NamesTheSessionByItsPidWithoutAnId) {
  const FormOutcome outcome =
      ReadJson("{\"timestamp\":\"t\",\"pid\": 7 ,\"error_severity\":\"LOG\",\"message\":\"x\"}\n");
  EXPECT_EQ(outcome.messages,
            (Strings{"server severity=LOG time=t sqlstate=00000 pid=7 session=7 text=x"}));
}

TEST(JsonForm, PassesOverKeysAndValuesThatItDoesNotKnow) {
  const FormOutcome outcome = ReadJson(
      R"({"new":{"message":"no","a":[1,{"error_severity":"PANIC"}]},"timestamp":"t",)"
      R"("pid":7,"flag":true,"error_severity":"LOG","message":"x","hint":null,"detail":[1]})"
      "\n");
  EXPECT_EQ(outcome.messages,
            (Strings{"server severity=LOG time=t sqlstate=00000 pid=7 session=7 text=x"}));
}

TEST(JsonForm, ReadsALineWithBytesThatAreNoUtf8) {
  const std::string log =
      Json({.message = "caf\xe9", .user = "\xff\xfe", .query = "select '\x80'"});
  EXPECT_EQ(ReadJson(log).messages, (Strings{Shown(Row{.message = "caf\xef\xbf\xbd",
                                                       .user = "\xef\xbf\xbd\xef\xbf\xbd",
                                                       .query = "select '\xef\xbf\xbd'"})}));
}

TEST(JsonForm, CountsALineThatIsNoRecordAndGoesOn) {
  const std::string good = Json({.message = "good"});
  const std::string half = good.substr(0, good.size() / 2);
  const std::string bads[] = {
      "text",
      "{",
      "{}",
      "[]",
      "\"x\"",
      "{\"a\":1}",
      half,
      good.substr(0, good.size() - 2),
      good.substr(0, good.size() - 1) + "x",
      good.substr(0, good.size() - 1) + "{}",
      std::string(3000, '{'),
      "{\"a\":" + std::string(3000, '['),
      "{\"timestamp\":\"t\",\"error_severity\":\"PANIC\",\"message\":\"\x01\"}",
      R"({"timestamp":"t","error_severity":"PANIC","message":"\u12"})",
      R"({"timestamp":"t","error_severity":"PANIC","message":"x",})",
      R"({"timestamp":"t","error_severity":"PANIC","message":"x"} {)"};
  for (const std::string& bad : bads) {
    const std::string log = good + bad + "\n\n\r\n" + good;
    for (const std::size_t piece : {log.size(), std::size_t{1}}) {
      const FormOutcome outcome = ReadBy<JsonForm>(log, piece);
      EXPECT_EQ(outcome.messages, Strings(2, Shown(Row{.message = "good"}))) << bad;
      EXPECT_EQ(outcome.unparsed(Unparsed::kBadJson), 1U) << bad;
      EXPECT_EQ(outcome.stats.lines, 5U) << bad;
    }
  }
}

TEST(JsonForm, LosesOnlyTheRecordThatACrashCutOff) {
  const std::string first =
      Json({.message = "{\"timestamp\":\"forged", .query = "{\"timestamp\":\""});
  const std::string second = Json({.message = "second"});
  for (std::size_t keep = 1; keep + 2 < first.size(); ++keep) {
    const FormOutcome outcome = ReadJson(first.substr(0, keep) + second);
    ASSERT_EQ(outcome.messages, (Strings{Shown(Row{.message = "second"})})) << keep;
    EXPECT_EQ(outcome.unparsed(Unparsed::kBadJson), 1U);
  }
}

TEST(JsonForm, CutsLongRecordsAndCountsEachOnce) {
  for (const std::string& unit : {std::string("x"), std::string("\n"), std::string("\\"),
                                  std::string("\x01"), std::string("\xc3\xa4")}) {
    std::string text;
    while (text.size() < 5000) text += unit;
    const std::string log = Json({.message = "start", .query = text}) + Json({.message = "next"});
    for (const std::size_t record_bytes : {1000U, 1001U, 1002U, 1003U, 1004U, 1005U}) {
      const FormOutcome outcome = ReadJson(log, {.record_bytes = record_bytes});
      ASSERT_EQ(outcome.messages.size(), 2U);
      EXPECT_NE(outcome.messages[0].find("text=start"), std::string::npos);
      EXPECT_TRUE(outcome.messages[0].ends_with(" truncated"));
      EXPECT_LT(outcome.messages[0].size(), 1100U);
      EXPECT_EQ(outcome.messages[1], Shown(Row{.message = "next"}));
      EXPECT_EQ(outcome.stats.truncated, 1U);
    }
  }
}

TEST(JsonForm, TakesALastLineWithoutItsLineFeedAtTheEndOnly) {
  int messages = 0;
  JsonForm form({}, [&](const Message&) { ++messages; });
  std::string line = Json({.message = "last"});
  line.pop_back();
  form.Push(line);
  form.Flush(false);
  EXPECT_EQ(messages, 0);
  form.Flush(true);
  EXPECT_EQ(messages, 1);
}

}  // namespace
}  // namespace pgbeacon::log
