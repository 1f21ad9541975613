// Thresholds: which figures of a page are too much. The numbers are those of the alerts
// (dashboards/thresholds.yml, embedded); a check tells what is now, an alert waits for how long it
// lasts. What needs more than one page, or the log, is left to alerts.
//
// Example:
//   Result<Thresholds> thresholds = BuiltinThresholds();
//   std::vector<Suite> suites = JudgeThresholds(*thresholds, page, UnixNow());
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/families.h"
#include "base/result.h"
#include "exporter/scrape/checks.h"

namespace pgbeacon::scrape {

enum class Bad { kAbove, kBelow, kEqual };

/// From where on it is bad, and how bad.
struct Level {
  CheckStatus status = CheckStatus::kWarning;
  double value = 0;
  std::map<std::string, double> more;  ///< what else must be exceeded
  std::string alert;                   ///< which tells of it, and names its runbook
};

struct Threshold {
  std::string check;
  std::string family;  ///< the suite
  std::string metric;
  std::string unit;
  Bad bad = Bad::kAbove;
  std::vector<Level> levels;
};

using Thresholds = std::vector<Threshold>;

/// The text of a thresholds.yml, without what cannot be judged by one page.
Result<Thresholds> ReadThresholds(std::string_view text, const std::string& file);
Result<Thresholds> BuiltinThresholds();

/// Suites by family. A check is left out where what it needs is not collected, and unknown where
/// that failed.
std::vector<Suite> JudgeThresholds(const Thresholds& thresholds, const Families& page,
                                   double now_unix);

}  // namespace pgbeacon::scrape
