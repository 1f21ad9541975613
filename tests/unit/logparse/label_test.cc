#include "logparse/label.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/yaml.h"
#include "logparse/data.h"
#include "logparse/reader.h"

namespace pgbeacon::log {
namespace {

std::string Describe(const Label& label) {
  constexpr std::string_view kParts[] = {"",        "DETAIL",   "HINT",      "QUERY",
                                         "CONTEXT", "LOCATION", "BACKTRACE", "STATEMENT"};
  if (!label.found()) return "none";
  const std::string_view name =
      label.primary() ? SeverityName(label.severity) : kParts[static_cast<std::size_t>(label.part)];
  return std::string(name) + " " + std::to_string(label.size);
}

TEST(Label, IsReadInEveryLanguage) {
  const struct {
    std::string_view line, expected;
  } cases[] = {
      {"FEHLER:  42P01: Relation", "ERROR 9"},
      {"ANWEISUNG:  SELECT 1", "STATEMENT 12"},
      {"ORT:  parse.c:1", "LOCATION 6"},
      {"LOGG:  x", "LOG 7"},
      {"FEL:  x", "ERROR 6"},
      {"SATS:  x", "STATEMENT 7"},
      {"ERREUR:  x", "ERROR 9"},
      {"ASTUCE :  x", "HINT 10"},
      {"D\xC3\x89TAIL:  x", "DETAIL 10"},
      {"PILE D'APPEL : x", "BACKTRACE 15"},
      {"\xE6\x96\x87:  SELECT", "STATEMENT 6"},
      {"\xE8\xA9\xB3\xE7\xB4\xB0:  x", "DETAIL 9"},
      {"\xEC\xBF\xBC\xEB\xA6\xAC:SELECT 1", "QUERY 7"},
      {"\xEC\x9C\x84\xEC\xB9\x98: x", "LOCATION 8"},
      {"\xD0\x9E\xD0\xA8\xD0\x98\xD0\x91\xD0\x9A\xD0\x90:  x", "ERROR 15"},
      {"\xE8\x87\xB4\xE5\x91\xBD\xE9\x94\x99\xE8\xAF\xAF:  x", "FATAL 15"},
      {"FEHLER: x", "none"},
      {"FEHLER", "none"},
      {"FEHLERX:  x", "none"},
      {"fehler:  x", "none"},
      {"\xD0\x9E\xD0:  x", "none"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Describe(ParseLabel(c.line, LabelForm::kTwoBlanks)), c.expected) << c.line;
  }
  EXPECT_EQ(Describe(ParseLabel("FEHLER: x", LabelForm::kOneBlank)), "ERROR 8");
}

TEST(Label, OfEveryCatalogueIsFoundBehindAPrefix) {
  YamlErrors errors;
  YamlMap root = ReadYaml(DataFile("logparse/labels.yml"), "labels.yml", errors);
  int labels = 0;
  for (YamlMap& map : root.Maps("labels")) {
    const std::string text = map.Require("text");
    const std::string meaning = map.Require("is");
    const Label label = ParseLabel(text + "x", LabelForm::kTwoBlanks);
    EXPECT_EQ(label.size, text.size()) << text;
    // Georgian has one word for two severities.
    if (ParseSeverity(meaning) != Severity::kNotice) {
      EXPECT_EQ(label.severity, ParseSeverity(meaning)) << text;
    }
    if (text.ends_with(":  ")) {
      EXPECT_EQ(FindLabel("app=x [1] " + text + "x", 0, 64), 10U) << text;
    }
    ++labels;
  }
  EXPECT_GT(labels, 100);
}

TEST(Label, IsNotFoundInsideOfAWord) {
  EXPECT_EQ(FindLabel("XFEHLER:  x", 0, 64), std::string_view::npos);
  // "error" ends the word for "fatal error", which is what the line has.
  EXPECT_EQ(FindLabel("[1] \xE8\x87\xB4\xE5\x91\xBD\xE9\x94\x99\xE8\xAF\xAF:  x", 0, 64), 4U);
  EXPECT_EQ(FindLabel("[1] dauer: 1 ms", 0, 64), std::string_view::npos);
}

TEST(Label, GivesTheSeverityOfAPrintedWord) {
  EXPECT_EQ(ParsePrintedSeverity("ERROR"), Severity::kError);
  EXPECT_EQ(ParsePrintedSeverity("PANIK"), Severity::kPanic);
  EXPECT_EQ(ParsePrintedSeverity("WARNUNG"), Severity::kWarning);
  EXPECT_EQ(ParsePrintedSeverity("HINWEIS"), Severity::kNotice);
  EXPECT_EQ(ParsePrintedSeverity("\xE6\x97\xA5\xE5\xBF\x97"), Severity::kLog);
  EXPECT_EQ(ParsePrintedSeverity("ANWEISUNG"), Severity::kNone);
  EXPECT_EQ(ParsePrintedSeverity(""), Severity::kNone);
  EXPECT_EQ(ParsePrintedSeverity("nonsense"), Severity::kNone);
}

TEST(Label, OfSeveralLanguagesMayBeInOneLog) {
  std::string seen;
  Reader reader({.prefix = "%m [%p] %q%u@%d "}, [&](const Message& message) {
    seen += std::string(SeverityName(message.severity)) + "|" + std::string(message.sqlstate) +
            "|" + std::string(message.text) + "|" + std::string(message.detail) + "|" +
            std::string(message.statement) + "\n";
  });
  const std::string head = "2026-11-20 20:14:23.488 UTC [7] app@shop ";
  reader.Push(head + "FEHLER:  42P01: Relation \xC2\xBBx\xC2\xAB existiert nicht\n" + head +
              "ORT:  parserOpenTable, parse_relation.c:1384\n" + head +
              "ANWEISUNG:  SELECT\n\t1\n" + head + "LOG:  duration: 1.000 ms\n" + head +
              "ERREUR:  oui\n" + head +
              "D\xC3\x89TAIL:  \xC3\xA7"
              "a\n");
  reader.Flush(true);
  EXPECT_EQ(seen,
            "ERROR|42P01|Relation \xC2\xBBx\xC2\xAB existiert nicht||SELECT\n1\n"
            "LOG||duration: 1.000 ms||\n"
            "ERROR||oui|\xC3\xA7"
            "a|\n");
}

}  // namespace
}  // namespace pgbeacon::log
