// The hottest messages in other languages are the events that they are in English.
#include "logparse/events/locale.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "catalogue_support.h"
#include "logparse/events/catalogue.h"

namespace pgbeacon::log {
namespace {

struct Localized {
  std::string language, event, text, fields;
};

// Lines of language, event, message and its fields, from the server's own message catalogues.
std::vector<Localized> Messages() {
  std::ifstream file(PGB_SOURCE_DIR "/tests/data/localized.tsv");
  std::vector<Localized> out;
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> columns = Split(line, '\t');
    if (columns.size() != 4) {
      ADD_FAILURE() << line;
      continue;
    }
    for (std::size_t at = 0; (at = columns[2].find("\\n", at)) != std::string::npos; ++at) {
      columns[2].replace(at, 2, "\n");
    }
    out.push_back({columns[0], columns[1], columns[2], columns[3]});
  }
  return out;
}

const EventRow* RowOf(const std::string& name) {
  for (const EventRow& row : Builtin().rows()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

// The value of the field that a hole called `name` gives, whatever unit its name carries.
std::string ValueOf(const Event& event, const std::string& name) {
  std::string value = "no such field";
  for (std::size_t i = 0; i < event.fields.size(); ++i) {
    const std::string& field = event.row->fields[i].name;
    const bool unit = field == name + "_seconds" || field == name + "_bytes";
    if ((field == name || unit) && event.fields[i].present) value = event.fields[i].text;
    if (field == name + "_ratio" && value == "no such field") value = event.fields[i].text;
  }
  return value;
}

TEST(Locale, RecognisesTheHottestMessagesInEveryLanguage) {
  Event event;
  Event naive;
  std::map<std::string, std::set<std::string>> events;  // by language
  for (const Localized& one : Messages()) {
    const EventRow* row = RowOf(one.event);
    ASSERT_NE(row, nullptr) << one.event << ": run tests/data/make_locales.py";
    Message message = SampleMessage(*row, one.text);
    message.context = {};
    Builtin().Match(message, event);
    Builtin().MatchNaively(message, naive);
    const std::string where = one.language + ": " + one.text;
    EXPECT_EQ(event.row, naive.row) << where;
    ASSERT_EQ(event.row == nullptr ? "" : event.row->name, one.event) << where;
    for (const std::string& pair : Split(one.fields, ';')) {
      const std::size_t equals = pair.find('=');
      if (equals == std::string::npos) continue;
      const std::size_t begin = pair.find_first_not_of(' ');
      const std::string name = pair.substr(begin, equals - begin);
      if (name == "buffers") continue;  // a number and a share by one name
      EXPECT_EQ(ValueOf(event, name), pair.substr(equals + 1)) << name << " of " << where;
    }
    events[one.language].insert(one.event);
  }
  EXPECT_EQ(events.size(), 11U);
  for (const auto& [language, names] : events) {
    EXPECT_GE(names.size(), language == "zh_CN" ? 45U : 55U) << language;
  }
}

TEST(Locale, TakesADecimalCommaForAPoint) {
  Message message;
  message.severity = Severity::kLog;
  message.text =
      "Prozess 7 wartet immer noch auf ShareLock-Sperre auf Transaktion 8 nach 1000,125 ms";
  Event event;
  Builtin().Match(message, event);
  ASSERT_NE(event.row, nullptr);
  EXPECT_EQ(ValueOf(event, "mode"), "ShareLock");
  EXPECT_EQ(ValueOf(event, "wait"), "1000,125");
  for (std::size_t i = 0; i < event.fields.size(); ++i) {
    if (event.row->fields[i].name != "wait_seconds") continue;
    EXPECT_DOUBLE_EQ(event.fields[i].number, 1.000125);
  }
}

TEST(Locale, LeavesEnglishMessagesToEnglishWordings) {
  Event event;
  for (const EventRow& row : Builtin().rows()) {
    for (const std::string& sample : row.samples) {
      Builtin().Match(SampleMessage(row, sample), event);
      ASSERT_NE(event.row, nullptr) << sample;
      EXPECT_EQ(event.row->name, row.name) << sample;
    }
  }
}

TEST(Locale, ReportsBadWordings) {
  CatalogueData data;
  const Status bad =
      AddLocaleWordings("wordings:\n  - event: a\n    de: ['x {n:int}5']\n", "l.yml", data);
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("l.yml:3"), std::string::npos) << bad.error().message;
  EXPECT_FALSE(AddLocaleWordings("wordings:\n  - {event: a, xx: b}\n", "l.yml", data).ok());
  EXPECT_TRUE(AddLocaleWordings("wordings:\n  - {event: a, de: b}\n", "l.yml", data).ok());
  EXPECT_TRUE(data.wordings.empty());
}

}  // namespace
}  // namespace pgbeacon::log
