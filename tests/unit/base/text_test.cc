#include "base/text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace pgbeacon {
namespace {

TEST(Text, JoinsAndSplits) {
  EXPECT_EQ(Join({}, ","), "");
  EXPECT_EQ(Join({"a", "", "b"}, ", "), "a, , b");
  EXPECT_EQ(Split("", ','), std::vector<std::string>());
  EXPECT_EQ(Split("a,,b,", ','), (std::vector<std::string>{"a", "", "b", ""}));
}

TEST(Text, TrimsBlanksOnBothSides) {
  EXPECT_EQ(Trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(Trim(" \n"), "");
  EXPECT_EQ(Trim(""), "");
}

TEST(Text, ParsesWholeIntegersOnly) {
  EXPECT_EQ(ParseInt("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  for (const char* wrong : {"", " 1", "1 ", "+1", "1.0", "9223372036854775808", "0x10", "a"}) {
    EXPECT_FALSE(ParseInt(wrong)) << wrong;
  }
}

TEST(Text, ParsesWholeDoublesOnly) {
  EXPECT_EQ(ParseDouble("1.5e3"), 1500);
  EXPECT_EQ(ParseDouble("Infinity"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(ParseDouble("-Infinity"), -std::numeric_limits<double>::infinity());
  ASSERT_TRUE(ParseDouble("NaN"));
  EXPECT_TRUE(std::isnan(*ParseDouble("NaN")));
  for (const char* wrong : {"", " 1", "1 ", "1,5", "1e999", "--1", "e"}) {
    EXPECT_FALSE(ParseDouble(wrong)) << wrong;
  }
}

TEST(Text, FormatsDoublesAsPrometheusReadsThem) {
  const struct {
    double value;
    const char* text;
  } cases[] = {
      {0, "0"},
      {-0.0, "0"},
      {1, "1"},
      {-17, "-17"},
      {0.1 + 0.2, "0.30000000000000004"},
      {1e6, "1000000"},
      {9007199254740992, "9007199254740992"},
      {9007199254740994, "9007199254740994"},
      {1e300, "1e+300"},
      {5e-324, "5e-324"},
      {std::numeric_limits<double>::infinity(), "+Inf"},
      {-std::numeric_limits<double>::infinity(), "-Inf"},
      {std::numeric_limits<double>::quiet_NaN(), "NaN"},
  };
  for (const auto& [value, text] : cases) EXPECT_EQ(FormatDouble(value), text);
}

TEST(Text, FormattedDoublesReadBackEqual) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    EXPECT_EQ(ParseDouble(FormatDouble(value)), value);
  }
}

TEST(Text, FindsTheNearestWord) {
  const std::vector<std::string> words = {"interval", "timeout", "name", "on"};
  EXPECT_EQ(Nearest("intervall", words), "interval");
  EXPECT_EQ(Nearest("tiemout", words), "timeout");
  EXPECT_EQ(Nearest("nmae", words), "");
  EXPECT_EQ(Nearest("of", words), "on");
  EXPECT_EQ(Nearest("zzz", words), "");
  EXPECT_EQ(Nearest("", words), "");
  EXPECT_EQ(Nearest("name", {}), "");
}

TEST(Text, MatchesGlobs) {
  EXPECT_TRUE(GlobMatch("", ""));
  EXPECT_TRUE(GlobMatch("*", ""));
  EXPECT_TRUE(GlobMatch("a*b?d", "axxbcbcd"));
  EXPECT_TRUE(GlobMatch("*.log", "postgresql.1.log"));
  EXPECT_FALSE(GlobMatch("*.log", "postgresql.log.1"));
  EXPECT_FALSE(GlobMatch("?", ""));
  EXPECT_FALSE(GlobMatch("a", "ab"));
}

TEST(Text, MatchesHostileGlobsInReasonableTime) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  EXPECT_FALSE(GlobMatch(pattern + "b", std::string(5000, 'a')));
}

TEST(Text, TellsUtf8FromOtherBytes) {
  for (const char* good :
       {"", "ascii", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xEF\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
    EXPECT_EQ(ToUtf8(good), good);
  }
  for (const char* bad : {"\x80", "\xC0\xAF", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80",
                          "\xF4\x90\x80\x80", "\xF8\x88\x80\x80", "\xFF", "a\xE2\x82"}) {
    EXPECT_FALSE(IsUtf8(bad));
    EXPECT_TRUE(IsUtf8(ToUtf8(bad)));
  }
}

TEST(Text, RepairsOnlyTheIllFormedBytes) {
  EXPECT_EQ(ToUtf8("a\xFFz\xC3\xA9"), "a\xEF\xBF\xBDz\xC3\xA9");
}

TEST(Text, RepairsWhateverBytesThereAre) {
  std::mt19937 random(2);
  for (int i = 0; i < 5000; ++i) {
    std::string bytes(random() % 12, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_TRUE(IsUtf8(ToUtf8(bytes)));
  }
}

}  // namespace
}  // namespace pgbeacon
