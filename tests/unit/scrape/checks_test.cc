#include "exporter/scrape/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace pgbeacon::scrape {
namespace {

using collectors::Host;

void Set(Families& page, const char* name, double value, Labels labels = {}) {
  AddSample(AddFamily(page, name, MetricType::Gauge, "help"), std::move(labels), value);
}

Families HealthyPrimary() {
  Families page;
  Set(page, "pg_up", 1);
  Set(page, "pg_replication_is_replica", 0);
  Set(page, "pg_connections_used", 14);
  Set(page, "pg_connections_reserved", 3);
  Set(page, "pg_connections_max", 100);
  return page;
}

Host IdleHost() {
  Host host;
  host.cpus = 2;
  host.load = collectors::Load{0.1, 0.2, 0.3};
  host.cpu = host.memory = host.io = collectors::Pressure{0.01, 0.01, 0.01};
  host.disk = collectors::Disk{"/data", 100e9, 50e9};
  return host;
}

CheckResult Find(const std::vector<Suite>& suites, const std::string& suite,
                 const std::string& check) {
  for (const Suite& candidate : suites) {
    if (candidate.name != suite) continue;
    for (const CheckResult& result : candidate.checks) {
      if (result.name == check) return result;
    }
  }
  ADD_FAILURE() << "no check " << suite << "/" << check;
  return {};
}

CheckStatus SuiteStatus(const std::vector<Suite>& suites, const std::string& name) {
  const auto found = std::ranges::find(suites, name, &Suite::name);
  return found == suites.end() ? CheckStatus::kUnknown : found->status;
}

TEST(Checks, AHealthyPrimaryPassesEverySuite) {
  const std::vector<Suite> suites = RunChecks(HealthyPrimary(), IdleHost());
  EXPECT_EQ(suites.size(), 3U);
  for (const Suite& suite : suites) EXPECT_EQ(suite.status, CheckStatus::kOk) << suite.name;
  EXPECT_EQ(Find(suites, "role", "role").output, "primary");
  EXPECT_EQ(Find(suites, "pg", "connections").output, "14 used, 3 reserved, 100 max");
}

TEST(Checks, AServerThatDoesNotAnswerIsCriticalAndSaysWhy) {
  Families page;
  Set(page, "pg_up", 0);
  Set(page, "pg_up_reason", 1, {{"reason", "timeout"}});
  const std::vector<Suite> suites = RunChecks(page, IdleHost());
  EXPECT_EQ(SuiteStatus(suites, "pg"), CheckStatus::kCritical);
  EXPECT_EQ(SuiteStatus(suites, "role"), CheckStatus::kCritical);
  EXPECT_EQ(SuiteStatus(suites, "vm"), CheckStatus::kOk);
  EXPECT_THAT(Find(suites, "pg", "transactions").output, testing::HasSubstr("timeout"));
}

TEST(Checks, UnknownIsNeitherPassingNorCritical) {
  const std::vector<Suite> suites = RunChecks(HealthyPrimary(), std::nullopt);
  EXPECT_EQ(SuiteStatus(suites, "vm"), CheckStatus::kUnknown);
  EXPECT_THAT(Find(suites, "vm", "disk").output, testing::HasSubstr("another host"));
}

TEST(Checks, AFullDiskAndAHighLoadAreCritical) {
  Host host = IdleHost();
  host.disk->free_bytes = 9e9;
  EXPECT_EQ(Find(RunChecks(HealthyPrimary(), host), "vm", "disk").status, CheckStatus::kCritical);
  host = IdleHost();
  host.load = collectors::Load{5, 8.2, 1};
  EXPECT_EQ(Find(RunChecks(HealthyPrimary(), host), "vm", "load").status, CheckStatus::kCritical);
  host = IdleHost();
  host.io->avg300 = 0.11;
  EXPECT_EQ(Find(RunChecks(HealthyPrimary(), host), "vm", "io").status, CheckStatus::kCritical);
}

TEST(Checks, NoFreeConnectionIsAWarning) {
  Families page = HealthyPrimary();
  page[2].metric[0].gauge.value = 97;
  EXPECT_EQ(Find(RunChecks(page, IdleHost()), "pg", "connections").status, CheckStatus::kWarning);
}

TEST(Checks, AStandbyIsJudgedByItsOwnReplay) {
  Families page = HealthyPrimary();
  page[1].metric[0].gauge.value = 1;
  Set(page, "pg_replication_lag", 500);
  Set(page, "pg_replication_lag_seconds", 3.5);
  const std::vector<Suite> suites = RunChecks(page, IdleHost());
  EXPECT_EQ(Find(suites, "role", "role").output, "replica");
  EXPECT_EQ(Find(suites, "pg", "transactions").output, "read-only");
  EXPECT_EQ(Find(suites, "pg", "replication").status, CheckStatus::kCritical);
}

TEST(Host, DecodesLoadAndPressure) {
  const auto load = collectors::DecodeLoad("0.20 0.18 0.12 1/80 11206\n");
  ASSERT_TRUE(load);
  EXPECT_EQ(load->five, 0.18);
  EXPECT_FALSE(collectors::DecodeLoad("garbage"));
  const auto pressure = collectors::DecodePressure(
      "some avg10=1.50 avg60=0.25 avg300=0.00 total=123\nfull avg10=9.00 avg60=9.00 avg300=9.00 "
      "total=9\n");
  ASSERT_TRUE(pressure);
  EXPECT_DOUBLE_EQ(pressure->avg10, 0.015);
  EXPECT_FALSE(collectors::DecodePressure("full avg10=1.50 avg60=0.25 avg300=0.00 total=123\n"));
}

}  // namespace
}  // namespace pgbeacon::scrape
