// The page of one server: what collectors gave, and the families that are made here. Names and help
// of these stand in page.cc only.
//
// Example:
//   PageInput input;
//   input.reason = pg::UpReason::kTimeout;
//   Families page = MakePage(input);
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/families.h"
#include "collectors/engine/facts.h"
#include "collectors/engine/plan.h"
#include "exporter/pg/cost.h"
#include "exporter/pg/up_reason.h"
#include "exporter/scrape/naming.h"
#include "exporter/scrape/only.h"
#include "exporter/scrape/outcome.h"
#include "exporter/scrape/rotation.h"
#include "exporter/scrape/sampling.h"
#include "exporter/scrape/schedule.h"

namespace pgbeacon::scrape {

/// Everything that a page is made of. Borrowed for the call.
struct PageInput {
  std::string server;  ///< value of the peer's `server` label
  Naming naming;
  pg::UpReason reason = pg::UpReason::kOther;
  const collectors::ServerFacts* facts = nullptr;  ///< shown only while up; may be null
  const collectors::Plan* plan = nullptr;  ///< of this run, else the last known; may be null
  /// Of this run, by index in plan->on; what is not done is failed. Empty when the run did not get
  /// that far.
  std::vector<Outcome>* outcomes = nullptr;
  /// Reason label of collectors that have not ended.
  std::string unfinished = "timeout";
  const Only* only = nullptr;  ///< what is shown; null: everything
  bool breaker_open = false;
  bool take = false;  ///< outcomes' families may be moved away
  const Schedule* schedule = nullptr;
  const Rotation* rotation = nullptr;  ///< over the other databases
  const Samplings* samplings = nullptr;
  TimePoint now;
  /// Names of metrics that several collectors have with the same labels; null: none.
  const std::set<std::string>* namesakes = nullptr;
  std::size_t series_limit = kSeriesLimit;  ///< of all collectors together; the plan's last lose
  std::size_t backends = 0;
  std::optional<double> certificate_not_after;  ///< the server's
  pg::Cost cost;
  Duration up{};
  Duration down{};
};

Families MakePage(const PageInput& input);

/// How a collector fared that is in no plan, because it does not ask the server.
struct Report {
  std::string collector;
  std::string failure;  ///< reason label; empty when it succeeded
  double seconds = 0;
  std::size_t dropped = 0;
  std::optional<double> age;  ///< of what it shows; absent: it shows nothing
};

/// The families about collectors, as on a target's page.
void AppendReports(const std::vector<Report>& reports, Families& page);

}  // namespace pgbeacon::scrape
