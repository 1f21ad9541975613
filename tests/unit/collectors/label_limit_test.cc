#include "collectors/engine/label_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/unit/collectors/planned.h"

namespace pgbeacon::collectors {
namespace {

using ::testing::HasSubstr;

TEST(LabelLimit, CutsAtACharactersEndAndKeepsApartWhatDiffers) {
  EXPECT_EQ(Shortened(std::string(64, 'x'), 64), std::string(64, 'x'));
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\xe2\x82\xac";  // three bytes each
  const std::string cut = Shortened(text, 64);
  EXPECT_LE(cut.size(), 64U);
  EXPECT_TRUE(IsUtf8(cut));
  EXPECT_TRUE(text.starts_with(cut.substr(0, cut.find("...#"))));
  EXPECT_EQ(cut.size() - cut.find("...#"), 20U);
  EXPECT_EQ(cut, Shortened(text, 64)) << "the same at every run";
  EXPECT_NE(cut, Shortened(text + "!", 64));
  EXPECT_EQ(Shortened(std::string(1000, '\xbf'), 64).size(), 61U) << "no UTF-8 at all";
}

TEST(LabelLimit, IsAboutLabelsAndPartsOfNamesAlone) {
  Planned t(
      "  - {col: k, label: k}\n  - {col: part, fills: true}\n"
      "  - {col: v, metric: 'm_{}', help: h}\n",
      "label_limit: 64\n");
  const std::string text(100, 'x');
  const MemoryRows rows({"k", "part", "v"},
                        {{text, "a", "1"}, {"short", "b", text}, {std::nullopt, text, "2"}});
  const ShortLabels shown(t.plan.on.at(0), rows);
  EXPECT_EQ(shown.shortened(), 2U);
  EXPECT_EQ(shown.at(0, 0), Shortened(text, 64));
  EXPECT_EQ(shown.at(1, 0), "short");
  EXPECT_EQ(shown.at(1, 2), text);
  EXPECT_EQ(shown.at(2, 0), std::nullopt);
  EXPECT_EQ(shown.at(2, 1), Shortened(text, 64));
}

TEST(LabelLimit, ComesFromTheFileAndTheChoiceFirst) {
  Planned t("  - {col: v, metric: m, help: h}\n");
  EXPECT_EQ(t.plan.on.at(0).label_limit, 2048U);
  Planned own("  - {col: v, metric: m, help: h}\n", "label_limit: 100\n");
  EXPECT_EQ(own.plan.on.at(0).label_limit, 100U);
  ServerFacts facts;
  facts.version_num = 150001;
  Selection selection;
  selection.choices["t"].label_limit = 300;
  EXPECT_EQ(MakePlan(own.catalogue, selection, facts).on.at(0).label_limit, 300U);
}

TEST(LabelLimit, HasBounds) {
  for (const char* bad : {"63", "1048577", "-1"}) {
    const Result<Collector> read =
        ReadCollector(std::string("name: t\ntopic: t\nhelp: h\nlabel_limit: ") + bad +
                          "\nqueries: [{sql: SELECT}]\ncolumns: [{col: v, metric: m, help: h}]\n",
                      "t.yml");
    ASSERT_FALSE(read.ok()) << bad;
    EXPECT_THAT(read.error().message,
                HasSubstr("t.yml:4:1: label_limit: expected 64 to 1048576 bytes"));
  }
}

}  // namespace
}  // namespace pgbeacon::collectors
