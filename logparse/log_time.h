// Times as logs print them.
#pragma once

#include <optional>
#include <string_view>

namespace pgbeacon::log {

/// Seconds since the epoch of a time as ISO 8601 or a log_line_prefix prints it
/// ("2026-01-31T23:59:59.5+01:00", "2026-01-31 23:59:59.500 UTC") or of a number of seconds.
/// Nothing where the zone is not given as an offset, Z, UTC or GMT.
std::optional<double> ParseLogTime(std::string_view text);

}  // namespace pgbeacon::log
