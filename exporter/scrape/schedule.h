// Schedule: when collectors with an interval are due, what they last gave, and when that is too old
// to be shown.
//
// Example:
//   for (const auto* planned : schedule.Due(plan, now)) ...
//   schedule.Record(*planned, std::move(outcome), now);
//   const Entry* entry = schedule.Find("bloat");
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/families.h"
#include "collectors/engine/plan.h"
#include "exporter/scrape/outcome.h"

namespace pgbeacon::scrape {

class Schedule {
 public:
  struct Entry {
    Outcome last;    ///< of the last run; its families stand in `shown`
    Families shown;  ///< of the last good run
    TimePoint shown_at;
    bool has_shown = false;
    TimePoint due;
  };

  /// The collectors of `plan` that have an interval and should run now, in the plan's order.
  std::vector<const collectors::PlannedCollector*> Due(const collectors::Plan& plan,
                                                       TimePoint now) const;
  /// Whether one of them has never run.
  bool Untried(const collectors::Plan& plan) const;

  /// A good outcome replaces what is shown; a failed one leaves it until it has missed three
  /// intervals, and is tried again after the interval or a minute, whichever is shorter.
  void Record(const collectors::PlannedCollector& planned, Outcome outcome, TimePoint now);

  /// Null when it never ran.
  const Entry* Find(std::string_view collector) const;

  /// Frees what has missed three intervals, and what is not planned any more.
  void Expire(const collectors::Plan& plan, TimePoint now);
  void Clear() { entries_.clear(); }

 private:
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace pgbeacon::scrape
