// What became of one collector in one run.
#pragma once

#include <cstddef>
#include <string>

#include "base/families.h"

namespace pgbeacon::scrape {

/// Series of a page's collectors together.
inline constexpr std::size_t kSeriesLimit = 200'000;

/// The reason label of a collector that waited in vain for somebody's lock.
inline constexpr const char* kLockTimeoutLabel = "lock_timeout";

/// The reason label of a collector for which a user's statement before it has left no time.
inline constexpr const char* kNotAskedLabel = "not_asked";

/// Series without a place of their own, and labels that are not whole.
struct LeftOut {
  std::size_t dropped = 0;    ///< nowhere on the page
  std::size_t in_other = 0;   ///< "other" stands for them
  std::size_t shortened = 0;  ///< label values over the limit

  bool any() const { return dropped + in_other + shortened > 0; }
  LeftOut& operator+=(const LeftOut& more) {
    dropped += more.dropped;
    in_other += more.in_other;
    shortened += more.shortened;
    return *this;
  }
};

struct Outcome {
  bool done = false;    ///< it has ended, well or not
  std::string failure;  ///< reason label; empty when it succeeded, or nothing is known yet
  Families families;
  LeftOut left_out;
  double seconds = 0;
};

}  // namespace pgbeacon::scrape
