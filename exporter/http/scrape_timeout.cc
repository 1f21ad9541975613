#include "exporter/http/scrape_timeout.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/text.h"

namespace pgbeacon::http {

Duration ScrapeBudget(std::string_view header, Duration fallback) {
  constexpr double kWayBack = 0.5;
  constexpr double kDay = 86400;
  const std::optional<double> seconds = ParseDouble(Trim(header));
  if (!seconds || !(*seconds > 0 && *seconds <= kDay)) return fallback;
  const double budget = std::max(*seconds - kWayBack, *seconds / 2);
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(budget));
}

}  // namespace pgbeacon::http
