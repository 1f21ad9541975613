#include "base/shown.h"

#include <gtest/gtest.h>

namespace pgbeacon {
namespace {

TEST(Shown, QuotesWords) {
  EXPECT_EQ(Shown("orders"), "'orders'");
  EXPECT_EQ(Shown(""), "''");
  EXPECT_EQ(Shown("db1.example.com:5432"), "'db1.example.com:5432'");
  EXPECT_EQ(Shown("/etc/a@b/passwords/*.yml"), "'/etc/a@b/passwords/*.yml'");
}

TEST(Shown, ShowsNothingOfWhatMayHoldASecret) {
  for (const char* text :
       {"postgresql://u:hunter2@h/d", "postgresql://h/d?password=hunter2", "u:hunter2@h",
        "host=h password = hunter2", "host = h hunter2", "PASSWORD:hunter2", "passwd hunter2",
        "postgresql://u:hunter2", "https:u:hunter2@h", "/etc/-----BEGIN PRIVATE KEY----- hunter2",
        "two\nlines of hunter2"}) {
    EXPECT_TRUE(MayHoldSecret(text)) << text;
    EXPECT_EQ(Shown(text).find("hunter2"), std::string::npos) << text;
  }
}

TEST(Shown, ShowsOfAWrongValueWhatIsNoWord) {
  EXPECT_EQ(Found("30"), "; found '30'");
  EXPECT_EQ(Found("-1.5min"), "; found '-1.5min'");
  EXPECT_EQ(Found("127.0.0.1:99999"), "; found '127.0.0.1:99999'");
  EXPECT_EQ(Found("hunter2"), "");
  EXPECT_EQ(Found("2hunter"), "");
  EXPECT_EQ(Found(""), "");
  EXPECT_EQ(FoundAmong("primray", {"any", "primary"}), "; did you mean 'primary'?");
  EXPECT_EQ(FoundAmong("hunter2", {"any", "primary"}), "");
}

TEST(Shown, ShowsKeysOfLetters) {
  EXPECT_EQ(ShownKey("user_collectors"), "'user_collectors'");
  EXPECT_EQ(ShownKey("hunter2").find("hunter2"), std::string::npos);
  EXPECT_EQ(ShownKey("prom:hunter").find("hunter"), std::string::npos);
}

TEST(Shown, ShowsPathsAndNoWordInTheirPlace) {
  EXPECT_EQ(ShownPath("/etc/pgbeacon/password"), "/etc/pgbeacon/password");
  EXPECT_EQ(ShownPath("./a=b@c"), "./a=b@c");
  EXPECT_EQ(ShownPath("hunter2").find("hunter2"), std::string::npos);
  EXPECT_EQ(ShownPath("/etc/-----BEGIN PRIVATE KEY-----\nhunter2").find("hunter2"),
            std::string::npos);
}

}  // namespace
}  // namespace pgbeacon
