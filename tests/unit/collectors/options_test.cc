#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/engine/lookup.h"
#include "collectors/engine/plan.h"
#include "collectors/engine/sql.h"

namespace pgbeacon::collectors {
namespace {

using ::testing::HasSubstr;

constexpr const char* kFile =
    "name: t\ntopic: t\nhelp: h\nneeds: {extension: e}\n"
    "top: {by: v, keep: most}\n"
    "options:\n"
    "  - {name: most, default: \"7\", help: h}\n"
    "  - {name: without, type: names, help: h}\n"
    "  - {name: texts, type: flag, help: h}\n"
    "queries:\n"
    "  - from: \"(SELECT * FROM {{ext.e}}.f()) AS f\"\n"
    "    columns_of: \"{{ext.e}}.f()\"\n"
    "    where: NOT k = ANY (ARRAY[{{opt.without}}]::pg_catalog.text[])\n"
    "lookup: {when: texts, by: k, sql: \"SELECT k, t FROM {{ext.e}}.t WHERE k IN ({{missing}})\","
    " label: t, metric: m_text, help: h}\n"
    "columns:\n"
    "  - {col: k, label: k}\n"
    "  - {col: v, was: old_v, metric: m, type: counter, help: h}\n"
    "  - {col: new, metric: n, type: counter, help: h}\n";

struct Planned {
  explicit Planned(const Choice& choice = {}, const std::string& text = kFile) {
    Result<Collector> read = ReadCollector(text, "t.yml");
    EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
    EXPECT_TRUE(catalogue.Add(std::move(read).value()).ok());
    facts.version_num = 150001;
    facts.extensions["e"] = {"ext", "1"};
    facts.columns["f"] = {"k", "old_v"};
    Selection selection;
    selection.choices["t"] = choice;
    plan = MakePlan(catalogue, selection, facts);
  }
  const PlannedCollector& one() const { return plan.on.at(0); }

  Catalogue catalogue;
  ServerFacts facts;
  Plan plan;
};

TEST(Options, StandInTheStatementAndInTheRule) {
  const Planned t;
  EXPECT_EQ(t.one().sql,
            "/* pgbeacon:t */ SELECT k, old_v AS v FROM (SELECT * FROM ext.f()) AS f "
            "WHERE NOT k = ANY (ARRAY[]::pg_catalog.text[])");
  EXPECT_EQ(t.one().keep, std::vector<std::size_t>{7});
  EXPECT_FALSE(WantsLookup(t.one()));
}

TEST(Options, NamesAreLiterals) {
  Choice choice;
  choice.options = {{"without", "b, it's,, a"}, {"most", "3"}, {"texts", "true"}};
  const Planned t(choice);
  EXPECT_THAT(t.one().sql, HasSubstr("ARRAY['a', 'b', 'it''s']::"));
  EXPECT_EQ(t.one().keep, std::vector<std::size_t>{3});
  EXPECT_TRUE(WantsLookup(t.one()));
}

TEST(Options, ValuesAreChecked) {
  EXPECT_EQ(WrongValue({"n", OptionKind::kNumber, "", ""}, "12"), "");
  EXPECT_THAT(WrongValue({"n", OptionKind::kNumber, "", ""}, "0"), HasSubstr("1 to 50000"));
  EXPECT_THAT(WrongValue({"n", OptionKind::kNumber, "", ""}, "1; DROP"), HasSubstr("a number"));
  EXPECT_THAT(WrongValue({"n", OptionKind::kFlag, "", ""}, "yes"), HasSubstr("true or false"));
  EXPECT_EQ(WrongValue({"n", OptionKind::kNames, "", ""}, "'; DROP"), "");
}

TEST(Options, MustExistWhereTheyAreNamed) {
  std::string text = kFile;
  text.replace(text.find("keep: most"), 10, "keep: more");
  const Result<Collector> read = ReadCollector(text, "t.yml");
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr("there is no option 'more'"));
}

TEST(LookupTable, AsksForEachValueOnce) {
  Choice choice;
  choice.options["texts"] = "true";
  const Planned t(choice);
  Families families;
  Family& family = AddFamily(families, "m", MetricType::Counter, "h");
  AddSample(family, {{"k", "1"}}, 1);
  AddSample(family, {{"k", "it's"}}, 1);
  AddSample(family, {{"k", "other"}}, 1);
  LookupTable table;
  EXPECT_EQ(table.Sql(t.one(), t.facts, families),
            "/* pgbeacon:t */ SELECT k, t FROM ext.t WHERE k IN ('1', 'it''s')");
  table.Learn(t.one(), MemoryRows({"k", "t"}, {{"1", "select 1"}, {"9", "nobody asked"}}));
  EXPECT_EQ(table.Sql(t.one(), t.facts, families), "");
  table.AddTo(t.one(), families);
  ASSERT_EQ(families.size(), 2U);
  ASSERT_EQ(families[1].metric.size(), 1U);
  EXPECT_EQ(families[1].metric[0].label[1].value, "select 1");
  families.pop_back();
  families[0].metric.erase(families[0].metric.begin());
  EXPECT_EQ(table.Sql(t.one(), t.facts, families), "") << "what is not shown is forgotten";
  AddSample(families[0], {{"k", "1"}}, 1);
  EXPECT_THAT(table.Sql(t.one(), t.facts, families), HasSubstr("('1')"));
}

}  // namespace
}  // namespace pgbeacon::collectors
