// What a log source tells of itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "logparse/reader.h"

namespace pgbeacon::ingest {

/// Why lines of a source were not read (label `reason` of pgbeacon_source_dropped_lines_total).
enum class Dropped : std::uint8_t {
  kQuota,     ///< a server sent more than its quota
  kOverload,  ///< no room for what was received
  kKernel,    ///< the kernel's receive buffer was full (UDP)
  kDisk,      ///< removed before it was read
};
inline constexpr int kDroppedReasons = 4;
inline constexpr std::array<std::string_view, kDroppedReasons> kDroppedNames = {"quota", "overload",
                                                                                "kernel", "disk"};

/// Of Logplex.
struct DeliveryStats {
  std::uint64_t fresh = 0;
  std::uint64_t retried = 0;
  std::uint64_t missing = 0;  ///< messages that Logplex-Msg-Count told of and that did not come
  std::uint64_t surplus = 0;  ///< that came beyond it
};

struct SourceStatus {
  log::ReaderStats stats;
  std::uint64_t bad_frames = 0;  ///< of network sources: unparsed for reason bad_frame
  std::array<std::uint64_t, kDroppedReasons> dropped{};
  std::uint64_t lost_bytes = 0;  ///< known to have been written and removed before they were read
  std::uint64_t duplicates = 0;  ///< messages that a more telling form of the log has as well
  std::map<std::string, std::uint64_t> over_quota;  ///< lines dropped by server, of all dropped
  DeliveryStats deliveries;
  std::optional<std::size_t> open_bytes;  ///< of records that are open, where it is known
  std::uint64_t lag_bytes = 0;
  double lag_seconds = 0;
  bool catching_up = false;
  std::optional<double> match_ratio;  ///< absent until a prefix was tried
};

}  // namespace pgbeacon::ingest
