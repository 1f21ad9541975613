#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/scrape/hidden.h"
#include "exporter/scrape/locked.h"

namespace pgbeacon::scrape {
namespace {

using collectors::ServerFacts;
using std::chrono::hours;
using std::chrono::seconds;

ServerFacts Facts(double loaded) {
  ServerFacts facts;
  facts.system_identifier = "7";
  facts.start_time_seconds = 1;
  facts.conf_load_time_seconds = loaded;
  facts.settings = {{"lock_timeout", "100"}, {"work_mem", "4096"}};
  return facts;
}

TEST(HiddenSettings, ReplaceOursAndHoldUntilTheServerReadsItsConfigurationAnew) {
  HiddenSettings hidden;
  const TimePoint start{hours(1)};
  ServerFacts facts = Facts(2);
  EXPECT_TRUE(hidden.Due(facts, start));
  hidden.PutInto(facts);
  EXPECT_FALSE(facts.settings.contains("lock_timeout")) << "ours says nothing";
  EXPECT_EQ(facts.settings["work_mem"], "4096");

  hidden.Learn(facts, {{"lock_timeout", "0"}, {"work_mem", "1"}}, start);
  hidden.PutInto(facts);
  EXPECT_EQ(facts.settings["lock_timeout"], "0");
  EXPECT_EQ(facts.settings["work_mem"], "4096") << "only what is hidden";
  EXPECT_FALSE(hidden.Due(facts, start + seconds(60)));
  EXPECT_TRUE(hidden.Due(facts, start + hours(2)));

  ServerFacts reloaded = Facts(3);
  EXPECT_TRUE(hidden.Due(reloaded, start + seconds(60)));
  hidden.PutInto(reloaded);
  EXPECT_FALSE(reloaded.settings.contains("lock_timeout")) << "of another configuration";
}

TEST(HiddenSettings, AreAskedForAnewAfterAPromotion) {
  HiddenSettings hidden;
  const TimePoint start{hours(1)};
  ServerFacts facts = Facts(2);
  facts.in_recovery = true;
  hidden.Learn(facts, {{"transaction_read_only", "on"}}, start);
  EXPECT_FALSE(hidden.Due(facts, start));
  facts.in_recovery = false;
  EXPECT_TRUE(hidden.Due(facts, start));
  hidden.PutInto(facts);
  EXPECT_FALSE(facts.settings.contains("transaction_read_only")) << "of the standby that it was";
}

TEST(HiddenSettings, PauseAfterAFailureWhichIsToldOnce) {
  HiddenSettings hidden;
  const TimePoint start{hours(1)};
  EXPECT_TRUE(hidden.Fail(start));
  EXPECT_FALSE(hidden.Due(Facts(2), start + seconds(30)));
  EXPECT_TRUE(hidden.Due(Facts(2), start + seconds(61)));
  EXPECT_FALSE(hidden.Fail(start + seconds(61)));
  hidden.Learn(Facts(2), {}, start + seconds(122));
  EXPECT_TRUE(hidden.Fail(start + hours(2)));
}

TEST(LockedCatalogues, BlockWhatFailedWhileTheSameLockIsThere) {
  LockedCatalogues locked;
  EXPECT_TRUE(locked.empty());
  locked.Failed({"database", "locks"}, {"1262"});
  EXPECT_TRUE(locked.Blocks("database"));
  EXPECT_FALSE(locked.Blocks("stat_wal"));
  locked.Now({"1262", "3079"});
  EXPECT_TRUE(locked.Blocks("locks"));
  locked.Now({"3079"});
  EXPECT_TRUE(locked.empty()) << "another lock: everything is tried again";
}

TEST(LockedCatalogues, KnowNothingOfOtherLocks) {
  LockedCatalogues locked;
  locked.Failed({"users_own"}, {});
  EXPECT_TRUE(locked.empty());
}

}  // namespace
}  // namespace pgbeacon::scrape
