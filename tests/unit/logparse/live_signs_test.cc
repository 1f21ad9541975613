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

constexpr double kNow = 1'794'997'600;  // 2026-11-18 10:26:40 UTC

void CountLive(Tally& tally, const Message& message, Written written = Written::kLive) {
  Event event;
  Builtin().Match(message, event);
  tally.Count(tally.Server("db"), message, event, kNow, written);
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

TEST(LiveSigns, AreOfNothingThatIsOlderThanTenMinutes) {
  const auto live = [](std::string_view time) {
    Tally tally(Builtin(), {});
    Message panic = Line(Severity::kPanic, "nobody knows this");
    panic.time = time;
    CountLive(tally, panic);
    EXPECT_EQ(Value(tally, "pg_log_messages_total{server=db,severity=PANIC}"), 1) << time;
    return Value(tally, Live("PANIC"));
  };
  EXPECT_EQ(live("2026-11-18 10:26:40.000 UTC"), 1);
  EXPECT_EQ(live("2026-11-18 10:16:41.000 UTC"), 1) << "9:59 ago";
  EXPECT_EQ(live("2026-11-18 10:16:39.000 UTC"), 0) << "10:01 ago";
  EXPECT_EQ(live("2026-11-18T11:16:39+01:00"), 0);
  EXPECT_EQ(live("1794996900.123"), 0) << "%n";
  EXPECT_EQ(live("2026-11-18 22:26:40.000 UTC"), 1) << "a clock that is ahead";
  EXPECT_EQ(live("2026-11-16 10:26:40.000 IST"), 1) << "of no known zone";
  EXPECT_EQ(live("2026-11-16 10:26:40.000"), 1) << "of no zone";
  EXPECT_EQ(live("Nov 16 10:26:40"), 1) << "of no year";
  EXPECT_EQ(live(""), 1);
}

TEST(LiveSigns, AreKnownByTheWordsWhereNoSqlstateIsPrinted) {
  struct {
    std::string_view sign, text;
  } const cases[] = {
      {"53100", "could not write to file \"base/pgsql_tmp/pgsql_tmp1.0\": No space left on device"},
      {"53100", "could not write to file \"pg_wal/xlogtemp.123\": No space left on device"},
      {"53100", "could not write block 3 in file \"base/5/16384\": No space left on device"},
      {"53100", "could not write block 3 in file \"base/5/16384\": wrote only 4096 of 8192 bytes"},
      {"53100", "could not write blocks 3..4 in file \"base/5/16384\": No space left on device"},
      {"53100", "could not extend file \"base/5/16384\": No space left on device"},
      {"53100",
       "could not write to log file 000000010000000000000003 at offset 8192, length 16384: "
       "No space left on device"},
      {"53100", "could not fsync file \"base/5/16384\": No space left on device"},
      {"58030", "could not read block 3 in file \"base/5/16384\": Input/output error"},
      {"58030", "could not read blocks 3..4 in file \"base/5/16384\": Input/output error"},
      {"58030", "could not write block 3 in file \"base/5/16384\": Input/output error"},
      {"58030", "could not write to file \"pg_wal/xlogtemp.123\": Input/output error"},
      {"58030", "could not extend file \"base/5/16384\": Input/output error"},
      {"58030", "could not fsync file \"base/5/16384\": Input/output error"},
      {"58030",
       "could not write to log file \"000000010000000000000003\" at offset 8192, length 16384: "
       "Input/output error"},
      {"58030", "could not read file \"pg_xact/0000\": Input/output error"},
      {"XX001", "could not read block 3 in file \"base/5/16384\": read only 0 of 8192 bytes"},
      {"XX001", "could not read blocks 3..4 in file \"base/5/16384\": read only 0 of 16384 bytes"},
      {"XX001", "compressed pglz data is corrupt"},
      {"XX001", "compressed lz4 data is corrupt"},
  };
  for (const auto& [sign, text] : cases) {
    for (const Severity severity : {Severity::kError, Severity::kPanic}) {
      Tally tally(Builtin(), {});
      CountLive(tally, Line(severity, text));
      if (severity == Severity::kPanic && text.starts_with("compressed")) continue;
      EXPECT_EQ(Value(tally, Live(sign)), 1) << text;
    }
  }
}

TEST(LiveSigns, AreNotGuessedFromOtherWords) {
  for (const std::string_view text :
       {"could not fsync file \"base/5/16384\": No such file or directory",
        "could not read block 3 in file \"base/5/16384\": Permission denied",
        "could not write to file \"base/pgsql_tmp/1\": File too large"}) {
    Tally tally(Builtin(), {});
    CountLive(tally, Line(Severity::kError, text));
    EXPECT_EQ(Value(tally, Live("ERROR")), 1) << text;
    for (const char* sign : {"53100", "58030", "XX001"}) {
      EXPECT_EQ(Value(tally, Live(sign)), 0) << text;
    }
  }
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
