// Time as pgbeacon uses it: a steady clock for deadlines, a system clock for what is shown.
#pragma once

#include <chrono>

namespace pgbeacon {

using SteadyClock = std::chrono::steady_clock;
using TimePoint = SteadyClock::time_point;
using Duration = SteadyClock::duration;

/// Seconds as Prometheus wants them.
inline double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

/// Seconds since the Unix epoch now.
inline double UnixNow() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace pgbeacon
