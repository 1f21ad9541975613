// Logs in several forms: which are read, and that the same records are never counted twice.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "exporter/ingest/authority.h"
#include "exporter/ingest/batch.h"
#include "ingest_support.h"

namespace pgbeacon::ingest {
namespace {

using log::FormKind;
namespace fs = std::filesystem;

constexpr const char* kTime = "2026-11-20 22:09:45.301 UTC";

/// Records as log_destination = csvlog and jsonlog have them; ingest_support.h has stderr's.
std::string CsvRecord(const std::string& text, const std::string& query = "") {
  return std::string(kTime) + R"(,"app","shop",7,"[local]",691f6d99.7,1,"SELECT",)" + kTime +
         ",3/4,0,LOG,00000,\"" + text + "\",,,,,,\"" + query +
         "\",,,\"psql\",\"client backend\",,0\n";
}
std::string JsonRecord(const std::string& text) {
  return std::string(R"({"timestamp":")") + kTime +
         R"(","user":"app","dbname":"shop","pid":7,"session_id":"691f6d99.7","line_num":1,)" +
         R"("error_severity":"LOG","state_code":"00000","message":")" + text +
         R"(","backend_type":"client backend","query_id":0})" + "\n";
}
template <class Make>
std::string Many(int count, Make make) {
  std::string out;
  for (int i = 0; i < count; ++i) out += make("hello " + std::to_string(i));
  return out;
}
std::string Csv(int count) {
  return Many(count, [](const std::string& text) { return CsvRecord(text); });
}
std::string Json(int count) { return Many(count, JsonRecord); }

double Duplicates(Driven& driven) {
  return driven.Source("pgbeacon_source_duplicate_messages_total");
}

TEST(Authority, TheMostTellingFormThatIsWrittenToCounts) {
  constexpr std::int64_t kMinute = 60'000'000'000;
  Authority authority;
  EXPECT_TRUE(authority.Take(FormKind::kStderr, false)) << "as long as there is no other";
  authority.Note(FormKind::kStderr, 100 * kMinute);
  authority.Note(FormKind::kCsv, 100 * kMinute);
  EXPECT_FALSE(authority.Take(FormKind::kStderr, true));
  EXPECT_FALSE(authority.Take(FormKind::kSyslog, true));
  EXPECT_TRUE(authority.Take(FormKind::kCsv, true));
  authority.Note(FormKind::kJson, 50 * kMinute);
  EXPECT_TRUE(authority.Take(FormKind::kCsv, true)) << "the jsonlog is an old one";
  EXPECT_FALSE(authority.Take(FormKind::kJson, false)) << "what it held is in the others";
  EXPECT_TRUE(authority.Take(FormKind::kJson, true)) << "switched on again";
  EXPECT_FALSE(authority.Take(FormKind::kCsv, true));
  authority.Note(FormKind::kStderr, 111 * kMinute);
  EXPECT_TRUE(authority.Take(FormKind::kStderr, true)) << "csvlog and jsonlog were switched off";
}

TEST(Authority, OtherProgramsLogsAreNoCopies) {
  Authority authority;
  authority.Note(FormKind::kJson, 1);
  EXPECT_TRUE(authority.Take(FormKind::kPgbouncer, true));
  EXPECT_TRUE(authority.Take(FormKind::kHeroku, true));
}

TEST(Forms, OneOfThreeFormsOfALogFolderCounts) {
  TempFolder folder;
  Append(folder / "pg.log", Records(5));
  Append(folder / "pg.csv", Csv(5));
  Append(folder / "pg.json", Json(5));
  Driven driven({From(folder / "pg.*", true)});
  EXPECT_EQ(driven.Logged(), 5);
  EXPECT_EQ(Duplicates(driven), 10);
  Append(folder / "pg.log", Records(3));
  Append(folder / "pg.json", Json(3));
  Append(folder / "pg.csv", Csv(3));
  EXPECT_EQ(driven.Logged(), 8);
}

TEST(Forms, OneOfTheFormsOfAServersSourcesCounts) {
  TempFolder folder;
  Append(folder / "pg.log", Records(4));
  Append(folder / "pg.csv", Csv(4));
  SourceOptions text = From(folder / "pg.log", true);
  SourceOptions csv = From(folder / "pg.csv", true);
  csv.name = "csv";
  SourceOptions other = From(folder / "other.log", true);
  Append(folder / "other.log", Records(2));
  other.name = "other";
  other.server = "db2";
  Driven driven({text, csv, other});
  EXPECT_EQ(driven.Logged(), 6) << "another server's log is no copy";
}

