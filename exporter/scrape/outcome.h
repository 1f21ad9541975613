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

struct Outcome {
  bool done = false;    ///< it has ended, well or not
  std::string failure;  ///< reason label; empty when it succeeded
  Families families;
  std::size_t dropped = 0;  ///< series
  double seconds = 0;
};

}  // namespace pgbeacon::scrape
