#include "exporter/scrape/thresholds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace pgbeacon::scrape {
namespace {

using testing::HasSubstr;

constexpr double kNow = 1'800'000'000;

void Set(Families& page, const char* name, double value, Labels labels = {}) {
  AddSample(AddFamily(page, name, MetricType::Gauge, "help"), std::move(labels), value);
}

void Ran(Families& page, const char* collector, bool well) {
  Set(page, "pg_scrape_collector_success", well ? 1 : 0, {{"collector", collector}});
}

/// The builtin thresholds over one page.
std::vector<Suite> Judge(const Families& page) {
  const Result<Thresholds> thresholds = BuiltinThresholds();
  EXPECT_TRUE(thresholds.ok()) << thresholds.error().message;
  return JudgeThresholds(*thresholds, page, kNow);
}

const CheckResult* Find(const std::vector<Suite>& suites, const std::string& check) {
  for (const Suite& suite : suites) {
    const auto found = std::ranges::find(suite.checks, check, &CheckResult::name);
    if (found != suite.checks.end()) return &*found;
  }
  return nullptr;
}

CheckResult Get(const Families& page, const std::string& check) {
  const std::vector<Suite> suites = Judge(page);
  const CheckResult* found = Find(suites, check);
  if (found == nullptr) ADD_FAILURE() << "no check " << check;
  return found ? *found : CheckResult();
}

TEST(Thresholds, TheNumbersAreThoseOfTheAlerts) {
  struct {
    double used;
    CheckStatus status;
    const char* output;
  } const cases[] = {
      {50, CheckStatus::kOk, "51.5 %"},
      {90, CheckStatus::kWarning, "92.8 %, above 80.0 % [PgConnectionsHigh]"},
  };
  for (const auto& one : cases) {
    Families page;
    Set(page, "pg_connections_used", one.used);
    Set(page, "pg_connections_reserved", 3);
    Set(page, "pg_connections_max", 100);
    const CheckResult result = Get(page, "connections_used");
    EXPECT_EQ(result.status, one.status);
    EXPECT_EQ(result.output, one.output);
  }
}

TEST(Thresholds, TheWorstOfSeveralSeriesIsShown) {
  Families page;
  Family& ages = AddFamily(page, "pg_database_xid_age", MetricType::Gauge, "help");
  AddSample(ages, {{"datname", "calm"}}, 1e6);
  AddSample(ages, {{"datname", "late"}}, 1.3e9);
  AddSample(ages, {{"datname", "later"}}, 6e8);
  const CheckResult result = Get(page, "xid_age");
  EXPECT_EQ(result.status, CheckStatus::kCritical);
  EXPECT_THAT(result.output, HasSubstr("datname=late)"));
  EXPECT_THAT(result.output, HasSubstr("[PgXidWraparound]"));
}

TEST(Thresholds, WhatElseMustBeExceededIsAsked) {
  for (const bool far : {false, true}) {
    Families page;
    Set(page, "pg_replication_lag_seconds", 1000);
    Set(page, "pg_replication_replay_lag_bytes", far ? 2e9 : 1000);
    EXPECT_EQ(Get(page, "replication_lag").status, far ? CheckStatus::kCritical : CheckStatus::kOk);
  }
}

TEST(Thresholds, OnlySlotsThatNobodyReadsAreJudged) {
  for (const bool active : {false, true}) {
    Families page;
    Set(page, "pg_replication_slot_retained_bytes", 5e9, {{"slot_name", "s"}});
    Set(page, "pg_replication_slot_active", active ? 1 : 0, {{"slot_name", "s"}});
    Ran(page, "replication_slots", true);
    const CheckResult result = Get(page, "slot_inactive");
    EXPECT_EQ(result.status, active ? CheckStatus::kOk : CheckStatus::kWarning);
  }
}

TEST(Thresholds, ACollectorThatFailedLeavesItsCheckUnknown) {
  Families page;
  Ran(page, "blocking", false);
  const CheckResult result = Get(page, "blocked_sessions");
  EXPECT_EQ(result.status, CheckStatus::kUnknown);
  EXPECT_EQ(result.output, "collector blocking gave no answer");
}

TEST(Thresholds, NothingFoundByACollectorThatRanIsWell) {
  Families page;
  Ran(page, "blocking", true);
  EXPECT_EQ(Get(page, "blocked_sessions").status, CheckStatus::kOk);
}

TEST(Thresholds, WhatIsNotCollectedIsNoCheck) {
  EXPECT_EQ(Find(Judge({}), "blocked_sessions"), nullptr);
  EXPECT_EQ(Find(Judge({}), "certificate_lifetime"), nullptr);
}

TEST(Thresholds, ACertificateIsJudgedByTheTimeThatIsLeft) {
  constexpr double kDay = 86400;
  for (const auto& [days, status] : {std::pair(100, CheckStatus::kOk),
                                     {10, CheckStatus::kWarning},
                                     {2, CheckStatus::kCritical},
                                     {-1, CheckStatus::kCritical}}) {
    Families page;
    Set(page, "pgbeacon_tls_certificate_not_after_timestamp_seconds", kNow + days * kDay,
        {{"side", "server"}});
    EXPECT_EQ(Get(page, "certificate_lifetime").status, status) << days;
  }
}

TEST(Thresholds, ADiskIsJudgedWithoutItsTrend) {
  for (const auto& [free, status] : {std::pair(0.2, CheckStatus::kOk),
                                     {0.12, CheckStatus::kWarning},
                                     {0.03, CheckStatus::kCritical}}) {
    Families page;
    const Labels place = {{"use", "data"}, {"tablespace", ""}};
    Set(page, "pg_host_filesystem_size_bytes", 1e12, place);
    Set(page, "pg_host_filesystem_available_bytes", free * 1e12, place);
    EXPECT_EQ(Get(page, "disk_free").status, status) << free;
  }
}

TEST(Thresholds, TheNewestBackupOfEachNameCounts) {
  Families page;
  Family& backups = AddFamily(page, "pg_backup_last_timestamp_seconds", MetricType::Gauge, "help");
  AddSample(backups, {{"name", "main"}, {"type", "full"}}, kNow - 9 * 86400);
  AddSample(backups, {{"name", "main"}, {"type", "incr"}}, kNow - 3600);
  EXPECT_EQ(Get(page, "backup_age").status, CheckStatus::kOk);
  EXPECT_EQ(Get(page, "full_backup_age").status, CheckStatus::kWarning);
}

TEST(Thresholds, AnUnknownKeyIsAMistakeWithItsPlace) {
  const Result<Thresholds> read = ReadThresholds(
      "families: {a: b}\nchecks:\n  server_up: {family: a, metric: pg_up, unit: state, bad: equal, "
      "levls: []}\n",
      "mine.yml");
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr("mine.yml:3:"));
  EXPECT_THAT(read.error().message, HasSubstr("did you mean 'levels'?"));
}

}  // namespace
}  // namespace pgbeacon::scrape
