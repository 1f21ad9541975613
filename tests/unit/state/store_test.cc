#include "exporter/state/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "state_support.h"

namespace pgbeacon::state {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

Contents One(std::string value) { return {{{Table::kSeries, "db1", "a"}, std::move(value)}}; }

TEST(Store, KeepsItsRowsWhateverBytesTheyHold) {
  TempState temp;
  const std::string odd("\xff\0'\"\n;", 6);
  {
    Result<Store> store = Store::Open(temp.dir());
    ASSERT_TRUE(store.ok()) << store.error().message;
    EXPECT_EQ(store->notice(), "");
    ASSERT_TRUE(
        store
            ->Commit({Set(Table::kSeries, "db1", "a", "1"), Set(Table::kPositions, odd, odd, odd),
                      Set(Table::kFrames, "d", "gone", "1"), Set(Table::kSources, "", "", "")})
            .ok());
    ASSERT_TRUE(
        store
            ->Commit({Set(Table::kSeries, "db1", "a", "2"), Remove(Table::kFrames, "d", "gone"),
                      Remove(Table::kFrames, "d", "never there")})
            .ok());
  }
  EXPECT_EQ(ContentsOf(temp.dir()), (Contents{{{Table::kSeries, "db1", "a"}, "2"},
                                              {{Table::kPositions, odd, odd}, odd},
                                              {{Table::kSources, "", ""}, ""}}));
}

TEST(Store, IsForItsOwnerAlone) {
  TempState temp;
  const mode_t before = umask(0);
  Result<Store> store = Store::Open(temp.dir() + "/below/");
  umask(before);
  ASSERT_TRUE(store.ok()) << store.error().message;
  ASSERT_TRUE(store->Commit({Set(Table::kSeries, "db1", "a", "1")}).ok());
  const auto mode = [](const fs::path& path) {
    struct stat status = {};
    return stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
  };
  EXPECT_EQ(mode(temp.dir() + "/below"), 0700u);
  for (const auto& entry : fs::directory_iterator(temp.dir() + "/below")) {
    EXPECT_EQ(mode(entry.path()), 0600u) << entry.path();
  }
}

TEST(Store, IsOneProcessesAlone) {
  TempState temp;
  Result<Store> first = Store::Open(temp.dir());
  ASSERT_TRUE(first.ok());
  const Result<Store> second = Store::Open(temp.dir());
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(getpid())));
  EXPECT_THAT(second.error().message, HasSubstr("--state.dir"));
  EXPECT_TRUE(first->Commit({Set(Table::kSeries, "db1", "a", "1")}).ok());
}

TEST(Store, HasAllThatWasCommittedWhenItsProcessIsKilled) {
  TempState temp;
  const pid_t child = fork();
  if (child == 0) {
    Result<Store> store = Store::Open(temp.dir());
    if (!store.ok()) _exit(1);
    for (int i = 0; i < 300; ++i) {
      if (!store->Commit({Set(Table::kSeries, "db1", "a", std::to_string(i))}).ok()) _exit(2);
    }
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  EXPECT_EQ(ContentsOf(temp.dir()), One("299"));
}

TEST(Store, SaysWhatToDoAboutADirectoryItCannotUse) {
  TempState temp;
  std::ofstream(temp.dir()) << "a file";
  const Result<Store> store = Store::Open(temp.dir());
  ASSERT_FALSE(store.ok());
  EXPECT_THAT(store.error().message, HasSubstr(temp.dir()));
  EXPECT_THAT(store.error().message, HasSubstr("--state.dir"));
}

TEST(Store, SaysWhatToDoAboutADirectoryItMayNotWriteTo) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  TempState temp;
  fs::create_directory(temp.dir());
  fs::permissions(temp.dir(), fs::perms::owner_read | fs::perms::owner_exec);
  const Result<Store> store = Store::Open(temp.dir());
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, ErrorCode::kDenied);
  EXPECT_THAT(store.error().message, HasSubstr("may write to"));
}

TEST(Store, KeepsItsLogSmall) {
  TempState temp;
  Result<Store> store = Store::Open(temp.dir());
  ASSERT_TRUE(store.ok());
  std::vector<Row> rows;
  for (int i = 0; i < 200; ++i) {
    rows.push_back(Set(Table::kSeries, "db1", std::to_string(i), std::string(100, 'x')));
  }
  for (int i = 0; i < 300; ++i) {
    for (Row& row : rows) row.value->back() = static_cast<char>('a' + i % 26);
    ASSERT_TRUE(store->Commit(rows).ok());
  }
  EXPECT_LT(fs::file_size(temp.file() + "-wal"), 6u << 20);
  EXPECT_LT(fs::file_size(temp.file()), 1u << 20);
}

TEST(Store, SaysWhenItsFileWasRemovedUnderIt) {
  TempState temp;
  Result<Store> store = Store::Open(temp.dir());
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE(store->Commit({Set(Table::kSeries, "db1", "a", "1")}).ok());
  fs::rename(temp.file(), temp.file() + ".away");
  const Status lost = store->Commit({Set(Table::kSeries, "db1", "a", "2")});
  ASSERT_FALSE(lost.ok());
  EXPECT_THAT(lost.error().message, HasSubstr("removed or replaced"));
  fs::rename(temp.file() + ".away", temp.file());
  EXPECT_TRUE(store->Commit({Set(Table::kSeries, "db1", "a", "3")}).ok());
}

/// The file may not grow meanwhile, as on a full device or above a quota.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) : signal_before_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;
  ~FileLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_before_);
  }

 private:
  void (*signal_before_)(int);
  rlimit before_ = {};
};

TEST(Store, WritesAllOrNothing) {
  TempState temp;
  {
    Result<Store> store = Store::Open(temp.dir());
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE(store->Commit({Set(Table::kSeries, "db1", "a", "1")}).ok());
    std::vector<Row> many = {Set(Table::kSeries, "db1", "a", "2")};
    for (int i = 0; i < 3000; ++i) {
      many.push_back(Set(Table::kFrames, "d", std::to_string(i), std::string(300, 'x')));
    }
    {
      const FileLimit limit(200 << 10);
      const Status failed = store->Commit(many);
      ASSERT_FALSE(failed.ok());
      EXPECT_EQ(store->failure(), Failure::kFull) << failed.error().message;
      EXPECT_EQ(ContentsOf(*store), One("1"));
    }
    ASSERT_TRUE(store->Commit({Set(Table::kSeries, "db1", "a", "3")}).ok());
  }
  EXPECT_EQ(ContentsOf(temp.dir()), One("3"));
}

}  // namespace
}  // namespace pgbeacon::state
