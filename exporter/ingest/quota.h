// Quota: how many lines of one server are taken, as a token bucket.
//
// Example:
//   Bucket bucket(Quota{.lines_per_second = 1000, .burst = 10'000}, now);
//   if (!bucket.Take(now)) ++dropped;
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace pgbeacon::ingest {

struct Quota {
  double lines_per_second = 0;  ///< 0: no limit
  double burst = 0;             ///< lines at once after a pause
};

class Bucket {
 public:
  Bucket(Quota quota, TimePoint now) : quota_(quota), lines_(quota.burst), filled_(now) {}

  /// Whether one more line is within the quota.
  bool Take(TimePoint now) {
    if (quota_.lines_per_second <= 0) return true;
    if (now > filled_) {
      lines_ = std::min(quota_.burst, lines_ + Seconds(now - filled_) * quota_.lines_per_second);
      filled_ = now;
    }
    if (lines_ < 1) return false;
    lines_ -= 1;
    return true;
  }

 private:
  Quota quota_;
  double lines_;
  TimePoint filled_;
};

}  // namespace pgbeacon::ingest
