#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "form_support.h"
#include "logparse/forms/detect_form.h"
#include "logparse/reader.h"

namespace pgbeacon::log {
namespace {

using Strings = std::vector<std::string>;

struct Found {
  FormKind form = FormKind::kAuto;
  std::string envelope;
};

Found Find(std::string_view log, std::size_t piece = std::string_view::npos) {
  Reader reader({}, [](const Message&) {});
  for (std::size_t at = 0; at < log.size(); at += std::min(piece, log.size())) {
    reader.Push(log.substr(at, piece));
  }
  reader.Flush(true);
  return {reader.form(), std::string(reader.envelope())};
}

const std::string kText = "2026-11-20 20:14:23.488 UTC [7] LOG:  hi\n";

TEST(FormDetection, KnowsEachFormByOneLine) {
  const struct {
    std::string log;
    FormKind form;
    std::string envelope;
  } cases[] = {
      {kText, FormKind::kStderr, ""},
      {Csv({}, 23), FormKind::kCsv, ""},
      {Csv({}, 24), FormKind::kCsv, ""},
      {Csv({.user = "bob", .query = "a \"b\""}), FormKind::kCsv, ""},
      {Csv({.severity = "FEHLER", .message = "x"}), FormKind::kCsv, ""},
      {Json({}), FormKind::kJson, ""},
      {Json({.user = "\xff"}), FormKind::kJson, ""},
      {"2023-12-19 03:06:37.241 CET [10384] LOG C-0x5: a/b@c:1 login attempt\n",
       FormKind::kPgbouncer, ""},
      {"2014-11-02 00:35:38.123 10384 WARNING something\n", FormKind::kPgbouncer, ""},
      {"2026-11-20T20:14:23.488512345Z stderr F " + kText, FormKind::kStderr, "cri"},
      {"2026-11-20T20:14:23+01:00 stdout F " + Json({}), FormKind::kJson, "cri"},
      {R"({"log":"2026-11-20 20:14:23.488 UTC [7] LOG:  hi\n","stream":"stderr","time":"t"})"
       "\n",
       FormKind::kStderr, "docker"},
  };
  for (const auto& c : cases) {
    for (const std::string& log :
         {c.log, c.log.substr(0, c.log.size() - 1), "half a line\n" + c.log}) {
      const Found found = Find(log);
      EXPECT_EQ(FormName(found.form), FormName(c.form)) << log;
      EXPECT_EQ(found.envelope, c.envelope) << log;
      EXPECT_EQ(Find(log, 1).form, found.form) << log;
    }
  }
}

TEST(FormDetection, TakesWhatSpeaksForNothingForText) {
  for (const std::string log : {"hello\n", "{\"a\":1}\n", "{\n", "a,b,c\n", "\n\n", "x",
                                "2026-11-20 20:14:23.488 UTC,not,a,record\n"}) {
    Reader reader({}, [](const Message&) {});
    reader.Push(log);
    reader.Flush(true);
    EXPECT_EQ(reader.envelope(), "") << log;
    EXPECT_EQ(reader.stats().unparsed[static_cast<std::size_t>(Unparsed::kBadCsv)], 0U) << log;
    EXPECT_EQ(reader.stats().unparsed[static_cast<std::size_t>(Unparsed::kBadJson)], 0U) << log;
  }
}

TEST(FormDetection, FindsCsvlogBehindTheRestOfALongRecord) {
  std::string log;
  for (int i = 0; i < 150; ++i) log += "  and column" + std::to_string(i) + " = \"\"x\"\"\n";
  for (int i = 0; i < 30; ++i) log += kText;  // in a statement's text
  log += "\",,,\"psql\",\"client backend\",,0\n";
  Strings expected;
  for (const Row& row : HardRows()) {
    log += Csv(row);
    expected.push_back(Shown(row));
  }
  EXPECT_EQ(Difference(ReadBy<Reader>(log).messages, expected), "");
}

TEST(FormDetection, KeepsForgedLinesFromTurningTheForm) {
  std::string text;
  for (int i = 0; i < 300; ++i)
    text += "2026-11-20 20:14:23.488 UTC [1] PANIC:  forged\n" + Json({});
  const Row row{.severity = "ERROR", .sqlstate = "42601", .message = "no", .query = text};
  for (const FormKind form : {FormKind::kCsv, FormKind::kJson}) {
    std::string log;
    Strings expected;
    for (int i = 0; i < 20; ++i) {
      log += form == FormKind::kCsv ? Csv(row) : Json(row);
      expected.push_back(Shown(row));
    }
    EXPECT_EQ(Difference(ReadBy<Reader>(log).messages, expected), "") << FormName(form);
  }
  std::string log = kText;
  for (int i = 0; i < 20; ++i) log += "\t" + Csv({.severity = "PANIC"}) + "\t" + Json({});
  log += kText;
  const FormOutcome outcome = ReadBy<Reader>(log);
  ASSERT_EQ(outcome.messages.size(), 2U);
  EXPECT_NE(outcome.messages[0].find("PANIC"), std::string::npos);
}

TEST(FormDetection, HoldsNoLineBackWhenFlushed) {
  int messages = 0;
  Reader reader({}, [&](const Message&) { ++messages; });
  EXPECT_EQ(reader.form(), FormKind::kAuto);
  reader.Push(Csv({}) + "2026-11-20 20:1");
  reader.Flush(false);
  EXPECT_EQ(messages, 1);
  EXPECT_EQ(reader.form(), FormKind::kCsv);
  reader.Push(Csv({}).substr(15));
  EXPECT_EQ(messages, 2);
}

TEST(FormDetection, DecidesAnewWhenALogTurnsIntoAnother) {
  std::string banner;
  for (int i = 0; i < 20; ++i) banner += "some words of a start script " + std::to_string(i) + "\n";
  std::string json;
  std::string csv;
  for (int i = 0; i < 600; ++i) {
    json += Json({.message = "json " + std::to_string(i)});
    csv += Csv({.message = "csv " + std::to_string(i)});
  }
  for (const std::string& log : {banner + json, json + csv, csv + json, banner + csv}) {
    const FormOutcome outcome = ReadBy<Reader>(log);
    const bool ends_in_csv = log.ends_with(csv);
    EXPECT_EQ(Find(log).form, ends_in_csv ? FormKind::kCsv : FormKind::kJson);
    const std::string last = ends_in_csv ? "text=csv 599" : "text=json 599";
    EXPECT_TRUE(outcome.messages.back().ends_with(last));
    EXPECT_EQ(outcome.stats.lines,
              static_cast<std::uint64_t>(std::count(log.begin(), log.end(), '\n')));
    EXPECT_EQ(outcome.stats.bytes, log.size());
    EXPECT_EQ(outcome.stats.messages, outcome.messages.size());
    std::uint64_t told = outcome.messages.size();
    for (const std::uint64_t count : outcome.stats.unparsed) told += count;
    EXPECT_EQ(told, outcome.stats.lines);
    EXPECT_GT(outcome.messages.size(), 400U);
    for (const std::size_t piece : {1, 100, 4096}) {
      const FormOutcome cut = ReadBy<Reader>(log, piece);
      EXPECT_EQ(Difference(cut.messages, outcome.messages), "");
      EXPECT_EQ(cut.stats.unparsed, outcome.stats.unparsed);
    }
  }
}

TEST(FormDetection, NeverDoubtsTheFormThatItIsTold) {
  std::string log = Json({});
  for (int i = 0; i < 1000; ++i) log += kText + Csv({});
  const FormOutcome outcome = ReadBy<Reader>(log, log.size(), {.form = FormKind::kJson});
  EXPECT_EQ(outcome.messages.size(), 1U);
  EXPECT_EQ(outcome.unparsed(Unparsed::kBadJson), 2000U);
}

TEST(FormDetection, TakesEnvelopesOffTheFormThatItIsTold) {
  const std::string log = "2026-11-20T20:14:23.488512345Z stderr F " + Csv({.message = "in cri"});
  const FormOutcome outcome = ReadBy<Reader>(log, log.size(), {.form = FormKind::kCsv});
  EXPECT_EQ(outcome.messages, (Strings{Shown(Row{.message = "in cri"})}));
}

TEST(FormDetection, HoldsLittleOfALogThatNeverSaysAnything) {
  const std::string words(1 << 20, 'x');
  Reader reader({.record_bytes = 100}, [](const Message&) {});
  reader.Push(words);
  EXPECT_EQ(reader.stats().bytes, 0U);  // until the line ends
  reader.Flush(true);
  EXPECT_EQ(reader.stats().bytes, words.size());
}

TEST(ParseCri, TellsAPlatformsLineFromOthers) {
  CriLine cri;
  EXPECT_TRUE(ParseCri("2026-11-20T20:14:23.488512345Z stderr P:x  two blanks", cri));
  EXPECT_EQ(cri.time, "2026-11-20T20:14:23.488512345Z");
  EXPECT_EQ(cri.stream, "stderr");
  EXPECT_EQ(cri.text, " two blanks");
  EXPECT_TRUE(cri.partial);
  EXPECT_TRUE(ParseCri("2026-11-20T20:14:23Z stdout F", cri));
  EXPECT_EQ(cri.text, "");
  for (const std::string_view line :
       {"", "2026-11-20T20:14:23Z", "2026-11-20T20:14:23Z stderr",
        "2026-11-20T20:14:23Z stderr X t", "2026-11-20T20:14:23Z app[postgres.1]: F hi",
        "2026-11-20 20:14:23Z stderr F t"}) {
    EXPECT_FALSE(ParseCri(line, cri)) << line;
  }
}

}  // namespace
}  // namespace pgbeacon::log
