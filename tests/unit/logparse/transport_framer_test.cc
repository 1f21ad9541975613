#include "logparse/transport/framer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace pgbeacon::log {
namespace {

using std::string_view_literals::operator""sv;
using testing::ElementsAre;
using Strings = std::vector<std::string>;

struct Outcome {
  Strings frames;  // "(cut)" behind what was cut
  std::uint64_t bad = 0;
};

// Pushes pieces of the sizes that `size` gives.
template <class Size>
Outcome Read(std::string_view bytes, std::size_t most, Size&& size) {
  Outcome outcome;
  Framer framer(most);
  const auto take = [&](std::string_view frame, bool cut) {
    outcome.frames.push_back(std::string(frame) + (cut ? "(cut)" : ""));
  };
  while (!bytes.empty()) {
    const std::string piece(bytes.substr(0, size()));  // a copy shows what is kept of it
    framer.Push(piece, take);
    EXPECT_LE(framer.held(), 2 * most + 64);
    bytes.remove_prefix(piece.size());
  }
  framer.Finish(take);
  EXPECT_EQ(framer.held(), 0U);
  outcome.bad = framer.bad_frames();
  return outcome;
}

Outcome Read(std::string_view bytes, std::size_t most = 1000) {
  return Read(bytes, most, [&bytes] { return bytes.size(); });
}

std::string Counted(std::string_view message, int off = 0) {
  return std::to_string(static_cast<int>(message.size()) + off) + ' ' + std::string(message);
}

TEST(Framer, DecidesByTheFirstByteOfEachFrame) {
  const Outcome outcome = Read("10 <13>a\nbcde<13>line\n7 <13>abc<13>x\r\n<13>y\0<13>z\n"sv);
  EXPECT_THAT(outcome.frames,
              ElementsAre("<13>a\nbcde", "<13>line", "<13>abc", "<13>x", "<13>y", "<13>z"));
  EXPECT_EQ(outcome.bad, 0U);
}

TEST(Framer, TakesMessagesWithoutPri) {
  EXPECT_THAT(Read("5 hello5 world").frames, ElementsAre("hello", "world"));
  EXPECT_THAT(Read("LOG:  hi\n2026-11-20 20:14:23 UTC LOG:  2\n").frames,
              ElementsAre("LOG:  hi", "2026-11-20 20:14:23 UTC LOG:  2"));
}

TEST(Framer, TakesNoNumberOfTextForACount) {
  EXPECT_THAT(Read("<13>a\n12 rows\n<13>b\n").frames, ElementsAre("<13>a", "12 rows", "<13>b"));
  EXPECT_THAT(Read("12345678901234 <13>a\n<13>b\n").frames,
              ElementsAre("12345678901234 <13>a", "<13>b"));
}

TEST(Framer, AcceptsCountsWithoutTheLineFeed) {
  const Outcome outcome = Read("6 <13>ab\n6 <13>cd\r\n6 <13>ef\n");
  EXPECT_THAT(outcome.frames, ElementsAre("<13>ab", "<13>cd", "<13>ef"));
  EXPECT_EQ(outcome.bad, 0U);
}

TEST(Framer, LearnsThatTheBlankIsCounted) {
  std::string bytes;
  for (int i = 0; i < 5; ++i) bytes += Counted("<13>message " + std::to_string(i) + "\n", 1);
  const Outcome outcome = Read(bytes);
  EXPECT_THAT(outcome.frames, ElementsAre("<13>message 0\n", "<13>message 1\n", "<13>message 2\n",
                                          "<13>message 3\n", "<13>message 4\n"));
  EXPECT_EQ(outcome.bad, 1U);
}

TEST(Framer, LosesOneFrameAtMostWhereTheBlankIsCountedAndNoLineFeedShowsIt) {
  const std::string filler(140, 'x');
  std::string bytes;
  for (int i = 0; i < 6; ++i) bytes += Counted("<13>" + filler + std::to_string(i), 1);
  const Outcome outcome = Read(bytes);
  for (int i = 2; i < 6; ++i) {
    EXPECT_THAT(outcome.frames, testing::Contains("<13>" + filler + std::to_string(i)));
  }
  EXPECT_EQ(outcome.bad, 1U);
}

TEST(Framer, TakesTheFirstDigitBackWhereAZeroFollowsIt) {
  const std::string filler(100, 'x');
  const Outcome outcome = Read(Counted("<13>a", 1) + Counted("<13>" + filler, 1));
  EXPECT_EQ(outcome.frames, (Strings{"<13>a1", "<13>" + filler}));
}

TEST(Framer, TakesASingleFrameWhoseBlankIsCounted) {
  const Outcome outcome = Read(Counted("<13>message", 1));
  EXPECT_THAT(outcome.frames, ElementsAre("<13>message"));
  EXPECT_EQ(outcome.bad, 1U);
}

TEST(Framer, FindsTheNextFrameBehindACountThatIsTooSmall) {
  const std::string text =
      "<13>1 - h a - - gr\xc3\xbc\xc3\xbc\xc3\x9f"
      "e\n";
  const Outcome outcome = Read(Counted(text, -3) + Counted("<13>b") + Counted("<13>c"));
  EXPECT_EQ(outcome.frames, (Strings{text.substr(0, text.size() - 3), "<13>b", "<13>c"}));
  EXPECT_EQ(outcome.bad, 1U);
}

// Of a sender that counts characters where bytes are meant: the last digit is left over and looks
// like one of the next count.
std::string Numbered(int i, int off) {
  return Counted("<132>1 2026-11-21T15:14:23Z h p 4711 - - [" + std::to_string(i) + "-1] " +
                     std::string(100, 'x') + " at character 15",
                 off);
}

TEST(Framer, TellsLeftOverDigitsFromTheNextCount) {
  for (const int off : {-1, -2}) {
    for (const int every : {1, 7, 50}) {
      std::string bytes;
      for (int i = 1; i <= 200; ++i) bytes += Numbered(i, i % every == 0 ? off : 0);
      const Outcome outcome = Read(bytes, 1 << 20);
      ASSERT_EQ(outcome.frames.size(), 200U) << off << ' ' << every;
      EXPECT_LE(outcome.bad, 200U / static_cast<unsigned>(every));
      for (std::size_t i = 0; i < 200; ++i) {
        EXPECT_THAT(outcome.frames[i],
                    testing::StartsWith("<132>1 2026-11-21T15:14:23Z h p 4711 - - [" +
                                        std::to_string(i + 1) + "-1] xxx"));
        EXPECT_THAT(outcome.frames[i], testing::HasSubstr("x at character"));
      }
    }
  }
}

TEST(Framer, WaitsForNoLaterFrameOnceASenderIsKnownToMiscount) {
  Framer framer(1 << 20);
  Strings frames;
  const auto take = [&](std::string_view frame, bool) { frames.emplace_back(frame); };
  for (int i = 1; i <= 60; ++i) framer.Push(Numbered(i, i == 1 ? -1 : 0), take);
  EXPECT_EQ(frames.size(), 60U);
  EXPECT_EQ(framer.held(), 0U);
  framer.Push(Numbered(61, -1), take);
  framer.Push(Numbered(62, 0), take);
  framer.Push(Numbered(63, 0), take);
  EXPECT_EQ(frames.size(), 63U);
}

TEST(Framer, SplitsNoFrameThatFitsWhateverStandsInIt) {
  const std::string forged = "<13>" + std::string(82, 'x') + Counted("<132>1 forged");
  const std::string message = forged + std::string(186 - forged.size(), 'y');
  const std::string bytes = Counted("<13>a") + Counted(message) + Counted(message);
  EXPECT_EQ(Read(bytes).frames, (Strings{"<13>a", message, message}));
  EXPECT_EQ(Read(bytes + "<13>b\n").frames, (Strings{"<13>a", message, message, "<13>b"}));
  EXPECT_EQ(Read(bytes + Counted("<13>c")).bad, 0U);
}

TEST(Framer, GivesWhatFollowsAWrongCountAtTheEnd) {
  const Outcome outcome = Read(Numbered(1, -1) + Numbered(2, 0) + Numbered(3, 0));
  EXPECT_EQ(outcome.frames.size(), 3U);
  EXPECT_EQ(outcome.bad, 1U);
}

TEST(Framer, FindsACountBehindAnyNumberOfDigits) {
  for (const char* digits : {"7", "2026", "20261121", "202611211234567890123"}) {
    const Outcome outcome = Read(Counted("<13>a") + "x" + digits + Numbered(2, 0) + Numbered(3, 0));
    EXPECT_EQ(outcome.frames.size(), 3U) << digits;
  }
}

TEST(Framer, FindsTheNextFrameBehindGarbage) {
  const Outcome outcome = Read(Counted("<13>a") + "???1234 56 <x>\n\n" + Counted("<13>b"));
  EXPECT_THAT(outcome.frames, ElementsAre("<13>a", "<13>b"));
  EXPECT_EQ(outcome.bad, 1U);
}

TEST(Framer, FindsALineBehindACountedFrame) {
  EXPECT_THAT(Read(Counted("<13>a") + "garbage\n<13>b\n<13>c\n").frames,
              ElementsAre("<13>a", "<13>b", "<13>c"));
}

TEST(Framer, CutsLongFramesAndStaysInSync) {
  const std::string text(2'500'000, 'x');
  const Outcome outcome = Read(Counted("<13>" + text) + "<13>" + text + "\r\n" + Counted("<13>b"));
  EXPECT_EQ(outcome.frames, (Strings{"<13>" + text.substr(0, 996) + "(cut)",
                                     "<13>" + text.substr(0, 996) + "(cut)", "<13>b"}));
  EXPECT_EQ(outcome.bad, 0U);
}

TEST(Framer, CutsNothingAtTheLimit) {
  EXPECT_THAT(Read("<13>ab\r\n<13>abc\r\n6 <13>ab7 <13>abc", 6).frames,
              ElementsAre("<13>ab", "<13>ab(cut)", "<13>ab", "<13>ab(cut)"));
}

TEST(Framer, DeliversWhatCameOfTheLastFrame) {
  EXPECT_THAT(Read("<13>ab").frames, ElementsAre("<13>ab"));
  EXPECT_THAT(Read("9 <13>ab").frames, ElementsAre("<13>ab(cut)"));
  EXPECT_THAT(Read("12").frames, ElementsAre("12"));
  EXPECT_THAT(Read("9 ").frames, ElementsAre("9 "));
}

TEST(Framer, DeliversAFrameAsSoonAsItIsWhole) {
  Framer framer(1000);
  Strings frames;
  const auto take = [&](std::string_view frame, bool) { frames.emplace_back(frame); };
  framer.Push("6 <13>a", take);
  EXPECT_TRUE(frames.empty());
  framer.Push("b", take);
  EXPECT_THAT(frames, ElementsAre("<13>ab"));
  EXPECT_EQ(framer.held(), 0U);
}

TEST(Framer, CopiesNoFrameThatStandsInThePushedBytes) {
  const std::string bytes = Counted("<13>a long enough message") + "<13>another line\n<13>open";
  Framer framer(1000);
  framer.Push(bytes, [&](std::string_view frame, bool) {
    EXPECT_TRUE(frame.data() >= bytes.data() && frame.data() < bytes.data() + bytes.size());
  });
}

// Streams of real mixes and their damaged kin.
TEST(Framer, GivesTheSameFramesHoweverTheBytesAreSplit) {
  std::mt19937 random(20261120);
  const auto below = [&random](std::uint32_t n) { return static_cast<std::size_t>(random() % n); };
  const Strings parts = {
      Counted("<134>1 2026-11-20T20:14:23Z h postgres 7 - - [3-1] LOG:  hi"),
      "<134>Nov 20 20:14:23 h postgres[7]: [3-2] \tx\n",
      Counted("<13>a\n<13>b\n7 <13>xyz\n"),
      Counted("<13>abc5", 1),
      Counted("<13>abcdef", -2),
      Counted("<13>abc\n", 1),
      Counted("<13>" + std::string(20, 'y') + " 15", -1),
      Counted("<13>" + std::string(30, 'y') + " 15", -2),
      Counted("<13>" + std::string(10, 'y') + "12 <13>1 b" + std::string(90, 'y')),
      Counted("<13>" + std::string(7, 'y') + "5 <13>1 b" + std::string(60, 'y') + "6"),
      Counted("<13>abc", -1),
      Counted("<13>" + std::string(300, 'y')),
      "<13>" + std::string(300, 'z') + "\r\n",
      "\r\n",
      std::string(1, '\0'),
      "12 ",
      "0",
      "999999999 ",
      "garbage ",
      "7",
      "\n"};
  for (int run = 0; run < 3000; ++run) {
    std::string bytes;
    for (std::size_t i = 1 + below(12); i > 0; --i) {
      bytes += parts[below(4) != 0 ? below(4) : below(static_cast<std::uint32_t>(parts.size()))];
    }
    const Outcome whole = Read(bytes, 200);
    const Outcome single = Read(bytes, 200, [] { return std::size_t{1}; });
    const Outcome split = Read(bytes, 200, [&below] { return 1 + below(60); });
    ASSERT_EQ(single.frames, whole.frames) << bytes;
    ASSERT_EQ(split.frames, whole.frames) << bytes;
    ASSERT_EQ(single.bad, whole.bad) << bytes;
    ASSERT_EQ(split.bad, whole.bad) << bytes;
  }
}

}  // namespace
}  // namespace pgbeacon::log
