// How long a scrape may take, from what Prometheus says about its own patience.
//
// Example:
//   TimePoint deadline = request.received +
//                        ScrapeBudget(request.Header(kScrapeTimeoutHeader), collection_timeout);
#pragma once

#include <string_view>

#include "base/clock.h"

namespace pgbeacon::http {

inline constexpr std::string_view kScrapeTimeoutHeader = "x-prometheus-scrape-timeout-seconds";

/// The header's seconds minus half a second for the way back, but at least half of them; `fallback`
/// where the header is absent or not a sensible time (0 < seconds <= 1 day).
Duration ScrapeBudget(std::string_view header, Duration fallback);

}  // namespace pgbeacon::http
