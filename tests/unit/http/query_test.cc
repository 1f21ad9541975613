#include "exporter/http/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgbeacon::http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(PercentDecode, DecodesBytes) {
  EXPECT_EQ(PercentDecode("a%20b%2fc+", false), "a b/c+");
  EXPECT_EQ(PercentDecode("a+b%2B", true), "a b+");
  EXPECT_EQ(PercentDecode("%00%fF", true), std::string("\0\xFF", 2));
  EXPECT_EQ(PercentDecode("", true), "");
}

TEST(PercentDecode, RefusesAPercentWithoutTwoDigits) {
  for (const char* wrong : {"%", "%1", "a%", "%g1", "%1g", "%%41", "%-1", "% 1"}) {
    EXPECT_FALSE(PercentDecode(wrong, true)) << wrong;
  }
}

TEST(ParseTarget, SplitsPathAndQuery) {
  const auto target = ParseTarget("/a%2Fb?x=1&y&&=z&x=a=b&w=");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a/b");
  EXPECT_THAT(target->query, ElementsAre(Pair("x", "1"), Pair("y", ""), Pair("", "z"),
                                         Pair("x", "a=b"), Pair("w", "")));
}

TEST(ParseTarget, TakesEveryForm) {
  const struct {
    const char* target;
    const char* path;
  } cases[] = {{"/", "/"},
               {"/a?", "/a"},
               {"http://h/a", "/a"},
               {"http://h", "/"},
               {"http://h?x=1", "/"},
               {"*", "*"},
               {"/a://b", "/a://b"},
               {"", "/"},
               {"/a?u=http://h/b", "/a"}};
  for (const auto& [text, path] : cases) {
    const auto target = ParseTarget(text);
    ASSERT_TRUE(target) << text;
    EXPECT_EQ(target->path, path) << text;
  }
  EXPECT_THAT(ParseTarget("/a?&&")->query, IsEmpty());
}

TEST(ParseTarget, RefusesWhatCannotBeDecoded) {
  for (const char* wrong : {"/%", "/a?%", "/a?b=%x", "/a?%zz=1"})
    EXPECT_FALSE(ParseTarget(wrong)) << wrong;
}

}  // namespace
}  // namespace pgbeacon::http
