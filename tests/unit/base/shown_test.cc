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

TEST(Shown, ShowsPathsAndNoWordInTheirPlace) {
  EXPECT_EQ(ShownPath("/etc/pgbeacon/password"), "/etc/pgbeacon/password");
  EXPECT_EQ(ShownPath("./a=b@c"), "./a=b@c");
  EXPECT_EQ(ShownPath("hunter2").find("hunter2"), std::string::npos);
  EXPECT_EQ(ShownPath("/etc/-----BEGIN PRIVATE KEY-----\nhunter2").find("hunter2"),
            std::string::npos);
}

}  // namespace
}  // namespace pgbeacon
