// What the web side of pgbeacon exposes of itself.
//
// Example:
//   AppendFamilies(server.figures(), page);
//   if (guard) AppendFamilies(guard->figures(), page);
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/families.h"
#include "exporter/http/server.h"

namespace pgbeacon::web {

/// How a request to a path that needs a user ended (label `result`).
enum class Login : std::uint8_t { kAccepted, kRejected, kMissing, kBusy };
inline constexpr std::array<const char*, 4> kLoginNames = {"accepted", "rejected", "missing",
                                                           "busy"};

/// Of --web.config.file.
struct GuardFigures {
  bool read = false;     ///< the last time without a mistake
  double read_unix = 0;  ///< when that was so last
  std::array<std::uint64_t, kLoginNames.size()> logins{};
  std::uint64_t hashes = 0;                     ///< of bcrypt
  std::uint64_t over_rate = 0;                  ///< requests
  std::optional<double> certificate_not_after;  ///< seconds since the epoch; none: no TLS
};

void AppendFamilies(const http::ConnectionFigures& figures, Families& families);
void AppendFamilies(const GuardFigures& figures, Families& families);

}  // namespace pgbeacon::web
