// How a session sends: at which pace the client has to take what is sent, and a streamed body piece
// by piece, until the source ends or the client does.
//
// Example:
//   const net::error_code failed = co_await WriteStream(link, source, chunked, limits);
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "exporter/http/link.h"
#include "exporter/http/message.h"
#include "exporter/http/server.h"
#include "exporter/net/asio.h"
#include "exporter/net/stream_socket.h"

namespace pgbeacon::http {

/// When a client that is sent something is given up: it takes nothing for as long as
/// `limits.write`, or less than `limits.write_rate` on average once that time has passed.
class Pace {
 public:
  explicit Pace(const Limits& limits) : limits_(limits), begun_(SteadyClock::now()) {}

  /// Of the next bytes.
  TimePoint Deadline() const {
    const TimePoint stalled = SteadyClock::now() + limits_.write;
    if (limits_.write_rate == 0) return stalled;
    const std::chrono::milliseconds earned(taken_ * 1000 / limits_.write_rate);
    return std::min(stalled, begun_ + limits_.write + earned);
  }
  void Took(std::size_t bytes) { taken_ += bytes; }

 private:
  const Limits& limits_;
  const TimePoint begun_;
  std::size_t taken_ = 0;
};

/// What tells a source that its client has hung up; held by whoever sends, weakly by the socket's
/// operation.
struct PeerWatch {
  net::StreamSocket& socket;
  std::shared_ptr<BodySource> source;
};

/// Waits until the client ends the connection. Behind bytes that nobody waits for (of a request to
/// come, of TLS) an end cannot be seen: what tells of a client then is that it answers no more.
inline void WatchPeer(const std::shared_ptr<PeerWatch>& watch) {
  const std::weak_ptr<PeerWatch> held = watch;
  const auto readable = [held](const net::error_code& error) {
    const std::shared_ptr<PeerWatch> watch = held.lock();
    if (watch == nullptr) return;
    char byte = 0;
    const ssize_t count =
        error ? 0 : recv(watch->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return WatchPeer(watch);
    if (count <= 0) return watch->source->End();
    watch->socket.async_wait(net::asio::socket_base::wait_error,
                             [held](const net::error_code& failed) {
                               const std::shared_ptr<PeerWatch> watch = held.lock();
                               if (watch != nullptr && !failed) watch->source->End();
                             });
  };
  watch->socket.async_wait(net::asio::socket_base::wait_read, readable);
}

/// Sends all of the source; an error when the client is gone or too slow. Chunked, or as it is for
/// clients that read to the connection's end. `link` and `limits` outlive the call.
inline net::awaitable<net::error_code> WriteStream(Link& link, std::shared_ptr<BodySource> source,
                                                   bool chunked, const Limits& limits) {
  const auto watch =
      std::make_shared<PeerWatch>(PeerWatch{.socket = link.socket(), .source = source});
  WatchPeer(watch);
  for (bool more = true; more;) {
    std::string piece = co_await source->Next();
    more = !piece.empty();
    if (chunked && more) {
      piece = boost::beast::buffers_to_string(
          boost::beast::http::make_chunk(net::asio::const_buffer(piece.data(), piece.size())));
    } else if (chunked) {
      piece = boost::beast::buffers_to_string(boost::beast::http::make_chunk_last());
    }
    Pace pace(limits);
    for (std::string_view rest = piece; !rest.empty();) {
      const TimePoint deadline = pace.Deadline();
      const Moved put = co_await link.Write(rest, deadline);
      if (put.error) {
        source->End();
        co_return put.error;
      }
      pace.Took(put.bytes);
      rest.remove_prefix(put.bytes);
    }
  }
  co_return net::error_code();
}

}  // namespace pgbeacon::http
