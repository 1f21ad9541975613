// Every situation that a followed log file can get into, with real files. Time is the test's own.
#include "exporter/ingest/file_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "ingest_support.h"

namespace pgbeacon::ingest {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
namespace fs = std::filesystem;

TEST(FileSource, StartsAtTheEndOfAFileThatExists) {
  TempFolder folder;
  Append(folder / "log", Records(5));
  Driven driven({From(folder / "log")});
  EXPECT_EQ(driven.Logged(), 0);
  Append(folder / "log", Records(2));
  EXPECT_EQ(driven.Logged(), 2);
}

TEST(FileSource, StartsAtTheBeginningWhenToldSo) {
  TempFolder folder;
  Append(folder / "log", Records(5));
  Driven driven({From(folder / "log", true)});
  EXPECT_EQ(driven.Logged(), 5);
  EXPECT_EQ(driven.Source("pgbeacon_source_lines_total"), 5);
}

TEST(FileSource, DoesNotReadTheRestOfALineThatBeganBeforeTheStart) {
  TempFolder folder;
  Append(folder / "log", Records(1) + Record("half").substr(0, 30));
  Driven driven({From(folder / "log")});
  EXPECT_EQ(driven.Logged(), 0);
  Append(folder / "log", "of a line\n" + Records(1));
  EXPECT_EQ(driven.Logged(), 1);
  EXPECT_EQ(driven.Source("pgbeacon_source_lines_total"), 1);
}

TEST(FileSource, KeepsAPartialLineUntilItsLineFeed) {
  TempFolder folder;
  Append(folder / "log", "");
  Driven driven({From(folder / "log")});
  driven.Run();
  const std::string record = Record("in two pieces");
  Append(folder / "log", record.substr(0, 40));
  EXPECT_EQ(driven.Logged(), 0);
  EXPECT_EQ(driven.Source("pgbeacon_source_lines_total"), 0);
  Append(folder / "log", record.substr(40));
  EXPECT_EQ(driven.Logged(), 1);
  EXPECT_EQ(driven.Source("pgbeacon_source_unparsed_lines_total"), 0);
}

TEST(FileSource, WaitsForAFileThatDoesNotExistYetAndReadsItFromItsBeginning) {
  TempFolder folder;
  Driven driven({From(folder / "log")});
  driven.Run();
  EXPECT_TRUE(driven.pipeline().ready());
  Append(folder / "log", Records(3));
  EXPECT_EQ(driven.Logged(), 3);
}

TEST(FileSource, ReadsAFileThatDisappearedAndCameBack) {
  TempFolder folder;
  Append(folder / "log", Records(1));
  Driven driven({From(folder / "log", true)});
  EXPECT_EQ(driven.Logged(), 1);
  fs::remove(folder / "log");
  driven.Run(seconds(30));
  driven.Run(seconds(30));
  Append(folder / "log", Records(2, "again"));
  EXPECT_EQ(driven.Logged(), 3);
}

TEST(FileSource, RetriesAFileThatMayNotBeRead) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  TempFolder folder;
  Append(folder / "log", Records(2));
  fs::permissions(folder / "log", fs::perms::none);
  Driven driven({From(folder / "log", true)});
  EXPECT_EQ(driven.Logged(), 0);
  fs::permissions(folder / "log", fs::perms::owner_read);
  EXPECT_EQ(driven.Logged(), 2);
}

TEST(FileSource, FinishesARenamedFileAndReadsTheNewOneFromItsBeginning) {
  TempFolder folder;
  Append(folder / "log", Records(1));
  Driven driven({From(folder / "log", true)});
  driven.Run();
  Append(folder / "log", Records(2, "before the rename"));
  fs::rename(folder / "log", folder / "log.1");
  Append(folder / "log", Records(4, "new file"));
  Append(folder / "log.1", Records(8, "late writer"));
  EXPECT_EQ(driven.Logged(), 15);
  EXPECT_EQ(driven.Source("pgbeacon_source_lag_bytes"), 0);
}

TEST(FileSource, FollowsARenamedFileAsLongAsNothingComesInItsPlace) {
  TempFolder folder;
  Append(folder / "log", "");
  Driven driven({From(folder / "log")});
  driven.Run();
  fs::rename(folder / "log", folder / "log.1");
  driven.Run(seconds(60));
  driven.Run(seconds(60));
  Append(folder / "log.1", Records(3));
  EXPECT_EQ(driven.Logged(), 3);
  Append(folder / "log", "");  // made by logrotate, but the server still writes to the old one
  driven.Run(seconds(60));
  driven.Run(seconds(60));
  Append(folder / "log.1", Records(3));
  EXPECT_EQ(driven.Logged(), 6);
}

TEST(FileSource, LosesNothingInTwoRotationsAtOnce) {
  TempFolder folder;
  Append(folder / "log", Records(1));
  Driven driven({From(folder / "log*", true)});
  driven.Run();
  Append(folder / "log", Records(2));
  fs::rename(folder / "log", folder / "log.1");
  Append(folder / "log", Records(4));
  fs::rename(folder / "log.1", folder / "log.2");
  fs::rename(folder / "log", folder / "log.1");
  Append(folder / "log", Records(8));
  EXPECT_EQ(driven.Logged(), 15) << "a file is known by its identity, whatever its name";
}

