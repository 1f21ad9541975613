// Expected differences: what every comparison with postgres_exporter finds and nobody loses by.
// They are rows of a table, each with its reason.
//
// Example:
//   if (const Expected* row = FindExpected("pg_stat_activity_count", "series", labels)) ...
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace pgbeacon::metrics {

struct Expected {
  std::string_view metric;
  std::string_view kind;          ///< series, value, or unset: series of 0 or NaN there
  std::string_view label, value;  ///< that the series has; empty: any series; "*number*": digits
  std::size_t most;               ///< such series; more are no expected difference
  std::string_view reason;
};

/// The row for a series of theirs that ours lacks or has with another value; null where there is
/// none.
const Expected* FindExpected(std::string_view metric, std::string_view kind,
                             const std::map<std::string, std::string>& labels);

}  // namespace pgbeacon::metrics
