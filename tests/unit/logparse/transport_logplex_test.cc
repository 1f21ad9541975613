#include "logparse/transport/logplex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "logparse/transport/frame.h"

namespace pgbeacon::log {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Strings = std::vector<std::string>;

constexpr std::string_view kOne = "<134>1 2026-11-20T20:14:23+00:00 host app postgres.1 - one";
constexpr std::string_view kTwo = "<134>1 2026-11-20T20:14:23+00:00 host app postgres.1 - two\n";
constexpr std::string_view kLost =
    "<172>1 2014-11-11T08:24:25+00:00 host heroku logplex - Error L10 (output buffer overflow): "
    "491 messages dropped since 2014-11-07T23:29:45+00:00.";

std::string Counted(std::string_view message, int off = 0) {
  return std::to_string(static_cast<int>(message.size()) + off) + ' ' + std::string(message);
}

struct Outcome {
  Strings messages;  // what stands behind the headers
  std::uint64_t bad = 0;
};

Outcome Read(std::string_view bytes) {
  Outcome outcome;
  LogplexBody body(bytes);
  while (const std::optional<std::string_view> message = body.Next()) {
    outcome.messages.emplace_back(ParseFrame(*message).message);
  }
  outcome.bad = body.bad_frames();
  return outcome;
}

TEST(LogplexBody, ReadsMessagesWithoutSeparators) {
  const Outcome outcome = Read(Counted(kOne) + Counted(kTwo) + Counted(kOne));
  EXPECT_THAT(outcome.messages, ElementsAre("one", "two", "one"));
  EXPECT_EQ(outcome.bad, 0U);
}

TEST(LogplexBody, ReadsAnOverflowWithoutALineFeed) {
  const Outcome outcome = Read(Counted(kLost) + Counted(kTwo));
  ASSERT_EQ(outcome.messages.size(), 2U);
  const std::optional<LogplexLoss> loss = ParseLogplexLoss(outcome.messages[0]);
  ASSERT_TRUE(loss);
  EXPECT_EQ(loss->messages, 491U);
  EXPECT_EQ(outcome.bad, 0U);
}

TEST(LogplexBody, KeepsLineFeedsAndBadUtf8InsideMessages) {
  const std::string text =
      "<134>1 2026-11-20T20:14:23+00:00 host app web.1 - a\n\xff\xfe\n57 <134>1 - x\nb";
  const Outcome outcome = Read(Counted(text) + Counted(kOne));
  EXPECT_THAT(outcome.messages, ElementsAre("a\n\xff\xfe\n57 <134>1 - x\nb", "one"));
  EXPECT_EQ(outcome.bad, 0U);
}

TEST(LogplexBody, ReadsEveryMessageWhenCountsAreOff) {
  for (const int off : {-9, -2, -1, 1, 2, 9}) {
    const Outcome outcome =
        Read(Counted(kOne, off) + Counted(kTwo) + Counted(kOne, off) + Counted(kOne, off));
    EXPECT_THAT(outcome.messages, ElementsAre("one", "two", "one", "one")) << off;
    EXPECT_EQ(outcome.bad, 3U) << off;
  }
}

TEST(LogplexBody, AcceptsCountsWithoutTheLineFeed) {
  const Outcome outcome = Read(Counted(kOne) + "\n" + Counted(kOne) + "\n");
  EXPECT_THAT(outcome.messages, ElementsAre("one", "one"));
  EXPECT_EQ(outcome.bad, 0U);
}

TEST(LogplexBody, TellsTheDigitsOfTextFromThoseOfTheNextCount) {
  const std::string text = std::string(kOne) + " 5";
  EXPECT_THAT(Read(Counted(text) + Counted(kOne)).messages, ElementsAre("one 5", "one"));
  const Outcome outcome = Read(Counted(text, -1) + Counted(kOne));
  EXPECT_THAT(outcome.messages, ElementsAre("one 5", "one"));
  EXPECT_EQ(outcome.bad, 1U);
}

TEST(LogplexBody, ReadsABodyThatWasCut) {
  const std::string body = Counted(kOne) + Counted(kTwo);
  const Outcome outcome = Read(std::string_view(body).substr(0, body.size() - 2));
  EXPECT_THAT(outcome.messages, ElementsAre("one", "tw"));
  EXPECT_EQ(outcome.bad, 1U);
}

TEST(LogplexBody, SkipsGarbage) {
  EXPECT_THAT(Read("").messages, IsEmpty());
  EXPECT_THAT(Read("\n\n").messages, IsEmpty());
  const Outcome garbage = Read("{\"no\": \"logplex\"}");
  EXPECT_THAT(garbage.messages, IsEmpty());
  EXPECT_EQ(garbage.bad, 1U);
  const Outcome outcome = Read("garbage" + Counted(kOne) + Counted(kTwo));
  EXPECT_THAT(outcome.messages, ElementsAre("one", "two"));
}

TEST(LogplexBody, ReadsLinesWithoutCounts) {
  const Outcome outcome = Read(std::string(kTwo) + std::string(kTwo) + std::string(kOne));
  EXPECT_THAT(outcome.messages, ElementsAre("two", "two", "one"));
  EXPECT_EQ(outcome.bad, 3U);
}

TEST(LogplexLoss, IsReadInAllForms) {
  const struct {
    std::string_view message;
    bool tail;
    std::uint64_t messages;
  } cases[] = {
      {"Error L10 (output buffer overflow): 491 messages dropped since 2014-11-07T23:29:45+00:00.",
       false, 491},
      {"- Error L10 (output buffer overflow): 1 message dropped since 2014-11-07T23:29:45+00:00.",
       false, 1},
      {"Error L10 (output buffer overflow) -> 12 messages dropped since 2014-11-07T23:29:45Z.",
       false, 12},
      {"Error L11 (Tail buffer overflow) -> This tail session dropped 7 messages since "
       "2014-11-07T23:29:45+00:00.",
       true, 7},
  };
  for (const auto& c : cases) {
    const std::optional<LogplexLoss> loss = ParseLogplexLoss(c.message);
    ASSERT_TRUE(loss) << c.message;
    EXPECT_EQ(loss->tail, c.tail) << c.message;
    EXPECT_EQ(loss->messages, c.messages) << c.message;
  }
}

TEST(LogplexLoss, IsNoneInOtherMessages) {
  for (std::string_view message :
       {"", "Error L10", "Error L10 (output buffer overflow)", "Error L12 (x): 5 messages dropped ",
        "Error L10 (x): many messages dropped since", "Error L10 messages dropped ",
        "Error L10 (x): 99999999999999999999 messages dropped since",
        "my Error L10 (x): 5 messages dropped since",
        "Error L20 (Tail sessions forbidden) Tail sessions for this app are forbidden due to log "
        "volume."}) {
    EXPECT_FALSE(ParseLogplexLoss(message)) << message;
  }
}

}  // namespace
}  // namespace pgbeacon::log
