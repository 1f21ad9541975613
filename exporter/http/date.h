// Dates as HTTP writes them (RFC 9110, section 5.6.7), whatever the locale.
#pragma once

#include <chrono>
#include <string>

namespace pgbeacon::http {

/// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string HttpDate(std::chrono::system_clock::time_point time);

}  // namespace pgbeacon::http
