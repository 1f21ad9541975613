#include "collectors/native/backup.h"

#include "tests/unit/collectors/native_support.h"

namespace pgbeacon::collectors {
namespace {

TEST(Backup, ReadsTimesInTheFormsOfOtherPrograms) {
  const std::pair<const char*, double> cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2026-11-21T02:00:00Z", 1795226400},
      {"2026-11-21 02:00:00", 1795226400},
      {"2026-11-21T03:00:00+01:00", 1795226400},
      {"2026-11-21 03:00:00+01", 1795226400},
      {"2026-11-20 18:30:00-0730", 1795226400},
      {"2026-11-21 02:00:00.25+00:00", 1795226400.25},
  };
  for (const auto& [text, seconds] : cases) {
    const std::optional<double> read = ParseTimestamp(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, seconds) << text;
  }
  for (const char* text : {"", "now", "2026-11-21", "2026-13-21T00:00:00Z", "2026-02-30T00:00:00Z",
                           "2026-11-21T02:00", "2026-11-21T02:00:00X", "2026-11-21T02:00:00+1",
                           "+026-11-21T02:00:00Z", "2026-11-21T02:99:00Z"}) {
    EXPECT_FALSE(ParseTimestamp(text)) << text;
  }
}

TEST(Backup, TellsTheNewestGoodBackupFromTheNewest) {
  Result<BackupSet> set = ReadInventory(R"({"backups": [
    {"time": "2026-11-20T02:00:00Z", "size": 100, "status": "available"},
    {"time": "2026-11-21T02:00:00Z", "size": 300, "status": "completed",
     "start": "2026-11-21T01:50:00Z"},
    {"time": 1795312800, "size": 1, "status": "failed"},
    {"size": 5}, 7]})");
  ASSERT_TRUE(set.ok());
  set->name = "volume";
  set->kind = "snapshot";
  Sheet sheet;
  AddBackups(*set, 1795320000, sheet);
  const Families families = sheet.Take();
  const std::string labels = R"({name="volume",kind="snapshot",repo="",type=""})";
  const auto value = [&](const std::string& name) { return ValueOf(families, name + labels); };
  EXPECT_EQ(
      ValueOf(families, R"(pg_backup_unreadable_backups{name="volume",kind="snapshot",repo=""})"),
      "2");
  EXPECT_EQ(value("pg_backup_backups"), "3");
  EXPECT_EQ(value("pg_backup_bad_backups"), "1");
  EXPECT_EQ(value("pg_backup_last_success"), "0");
  EXPECT_EQ(value("pg_backup_last_timestamp_seconds"), "1795226400");
  EXPECT_EQ(value("pg_backup_last_age_seconds"), "93600");
  EXPECT_EQ(value("pg_backup_last_size_bytes"), "300");
  EXPECT_EQ(value("pg_backup_last_duration_seconds"), "600");
  EXPECT_EQ(value("pg_backup_oldest_timestamp_seconds"), "1795140000");
}

TEST(Backup, OneOfTimesToComeIsBad) {
  BackupSet set{.name = "n", .kind = "k", .repo = "", .backups = {}};
  set.backups = {{.stop = 1000}, {.stop = 99000}};
  Sheet sheet;
  AddBackups(set, 2000, sheet);
  const Families families = sheet.Take();
  const std::string labels = R"({name="n",kind="k",repo="",type=""})";
  EXPECT_EQ(ValueOf(families, "pg_backup_bad_backups" + labels), "1");
  EXPECT_EQ(ValueOf(families, "pg_backup_last_success" + labels), "0");
  EXPECT_EQ(ValueOf(families, "pg_backup_last_age_seconds" + labels), "1000");
}

TEST(Backup, ShowsThatThereIsNone) {
  const Result<BackupSet> set = ReadInventory("[]");
  ASSERT_TRUE(set.ok());
  Sheet sheet;
  AddBackups(*set, 1, sheet);
  const std::vector<std::string> lines = SeriesText(sheet.Take());
  EXPECT_EQ(Join(lines, "\n"),
            "TYPE pg_backup_unreadable_backups gauge\n"
            "pg_backup_unreadable_backups{name=\"\",kind=\"\",repo=\"\"} 0\n"
            "TYPE pg_backup_backups gauge\n"
            "pg_backup_backups{name=\"\",kind=\"\",repo=\"\",type=\"\"} 0\n"
            "TYPE pg_backup_bad_backups gauge\n"
            "pg_backup_bad_backups{name=\"\",kind=\"\",repo=\"\",type=\"\"} 0");
  EXPECT_FALSE(ReadInventory("{}").ok());
  EXPECT_FALSE(ReadInventory("").ok());
}

}  // namespace
}  // namespace pgbeacon::collectors
