#include "exporter/scrape/shared_plans.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace pgbeacon::scrape {
namespace {

using collectors::OffCollector;
using collectors::Plan;
using collectors::PlannedCollector;

bool Alike(const PlannedCollector& a, const PlannedCollector& b) {
  const auto all = [](const PlannedCollector& one) {
    return std::tie(one.collector, one.major, one.columns, one.interval, one.timeout, one.sample,
                    one.limit, one.label_limit, one.keep, one.options, one.sql);
  };
  return all(a) == all(b);
}

bool AlikeOff(const OffCollector& a, const OffCollector& b) {
  const auto all = [](const OffCollector& one) {
    return std::tie(one.collector, one.missing, one.label, one.reason);
  };
  return all(a) == all(b);
}

bool AlikePlans(const Plan& a, const Plan& b) {
  return std::ranges::equal(a.on, b.on, Alike) && std::ranges::equal(a.off, b.off, AlikeOff);
}

}  // namespace

std::shared_ptr<const Plan> SharedPlans::Share(Plan plan) {
  std::erase_if(plans_, [](const auto& known) { return known.expired(); });
  for (const std::weak_ptr<const Plan>& known : plans_) {
    std::shared_ptr<const Plan> same = known.lock();
    if (same && AlikePlans(*same, plan)) return same;
  }
  auto own = std::make_shared<const Plan>(std::move(plan));
  plans_.push_back(own);
  return own;
}

}  // namespace pgbeacon::scrape
