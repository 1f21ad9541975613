#include "base/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgbeacon {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::vector<std::string> ErrorsOf(std::string_view text, void (*read)(YamlMap&)) {
  YamlErrors errors;
  YamlMap root = ReadYaml(text, "f.yml", errors);
  read(root);
  return errors.messages();
}

TEST(Yaml, ReadsEveryKindOfValue) {
  YamlErrors errors;
  YamlMap root = ReadYaml(
      "name: bgwriter\non: true\ncount: -3\nratio: 1.5\nevery: 5m\nrole: primary\n"
      "tags: [a, b]\none: c\nbounds: [1, 2.5]\n"
      "queries:\n  - sql: SELECT 1\n  - sql: |\n      SELECT\n      2\n"
      "byname: {x: {k: 1}, a: {k: 2}}\nlabels: {z: 1, b: two}\nsub: {k: v}\nnothing:\n",
      "f.yml", errors);
  EXPECT_EQ(root.Require("name"), "bgwriter");
  EXPECT_EQ(root.Bool("on"), true);
  EXPECT_EQ(root.Int("count"), -3);
  EXPECT_EQ(root.Number("ratio"), 1.5);
  EXPECT_EQ(root.Time("every"), std::chrono::minutes(5));
  EXPECT_EQ(root.Choice("role", {"any", "primary"}), "primary");
  EXPECT_THAT(root.Strings("tags"), ElementsAre("a", "b"));
  EXPECT_THAT(root.Strings("one"), ElementsAre("c"));
  EXPECT_THAT(root.Numbers("bounds"), ElementsAre(1, 2.5));
  std::vector<YamlMap> queries = root.Maps("queries");
  ASSERT_EQ(queries.size(), 2U);
  EXPECT_EQ(queries[1].String("sql"), "SELECT\n2\n");
  auto named = root.NamedMaps("byname");
  ASSERT_EQ(named.size(), 2U);
  EXPECT_EQ(named[0].first, "x");
  EXPECT_EQ(named[1].second.Int("k"), 2);
  EXPECT_THAT(root.StringMap("labels"), ElementsAre(Pair("z", "1"), Pair("b", "two")));
  EXPECT_EQ(root.Map("sub")->String("k"), "v");
  EXPECT_FALSE(root.String("nothing"));
  EXPECT_FALSE(root.String("absent"));
  EXPECT_TRUE(root.Has("nothing"));
  root.Finish();
  EXPECT_THAT(errors.messages(), testing::IsEmpty());
}

TEST(Yaml, ReportsUnknownKeysWithTheNearestKnown) {
  EXPECT_THAT(ErrorsOf("name: a\nintervall: 5\nother: 1\n",
                       [](YamlMap& root) {
                         (void)root.String("name");
                         (void)root.Time("interval");
                         root.Finish();
                       }),
              ElementsAre("f.yml:2:1: unknown key 'intervall'; did you mean 'interval'?",
                          "f.yml:3:1: unknown key 'other'"));
}

TEST(Yaml, ReportsEveryMistakeOfAFileAtOnce) {
  EXPECT_THAT(
      ErrorsOf("on: yes\ncount: many\nratio: x\nevery: 5 parsecs\nrole: boss\nbounds: [1, x]\n",
               [](YamlMap& root) {
                 EXPECT_FALSE(root.Bool("on"));
                 EXPECT_FALSE(root.Int("count"));
                 EXPECT_FALSE(root.Number("ratio"));
                 EXPECT_FALSE(root.Time("every"));
                 EXPECT_FALSE(root.Choice("role", {"any", "primary"}));
                 EXPECT_THAT(root.Numbers("bounds"), ElementsAre(1));
               }),
      ElementsAre(
          "f.yml:1:1: on: expected true or false", "f.yml:2:1: count: expected a whole number",
          "f.yml:3:1: ratio: expected a number", HasSubstr("f.yml:4:1: every: expected a time"),
          "f.yml:5:1: role: expected one of any, primary", "f.yml:6:1: bounds: expected numbers"));
}

TEST(Yaml, AQuotedScalarIsAString) {
  EXPECT_EQ(ErrorsOf("a: \"1\"\nb: 'true'\n",
                     [](YamlMap& root) {
                       EXPECT_FALSE(root.Int("a"));
                       EXPECT_FALSE(root.Bool("b"));
                       EXPECT_EQ(root.String("a"), "1");
                     })
                .size(),
            2U);
}

