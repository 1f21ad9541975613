// The lines of tests/data/seed-logs.txt, each alone and without configuration, give the event,
// severity, SQLSTATE and side that the file names.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "logparse/events/catalogue.h"
#include "logparse/reader.h"
#include "logparse/tally.h"

namespace pgbeacon::log {
namespace {

struct Seed {
  std::string event, severity, sqlstate, side, line;
};

std::vector<Seed> Seeds() {
  std::ifstream file(PGB_SOURCE_DIR "/tests/data/seed-logs.txt");
  std::vector<Seed> out;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::vector<std::string> parts = Split(line, '\t');
    if (parts.size() == 5) out.push_back({parts[0], parts[1], parts[2], parts[3], parts[4]});
  }
  return out;
}

std::string OrDash(std::string_view text) { return text.empty() ? "-" : std::string(text); }

TEST(SeedLogs, EachGiveTheirEventOneLineAtATime) {
  const Result<Catalogue> catalogue = Catalogue::Builtin();
  ASSERT_TRUE(catalogue.ok()) << catalogue.error().message;
  const std::vector<Seed> seeds = Seeds();
  ASSERT_EQ(seeds.size(), 20U);
  for (const Seed& seed : seeds) {
    int messages = 0;
    Event event;
    Reader reader({}, [&](const Message& message) {
      ++messages;
      catalogue->Match(message, event);
      EXPECT_EQ(event.row == nullptr ? "none" : event.row->name, seed.event)
          << seed.line << "\ntext: " << message.text;
      EXPECT_EQ(OrDash(SeverityName(SeverityOf(message, event))), seed.severity) << seed.line;
      EXPECT_EQ(OrDash(SqlstateOf(message, event)), seed.sqlstate) << seed.line;
      EXPECT_EQ(SideName(message.side), seed.side) << seed.line;
    });
    reader.Push(seed.line + "\n");
    reader.Flush(true);
    EXPECT_EQ(messages, 1) << seed.line;
  }
}

TEST(SeedLogs, SampleLineBecomesGauges) {
  const Result<Catalogue> catalogue = Catalogue::Builtin();
  Tally tally(*catalogue, {});
  const int server = tally.Server("db");
  Event event;
  Reader reader({}, [&](const Message& message) {
    catalogue->Match(message, event);
    tally.Count(server, message, event, 1000);
  });
  for (const Seed& seed : Seeds()) {
    if (seed.event == "heroku_sample") reader.Push(seed.line + "\n");
  }
  reader.Flush(true);
  int gauges = 0;
  for (const Family& family : tally.Collect(1000)) {
    if (family.name.starts_with("pg_sample_")) ++gauges;
    if (family.name == "pg_sample_memory_total_bytes") {
      EXPECT_EQ(family.metric[0].gauge.value, 7629452.0 * 1024);
    }
    EXPECT_NE(family.name, "pg_sample_value");
  }
  EXPECT_EQ(gauges, 17);  // 16 samples and the time of the last
}

}  // namespace
}  // namespace pgbeacon::log
