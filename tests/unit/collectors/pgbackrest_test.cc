#include "collectors/native/pgbackrest.h"

#include "tests/unit/collectors/native_support.h"

namespace pgbeacon::collectors {
namespace {

constexpr double kRecordedAt = 1795277320;
constexpr const char* kSystem = "7710657312995735693";

BackrestContext Context() {
  BackrestContext context;
  context.now = kRecordedAt;
  context.system_identifier = kSystem;
  context.major = 15;
  context.wal_segment_bytes = 16777216;
  return context;
}

Families Decode(const std::string& text, const BackrestContext& context) {
  const Result<BackrestInfo> info = ReadBackrestInfo(text);
  EXPECT_TRUE(info.ok());
  std::size_t dropped = 0;
  Families families = info.ok() ? BackrestFamilies(*info, context, dropped) : Families();
  EXPECT_EQ(dropped, 0U);
  return families;
}

TEST(PgBackRest, DecodesFullDifferentialAndIncrementalBackups) {
  ExpectGolden("pgbackrest-2.45.golden", Decode(Recorded("pgbackrest-2.45.json"), Context()));
}

TEST(PgBackRest, DecodesAStanzaWithoutBackups) {
  ExpectGolden("pgbackrest-2.45-no-backup.golden",
               Decode(Recorded("pgbackrest-2.45-no-backup.json"), Context()));
  ExpectGolden("pgbackrest-2.45-empty.golden",
               Decode(Recorded("pgbackrest-2.45-empty.json"), Context()));
}

TEST(PgBackRest, KeepsBackupsWithTheirStanzaAndCountsThoseWithoutATime) {
  const Result<BackrestInfo> info = ReadBackrestInfo(R"([
    {"backup": [], "name": "none"},
    {"backup": [{"label": "a", "timestamp": {"stop": 1}}, 7, [[]], "x", null,
                {"label": "b\n", "backup": ["deep"], "timestamp": {"stop": 2}}],
     "status": {"code": 0, "lock": {"backup": {"held": true}}}, "name": "main"},
    {"name": "last", "backup": [{"label": "c", "timestamp": {"stop": 3}}]}])");
  ASSERT_TRUE(info.ok()) << info.error().message;
  ASSERT_EQ(info->stanzas.size(), 3U);
  EXPECT_EQ(info->stanzas[0].name, "none");
  EXPECT_TRUE(info->stanzas[0].backups.empty());
  const BackrestStanza& main = info->stanzas[1];
  EXPECT_EQ(main.name, "main");
  EXPECT_EQ(main.status.locked, true);
  ASSERT_EQ(main.backups.size(), 2U);
  EXPECT_EQ(main.backups[0].label, "a");
  EXPECT_EQ(main.backups[1].label, "b\n");
  EXPECT_EQ(main.unreadable.at("0"), 4U);
  EXPECT_EQ(info->stanzas[2].backups.at(0).label, "c");
  for (const char* text : {"", "[", "{}", "[] []", R"([{"backup": [{]}])"}) {
    EXPECT_FALSE(ReadBackrestInfo(text).ok()) << text;
  }
}

constexpr const char* kMatches =
    R"(pg_backup_matches_server{name="main",kind="pgbackrest",repo="1"})";
constexpr const char* kEnd =
    R"(pg_backup_recovery_window_end_timestamp_seconds{name="main",kind="pgbackrest",repo="1"})";

TEST(PgBackRest, ComparesTheClusterWithTheServer) {
  const std::string text = Recorded("pgbackrest-2.45.json");
  BackrestContext context = Context();
  EXPECT_EQ(ValueOf(Decode(text, context), kMatches), "1");
  context.major = 16;
  EXPECT_EQ(ValueOf(Decode(text, context), kMatches), "0");
  context = Context();
  context.system_identifier = "1";
  EXPECT_EQ(ValueOf(Decode(text, context), kMatches), "0");
  context.system_identifier = "";
  EXPECT_EQ(ValueOf(Decode(text, context), kMatches), "");
}

TEST(PgBackRest, ExtendsTheRecoveryWindowOverArchivedWal) {
  const std::string text = Recorded("pgbackrest-2.45.json");
  BackrestContext context = Context();
  EXPECT_EQ(ValueOf(Decode(text, context), kEnd), "1795277314");
  context.last_archived_wal = "000000010000000000000006";
  context.archived_until = 1795277319;
  EXPECT_EQ(ValueOf(Decode(text, context), kEnd), "1795277319");
  context.last_archived_wal = "000000010000000000000007";  // is not in the repository
  EXPECT_EQ(ValueOf(Decode(text, context), kEnd), "1795277314");
}

TEST(PgBackRest, CountsABackupOnlyWithItsWal) {
  std::string text = Recorded("pgbackrest-2.45.json");
  const std::string min = R"("min":"000000010000000000000001")";
  ASSERT_NE(text.find(min), std::string::npos);
  text.replace(text.find(min), min.size(), R"("min":"000000010000000000000003")");
  const std::string start =
      R"(pg_backup_recovery_window_start_timestamp_seconds{name="main",kind="pgbackrest",repo="1"})";
  EXPECT_EQ(ValueOf(Decode(Recorded("pgbackrest-2.45.json"), Context()), start), "1795277310");
  EXPECT_EQ(ValueOf(Decode(text, Context()), start), "1795277312");
}

TEST(PgBackRest, TakesABackupWithPageErrorsForBad) {
  const Families families = Decode(R"([{"name": "m", "db": [{"id": 1, "repo-key": 1}], "backup": [
    {"type": "full", "error": true, "database": {"id": 1, "repo-key": 1}, "timestamp": {"stop": 9}}
    ]}])",
                                   Context());
  const std::string labels = R"({name="m",kind="pgbackrest",repo="1",type="full"})";
  EXPECT_EQ(ValueOf(families, "pg_backup_bad_backups" + labels), "1");
  EXPECT_EQ(ValueOf(families, "pg_backup_last_success" + labels), "0");
  EXPECT_EQ(ValueOf(families, "pg_backup_last_age_seconds" + labels), "");
}

