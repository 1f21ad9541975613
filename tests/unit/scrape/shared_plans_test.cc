#include "exporter/scrape/shared_plans.h"

#include <gtest/gtest.h>

namespace pgbeacon::scrape {
namespace {

collectors::Plan PlanWith(const std::string& sql, const std::string& off = "") {
  static const collectors::Collector collector;
  collectors::Plan plan;
  collectors::PlannedCollector on;
  on.collector = &collector;
  on.sql = sql;
  plan.on.push_back(on);
  if (!off.empty()) plan.off.push_back({&collector, off, true, "permission"});
  return plan;
}

TEST(SharedPlans, AreOneForThoseWhoAskAlike) {
  SharedPlans plans;
  const auto first = plans.Share(PlanWith("select 1"));
  EXPECT_EQ(plans.Share(PlanWith("select 1")), first);
  EXPECT_NE(plans.Share(PlanWith("select 2")), first);
  EXPECT_NE(plans.Share(PlanWith("select 1", "no privilege")), first);
}

TEST(SharedPlans, GoWithTheLastWhoHasThem) {
  SharedPlans plans;
  std::weak_ptr<const collectors::Plan> gone = plans.Share(PlanWith("select 1"));
  EXPECT_TRUE(gone.expired());
  EXPECT_EQ(plans.Share(PlanWith("select 1"))->on[0].sql, "select 1");
}

}  // namespace
}  // namespace pgbeacon::scrape
