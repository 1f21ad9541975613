// DrainFigures: what /metrics shows of one drain.
//
// Example:
//   figures.delivered += frame.lines.size();
//   AppendDrainFamilies({&figures}, families);
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/families.h"
#include "exporter/fanout/drain_options.h"

namespace pgbeacon::fanout {

/// Why an attempt failed (label `reason`).
enum class DrainFailure : std::uint8_t {
  kConnection,  ///< refused, reset, no such host, TLS
  kTimeout,
  kInvalid,  ///< no HTTP, or a certificate file of ours
  kHttp429,
  kHttp4xx,  ///< any other; the frame is not sent again
  kHttp5xx,
  kHttpOther,
};
inline constexpr std::size_t kDrainFailures = 7;

struct DrainFigures {
  std::string name;
  DrainKind kind = DrainKind::kSyslog;
  std::uint64_t delivered = 0;
  std::uint64_t dropped = 0;   ///< no room, or given up
  std::uint64_t rejected = 0;  ///< by an answer 4xx
  std::array<std::uint64_t, kDrainFailures> failures{};
  std::size_t buffered = 0;
  std::optional<bool> up;  ///< the last attempt; nothing before the first
  std::optional<double> last_success_unix;
};

void AppendDrainFamilies(const std::vector<DrainFigures>& drains, Families& families);

}  // namespace pgbeacon::fanout
