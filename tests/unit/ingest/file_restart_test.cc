// What a source makes of its files after a restart. Time is the test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "file_restart_support.h"
#include "temp_files.h"

namespace pgbeacon::ingest {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(FileRestart, GoesOnWhereItWas) {
  TempFolder folder;
  Append(folder / "log", Records(5, "before the first start"));
  Restarted log(From(folder / "log"));
  log.Run();
  Append(folder / "log", Records(3, "while it runs"));
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 3);
  log.Die();
  Append(folder / "log", Records(4, "while it is down"));
  log.Start();
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 7);
  EXPECT_EQ(log.source().status().stats.lines, 7u);
  EXPECT_EQ(log.source().status().stats.messages, 7u);
}

TEST(FileRestart, CompletesARecordThatWasOpen) {
  TempFolder folder;
  Append(folder / "log", "");
  Restarted log(From(folder / "log"));
  log.Run();
  Append(folder / "log", "2026-11-20 22:09:45.301 UTC [7] ERROR:  boom\n");
  log.Step(milliseconds(200));
  log.Commit();
  EXPECT_EQ(Count(log.messages()), 0) << "more may belong to it";
  log.Kill();
  Append(folder / "log", "2026-11-20 22:09:45.301 UTC [7] STATEMENT:  SELECT 1\n\t+ 2\n");
  log.Start();
  log.Settle();
  EXPECT_EQ(log.messages(), (Messages{{"7|boom||SELECT 1\n+ 2", 1}}));
}

TEST(FileRestart, GoesOnUnderANameThatIsSpeltOtherwise) {
  TempFolder folder;
  Append(folder / "x.log", Records(10));
  Restarted log(Named(folder / "x.log", true));
  log.Settle();
  const std::string name = fs::path(folder / "x").parent_path().filename().string();
  const std::vector<std::string> spellings = {"*.log", "../" + name + "/x.log", "x*.log", "x.log"};
  for (const std::string& spelt : spellings) {
    log.Die();
    Append(folder / "x.log", Records(5));
    log.StartAs(Named(folder / spelt, spelt == "*.log"));
    log.Settle();
  }
  EXPECT_EQ(Count(log.messages()), 30);
  log.Commit();
  for (const auto& [name, value] : log.rows()) EXPECT_EQ(name.first, folder / "x.log") << value;
}

TEST(FileRestart, LeavesFilesOfOtherSourcesAlone) {
  TempFolder folder;
  Append(folder / "x.log", Records(10));
  Restarted log(Named(folder / "x.log", true));
  log.Run();
  log.Die();
  Append(folder / "y.log", Records(3));
  log.StartAs(Named(folder / "y.log"));
  log.Settle();
  EXPECT_EQ(log.lost_bytes(), 0u);
  log.Die();
  Append(folder / "x.log", Records(5));
  log.StartAs(Named(folder / "x.log"));
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 15);
}

TEST(FileRestart, DeliversARecordThatWasOpenWhenNothingComesAfterIt) {
  TempFolder folder;
  Restarted log(From(folder / "log"));
  log.Run();
  Append(folder / "log", Record("the last one"));
  log.Step(milliseconds(200));
  EXPECT_EQ(Count(log.messages()), 0);
  log.Restart();
  EXPECT_EQ(Count(log.messages()), 1);
  log.Restart();
  EXPECT_EQ(Count(log.messages()), 1);
}

TEST(FileRestart, ReadsALineOnceThatWasHalfWritten) {
  TempFolder folder;
  const std::string record = Record("in two pieces");
  Restarted log(From(folder / "log"));
  log.Run();
  Append(folder / "log", record.substr(0, 50));
  log.Restart();
  EXPECT_EQ(Count(log.messages()), 0);
  Append(folder / "log", record.substr(50));
  log.Restart();
  EXPECT_EQ(log.messages(), (Messages{{"7|in two pieces||", 1}}));
  EXPECT_EQ(log.source().status().stats.lines, 1u);
}

TEST(FileRestart, StillSkipsTheLineThatBeganBeforeTheFirstStart) {
  TempFolder folder;
  Append(folder / "log", Records(1) + Record("half").substr(0, 30));
  Restarted log(From(folder / "log"));
  log.Run();
  log.Restart();
  Append(folder / "log", " and more ");
  log.Restart();
  Append(folder / "log", " of it\n" + Record("whole"));
  log.Restart();
  EXPECT_EQ(log.messages(), (Messages{{"7|whole||", 1}}));
  EXPECT_EQ(log.source().status().stats.lines, 1u);
}

