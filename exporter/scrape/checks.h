// Checks: what a scraped page and the host mean for someone who asks "is it well?". The suites are
// those of Fly Postgres: vm, pg and role. A check is one row of the table in checks.cc.
//
// Example:
//   for (const Suite& suite : RunChecks(page, host)) Print(suite.name, suite.status);
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/families.h"
#include "collectors/native/host.h"

namespace pgbeacon::scrape {

/// Values are those of pgbeacon_check_status.
enum class CheckStatus { kOk = 0, kWarning = 1, kCritical = 2, kUnknown = 3 };

/// "passing", "warning", "critical", "unknown".
const char* CheckStatusName(CheckStatus status);

struct CheckResult {
  std::string name;
  CheckStatus status = CheckStatus::kUnknown;
  std::string output;  ///< one line for people, with the values
};

struct Suite {
  std::string name;                       ///< "pg", "role", "vm"
  CheckStatus status = CheckStatus::kOk;  ///< the worst of its checks; unknown only when all are
  std::vector<CheckResult> checks;
};

/// The worst known status; unknown only when all are.
CheckStatus WorstOf(const std::vector<CheckResult>& checks);

/// All suites over one page of a target. `host` is absent when the server is not on this host.
std::vector<Suite> RunChecks(const Families& page, const std::optional<collectors::Host>& host);

}  // namespace pgbeacon::scrape
