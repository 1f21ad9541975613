// Link: the bytes of one connection, with TLS or without. Every operation has a deadline, after
// which it fails with beast::error::timeout and the connection is closed.
//
// Example:
//   std::unique_ptr<Link> link = MakeLink(std::move(socket), tls);
//   const net::error_code failed = co_await link->Begin(deadline);
//   const Moved got = co_await link->Read(buffer, size, deadline);
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/clock.h"
#include "exporter/net/asio.h"
#include "exporter/net/stream_socket.h"
#include "exporter/net/tls_context.h"

namespace pgbeacon::http {

/// What became of some bytes.
struct Moved {
  net::error_code error;
  std::size_t bytes = 0;
};

/// One operation of each kind at a time.
class Link {
 public:
  virtual ~Link() = default;

  /// The TLS handshake. A client that speaks plain HTTP is told before it fails.
  virtual net::awaitable<net::error_code> Begin(TimePoint deadline) = 0;
  /// At least one byte, or an error.
  virtual net::awaitable<Moved> Read(char* to, std::size_t room, TimePoint deadline) = 0;
  virtual net::awaitable<Moved> Write(std::string_view bytes, TimePoint deadline) = 0;
  /// Ends the connection so that what was written arrives.
  virtual net::awaitable<void> End() = 0;

  virtual net::StreamSocket& socket() = 0;
  /// What waits fails.
  virtual void Close() = 0;
};

/// Without `tls`: plain. Null where memory is short.
std::unique_ptr<Link> MakeLink(net::StreamSocket socket, net::TlsContext::Ptr tls);

}  // namespace pgbeacon::http
