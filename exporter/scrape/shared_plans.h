// Plans that many targets have alike: servers of one version that are asked in the same way share
// one, for the statements of a plan take most of what a target needs.
//
// Example:
//   std::shared_ptr<const collectors::Plan> plan = plans.Share(MakePlan(catalogue, chosen, facts));
#pragma once

#include <memory>
#include <vector>

#include "collectors/engine/plan.h"

namespace pgbeacon::scrape {

/// On the targets' one thread.
class SharedPlans {
 public:
  /// The plan, or one like it that somebody still has.
  std::shared_ptr<const collectors::Plan> Share(collectors::Plan plan);

 private:
  std::vector<std::weak_ptr<const collectors::Plan>> plans_;  // a few: one for each kind of server
};

}  // namespace pgbeacon::scrape
