// What alerts look for is counted once more where it was written live.
#include "logparse/live_signs.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tally_support.h"

namespace pgbeacon::log {
namespace {

std::string Live(std::string_view sign) {
  return std::string(kLiveMessages) + "{server=db,sign=" + std::string(sign) + "}";
}

void CountLive(Tally& tally, const Message& message, Written written = Written::kLive) {
  Event event;
  Builtin().Match(message, event);
  tally.Count(tally.Server("db"), message, event, 0, written);
}

TEST(LiveSigns, AreOfSeveritySqlstateAndEvent) {
  Tally tally(Builtin(), {});
  Message message = Line(Severity::kPanic, "could not write to file \"pg_wal/1\"");
  message.sqlstate = "53100";
  CountLive(tally, message);
  CountLive(tally, Line(Severity::kLog, "terminating any other active server processes"));
  CountLive(tally, Line(Severity::kFatal, "password authentication failed for user \"app\""));
  EXPECT_EQ(Value(tally, Live("PANIC")), 1);
  EXPECT_EQ(Value(tally, Live("53100")), 1);
  EXPECT_EQ(Value(tally, Live("crash_terminating_others")), 1);
  EXPECT_EQ(Value(tally, Live("authentication_failure")), 1);
  EXPECT_EQ(Value(tally, Live("FATAL")), 1);
  EXPECT_EQ(Value(tally, Live("ERROR")), 0) << "born";
}

TEST(LiveSigns, AreOfNothingThatWasWrittenBefore) {
  Tally tally(Builtin(), {});
  const Message panic = Line(Severity::kPanic, "nobody knows this");
  CountLive(tally, panic, Written::kBefore);
  EXPECT_EQ(Value(tally, "pg_log_messages_total{server=db,severity=PANIC}"), 1);
  EXPECT_EQ(Value(tally, Live("PANIC")), 0);
  CountLive(tally, panic);
  EXPECT_EQ(Value(tally, "pg_log_messages_total{server=db,severity=PANIC}"), 2);
  EXPECT_EQ(Value(tally, Live("PANIC")), 1);
}

TEST(LiveSigns, AreOfNoClientsLinesNorOurOwn) {
  Tally tally(Builtin(), {});
  CountLive(tally, Line(Severity::kError, "nobody knows this", Side::kClient));
  Message own = Line(Severity::kError, "nobody knows this");
  own.application = "pgbeacon";
  CountLive(tally, own);
  EXPECT_EQ(Value(tally, Live("ERROR")), 0);
}

TEST(LiveSigns, AreNotToldApartByDatabaseAndOutliveTheProcess) {
  Tally before(Builtin(), {.datname_limit = 3});
  Message message = Line(Severity::kError, "nobody knows this");
  message.database = "shop";
  CountLive(before, message);
  EXPECT_EQ(Value(before, Live("ERROR")), 1);
  std::vector<TallyRow> rows;
  before.Changes(Tally(Builtin(), {.datname_limit = 3}), rows);
  Tally after(Builtin(), {.datname_limit = 3});
  for (const TallyRow& row : rows) EXPECT_TRUE(after.Restore(row)) << row.key;
  EXPECT_EQ(Value(after, Live("ERROR")), 1);
}

}  // namespace
}  // namespace pgbeacon::log
