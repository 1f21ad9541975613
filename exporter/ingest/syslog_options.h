// What a syslog listener is asked for.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "exporter/net/tls_server.h"

namespace pgbeacon::ingest {

enum class ListenerKind : std::uint8_t {
  kTcp,
  kTls,
  kUdp,
  kUnix,  ///< datagrams, the /dev/log form
  kUnixStream,
};

struct SyslogListenerOptions {
  std::string name;  ///< label `source`
  ListenerKind kind = ListenerKind::kTcp;
  std::string address;  ///< HOST:PORT, [IPV6]:PORT or :PORT; of a unix socket its path
  net::TlsFiles tls;    ///< of kTls
  std::size_t most_frame = std::size_t{1} << 20;       ///< bytes of one message; beyond it is cut
  std::size_t receive_buffer = std::size_t{16} << 20;  ///< asked of the kernel for datagrams
  unsigned mode = 0666;                                ///< of a unix socket's file
};

/// Of all stream listeners together.
struct ListenerLimits {
  std::size_t connections = 16'384;
  std::size_t handshakes = 256;  ///< TLS handshakes at once; the oldest gives way to a new one
  std::size_t held_bytes = std::size_t{256} << 20;  ///< of frames that have not come whole
  std::chrono::milliseconds handshake = std::chrono::seconds(10);
  std::chrono::milliseconds unfinished = std::chrono::seconds(60);  ///< a frame that stands still
  std::chrono::milliseconds tick = std::chrono::seconds(1);  ///< how often the above is looked for
};

}  // namespace pgbeacon::ingest
