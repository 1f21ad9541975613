#include "exporter/web/passwords.h"

#include <crypt.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

namespace pgbeacon::web {
namespace {

using Verdict = Passwords::Verdict;
using testing::Each;

std::string Hash(const std::string& password, const std::string& kind = "$2b$04$") {
  crypt_data data{};
  return crypt_r(password.c_str(), (kind + "abcdefghijklmnopqrstuu").c_str(), &data);
}

class PasswordsTest : public testing::Test {
 protected:
  void Begin(const std::string& login, const std::string& peer = "10.0.0.1:51234") {
    net::asio::co_spawn(
        io_, passwords_.Check(login, peer),
        [this](std::exception_ptr, Verdict verdict) { verdicts_.push_back(verdict); });
  }
  Verdict Check(const std::string& login) {
    Begin(login);
    io_.restart();
    io_.run();
    return verdicts_.back();
  }

  net::asio::io_context io_{1};
  net::BlockingPool pool_;
  Passwords passwords_{io_.get_executor(), pool_};
  std::vector<Verdict> verdicts_;
};

TEST_F(PasswordsTest, KnowsRightFromWrong) {
  passwords_.Set(
      {{"a", Hash("one")}, {"b", Hash("two:three", "$2y$05$")}, {"c", Hash("", "$2a$04$")}});
  EXPECT_EQ(Check("a:one"), Verdict::kRight);
  EXPECT_EQ(Check("b:two:three"), Verdict::kRight);
  EXPECT_EQ(Check("c:"), Verdict::kRight);
  for (const std::string& wrong :
       {std::string(), std::string(":"), std::string("a"), std::string("a:"), std::string("a:One"),
        std::string("a:one "), std::string("A:one"), std::string("b:one"), std::string("d:one"),
        std::string("a:one\0", 6), std::string("a\0b:one", 7)}) {
    EXPECT_EQ(Check(wrong), Verdict::kWrong) << wrong;
  }
}

TEST_F(PasswordsTest, RemembersWhoWasRightUntilTheUsersChange) {
  passwords_.Set({{"a", Hash("one")}});
  Check("a:one");
  Check("a:one");
  EXPECT_EQ(passwords_.hashed(), 1U);
  Check("a:two");
  Check("a:two");
  EXPECT_EQ(passwords_.hashed(), 3U);
  passwords_.Set({{"a", Hash("two")}});
  EXPECT_EQ(Check("a:one"), Verdict::kWrong);
  EXPECT_EQ(Check("a:two"), Verdict::kRight);
  passwords_.Set({});
  EXPECT_EQ(Check("a:two"), Verdict::kWrong);
}

TEST_F(PasswordsTest, AnUnknownUserCostsAHashToo) {
  passwords_.Set({{"a", Hash("one")}});
  EXPECT_EQ(Check("nobody:one"), Verdict::kWrong);
  EXPECT_EQ(passwords_.hashed(), 1U);
}

TEST_F(PasswordsTest, TheSamePasswordAtOnceIsHashedOnce) {
  passwords_.Set({{"a", Hash("one")}});
  for (int i = 0; i < 50; ++i) Begin("a:one");
  io_.run();
  EXPECT_EQ(verdicts_.size(), 50U);
  EXPECT_THAT(verdicts_, Each(Verdict::kRight));
  EXPECT_EQ(passwords_.hashed(), 1U);
}

TEST_F(PasswordsTest, TooManyAtOnceAreToldSo) {
  passwords_.Set({{"a", Hash("one")}});
  for (int i = 0; i < 100; ++i) Begin("a:" + std::to_string(i));
  io_.run();
  EXPECT_EQ(std::ranges::count(verdicts_, Verdict::kBusy),
            100 - static_cast<int>(Passwords::kMostWaiting) - 1);
  EXPECT_EQ(passwords_.hashed(), Passwords::kMostWaiting + 1);
}

TEST_F(PasswordsTest, OneAddressThatFloodsKeepsNobodyElseOut) {
  for (const auto& [flood, other] : {std::pair("10.0.0.2", "10.0.0.1:1"),
                                     {"[2001:db8::%d]", "[2001:db8:0:1::1]:1"},
                                     {"10.0.0.2", "unix"}}) {
    passwords_.Set({{"a", Hash("one")}});
    verdicts_.clear();
    for (int i = 0; i < 100; ++i) {
      std::string peer = std::string(flood) + ":" + std::to_string(i);
      if (const std::size_t at = peer.find("%d"); at != std::string::npos) {
        peer.replace(at, 2, std::to_string(i));
      }
      Begin("a:" + std::to_string(i), peer);
    }
    Begin("a:one", other);
    io_.restart();
    io_.run();
    // It waits for the one that is computed and for one more at most.
    std::erase(verdicts_, Verdict::kBusy);
    const auto right = std::ranges::find(verdicts_, Verdict::kRight);
    ASSERT_NE(right, verdicts_.end()) << flood;
    EXPECT_LE(right - verdicts_.begin(), 2) << flood;
    EXPECT_EQ(verdicts_.size(), Passwords::kMostWaiting + 1) << flood;
  }
}

TEST_F(PasswordsTest, OneAddressMayHaveTheWholeQueueToItself) {
  passwords_.Set({{"a", Hash("one")}});
  for (std::size_t i = 0; i <= Passwords::kMostWaiting; ++i) Begin("a:" + std::to_string(i));
  io_.run();
  EXPECT_THAT(verdicts_, Each(Verdict::kWrong));
}

TEST_F(PasswordsTest, EveryUserTakesTheTimeOfTheDearest) {
  passwords_.Set({{"cheap", Hash("one")}, {"dear", Hash("two", "$2b$10$")}});
  const auto cost = [this](const std::string& login) {
    const std::clock_t before = std::clock();  // of the process, whatever else runs
    Check(login);
    return static_cast<double>(std::clock() - before);
  };
  const double unknown = cost("nobody:x");
  for (const char* login : {"cheap:x", "cheap:one", "dear:x", "dear:two"}) {
    const double ratio = cost(login) / unknown;
    EXPECT_GT(ratio, 0.7) << login;
    EXPECT_LT(ratio, 1.5) << login;
  }
}

TEST_F(PasswordsTest, RemembersABoundedNumber) {
  Passwords::Users users;
  for (int i = 0; i < 150; ++i) users["u" + std::to_string(i)] = Hash("one");
  passwords_.Set(users);
  for (int i = 0; i < 150; ++i) EXPECT_EQ(Check("u" + std::to_string(i) + ":one"), Verdict::kRight);
  EXPECT_EQ(passwords_.verified(), Passwords::kMostVerified);
}

}  // namespace
}  // namespace pgbeacon::web
