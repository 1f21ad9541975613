#include "exporter/fleet/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgbeacon::fleet {
namespace {

using scrape::CheckStatus;
using scrape::Suite;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<Suite> Found(CheckStatus status, const std::string& output = "why") {
  Suite suite;
  suite.name = "pg";
  suite.status = status;
  suite.checks.push_back({"transactions", status, output});
  return {suite};
}

double Shown(const Health& health, const std::string& family) {
  Families page;
  health.AppendFamilies(page);
  for (const Family& shown : page) {
    if (shown.name == family) return shown.metric.at(0).gauge.value;
  }
  ADD_FAILURE() << "no " << family;
  return -1;
}

TEST(Health, WhatIsWellTheFirstTimeIsNoChange) {
  Health health;
  EXPECT_THAT(health.Update(Found(CheckStatus::kUnknown), 1), IsEmpty());
  EXPECT_THAT(health.Update(Found(CheckStatus::kOk), 2), IsEmpty());
}

TEST(Health, WhatIsBadTheFirstTimeIsTold) {
  Health health;
  const std::vector<CheckChange> changes = health.Update(Found(CheckStatus::kCritical), 1);
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(HealthRecord(changes[0]), "[HEALTHCHECK] pg/transactions is critical: why");
}

TEST(Health, EachChangeIsToldOnceWithWhatItWas) {
  Health health;
  health.Update(Found(CheckStatus::kOk), 1);
  const std::vector<CheckChange> down = health.Update(Found(CheckStatus::kCritical), 2);
  ASSERT_THAT(down, SizeIs(1));
  EXPECT_EQ(HealthRecord(down[0]), "[HEALTHCHECK] pg/transactions is critical, was passing: why");
  EXPECT_THAT(health.Update(Found(CheckStatus::kCritical, "still"), 3), IsEmpty());
  EXPECT_THAT(health.Update(Found(CheckStatus::kUnknown), 4), SizeIs(1));
  EXPECT_THAT(health.Update(Found(CheckStatus::kOk), 5), SizeIs(1));
}

TEST(Health, TheTimeIsThatOfTheLastChange) {
  Health health;
  health.Update(Found(CheckStatus::kOk), 100);
  health.Update(Found(CheckStatus::kOk), 200);
  EXPECT_EQ(Shown(health, "pgbeacon_check_changed_timestamp_seconds"), 100);
  health.Update(Found(CheckStatus::kWarning), 300);
  EXPECT_EQ(Shown(health, "pgbeacon_check_changed_timestamp_seconds"), 300);
  EXPECT_EQ(Shown(health, "pgbeacon_check_status"), 1);
}

}  // namespace
}  // namespace pgbeacon::fleet
