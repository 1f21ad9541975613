#include "exporter/web/passwords.h"

#include <crypt.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
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
  void Begin(const std::string& login) {
    net::asio::co_spawn(io_, passwords_.Check(login), [this](std::exception_ptr, Verdict verdict) {
      verdicts_.push_back(verdict);
    });
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

TEST_F(PasswordsTest, RemembersABoundedNumber) {
  Passwords::Users users;
  for (int i = 0; i < 150; ++i) users["u" + std::to_string(i)] = Hash("one");
  passwords_.Set(users);
  for (int i = 0; i < 150; ++i) EXPECT_EQ(Check("u" + std::to_string(i) + ":one"), Verdict::kRight);
  EXPECT_EQ(passwords_.verified(), Passwords::kMostVerified);
}

}  // namespace
}  // namespace pgbeacon::web
