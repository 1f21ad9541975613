// Which file is which when files were renamed, copied, replaced or removed, above all while nobody
// looked. Time is the test's own.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "file_restart_support.h"
#include "temp_files.h"

namespace pgbeacon::ingest {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

TEST(FileRotation, ReadsARenamedFileToItsEndAndTheNewOneFromItsBeginning) {
  TempFolder folder;
  Restarted log(From(folder / "log"));
  log.Run();
  Append(folder / "log", Records(2));
  log.Run();
  log.Die();
  Append(folder / "log", Records(4, "before the rename"));
  fs::rename(folder / "log", folder / "log.old");
  Append(folder / "log", Records(8, "new file"));
  log.Start();
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 14);
  Append(folder / "log.old", Records(16, "late writer"));
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 30);
}

TEST(FileRotation, FindsWhatWasRotatedMoreThanOnceWhileItWasDown) {
  TempFolder folder;
  Append(folder / "log.7", Records(100, "older than the source"));
  fs::last_write_time(folder / "log.7", fs::file_time_type::clock::now() - std::chrono::hours(1));
  Restarted log(From(folder / "log"));
  Append(folder / "log", Records(1, "first"));
  log.Run();
  Append(folder / "log", Records(1));
  log.Run();
  log.Die();
  Append(folder / "log", Records(2, "rest"));
  fs::rename(folder / "log", folder / "log.2");
  Append(folder / "log", Records(4, "never seen at its path"));
  fs::rename(folder / "log", folder / "log.1");
  Append(folder / "log", Records(8, "now"));
  log.Start();
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 15);
  log.Run(std::chrono::seconds(30));
  log.Restart();
  EXPECT_EQ(Count(log.messages()), 15) << "nor is it read again";
}

TEST(FileRotation, FindsWhatWasRotatedBetweenTwoLooks) {
  TempFolder folder;
  Append(folder / "log", "");
  Restarted log(From(folder / "log"));
  log.Run();
  Append(folder / "log", Records(1));
  for (int i = 1; i <= 5; ++i) {
    fs::rename(folder / "log", folder / ("log." + std::to_string(i)));
    Append(folder / "log", Records(1 << i, "of " + std::to_string(i)));
  }
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 63);
  log.Run(std::chrono::seconds(30));
  log.Restart();
  fs::rename(folder / "log", folder / "log.6");
  Append(folder / "log", Records(64));
  log.Run();
  log.Restart();
  EXPECT_EQ(Count(log.messages()), 127) << "what was read before is not missed";
}

TEST(FileRotation, DoesNotTakeACopyForARotation) {
  TempFolder folder;
  Append(folder / "log", "");
  Restarted log(From(folder / "log"));
  log.Run();
  Append(folder / "log", Records(40));
  log.Settle();
  log.Die();
  fs::copy_file(folder / "log", folder / "log.1");
  Overwrite(folder / "log", Records(3, "after copytruncate"));
  log.Start();
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 43);
}

TEST(FileRotation, TellsAnotherFileUnderTheSameInode) {
  TempFolder folder;
  Append(folder / "log", "");
  Restarted log(From(folder / "log"));
  log.Run();
  Append(folder / "log", Records(4));
  log.Settle();
  log.Die();
  Overwrite(folder / "log", Records(50, "of another file"));
  log.Start();
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 54) << "longer than the one before";
  log.Die();
  Overwrite(folder / "log", Records(2, "third"));
  log.Start();
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 56) << "shorter";
  log.Die();
  Overwrite(folder / "log", "");
  log.Start();
  log.Run();
  Append(folder / "log", Records(1));
  log.Restart();
  EXPECT_EQ(Count(log.messages()), 57) << "empty";
  EXPECT_EQ(log.lost_bytes(), 0u);
}

TEST(FileRotation, TellsEmptyFilesApart) {
  TempFolder folder;
  for (const char* name : {"log.a", "log.b", "log.c"}) Append(folder / name, "");
  Restarted log(From(folder / "log.*"));
  log.Run();
  log.Die();
  fs::remove(folder / "log.b");
  Append(folder / "log.a", Records(1));
  Append(folder / "log.d", Records(2));
  log.Start();
  log.Run();
  Append(folder / "log.c", Records(4));
  log.Restart();
  EXPECT_EQ(Count(log.messages()), 7);
}

TEST(FileRotation, CountsWhatWasSeenAndRemovedUnread) {
  TempFolder folder;
  Append(folder / "log", "");
  Restarted log(From(folder / "log"));
  log.Run();
  const std::string text = Records(100);
  Append(folder / "log", text);
  log.Step(milliseconds(200), 1000);
  log.Die();
  fs::remove(folder / "log");
  Append(folder / "log.new", "keeps the inode from being used again");
  log.Start();
  log.Run();
  log.Commit();
  EXPECT_GT(log.lost_bytes(), text.size() - 1100);
  EXPECT_LT(log.lost_bytes(), text.size());
  EXPECT_EQ(log.source().status().dropped[static_cast<std::size_t>(Dropped::kDisk)], 1u);
  log.Restart();
  EXPECT_EQ(log.source().status().dropped[static_cast<std::size_t>(Dropped::kDisk)], 1u);
}

TEST(FileRotation, CountsWhatTruncationTookAway) {
  TempFolder folder;
  Append(folder / "log", "");
  Restarted log(From(folder / "log"));
  log.Run();
  Append(folder / "log", Records(100));
  log.Step(milliseconds(200), 1000);
  Overwrite(folder / "log", Records(1, "new"));
  log.Settle();
  EXPECT_GT(log.lost_bytes(), 0u);
  EXPECT_EQ(log.messages().at("7|new 0||"), 1);
}

}  // namespace
}  // namespace pgbeacon::ingest
