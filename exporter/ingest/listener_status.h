// What a listener tells of itself, and its families (pgbeacon_listener_*, pgbeacon_tls_*).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/families.h"
#include "exporter/ingest/syslog_options.h"

namespace pgbeacon::ingest {

/// Why a connection was not taken (label `reason`).
enum class Refused : std::uint8_t {
  kLimit,      ///< as many as may be are open
  kOpenFiles,  ///< no descriptor was free; the connection waits
};
inline constexpr std::array<std::string_view, 2> kRefusedNames = {"limit", "open_files"};

/// Why we closed a connection (label `reason`).
enum class Closed : std::uint8_t {
  kUnfinished,  ///< a frame was begun and did not go on
  kMemory,      ///< it held most when all held too much
  kTls,         ///< an error of its TLS
};
inline constexpr std::array<std::string_view, 3> kClosedNames = {"unfinished", "memory", "tls"};

struct ListenerStatus {
  std::string source;
  ListenerKind kind = ListenerKind::kTcp;
  // Of streams:
  std::size_t connections = 0;
  std::size_t held_bytes = 0;
  std::uint64_t accepted = 0;
  std::array<std::uint64_t, kRefusedNames.size()> refused{};
  std::array<std::uint64_t, kClosedNames.size()> closed{};
  // Of TLS:
  std::size_t handshakes = 0;
  std::array<std::uint64_t, net::kTlsFailures> handshake_failures{};
  double certificate_not_after = 0;
  // Of datagrams:
  std::size_t receive_buffer = 0;
};

/// Appends the families of all listeners, whose sources differ.
void AppendFamilies(const std::vector<ListenerStatus>& listeners, Families& families);

}  // namespace pgbeacon::ingest
