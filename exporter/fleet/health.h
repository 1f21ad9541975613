// Health: the checks of one target as its last run left them, and when each has changed.
//
// Example:
//   for (const CheckChange& change : health.Update(suites, UnixNow())) Tell(change);
//   health.AppendFamilies(page);
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/families.h"
#include "exporter/scrape/checks.h"
#include "exporter/scrape/thresholds.h"

namespace pgbeacon::fleet {

/// A check that is not what it was.
struct CheckChange {
  std::string suite;
  scrape::CheckResult now;
  std::optional<scrape::CheckStatus> before;  ///< absent: this is the first time it is known
};

/// "[HEALTHCHECK] pg/transactions is critical, was passing: the server does not answer: timeout"
std::string HealthRecord(const CheckChange& change);

class Health {
 public:
  /// Takes what a run has come to and tells what has changed. What is found well, or not known, the
  /// first time is no change.
  std::vector<CheckChange> Update(std::vector<scrape::Suite> suites, double now_unix);

  const std::vector<scrape::Suite>& suites() const { return suites_; }
  /// When it was last judged; nothing before the first time.
  const std::optional<TimePoint>& judged_at() const { return judged_at_; }

  /// Appends pgbeacon_check_status and pgbeacon_check_changed_timestamp_seconds.
  void AppendFamilies(Families& page) const;

 private:
  struct Known {
    scrape::CheckStatus status;
    double changed_unix;
    bool told;  ///< it has been known well or badly before
  };
  std::vector<scrape::Suite> suites_;
  std::optional<TimePoint> judged_at_;
  std::map<std::string, Known> known_;  ///< by name of the check
};

}  // namespace pgbeacon::fleet
