#include "exporter/web/secret_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace pgbeacon::web {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class SecretFiles : public testing::Test {
 protected:
  SecretFiles() {
    char name[] = "/tmp/pgbeacon-secrets-XXXXXX";
    folder_ = mkdtemp(name);
    path_ = folder_ + "/drains";
  }
  ~SecretFiles() override { std::filesystem::remove_all(folder_); }

  /// Replaces the file as careful people do: a new one, renamed.
  void Write(const std::string& text) {
    std::ofstream(path_ + ".new") << text;
    std::filesystem::rename(path_ + ".new", path_);
  }

  std::string folder_;
  std::string path_;
  TimePoint now_ = SteadyClock::now();
};

TEST_F(SecretFiles, MapTokensToServers) {
  Write(
      "# drains of the shop\n\n"
      "d.8a3b: orders\n"
      "  d.9c4d:   billing   # moved in May\r\n"
      "d.eeee:plain\n");
  SecretFile tokens(path_, ReadDrainToken);
  tokens.Refresh();
  EXPECT_TRUE(tokens.successful());
  EXPECT_EQ(tokens.size(), 3U);
  EXPECT_EQ(tokens.Find("d.8a3b", now_), "orders");
  EXPECT_EQ(tokens.Find("d.9c4d", now_), "billing");
  EXPECT_EQ(tokens.Find("d.eeee", now_), "plain");
  for (const char* stranger :
       {"", "d.8a3", "d.8a3b ", "D.8A3B", "orders", "# drains of the shop"}) {
    EXPECT_EQ(tokens.Find(stranger, now_), std::nullopt) << stranger;
  }
}

TEST_F(SecretFiles, SkipAByteOrderMark) {
  Write(
      "\xEF\xBB\xBF"
      "d.1: one\nd.2: two\n");
  SecretFile tokens(path_, ReadDrainToken);
  EXPECT_EQ(tokens.Find("d.1", now_), "one");
  Write(
      "\xEF\xBB\xBF"
      "user:secret\n");
  SecretFile credentials(path_, ReadCredentials);
  EXPECT_EQ(credentials.Find("user:secret", now_), "user");
}

TEST_F(SecretFiles, KnowADrainThatWasAddedAMomentAgo) {
  Write("d.1: one\n");
  SecretFile tokens(path_, ReadDrainToken);
  EXPECT_EQ(tokens.Find("d.1", now_), "one");
  Write("d.1: one\nd.2: two\n");
  EXPECT_EQ(tokens.Find("d.2", now_), "two");
}

TEST_F(SecretFiles, ForgetATokenWithinASecond) {
  Write("d.1: one\nd.2: two\n");
  SecretFile tokens(path_, ReadDrainToken);
  EXPECT_EQ(tokens.Find("d.2", now_), "two");
  Write("d.1: renamed\n");
  EXPECT_EQ(tokens.Find("d.1", now_ + milliseconds(500)), "one");
  EXPECT_EQ(tokens.Find("d.1", now_ + seconds(1)), "renamed");
  EXPECT_EQ(tokens.Find("d.2", now_ + seconds(1)), std::nullopt);
}

TEST_F(SecretFiles, KeepWhatWasReadWhenTheFileIsBadOrGone) {
  Write("d.1: one\n");
  SecretFile tokens(path_, ReadDrainToken);
  EXPECT_EQ(tokens.Find("d.1", now_), "one");
  Write("d.1: one\nd.2 two\n");
  EXPECT_EQ(tokens.Find("d.1", now_ + seconds(2)), "one");
  EXPECT_FALSE(tokens.successful());
  std::filesystem::remove(path_);
  EXPECT_EQ(tokens.Find("d.1", now_ + seconds(4)), "one");
  EXPECT_FALSE(tokens.successful());
  Write("d.2: two\n");
  EXPECT_EQ(tokens.Find("d.2", now_ + seconds(6)), "two");
  EXPECT_TRUE(tokens.successful());
}

TEST_F(SecretFiles, TellMistakesByLineAndNeverTheSecret) {
  const std::pair<const char*, const char*> cases[] = {
      {"d.1: one\nd.hidden orders\n", "drains:2: expected `TOKEN: SERVER`"},
      {"d.hidden:\n", "drains:1: the server's name is empty"},
      {"d.hidden: two words\n", "drains:1: the server's name is empty, too long, or has blanks"},
      {"d.hidden: \"quoted\"\n", "quotes"},
      {": orders\n", "drains:1: no drain token stands before the colon"},
      {"d.hidden: a\n# c\nd.hidden: b\n", "drains:3: the same stands in line 1"},
  };
  for (const auto& [text, wanted] : cases) {
    Write(text);
    SecretFile tokens(path_, ReadDrainToken);
    testing::internal::CaptureStdout();
    tokens.Refresh();
    const std::string told = testing::internal::GetCapturedStdout();
    EXPECT_NE(told.find(wanted), std::string::npos) << text << told;
    EXPECT_EQ(told.find("hidden"), std::string::npos) << told;
    EXPECT_FALSE(tokens.read());
    EXPECT_FALSE(tokens.successful());
  }
}

TEST_F(SecretFiles, TellAMistakeOnceAndNotAtEveryLook) {
  Write("nonsense\n");
  SecretFile tokens(path_, ReadDrainToken);
  tokens.Refresh();
  testing::internal::CaptureStdout();
  for (int i = 0; i < 10; ++i) tokens.Find("d.1", now_ + seconds(i));
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST_F(SecretFiles, HoldUsersWithTheirPasswords) {
  Write("# rotated\nlogplex:s3cret:with:colons\nlogplex:n3w # no comment\n");
  SecretFile users(path_, ReadCredentials);
  EXPECT_EQ(users.Find("logplex:s3cret:with:colons", now_), "logplex");
  EXPECT_EQ(users.Find("logplex:n3w # no comment", now_), "logplex");
  EXPECT_EQ(users.Find("logplex:n3w", now_), std::nullopt);
  EXPECT_EQ(users.Find("logplex:", now_), std::nullopt);
  EXPECT_FALSE(ReadCredentials("nobody").ok());
  EXPECT_FALSE(ReadCredentials("nobody:").ok());
  EXPECT_FALSE(ReadCredentials(":password").ok());
}

TEST(Digests, AreSha256) {
  EXPECT_EQ(HexOf(DigestOf("abc"), 64),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HexOf(DigestOf("abc"), 8), "ba7816bf");
}

}  // namespace
}  // namespace pgbeacon::web