TEST(FileSource, StartsOverWhenTheFileWasTruncated) {
  TempFolder folder;
  Append(folder / "log", Records(50));
  Driven driven({From(folder / "log", true)});
  EXPECT_EQ(driven.Logged(), 50);
  Overwrite(folder / "log", Records(3, "after copytruncate"));
  EXPECT_EQ(driven.Logged(), 53);
  Overwrite(folder / "log", "");
  driven.Run();
  Append(folder / "log", Records(2, "again"));
  EXPECT_EQ(driven.Logged(), 55);
}

TEST(FileSource, NoticesARewrittenFileThatIsLongerThanTheOldOne) {
  TempFolder folder;
  Append(folder / "log", Records(3));
  Driven driven({From(folder / "log", true)});
  EXPECT_EQ(driven.Logged(), 3);
  Overwrite(folder / "log", Records(40, "other content"));
  EXPECT_EQ(driven.Logged(), 43);
}

TEST(FileSource, SkipsTheHoleThatTruncationUnderAWriterLeaves) {
  TempFolder folder;
  const int writer = open((folder / "log").c_str(), O_WRONLY | O_CREAT, 0644);
  const std::string before = Records(5);
  ASSERT_EQ(write(writer, before.data(), before.size()), static_cast<ssize_t>(before.size()));
  Driven driven({From(folder / "log", true)});
  EXPECT_EQ(driven.Logged(), 5);
  ASSERT_EQ(ftruncate(writer, 0), 0);
  driven.Run();
  ASSERT_EQ(lseek(writer, off_t{1} << 33, SEEK_SET), off_t{1} << 33);  // 8 GiB of nothing
  const std::string after = Records(2);
  ASSERT_EQ(write(writer, after.data(), after.size()), static_cast<ssize_t>(after.size()));
  EXPECT_EQ(driven.Logged(), 7);
  EXPECT_EQ(driven.Source("pgbeacon_source_unparsed_lines_total"), 0);
  close(writer);
}

TEST(FileSource, DropsNulBytes) {
  TempFolder folder;
  Append(folder / "log",
         std::string(100, '\0') + Records(1) + std::string(5000, '\0') + Records(1));
  Driven driven({From(folder / "log", true)});
  EXPECT_EQ(driven.Logged(), 2);
  EXPECT_EQ(driven.Source("pgbeacon_source_unparsed_lines_total"), 0);
}

TEST(FileSource, PicksUpTheFilesThatTheLoggingCollectorMakes) {
  TempFolder folder;
  Append(folder / "postgresql-2026-11-19.log", Records(3));
  Append(folder / "postgresql-2026-11-20.log", Records(3));
  Driven driven({From(folder / "postgresql-*.log")});
  EXPECT_EQ(driven.Logged(), 0);
  Append(folder / "postgresql-2026-11-20.log", Records(1));
  Append(folder / "postgresql-2026-11-21.log", Records(4));
  EXPECT_EQ(driven.Logged(), 5);
  Append(folder / "postgresql-2026-11-21.log", Records(1));
  EXPECT_EQ(driven.Logged(), 6);
}

TEST(FileSource, LeavesCompressedFilesAlone) {
  TempFolder folder;
  Append(folder / "log", Records(1));
  Driven driven({From(folder / "log*", true)});
  EXPECT_EQ(driven.Logged(), 1);
  Append(folder / "log.1.gz", Records(7));
  EXPECT_EQ(driven.Logged(), 1);
}

TEST(FileSource, FollowsASymbolicLinkToAnotherFile) {
  TempFolder folder;
  Append(folder / "a", Records(1));
  Append(folder / "b", Records(2));
  fs::create_symlink(folder / "a", folder / "current");
  Driven driven({From(folder / "current", true)});
  EXPECT_EQ(driven.Logged(), 1);
  fs::remove(folder / "current");
  fs::create_symlink(folder / "b", folder / "current");
  EXPECT_EQ(driven.Logged(), 3);
}

TEST(FileSource, ReadsAFileOnceThatTheGlobFindsUnderTwoNames) {
  TempFolder folder;
  Append(folder / "log.a", Records(2));
  fs::create_symlink(folder / "log.a", folder / "log.current");
  Driven driven({From(folder / "log.*", true)});
  EXPECT_EQ(driven.Logged(), 2);
}

TEST(FileSource, TellsAnInodeThatIsUsedAgain) {
  TempFolder folder;
  Append(folder / "log", Records(3));
  const FileInfo info = *StatPath(folder / "log");
  FileFollower follower(info, 0, 0, TimePoint());
  std::vector<char> buffer(1 << 16);
  ASSERT_TRUE(follower.Open(folder / "log").ok());
  EXPECT_EQ(follower.Read(buffer, TimePoint()).bytes.size(), info.size);
  follower.Close();
  Overwrite(folder / "log", Records(3, "HELLO"));  // same inode, same size, other content
  ASSERT_TRUE(follower.Open(folder / "log").ok());
  EXPECT_TRUE(follower.Read(buffer, TimePoint()).restarted);
  EXPECT_EQ(follower.Read(buffer, TimePoint()).bytes.size(), info.size);
}

