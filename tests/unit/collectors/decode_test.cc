#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "collectors/engine/plan.h"
#include "tests/unit/collectors/planned.h"
#include "tests/unit/collectors/series_text.h"

namespace pgbeacon::collectors {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Decoding : Planned {
  using Planned::Planned;
  Decoded Run(const MemoryRows& rows) const { return Decode(plan.on.at(0), rows, "db1:5432"); }
};

constexpr const char* kLabelled =
    "  - {col: k, label: k}\n"
    "  - {col: v, metric: m, type: counter, help: h}\n";

TEST(Decode, NullGivesNoSample) {
  const Decoding t(kLabelled);
  const Decoded d = t.Run(MemoryRows({"k", "v"}, {{"a", std::nullopt}, {"b", "0"}}));
  EXPECT_THAT(SeriesText(d.families), ElementsAre("TYPE m counter", "m{k=\"b\"} 0"));
  EXPECT_EQ(d.series, 1U);
  EXPECT_EQ(d.unreadable, 0U);
}

TEST(Decode, FamiliesWithoutASampleAreAbsent) {
  const Decoding t(kLabelled);
  EXPECT_THAT(t.Run(MemoryRows({"k", "v"}, {{"a", std::nullopt}})).families, IsEmpty());
  EXPECT_THAT(t.Run(MemoryRows({"k", "v"}, {})).families, IsEmpty());
}

TEST(Decode, NullLabelsAreEmpty) {
  const Decoding t(kLabelled);
  EXPECT_THAT(SeriesText(t.Run(MemoryRows({"k", "v"}, {{std::nullopt, "1"}})).families),
              ElementsAre("TYPE m counter", "m{k=\"\"} 1"));
}

TEST(Decode, ReadsWhatPostgresPrintsAsANumber) {
  const Decoding t("  - {col: v, metric: m, help: h}\n");
  struct Case {
    const char* text;
    const char* value;
  };
  for (const Case& c : {Case{"42", "42"}, Case{"-1.5", "-1.5"}, Case{"1e3", "1000"}, Case{"t", "1"},
                        Case{"f", "0"}, Case{"NaN", "NaN"}, Case{"Infinity", "+Inf"},
                        Case{"-Infinity", "-Inf"}, Case{"9007199254740993", "9007199254740992"}}) {
    const Decoded d = t.Run(MemoryRows({"v"}, {{c.text}}));
    EXPECT_THAT(SeriesText(d.families), ElementsAre("TYPE m gauge", std::string("m{} ") + c.value))
        << c.text;
    EXPECT_EQ(d.unreadable, 0U) << c.text;
  }
}

TEST(Decode, CountsValuesThatAreNoNumber) {
  const Decoding t("  - {col: v, metric: m, help: h}\n");
  for (const char* text : {"", "x", "1 kB", "0/16B3748", "1,5", "\xff"}) {
    const Decoded d = t.Run(MemoryRows({"v"}, {{text}}));
    EXPECT_THAT(d.families, IsEmpty()) << text;
    EXPECT_EQ(d.unreadable, 1U) << text;
  }
}

TEST(Decode, NamesAColumnThatTheAnswerLacks) {
  const Decoding t(kLabelled);
  const Decoded d = t.Run(MemoryRows({"k"}, {{"a"}, {"b"}}));
  EXPECT_THAT(d.families, IsEmpty());
  EXPECT_EQ(d.missing, "v");
}

TEST(Decode, ScalesMillisecondsExactly) {
  const Decoding t(
      "  - {col: v, metric: m_seconds_total, type: counter, scale: 0.001, help: h,\n"
      "     compat: [{name: m_ms, scale: 1, type: untyped}]}\n");
  EXPECT_THAT(SeriesText(t.Run(MemoryRows({"v"}, {{"1234.567"}})).families),
              ElementsAre("TYPE m_seconds_total counter", "m_seconds_total{} 1.234567",
                          "TYPE m_ms untyped", "m_ms{} 1234.567"));
  const Decoding kb("  - {col: v, metric: m_bytes, scale: 1024, help: h}\n");
  EXPECT_THAT(SeriesText(kb.Run(MemoryRows({"v"}, {{"3"}})).families),
              ElementsAre("TYPE m_bytes gauge", "m_bytes{} 3072"));
}

TEST(Decode, CompatNamesFollowTheServersVersion) {
  const Decoding t(
      "  - {col: v, metric: m, help: h, compat: [{name: m_old, versions: '<15'}, {name: m_new, "
      "versions: "
      "'>=15'}]}\n");
  EXPECT_THAT(SeriesText(t.Run(MemoryRows({"v"}, {{"1"}})).families),
              ElementsAre("TYPE m gauge", "m{} 1", "TYPE m_new gauge", "m_new{} 1"));
}

TEST(Decode, GivesTheTargetsNameAndChosenLabels) {
  const Decoding t(
      "  - {label: server, target: true}\n"
      "  - {col: a, label: a}\n"
      "  - {col: b, label: b}\n"
      "  - {col: v, metric: m, labels: [b], help: h, compat: [{name: m_peer, labels: [server, a]}, "
      "{name: "
      "m_same}]}\n"
      "  - {col: w, metric: n, help: h}\n");
  EXPECT_THAT(
      SeriesText(t.Run(MemoryRows({"w", "v", "b", "a"}, {{"2", "1", "y", "x"}})).families),
      ElementsAre("TYPE m gauge", "m{b=\"y\"} 1", "TYPE m_peer gauge",
                  "m_peer{server=\"db1:5432\",a=\"x\"} 1", "TYPE m_same gauge", "m_same{b=\"y\"} 1",
                  "TYPE n gauge", "n{server=\"db1:5432\",a=\"x\",b=\"y\"} 2"));
}

TEST(Decode, MakesNamesOfRows) {
  const Decoding t(
      "  - {label: server, target: true}\n"
      "  - {col: n, fills: true}\n"
      "  - {col: v, metric: \"m_{}\", help: h, compat: [{name: \"old_{}\", labels: [server]}]}\n");
  const Decoded d = t.Run(MemoryRows({"n", "v"}, {{"b", "1"},
                                                  {"a_seconds", "2"},
                                                  {"b", "3"},
                                                  {std::nullopt, "4"},
                                                  {"no name", "5"},
                                                  {"unit", "6 parsecs"}}));
  EXPECT_THAT(SeriesText(d.families),
              ElementsAre("TYPE m_a_seconds gauge", "m_a_seconds{server=\"db1:5432\"} 2",
                          "TYPE m_b gauge", "m_b{server=\"db1:5432\"} 1",
                          "TYPE old_a_seconds gauge", "old_a_seconds{server=\"db1:5432\"} 2",
                          "TYPE old_b gauge", "old_b{server=\"db1:5432\"} 1"));
  EXPECT_EQ(d.dropped, 2U);
  EXPECT_EQ(d.unreadable, 4U);
}

TEST(Decode, MergesDuplicatesAsTheFileSays) {
  const MemoryRows rows({"k", "v"}, {{"a", "1"}, {"b", "9"}, {"a", "5"}, {"a", "3"}});
  struct Case {
    const char* head;
    const char* value;
    std::size_t dropped;
  };
  for (const Case& c : {Case{"", "1", 2}, Case{"merge: sum\n", "9", 0},
                        Case{"merge: max\n", "5", 0}, Case{"merge: drop\n", "1", 0}}) {
    const Decoding t(kLabelled, c.head);
    const Decoded d = t.Run(rows);
    EXPECT_THAT(SeriesText(d.families),
                ElementsAre("TYPE m counter", std::string("m{k=\"a\"} ") + c.value, "m{k=\"b\"} 9"))
        << c.head;
    EXPECT_EQ(d.dropped, c.dropped) << c.head;
    EXPECT_EQ(d.series, 2U) << c.head;
  }
}

TEST(Decode, ADuplicateFillsWhatWasNullBefore) {
  const Decoding t(kLabelled, "merge: max\n");
  const Decoded d =
      t.Run(MemoryRows({"k", "v"}, {{"a", std::nullopt}, {"a", "2"}, {"a", std::nullopt}}));
  EXPECT_THAT(SeriesText(d.families), ElementsAre("TYPE m counter", "m{k=\"a\"} 2"));
}

TEST(Decode, KeepsLabelValuesApartThatJoinAlike) {
  const Decoding t(
      "  - {col: a, label: a}\n  - {col: b, label: b}\n  - {col: v, metric: m, help: h}\n");
  const Decoded d =
      t.Run(MemoryRows({"a", "b", "v"}, {{"x", "1:y", "1"}, {"x1:", "y", "2"}, {"", "x1:y", "3"}}));
  EXPECT_EQ(d.series, 3U);
  EXPECT_EQ(d.dropped, 0U);
}

TEST(Decode, StopsAtTheLimitAndCountsTheRest) {
  const Decoding t(kLabelled, "limit: 2\nmerge: sum\n");
  const Decoded d =
      t.Run(MemoryRows({"k", "v"}, {{"a", "1"}, {"b", "1"}, {"c", "1"}, {"a", "1"}, {"d", "1"}}));
  EXPECT_THAT(SeriesText(d.families),
              ElementsAre("TYPE m counter", "m{k=\"a\"} 2", "m{k=\"b\"} 1"));
  EXPECT_EQ(d.series, 2U);
  EXPECT_EQ(d.dropped, 2U);
}

}  // namespace
}  // namespace pgbeacon::collectors
