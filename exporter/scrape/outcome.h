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

/// Series without a place of their own.
struct LeftOut {
  std::size_t dropped = 0;   ///< nowhere on the page
  std::size_t in_other = 0;  ///< "other" stands for them

  LeftOut& operator+=(const LeftOut& more) {
    dropped += more.dropped;
    in_other += more.in_other;
    return *this;
  }
};

struct Outcome {
  bool done = false;    ///< it has ended, well or not
  std::string failure;  ///< reason label; empty when it succeeded
  Families families;
  std::size_t dropped = 0;   ///< series that are nowhere on the page
  std::size_t in_other = 0;  ///< series that "other" stands for
  double seconds = 0;
};

}  // namespace pgbeacon::scrape
