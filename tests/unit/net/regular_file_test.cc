#include "exporter/net/regular_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "exporter/net/read_ends.h"
#include "tests/support/temp_folder.h"

namespace pgbeacon::net {
namespace {

using testing::HasSubstr;

class RegularFile : public testing::Test {
 protected:
  std::string Write(const std::string& name, std::size_t bytes) {
    std::ofstream(folder_ / name) << std::string(bytes, 'x');
    return folder_ / name;
  }

  test::TempFolder folder_;
};

TEST_F(RegularFile, IsReadWithinABound) {
  EXPECT_EQ(ReadRegularFile(Write("small", 100'000))->size(), 100'000U);
  const Result<std::string> huge = ReadRegularFile(Write("huge", kMostFileBytes + 1));
  ASSERT_FALSE(huge.ok());
  EXPECT_THAT(huge.error().message, HasSubstr("larger than 16 MiB"));
  const Result<std::string> none = ReadRegularFile(folder_ / "none");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(none.error().message, HasSubstr("none: No such file"));
}

TEST_F(RegularFile, OthersAreRefusedAtOnceWithWhatTheyAre) {
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const struct {
    std::string path, kind;
  } cases[] = {{pipe, "a named pipe"}, {folder_ / ".", "a folder"}, {"/dev/zero", "a device"}};
  for (const auto& [path, kind] : cases) {
    const Result<std::string> text = ReadRegularFile(path);
    ASSERT_FALSE(text.ok()) << path;
    EXPECT_EQ(text.error().message,
              "cannot read " + path + ": it is " + kind + ", expected a regular file");
  }
}

TEST_F(RegularFile, OnlyWhatWouldNeverEndIsKeptFromOthers) {
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& path : {Write("small", 1), Write("empty", 0), folder_ / "none",
                                  folder_ / ".", std::string("/dev/null")}) {
    EXPECT_TRUE(CheckReadEnds(path, path).ok()) << path;
  }
  for (const std::string& path : {pipe, std::string("/dev/zero")}) {
    const Status checked = CheckReadEnds(path, "it");
    ASSERT_FALSE(checked.ok()) << path;
    EXPECT_THAT(checked.error().message, HasSubstr("cannot read it: it is a"));
  }
}

}  // namespace
}  // namespace pgbeacon::net