TEST(FileRestart, ReadsFromItsBeginningWhatAppearedWhileItWasDown) {
  TempFolder folder;
  Append(folder / "log.1", Records(9));
  Restarted log(From(folder / "log.*"));
  log.Run();
  log.Die();
  Append(folder / "log.2", Records(3, "new"));
  log.Start();
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 3);
}

TEST(FileRestart, KnowsTheSourceThatHadNoFileYet) {
  TempFolder folder;
  Restarted log(From(folder / "log"));
  log.Run();
  log.Die();
  Append(folder / "log", Records(3));
  log.Start();
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 3);
}

TEST(FileRestart, KnowsItsPlaceBehindBytesThatAreNotRead) {
  TempFolder folder;
  const std::string nul(5000, '\0');
  std::string expected;
  Restarted log(From(folder / "log"));
  log.Run();
  for (int i = 0; i < 40; ++i) {
    const std::string record = Record("number " + std::to_string(i), 100 + i % 3);
    expected += record;
    const std::string half = i % 2 == 0 ? nul + record.substr(0, 45) : record.substr(0, 45) + nul;
    Append(folder / "log", half);
    log.Step(milliseconds(200), 4096);
    log.Step(milliseconds(200), 4096);
    log.Die();
    Append(folder / "log", record.substr(45) + (i % 5 == 0 ? nul : ""));
    log.Start();
  }
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 40);
  EXPECT_EQ(log.messages().size(), 40u);
  EXPECT_EQ(log.source().status().stats.bytes, expected.size());
  EXPECT_EQ(log.source().status().stats.lines, 40u);
}

TEST(FileRestart, ReadsNothingTwiceOfFilesThatWereClosedToMakeRoom) {
  TempFolder folder;
  const auto name = [&](int i) { return folder / ("log." + std::to_string(i)); };
  const std::string half = Record("in two pieces").substr(0, 45);
  for (int i = 0; i < 40; ++i) Append(name(i), Records(2) + half);
  Restarted log(From(folder / "log.*", true));
  for (int i = 0; i < 20; ++i) log.Run(std::chrono::seconds(6));
  EXPECT_EQ(Count(log.messages()), 80);
  for (int i = 0; i < 40; ++i) Append(name(i), Record("in two pieces").substr(45));
  log.Die();
  log.Start();
  for (int i = 0; i < 20; ++i) log.Run(std::chrono::seconds(6));
  EXPECT_EQ(Count(log.messages()), 120);
  EXPECT_EQ(log.source().status().stats.lines, 120u);
}

TEST(FileRestart, KeepsItsPlaceWhileTheFolderIsAway) {
  TempFolder folder;
  fs::create_directory(folder / "mounted");
  Append(folder / "mounted/log", "");
  Restarted log(From(folder / "mounted/log"));
  log.Run();
  Append(folder / "mounted/log", Records(3));
  log.Run();
  log.Die();
  fs::rename(folder / "mounted", folder / "away");
  log.Start();
  log.Run();
  log.Restart();
  fs::rename(folder / "away", folder / "mounted");
  Append(folder / "mounted/log", Records(1, "more"));
  log.Run();
  log.Restart();
  EXPECT_EQ(Count(log.messages()), 4);
  EXPECT_EQ(log.lost_bytes(), 0u);
}

TEST(FileRestart, TellsCatchingUpUntilWhatWasWrittenMeanwhileIsRead) {
  TempFolder folder;
  Append(folder / "log", "");
  Restarted log(From(folder / "log"));
  log.Run();
  EXPECT_FALSE(log.source().status().catching_up);
  Append(folder / "log", Records(50));
  log.Step(milliseconds(200), 100);
  EXPECT_FALSE(log.source().status().catching_up) << "that is new";
  log.Die();
  Append(folder / "log", Records(50));
  log.Start();
  log.Step(milliseconds(0), 100);
  EXPECT_TRUE(log.source().status().catching_up);
  log.Run();
  EXPECT_TRUE(log.source().status().catching_up) << "until every scrape has seen it";
  log.Step(FileSource::kHistory, 100);
  EXPECT_FALSE(log.source().status().catching_up);
}

