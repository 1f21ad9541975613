#include "exporter/native/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace pgbeacon::native {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  Files() {
    std::string name = testing::TempDir() + "files_test.XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~Files() override { fs::remove_all(folder_); }

  std::string Write(const std::string& name, std::size_t bytes) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << std::string(bytes, 'x');
    return path;
  }
  Result<collectors::BackupSet> Read(const std::string& glob) {
    return ReadBackupFiles((folder_ / glob).string(),
                           SteadyClock::now() + std::chrono::seconds(20));
  }
  std::size_t Count(const std::string& glob) {
    const Result<collectors::BackupSet> set = Read(glob);
    EXPECT_TRUE(set.ok()) << glob;
    return set.ok() ? set->backups.size() : 0;
  }

  fs::path folder_;
};

TEST_F(Files, FindsWhatAGlobMatches) {
  for (const char* name : {"a-1.dump", "a-2.dump", "b.dump", ".a-3.dump", "x/a.dump", "y/a.dump"}) {
    Write(name, 1);
  }
  Write("z", 1);
  EXPECT_EQ(Count("a-*.dump"), 2U);
  EXPECT_EQ(Count("*.dump"), 3U) << "hidden files only where they are asked for";
  EXPECT_EQ(Count(".*.dump"), 1U);
  EXPECT_EQ(Count("a-[2-9].dump"), 1U);
  EXPECT_EQ(Count("*/a.dump"), 2U) << "a file is no folder";
  EXPECT_EQ(Count("?/*.dump"), 2U);
  EXPECT_EQ(Count("x/a.dump"), 1U);
  EXPECT_EQ(Count("a\\-1.dump"), 1U);
  EXPECT_EQ(Count("none*"), 0U);
  EXPECT_EQ(Count("none/*"), 0U);
  EXPECT_EQ(Count("none/none"), 0U);
}

TEST_F(Files, AddsUpAFolder) {
  Write("day.d/one", 10);
  Write("day.d/deep/two", 5);
  fs::create_directory(folder_ / "empty.d");
  const Result<collectors::BackupSet> set = Read("day.d");
  ASSERT_TRUE(set.ok());
  ASSERT_EQ(set->backups.size(), 1U);
  EXPECT_EQ(set->backups[0].size, 15);
  EXPECT_TRUE(set->backups[0].good);
  EXPECT_FALSE(Read("empty.d")->backups[0].good);
}

TEST_F(Files, TellsAFolderThatMayNotBeReadFromAnEmptyOne) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  Write("secret/a.dump", 1);
  for (const mode_t mode : {0, 0400, 0100}) {
    chmod((folder_ / "secret").c_str(), mode);
    const Result<collectors::BackupSet> set = Read("secret/*.dump");
    ASSERT_FALSE(set.ok()) << mode;
    EXPECT_EQ(set.error().code, ErrorCode::kDenied);
  }
  chmod((folder_ / "secret").c_str(), 0700);
}

TEST_F(Files, EndsAtTheDeadlineAndAtTheBound) {
  for (int i = 0; i <= 10'000; ++i) Write(std::to_string(i), 0);
  const Result<collectors::BackupSet> many = Read("*");
  ASSERT_FALSE(many.ok());
  EXPECT_THAT(many.error().message, HasSubstr("more than 10000"));
  const Result<collectors::BackupSet> late =
      ReadBackupFiles((folder_ / "1*").string(), SteadyClock::now());
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
}

}  // namespace
}  // namespace pgbeacon::native
