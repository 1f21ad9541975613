#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "exporter/config/config.h"
#include "exporter/config/files.h"
#include "tests/support/temp_folder.h"

namespace pgbeacon::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class FileSdFiles : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }

  Config Load() {
    Config config =
        ReadConfig("defaults: {user: u}\nfile_sd: {files: ['" + (folder_ / "*") + "']}\n", "c.yml");
    config.others = LoadFileSd(config, last_);
    DropNamesakes(config);
    EXPECT_THAT(config.errors->messages(), IsEmpty());
    return config;
  }

  static std::vector<std::string> Names(const Config& config) {
    std::vector<std::string> names;
    for (const Target& target : config.others) names.push_back(target.name);
    return names;
  }

  test::TempFolder folder_;
  Discovered last_;
};

TEST_F(FileSdFiles, AFileWithAMistakeKeepsItsTargetsAndHoldsUpNoOther) {
  Write("a.yml", "targets: [{name: a1, host: h}, {name: a2, host: h}]");
  Write("b.yml", "targets: [{name: b1, host: h}]");
  EXPECT_THAT(Names(Load()), ElementsAre("a1", "a2", "b1"));
  Write("a.yml", "targets: [{name: a1, hst: h}");
  Write("b.yml", "targets: [{name: b1, host: h}, {name: b2, host: h}]");
  for (int again = 0; again < 2; ++again) {
    const Config config = Load();
    EXPECT_THAT(Names(config), ElementsAre("a1", "a2", "b1", "b2"));
    EXPECT_THAT(AllMistakes(config),
                ElementsAre(AllOf(HasSubstr((folder_ / "a.yml") + ":"),
                                  HasSubstr("the targets of the file stay as they were"))));
  }
  Write("a.yml", "targets: [{name: a3, host: h}]");
  EXPECT_THAT(Names(Load()), ElementsAre("a3", "b1", "b2"));
  std::filesystem::remove(folder_ / "a.yml");
  EXPECT_THAT(Names(Load()), ElementsAre("b1", "b2"));
}

TEST_F(FileSdFiles, OfAFileThatWasNeverRightIsTakenWhatIs) {
  Write("a.yml", "targets: [{name: a1, host: h}, {name: a2, dsn: nonsense}]");
  const Config config = Load();
  EXPECT_THAT(Names(config), ElementsAre("a1"));
  EXPECT_FALSE(AllMistakes(config).empty());
}

TEST_F(FileSdFiles, AnEmptyFileIsOneThatIsStillToBeWritten) {
  Write("a.yml", "targets: [{name: a1, host: h}]");
  EXPECT_THAT(Names(Load()), ElementsAre("a1"));
  Write("a.yml", " \n");
  const Config config = Load();
  EXPECT_THAT(Names(config), ElementsAre("a1"));
  EXPECT_THAT(AllMistakes(config), ElementsAre(HasSubstr("the file is empty")));
  Write("a.yml", "[]");
  EXPECT_THAT(Names(Load()), IsEmpty());
}

TEST_F(FileSdFiles, WhatHasChangedSinceTheyWereReadIsSeen) {
  Write("a.yml", "targets: [{name: a1, host: h}]");
  const FileSd file_sd = Load().file_sd;
  EXPECT_EQ(file_sd.stamp, StampOf(FileSdPaths(file_sd)));
  std::filesystem::permissions(folder_ / "a.yml", std::filesystem::perms::owner_read);
  const std::string changed = StampOf(FileSdPaths(file_sd));
  EXPECT_NE(file_sd.stamp, changed);
  Write("b.yml", "targets: [{name: b1, host: h}]");
  EXPECT_NE(changed, StampOf(FileSdPaths(file_sd)));
}

TEST_F(FileSdFiles, APipeAmongThemIsAMistakeOfItsOwn) {
  Write("a.yml", "targets: [{name: a1, host: h}]");
  const std::string pipe = folder_ / "pipe.yml";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const Config config = Load();
  EXPECT_THAT(Names(config), ElementsAre("a1"));
  EXPECT_THAT(AllMistakes(config), ElementsAre("file_sd: cannot read " + pipe +
                                               ": it is a named pipe, expected a regular file"));
}

TEST_F(FileSdFiles, NamesakesAreToldWithBothPlaces) {
  Write("a.yml", "targets: [{name: x, host: h1}]");
  Write("b.yml", "targets:\n  - {name: x, host: h2}\n  - {name: y, host: h2}\n");
  const Config config = Load();
  EXPECT_THAT(Names(config), ElementsAre("x", "y"));
  EXPECT_THAT(AllMistakes(config),
              ElementsAre(AllOf(
                  HasSubstr((folder_ / "b.yml") + ":2:"),
                  HasSubstr("there is a target 'x' already, at " + (folder_ / "a.yml") + ":1:"))));
}

TEST_F(FileSdFiles, WhatIsSaidOfATargetDoesNotGrowWithItsGroup) {
  std::string addresses;
  for (int i = 0; i < 500; ++i) addresses += "'db" + std::to_string(1000 + i) + ":5432',";
  Write("a.yml", "[{targets: ['db1000:5432'], labels: {env: x}}]");
  const std::string alone = Load().others.at(0).text;
  Write("a.yml", "[{targets: [" + addresses + "], labels: {env: x}}]");
  const Config config = Load();
  ASSERT_EQ(config.others.size(), 500U);
  EXPECT_EQ(config.others[0].text, alone) << "and it goes on when others join its group";
  EXPECT_NE(config.others[1].text, alone);
}

TEST(LabelsOfTargets, ThatSeriesHaveThemselvesAreRefused) {
  Config config = ReadConfig(R"(
targets:
  - {name: a, host: h, labels: {env: prod, datname: x, device: sda, job: y}}
  - {name: b, host: h, labels: {instance: z}}
)",
                             "c.yml");
  ASSERT_TRUE(config.errors->empty()) << config.errors->ToError().message;
  CheckLabels(config, *LoadCollectors(config), {"device"});
  EXPECT_THAT(config.target->labels, ElementsAre(Pair("env", "prod")));
  EXPECT_THAT(config.others.at(0).labels, IsEmpty());
  const std::string end = "' of their own, so the target cannot have one: call it otherwise";
  EXPECT_THAT(config.errors->messages(),
              ElementsAre("c.yml:3:5: target 'a': series have a label 'datname" + end,
                          "c.yml:3:5: target 'a': series have a label 'device" + end,
                          "c.yml:3:5: target 'a': series have a label 'job" + end,
                          "c.yml:4:5: target 'b': series have a label 'instance" + end));
}

}  // namespace
}  // namespace pgbeacon::config
