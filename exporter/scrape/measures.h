// Measures: where the figure of each check of dashboards/thresholds.yml stands on a page. One row
// of measures.cc is one check; how bad a figure is stands in the YAML.
//
// Example:
//   if (const Measure* measure = FindMeasure("connections_used")) measure->find({page, metric,
//   now});
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/families.h"

namespace pgbeacon::scrape {

/// One figure of a check.
struct Found {
  double value = 0;
  std::map<std::string, double> more;  ///< by the keys of the threshold's `more`
  std::string where;                   ///< of several: its labels
};

/// What a measure looks at. Borrowed for the call.
struct Sheet {
  const Families& page;
  const std::string& metric;  ///< that the threshold names
  double now;                 ///< seconds since the epoch
};

struct Measure {
  const char* check;
  const char* collector;  ///< which must have succeeded where there is no figure; empty: none
  std::vector<Found> (*find)(const Sheet& sheet);
};

/// Null where the check cannot be judged by one page.
const Measure* FindMeasure(std::string_view check);

/// Whether the collector's last run succeeded; nothing where it is not on the page.
std::optional<bool> CollectorRan(const Families& page, std::string_view collector);

/// "92.0 %", "1.5 GiB", "3.2 s", "17".
std::string InUnit(double value, const std::string& unit);

}  // namespace pgbeacon::scrape