TEST(FileRestart, TellsWhatWasWrittenMeanwhileFromWhatComesRightAfterIt) {
  TempFolder folder;
  Append(folder / "log", "");
  Restarted log(From(folder / "log"));
  log.Run();
  Append(folder / "log", Records(3, "live"));
  log.Settle();
  log.Die();
  EXPECT_EQ(log.live_messages(), 3);
  Append(folder / "log", Records(4, "meanwhile"));
  log.Start();
  log.Step(milliseconds(0));
  Append(folder / "log", Records(5, "live again"));  // completes what was last open
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 12);
  EXPECT_EQ(log.live_messages(), 3 + 5);
}

TEST(FileRestart, CountsTheLinesOfOneFormOnlyThatAnotherHasToo) {
  TempFolder folder;
  Append(folder / "postgresql.log", Records(3));
  Restarted log(From(folder / "postgresql.*", true));
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 3);
  log.Die();
  const std::string json =
      R"({"timestamp":"2026-11-20 22:09:45.301 UTC","pid":7,"error_severity":"LOG","message":"x"})";
  Append(folder / "postgresql.json", json + "\n" + json + "\n");
  log.Start();
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 3) << "its records were counted from the other form";
  Append(folder / "postgresql.json", json + "\n");
  log.Settle();
  EXPECT_EQ(Count(log.messages()), 4);
}

TEST(FileRestart, WritesARowOnlyForWhatChangedAndReadsNoFileForIt) {
  TempFolder folder;
  for (int i = 0; i < 50; ++i) Append(folder / ("log." + std::to_string(i)), Records(2));
  Restarted log(From(folder / "log.*"));
  for (int i = 0; i < 10; ++i) log.Run();
  EXPECT_EQ(log.Commit(), 52u) << "50 files and the source itself";
  EXPECT_EQ(log.Commit(), 0u);
  Append(folder / "log.7", Records(1));
  log.Run();
  for (int i = 0; i < 50; ++i)
    fs::permissions(folder / ("log." + std::to_string(i)), fs::perms::none);
  EXPECT_EQ(log.Commit(), 1u);
}

TEST(FileRestart, ForgetsTheRowsOfFilesThatAreDoneWith) {
  TempFolder folder;
  Append(folder / "log.1", "");
  Restarted log(From(folder / "log.*"));
  log.Run();
  for (int i = 1; i <= 20; ++i) {
    Append(folder / ("log." + std::to_string(i)), Records(2));
    log.Run();
    if (i > 1) fs::remove(folder / ("log." + std::to_string(i - 1)));
    log.Run(std::chrono::seconds(6));
    log.Run(std::chrono::seconds(6));
    log.Commit();
  }
  EXPECT_EQ(Count(log.messages()), 40);
  EXPECT_LE(log.rows().size(), 4u);
}

TEST(FileRestart, WritesReadableRows) {
  TempFolder folder;
  Append(folder / "log", "");
  Restarted log(From(folder / "log", false, std::nullopt));
  log.Run();
  std::string text;
  for (int i = 0; i < 100; ++i) {
    text += "2026-11-20 22:09:45.301 UTC [" + std::to_string(100 + i) +
            "] app@shop LOG:  duration: 1.5 ms  statement: SELECT secret\n";
  }
  Append(folder / "log", text);
  log.Settle();
  log.Commit();
  struct stat status = {};
  ASSERT_EQ(stat((folder / "log").c_str(), &status), 0);
  const std::string& row =
      log.rows().at({"test", std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino)});
  EXPECT_THAT(row, HasSubstr("\"path\":\"" + (folder / "log") + "\""));
  EXPECT_THAT(row, HasSubstr("\"end\":" + std::to_string(text.size())));
  EXPECT_THAT(row, HasSubstr("\"form\":\"stderr\""));
  EXPECT_THAT(row, HasSubstr("\"prefix\":\"%m [%p] "));
  EXPECT_EQ(row.find("secret"), std::string::npos);
}

TEST(FileRestart, RefusesARowThatItDidNotWrite) {
  Authority authority;
  FileSource source(From("/nowhere"), authority, [](const log::Message&, log::Written) {});
  for (const auto& [key, value] :
       {std::pair("1:2", ""), std::pair("1:2", "{}"), std::pair("1:2", "[1,2]"),
        std::pair("x", "{}"), std::pair("counted_rank", "one"),
        std::pair("1:2",
                  R"({"path":"a","size":1,"head_bytes":9999,"head_hash":1,"begin":0,"end":1,)"
                  R"("span":1,"form":"csv"})")}) {
    EXPECT_FALSE(source.Restore(key, value)) << key << " " << value;
  }
}

}  // namespace
}  // namespace pgbeacon::ingest