TEST(FileSource, HoldsFewDescriptorsHoweverManyFilesThereAre) {
  TempFolder folder;
  const auto name = [&](int i) { return folder / ("log." + std::to_string(i)); };
  for (int i = 0; i < 100; ++i) Append(name(i), Records(2));
  const auto descriptors = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  Driven driven({From(folder / "log.*", true)});
  const auto before = descriptors();
  for (int i = 0; i < 20; ++i) driven.Run();
  EXPECT_EQ(driven.Logged(), 200);
  EXPECT_LE(descriptors() - before, static_cast<long>(FileSource::kOpenFiles));
  for (int i = 0; i < 100; i += 10) Append(name(i), Records(1));
  for (int i = 0; i < 20; ++i) driven.Run();
  EXPECT_EQ(driven.Logged(), 210) << "a file that was closed is read on";
}

TEST(FileSource, ReadsAFolderOrPipeAsNothing) {
  TempFolder folder;
  ASSERT_EQ(mkfifo((folder / "log.pipe").c_str(), 0644), 0);
  fs::create_directory(folder / "log.d");
  Append(folder / "log.1", Records(1));
  Driven driven({From(folder / "log.*", true)});
  EXPECT_EQ(driven.Logged(), 1);
}

TEST(FileSource, CountsAFileOnceThatTwoSourcesName) {
  TempFolder folder;
  Append(folder / "x.log", Records(10));
  fs::create_symlink(folder / "x.log", folder / "link.txt");
  Driven driven({Named(folder / "*.log", true), Named(folder / "x.log", true),
                 Named(folder / "link.txt", true)});
  EXPECT_EQ(driven.Logged(), 10);
  Append(folder / "x.log", Records(5));
  EXPECT_EQ(driven.Logged(), 15);
}

TEST(FileSource, DeliversASessionsLastRecordWhileOthersWrite) {
  TempFolder folder;
  Append(folder / "log", "");
  Driven driven({From(folder / "log")});
  driven.Run();
  Append(folder / "log",
         "2026-11-20 22:09:45.301 UTC [7] FATAL:  the database system is starting up\n");
  for (int i = 0; i < 30; ++i) {  // 3 s
    Append(folder / "log",
           "2026-11-20 22:09:45.301 UTC [8] LOG:  one\n"
           "2026-11-20 22:09:45.301 UTC [9] LOG:  two\n");
    driven.Run(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(driven.Source("pg_log_messages_total", {{"severity", "FATAL"}}), 1);
}

TEST(FileSource, CountsAsLiveWhatIsWrittenWhileItRuns) {
  TempFolder folder;
  Append(folder / "log", FatalOf(seconds(0)));
  Driven driven({From(folder / "log", true)});
  driven.Run();
  driven.Run();
  const auto counted = [&] {
    return driven.Source("pg_log_messages_total", {{"severity", "FATAL"}});
  };
  const auto live = [&] {
    return driven.Source("pgbeacon_log_live_messages_total", {{"sign", "FATAL"}});
  };
  EXPECT_EQ(counted(), 1);
  EXPECT_EQ(live(), 0);
  Append(folder / "log", FatalOf(seconds(0)));
  driven.Run();
  driven.Run();
  EXPECT_EQ(counted(), 2);
  EXPECT_EQ(live(), 1) << "it catches up for two minutes more, and an alert may not wait for that";
  EXPECT_EQ(driven.Source("pgbeacon_source_catching_up"), 1);
}

TEST(FileSource, TellsHowFarBehindItIs) {
  TempFolder folder;
  const std::string backlog = Records(20000);
  Append(folder / "log", backlog);
  Driven driven({From(folder / "log", true)});
  LogPipeline& pipeline = driven.pipeline();
  const TimePoint now = TimePoint() + std::chrono::hours(2);
  EXPECT_TRUE(pipeline.Step(now));
  EXPECT_GT(driven.Source("pgbeacon_source_lag_bytes"), 0);
  EXPECT_EQ(driven.Source("pgbeacon_source_catching_up"), 1);
  while (pipeline.Step(now)) {
  }
  pipeline.Step(now + seconds(1));  // what was read is shown when it is committed
  EXPECT_EQ(driven.Source("pgbeacon_source_catching_up"), 1) << "as every scrape is to see";
  pipeline.Step(now + FileSource::kHistory + seconds(2));
  EXPECT_EQ(driven.Source("pgbeacon_source_lag_bytes"), 0);
  EXPECT_EQ(driven.Source("pgbeacon_source_lag_seconds"), 0);
  EXPECT_EQ(driven.Source("pgbeacon_source_catching_up"), 0);
  EXPECT_EQ(driven.Source("pgbeacon_source_bytes_total"), static_cast<double>(backlog.size()));
}

}  // namespace
}  // namespace pgbeacon::ingest