TEST(Forms, AllFormsCountWhereTheyAreDeclaredToDiffer) {
  TempFolder folder;
  Append(folder / "pg.log", Records(5));
  Append(folder / "pg.json", Json(5));
  SourceOptions options = From(folder / "pg.*", true);
  options.all_forms = true;
  Driven driven({options});
  EXPECT_EQ(driven.Logged(), 10);
  EXPECT_EQ(Duplicates(driven), 0);
}

TEST(Forms, ADeclaredFormIsTheOnlyOneRead) {
  TempFolder folder;
  Append(folder / "pg.log", Records(5));
  Append(folder / "pg.csv", Csv(3));
  Append(folder / "pg.json", Json(7));
  for (const auto& [form, count] : {std::pair(FormKind::kStderr, 5), {FormKind::kCsv, 3}}) {
    SourceOptions options = From(folder / "pg.*", true);
    options.form = form;
    Driven driven({options});
    EXPECT_EQ(driven.Logged(), count) << log::FormName(form);
    EXPECT_EQ(driven.Source("pgbeacon_source_lag_bytes"), 0);
  }
}

TEST(Forms, AnOldLogInAMoreTellingFormSilencesNothing) {
  TempFolder folder;
  Append(folder / "pg.json", Json(7));
  Append(folder / "pg.log", Records(5));
  fs::last_write_time(folder / "pg.json", fs::file_time_type::clock::now() - std::chrono::hours(5));
  Driven driven({From(folder / "pg.*", true)});
  EXPECT_EQ(driven.Logged(), 5);
}

TEST(Forms, AMoreTellingFormTakesOverWhenItIsSwitchedOn) {
  TempFolder folder;
  Append(folder / "pg.log", Records(5));
  Driven driven({From(folder / "pg.*", true)});
  EXPECT_EQ(driven.Logged(), 5);
  Append(folder / "pg.json", "");
  driven.Run();
  Append(folder / "pg.log", Records(2));
  Append(folder / "pg.json", Json(2));
  EXPECT_EQ(driven.Logged(), 7);
}

TEST(Forms, NewFilesOfAllFormsAreReadFromTheirBeginning) {
  TempFolder folder;
  Driven driven({From(folder / "pg-*")});
  driven.Run();
  for (const char* day : {"mon", "tue"}) {
    Append(folder / ("pg-" + std::string(day) + ".log"), Records(3));
    Append(folder / ("pg-" + std::string(day) + ".csv"), Csv(3));
    driven.Run();
  }
  EXPECT_EQ(driven.Logged(), 6);
}

TEST(Forms, ACsvlogFollowedFromInsideOfARecordCountsTheNextOnes) {
  TempFolder folder;
  const std::string record = CsvRecord("slow", "select 1\nfrom t\nwhere x = 'LOG:  y'\nand z");
  const std::size_t inside = record.find("from t") + 3;
  Append(folder / "pg.csv", Csv(50) + record.substr(0, inside));
  Driven driven({From(folder / "pg.csv")});
  EXPECT_EQ(driven.Logged(), 0);
  Append(folder / "pg.csv", record.substr(inside) + Csv(4));
  EXPECT_EQ(driven.Logged(), 4);
  Append(folder / "pg.csv", Csv(2));
  EXPECT_EQ(driven.Logged(), 6);
}

TEST(Forms, ACsvlogHasNoPrefixToMatch) {
  TempFolder folder;
  Append(folder / "pg.csv", Csv(200));
  Driven driven({From(folder / "pg.csv", true, std::nullopt)});
  driven.pipeline().SetServerPrefix("db1", "%m [%p] ");
  EXPECT_EQ(driven.Logged(), 200);
  EXPECT_EQ(driven.Source("pgbeacon_source_prefix_match_ratio"), -1);
}

TEST(Forms, ABatchFindsOutTheFormOfEachFile) {
  TempFolder folder;
  const struct {
    const char* file;
    std::string text;
    FormKind form;
  } cases[] = {{"pg.log", Records(300), FormKind::kStderr},
               {"pg.csv", Csv(300), FormKind::kCsv},
               {"pg.json", Json(300), FormKind::kJson}};
  for (const auto& test : cases) {
    Append(folder / test.file, test.text);
    for (const int threads : {1, 3}) {
      BatchOptions options;
      options.server = "db1";
      options.threads = threads;
      options.smallest_range = 4096;
      Batch batch(TestCatalogue(), options);
      ASSERT_TRUE(batch.Read(folder / test.file).ok());
      EXPECT_EQ(batch.form(), test.form) << test.file;
      EXPECT_EQ(batch.stats().messages, 300U) << test.file << ", threads " << threads;
      EXPECT_EQ(Value(batch.tally().Collect(0), "pg_log_messages_total", {{"severity", "LOG"}}),
                300);
    }
  }
}

}  // namespace
}  // namespace pgbeacon::ingest
