// A histogram that a query has made: its figures in one text.
//
// Example:
//   ReadHistogram("{0.1,1}|{3,5}|2.5|6");  // 3 up to 0.1, 5 up to 1, 6 in all with the sum 2.5
#pragma once

#include <optional>
#include <string_view>

#include "base/families.h"

namespace pgbeacon::collectors {

/// Upper bounds and cumulative counts as PostgreSQL writes arrays, sum and count. A bound without a
/// count is none. Nothing where a part is missing or no number.
std::optional<ClientMetric::Histogram> ReadHistogram(std::string_view text);

}  // namespace pgbeacon::collectors