TEST(PgBackRest, LeavesOutSingleBackupsWhereThereAreTooMany) {
  std::string text = R"([{"name": "m", "db": [{"id": 1, "repo-key": 1}], "backup": [)";
  for (int i = 1; i <= 20'000; ++i) {
    text += R"({"type": "full", "label": "b)" + std::to_string(i) +
            R"(", "database": {"id": 1, "repo-key": 1}, "timestamp": {"stop": )" +
            std::to_string(i) + "}},";
  }
  text.back() = ']';
  const Result<BackrestInfo> info = ReadBackrestInfo(text + R"(}, {"name": "n"}])");
  ASSERT_TRUE(info.ok());
  std::size_t dropped = 0;
  const Families families = BackrestFamilies(*info, Context(), dropped);
  EXPECT_GT(dropped, 0U);
  EXPECT_EQ(ValueOf(families, R"(pg_backup_last_timestamp_seconds)"
                              R"({name="m",kind="pgbackrest",repo="1",type="full"})"),
            "20000");
  EXPECT_NE(ValueOf(families, R"(pgbackrest_stanza_status{stanza="n"})"), "");
}

TEST(PgBackRest, SurvivesHostileText) {
  const std::string text = Recorded("pgbackrest-2.45.json");
  for (std::size_t size = 0; size < text.size(); size += 7) {
    EXPECT_FALSE(ReadBackrestInfo(std::string_view(text).substr(0, size)).ok());
  }
  EXPECT_FALSE(ReadBackrestInfo("{}").ok());
  EXPECT_FALSE(ReadBackrestInfo(std::string(1 << 20, '[')).ok());
  std::string small = "[0";
  for (int i = 0; i < 5'000'000; ++i) small += ",0";
  EXPECT_FALSE(ReadBackrestInfo(small + "]").ok()) << "10 MB that would become many more";
  const Result<BackrestInfo> odd =
      ReadBackrestInfo(R"([7, {"name": 1, "backup": {"a": 1}, "db": [[]],
    "archive": [null], "repo": "x", "status": []}, {"backup": [{"timestamp": {"stop": 1e300}},
    {"timestamp": {"stop": -1}}, {"timestamp": {"stop": "now"}}, {"timestamp": {"stop": 5}}]}])");
  ASSERT_TRUE(odd.ok());
  std::size_t dropped = 0;
  EXPECT_FALSE(BackrestFamilies(*odd, Context(), dropped).empty());
  EXPECT_EQ(odd->stanzas[2].backups.size(), 1U);
}

}  // namespace
}  // namespace pgbeacon::collectors