TEST(Yaml, RefusesWrongShapes) {
  const auto errors =
      ErrorsOf("a: [x]\nb: x\nc: [1]\nd: {k: 1}\ne: [{k: 1}]\nf: {k: [1]}\n", [](YamlMap& root) {
        EXPECT_EQ(root.Require("a"), "");
        EXPECT_TRUE(root.Maps("b").empty());
        EXPECT_TRUE(root.Maps("c").empty());
        EXPECT_TRUE(root.Strings("d").empty());
        EXPECT_TRUE(root.Strings("e").empty());
        EXPECT_TRUE(root.NamedMaps("d").empty());
        EXPECT_TRUE(root.StringMap("f").empty());
        EXPECT_FALSE(root.Map("b"));
      });
  EXPECT_THAT(errors, ElementsAre("f.yml:1:1: a: expected a string, found a list",
                                  HasSubstr("f.yml:2:1: b"), HasSubstr("f.yml:3:5: c"),
                                  HasSubstr("f.yml:4:1: d"), HasSubstr("f.yml:5:5: e"),
                                  HasSubstr("f.yml:4:5: 'k'"), HasSubstr("f.yml:6:5: 'k'"),
                                  HasSubstr("f.yml:2:1: b")));
}

TEST(Yaml, RefusesDuplicateKeysAndNamesBothLines) {
  EXPECT_THAT(ErrorsOf("a: 1\nb: 2\na: 3\n", [](YamlMap& root) { EXPECT_EQ(root.Int("a"), 1); }),
              ElementsAre("f.yml:3:1: duplicate key 'a', first given in line 1"));
}

TEST(Yaml, RequiresWhatIsAbsentOrEmpty) {
  EXPECT_THAT(ErrorsOf("a: ''\n",
                       [](YamlMap& root) {
                         (void)root.Require("a");
                         (void)root.Require("b");
                       }),
              ElementsAre("f.yml:1:1: 'a' is required", "f.yml:1:1: 'b' is required"));
  EXPECT_THAT(ErrorsOf("", [](YamlMap& root) { (void)root.Require("a"); }),
              ElementsAre("f.yml:1:1: 'a' is required"));
}

TEST(Yaml, ReportsSyntaxErrorsWithTheirPlace) {
  EXPECT_THAT(ErrorsOf("a: 1\nb: [1\n", [](YamlMap& root) { root.Finish(); }),
              ElementsAre(testing::MatchesRegex("f\\.yml:[0-9]+:[0-9]+: YAML syntax: .*")));
}

TEST(Yaml, RefusesWhatIsNotOneMap) {
  const auto nothing = [](YamlMap&) {};
  EXPECT_THAT(ErrorsOf("- a\n", nothing), ElementsAre(HasSubstr("must be a map")));
  EXPECT_THAT(ErrorsOf("a: 1\n---\nb: 2\n", nothing), ElementsAre(HasSubstr("found several")));
  EXPECT_THAT(ErrorsOf("? [a]\n: 1\n", nothing), ElementsAre(HasSubstr("a plain word")));
  EXPECT_TRUE(ErrorsOf("# only a comment\n", nothing).empty());
}

TEST(Yaml, EndsOnTextThatMakesDocumentsForEver) {
  using namespace std::string_literals;
  const std::string text = ",a: 1\nb: c d(\0e"s;
  EXPECT_FALSE(ErrorsOf(text, [](YamlMap& root) { root.Finish(); }).empty());
}

TEST(Yaml, BoundsAliasesThatMultiply) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) text += ", " + before;
    text += "]\n";
  }
  EXPECT_THAT(ErrorsOf(text, [](YamlMap&) {}), ElementsAre(HasSubstr("too large")));
}

TEST(Yaml, SurvivesDeepNesting) {
  const auto nothing = [](YamlMap&) {};
  EXPECT_EQ(ErrorsOf("a: " + std::string(100, '[') + std::string(100, ']'), nothing).size(), 1U);
  EXPECT_EQ(ErrorsOf("a: " + std::string(20000, '['), nothing).size(), 1U);
}

TEST(Yaml, ReadsManyKeysInReasonableTime) {
  std::string text;
  for (int i = 0; i < 50000; ++i) text += "key" + std::to_string(i) + ": 1\n";
  EXPECT_TRUE(ErrorsOf(text, [](YamlMap& root) { EXPECT_EQ(root.Int("key49999"), 1); }).empty());
}

TEST(ParseTime, TakesUnitsAndBareSeconds) {
  EXPECT_EQ(ParseTime("250ms"), milliseconds(250));
  EXPECT_EQ(ParseTime("30"), milliseconds(30000));
  EXPECT_EQ(ParseTime("0"), milliseconds(0));
  EXPECT_EQ(ParseTime("0.29s"), milliseconds(290));
  EXPECT_EQ(ParseTime("5m"), std::chrono::minutes(5));
  EXPECT_EQ(ParseTime("1h"), std::chrono::hours(1));
  EXPECT_EQ(ParseTime("1d"), std::chrono::hours(24));
  for (const char* wrong :
       {"", "s", "-1s", "5x", "5 s", "nan", "inf", "1e12", "1000000d", "1e999s"}) {
    EXPECT_FALSE(ParseTime(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace pgbeacon
