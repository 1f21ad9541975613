// What a drain is: where lines go, which, and what may wait for it.
//
// Example:
//   DrainOptions options;
//   options.name = "archive";
//   options.address = ParseDrainUrl("syslog+tls://logs.example.com:6514").value();
//   options.filter.servers = {"orders-*"};
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "exporter/fanout/filter.h"
#include "exporter/http/url.h"
#include "exporter/net/client_tls.h"

namespace pgbeacon::fanout {

enum class DrainKind : std::uint8_t {
  kSyslog,   ///< RFC 5424 over TCP or TLS, octet-counted
  kLogplex,  ///< POST of application/logplex-1
};

struct DrainAddress {
  DrainKind kind = DrainKind::kSyslog;
  http::Url url;  ///< of syslog only tls, host and port mean something
};

/// Takes syslog://, syslog+tls://, http:// and https://. The error shows the forms and nothing of
/// the URL, which may hold a password.
Result<DrainAddress> ParseDrainUrl(std::string_view text);

struct DrainTimes {
  std::chrono::milliseconds connect{5000};  ///< TCP and TLS of a syslog drain
  std::chrono::milliseconds write{10'000};  ///< 64 KiB of syslog
  std::chrono::milliseconds request{5000};  ///< whole POST, connecting included
  std::chrono::milliseconds first_pause{100};
  std::chrono::milliseconds most_pause{30'000};
};

struct DrainOptions {
  std::string name;  ///< label `drain`
  DrainAddress address;
  Filter filter;
  std::string token;   ///< "d.01234567-...": Logplex-Drain-Token, HOSTNAME in syslog; may be empty
  net::ClientTls tls;  ///< where the URL says TLS
  std::size_t lines = 1024;                  ///< that may wait; beyond, the oldest are dropped
  std::size_t bytes = std::size_t{4} << 20;  ///< of them
  DrainTimes times;
};

}  // namespace pgbeacon::fanout
