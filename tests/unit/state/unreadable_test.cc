// What is found in the place of the state and is not it: never used, never overwritten.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "state_support.h"

namespace pgbeacon::state {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

void Sql(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database);
  sqlite3_close(database);
}

/// Some hundred kilobytes of rows, all in the database file.
void Fill(const std::string& directory) {
  Result<Store> store = Store::Open(directory);
  ASSERT_TRUE(store.ok());
  std::vector<Row> rows;
  for (int i = 0; i < 2000; ++i) {
    rows.push_back(Set(Table::kSeries, "db1", std::to_string(i), std::string(200, 'x')));
  }
  ASSERT_TRUE(store->Commit(rows).ok());
}

void Damage(const std::string& path, std::uint64_t offset, std::size_t bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset));
  file << std::string(bytes, '\x5a');
}

struct Case {
  const char* name;
  std::function<void(const TempState&)> make;
  const char* reason;
};

class Unreadable : public testing::TestWithParam<Case> {};

TEST_P(Unreadable, IsSetAsideAndANewOneBegun) {
  TempState temp;
  fs::create_directory(temp.dir());
  GetParam().make(temp);
  const std::string found = Slurp(temp.file());
  for (int time = 1; time <= 2; ++time) {
    std::ofstream(temp.file(), std::ios::trunc | std::ios::binary) << found;
    {
      Result<Store> store = Store::Open(temp.dir());
      ASSERT_TRUE(store.ok()) << store.error().message;
      EXPECT_THAT(store->notice(), HasSubstr(GetParam().reason));
      EXPECT_THAT(store->notice(), HasSubstr("set aside as " + temp.file() + ".unreadable-"));
      EXPECT_TRUE(ContentsOf(*store).empty());
      ASSERT_TRUE(store->Commit({Set(Table::kSeries, "db1", "a", "1")}).ok());
    }
    std::size_t kept = 0;
    for (const std::string& aside : Named(temp.dir(), "state.db.unreadable-")) {
      if (Slurp(aside) == found) ++kept;
    }
    EXPECT_EQ(kept, static_cast<std::size_t>(time)) << "one a time, unchanged";
    EXPECT_EQ(ContentsOf(temp.dir()).size(), 1u) << "the new one is kept";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, Unreadable,
    testing::Values(
        Case{"PlainText",
             [](const TempState& t) { std::ofstream(t.file()) << "these are\nmy notes\n"; },
             "file is not a database"},
        Case{"DamagedHeader",
             [](const TempState& t) {
               Fill(t.dir());
               Damage(t.file(), 0, 100);
             },
             "file is not a database"},
        Case{"DamagedPages",
             [](const TempState& t) {
               Fill(t.dir());
               Damage(t.file(), 100 << 10, 64 << 10);
             },
             "damaged"},
        Case{"Truncated",
             [](const TempState& t) {
               Fill(t.dir());
               fs::resize_file(t.file(), fs::file_size(t.file()) / 2);
             },
             "malformed"},
        Case{"OfAnotherProgram",
             [](const TempState& t) { Sql(t.file(), "CREATE TABLE bookmarks(url TEXT)"); },
             "another program"},
        Case{"MarkedByAnotherProgram",
             [](const TempState& t) { Sql(t.file(), "PRAGMA application_id=252006673"); },
             "another program"},
        Case{"Newer",
             [](const TempState& t) {
               Fill(t.dir());
               Sql(t.file(), "PRAGMA user_version=2");
             },
             "newer pgbeacon (schema 2"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Unreadable, ProvesSoOnlyWhenReadAndIsSetAsideThen) {
  TempState temp;
  Fill(temp.dir());
  {
    Result<Store> store = Store::Open(temp.dir());
    ASSERT_TRUE(store.ok());
    std::vector<Row> rows;
    for (int i = 0; i < 20000; ++i) {  // more than SQLite keeps in memory
      rows.push_back(Set(Table::kSeries, "db1", std::to_string(i), std::string(200, 'y')));
    }
    ASSERT_TRUE(store->Commit(rows).ok());
  }
  Result<Store> store = Store::Open(temp.dir());
  ASSERT_TRUE(store.ok());
  Damage(temp.file(), 1 << 20, 2 << 20);
  const Status loaded = store->Load([](const Row&) {});
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(store->notice(), HasSubstr("set aside"));
  EXPECT_TRUE(ContentsOf(*store).empty());
  EXPECT_TRUE(store->Commit({Set(Table::kSeries, "db1", "a", "1")}).ok());
}

TEST(OlderSchema, IsUpgraded) {
  TempState temp;
  fs::create_directory(temp.dir());
  Sql(temp.file(), "PRAGMA application_id=1885823589; PRAGMA user_version=0");
  {
    Result<Store> store = Store::Open(temp.dir());
    ASSERT_TRUE(store.ok()) << store.error().message;
    EXPECT_EQ(store->notice(), "");
    ASSERT_TRUE(store->Commit({Set(Table::kSeries, "db1", "a", "1")}).ok());
  }
  EXPECT_EQ(ContentsOf(temp.dir()).size(), 1u);
}

TEST(OlderSchema, WhoseUpgradeFailsStaysAsItIs) {
  TempState temp;
  fs::create_directory(temp.dir());
  // A table that the upgrade is about to make.
  Sql(temp.file(), "PRAGMA application_id=1885823589; CREATE TABLE positions(x TEXT)");
  const Result<Store> store = Store::Open(temp.dir());
  ASSERT_FALSE(store.ok());
  EXPECT_THAT(store.error().message, HasSubstr("already exists"));
  Sql(temp.file(), "CREATE TABLE series(x TEXT)");  // nothing of it was left
}

TEST(EmptyFile, GoesAsideForItMayHaveHeldCounts) {
  TempState temp;
  fs::create_directory(temp.dir());
  std::ofstream(temp.file()).flush();
  Result<Store> store = Store::Open(temp.dir());
  ASSERT_TRUE(store.ok()) << store.error().message;
  EXPECT_THAT(store->notice(), HasSubstr("the file is empty"));
  EXPECT_THAT(store->notice(), HasSubstr("counting begins anew"));
}

TEST(LostFile, LeavesItsLogUntouched) {
  TempState temp;
  fs::create_directory(temp.dir());
  std::ofstream(temp.file() + "-wal") << "counts";
  Result<Store> store = Store::Open(temp.dir());
  ASSERT_TRUE(store.ok()) << store.error().message;
  EXPECT_THAT(store->notice(), HasSubstr("gone, but not its -wal"));
  bool kept = false;
  for (const auto& entry : fs::directory_iterator(temp.dir())) {
    std::string text;
    std::getline(std::ifstream(entry.path()), text);
    kept |= text == "counts";
  }
  EXPECT_TRUE(kept);
}

TEST(MissingTable, MakesADatabaseUnreadable) {
  TempState temp;
  { ASSERT_TRUE(Store::Open(temp.dir()).ok()); }
  Sql(temp.file(), "DROP TABLE positions");
  Result<Store> store = Store::Open(temp.dir());
  ASSERT_TRUE(store.ok()) << store.error().message;
  EXPECT_THAT(store->notice(), HasSubstr("positions"));
}

}  // namespace
}  // namespace pgbeacon::state
