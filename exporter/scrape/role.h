// What a server last said about its role, for those who send clients to it.
//
// Example:
//   const RoleSeen seen = co_await target.Role(deadline);
//   if (seen.replica && !*seen.replica) Send(clients);
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"

namespace pgbeacon::scrape {

struct RoleSeen {
  std::optional<bool> replica;  ///< absent: not known now
  /// WAL that the server it follows has and that is not replayed. Absent on a primary, and where
  /// nothing streams.
  std::optional<double> lag_bytes;
  TimePoint at;     ///< when it said so
  std::string why;  ///< it is not known
};

}  // namespace pgbeacon::scrape
