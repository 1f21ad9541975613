#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

namespace pgbeacon {
namespace {

TEST(Result, HoldsAValue) {
  Result<std::string> result(std::string("x"));
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(static_cast<bool>(result));
  EXPECT_EQ(*result, "x");
  EXPECT_EQ(result->size(), 1U);
}

TEST(Result, HoldsAnError) {
  const Result<int> result(Error(ErrorCode::kLockTimeout, "locked", "55P03"));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kLockTimeout);
  EXPECT_EQ(result.error().message, "locked");
  EXPECT_EQ(result.error().sqlstate, "55P03");
}

TEST(Result, MovesItsValueOut) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  const std::unique_ptr<int> value = *std::move(result);
  ASSERT_NE(value, nullptr);
  EXPECT_EQ(*value, 7);
}

TEST(Status, IsSuccessUnlessGivenAnError) {
  EXPECT_TRUE(Status().ok());
  const Status failed(Error(ErrorCode::kDenied, "no"));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message, "no");
}

TEST(ErrorCode, NamesAreDistinctLabelValues) {
  std::set<std::string> names;
  for (const ErrorCode code :
       {ErrorCode::kInvalid, ErrorCode::kNotFound, ErrorCode::kDenied, ErrorCode::kTimeout,
        ErrorCode::kLockTimeout, ErrorCode::kUnavailable, ErrorCode::kInternal}) {
    EXPECT_TRUE(names.insert(ErrorCodeName(code)).second) << ErrorCodeName(code);
  }
}

}  // namespace
}  // namespace pgbeacon
