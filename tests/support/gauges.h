// One sample of a page: the value of a gauge by its first label.
//
// Example:
//   EXPECT_EQ(GaugeOf(page, "pg_scrape_collector_success", "wal"), 1);
#pragma once

#include <optional>
#include <string_view>

#include "base/families.h"

namespace pgbeacon::test {

/// Nothing where the page has no such sample.
inline std::optional<double> GaugeOf(const Families& page, std::string_view name,
                                     std::string_view first_label) {
  for (const Family& family : page) {
    if (family.name != name) continue;
    for (const ClientMetric& metric : family.metric) {
      if (metric.label[0].value == first_label) return metric.gauge.value;
    }
  }
  return std::nullopt;
}

}  // namespace pgbeacon::test
