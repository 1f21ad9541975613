#include "exporter/pg/conninfo.h"

#include <gtest/gtest.h>

namespace pgbeacon::pg {
namespace {

TEST(Conninfo, ReadsKeywordsAndUris) {
  for (const char* text :
       {"host=db1 port=6432 user=monitor dbname='a b'", "postgresql://monitor@db1:6432/a%20b"}) {
    const Result<Conninfo> conninfo = Conninfo::Parse(text);
    ASSERT_TRUE(conninfo.ok()) << text;
    EXPECT_EQ(*conninfo->Find("host"), "db1") << text;
    EXPECT_EQ(*conninfo->Find("port"), "6432") << text;
    EXPECT_EQ(*conninfo->Find("dbname"), "a b") << text;
    EXPECT_EQ(conninfo->Find("password"), nullptr) << text;
  }
}

TEST(Conninfo, AcceptsAnEmptyStringForTheEnvironmentToFill) { EXPECT_TRUE(CheckConninfo("").ok()); }

TEST(Conninfo, NeverShowsAPasswordInAMessage) {
  const char* cases[] = {
      "password=s3cret words s3cret",      "password=a s3cret=b",
      "host=x password='s3cret",           "host=x password=pa \"s3cret\" user=b",
      "postgresql://u:s3cret%zz@h/db",     "postgresql://u:x@[::1s3cret",
      "postgresql://u:p@h:5432s3cret?bad", "postgresql://u@h/db?s3cret",
      "postgresql://u@h/db?s3cret=1",      "postgresql://u:\"s3cret\"@h/db?nope=\"s3cret\"",
  };
  for (const char* text : cases) {
    const Status checked = CheckConninfo(text);
    if (checked.ok()) continue;
    EXPECT_EQ(checked.error().message.find("s3cret"), std::string::npos) << checked.error().message;
  }
  EXPECT_FALSE(CheckConninfo(cases[0]).ok());
}

TEST(Conninfo, RefusesAUriThatAPasswordHasTornApart) {
  for (const char* text :
       {"postgresql://u:s3@cret@h/db", "postgresql://u:s3/cret@h/db", "postgresql://u:12/34@h/db",
        "postgresql://u@s3@cret@h:5432/db", "host=h port=s3cret", "host=h,u@s3cret"}) {
    const Status checked = CheckConninfo(text);
    ASSERT_FALSE(checked.ok()) << text;
    EXPECT_EQ(checked.error().message.find("cret"), std::string::npos) << checked.error().message;
    EXPECT_EQ(ServerName(text), "unknown");
  }
  for (const char* text : {"postgresql://u:s3%40cr%2Fet@h/db", "host=/run/a@b", "host=@abstract",
                           "postgresql://h1:1,h2:2/db", "dbname=a@b", "postgresql://u@h/a@b"}) {
    EXPECT_TRUE(CheckConninfo(text).ok()) << text;
  }
}

TEST(Conninfo, NamesTheOptionThatWasProbablyMeant) {
  const Status checked = CheckConninfo("hostt=db1 user=me");
  ASSERT_FALSE(checked.ok());
  EXPECT_NE(checked.error().message.find("did you mean \"host\"?"), std::string::npos)
      << checked.error().message;
}

TEST(Conninfo, RefusesAZeroByte) { EXPECT_FALSE(CheckConninfo(std::string("host=a\0b", 8)).ok()); }

TEST(ServerName, IsHostAndPort) {
  EXPECT_EQ(ServerName("postgresql://u:p@db1/x"), "db1:5432");
  EXPECT_EQ(ServerName("host=/run/pg port=5433"), "/run/pg:5433");
  EXPECT_EQ(ServerName("hostaddr=10.0.0.1"), "10.0.0.1:5432");
}

TEST(IsLocal, TellsThisMachineFromOthers) {
  const std::pair<const char*, bool> cases[] = {
      {"host=/run/postgresql", true},
      {"host=localhost", true},
      {"host=127.0.0.1", true},
      {"host=::1", true},
      {"host=db1", false},
      {"host=10.0.0.1", false},
      {"host=localhost,db1", false},
  };
  for (const auto& [text, local] : cases) EXPECT_EQ(IsLocal(text), local) << text;
}

}  // namespace
}  // namespace pgbeacon::pg
