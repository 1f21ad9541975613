// How a session sends a streamed body: piece by piece, until the source ends or the client does.
//
// Example:
//   const bool sent = co_await WriteStream(stream, source, chunked, limits.write);
#pragma once

#include <sys/socket.h>

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "exporter/http/message.h"
#include "exporter/net/asio.h"

namespace pgbeacon::http {

/// What tells a source that its client has hung up; held by whoever sends, weakly by the socket's
/// operation.
struct PeerWatch {
  net::asio::ip::tcp::socket& socket;
  std::shared_ptr<BodySource> source;
};

/// Waits until the client ends the connection, or sends what nobody waits for.
inline void WatchPeer(const std::shared_ptr<PeerWatch>& watch) {
  const std::weak_ptr<PeerWatch> held = watch;
  const auto readable = [held](const net::error_code& error) {
    const std::shared_ptr<PeerWatch> watch = held.lock();
    if (watch == nullptr) return;
    char byte = 0;
    const ssize_t count =
        error ? 0 : recv(watch->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return WatchPeer(watch);
    if (count <= 0) watch->source->End();
  };
  watch->socket.async_wait(net::asio::socket_base::wait_read, readable);
}

/// Sends all of the source; false when the client is gone or takes nothing for `patience`. Chunked,
/// or as it is for clients that read to the connection's end.
template <class Stream>
net::awaitable<bool> WriteStream(Stream& stream, std::shared_ptr<BodySource> source, bool chunked,
                                 std::chrono::milliseconds patience) {
  auto& lowest = boost::beast::get_lowest_layer(stream);
  const auto watch =
      std::make_shared<PeerWatch>(PeerWatch{.socket = lowest.socket(), .source = source});
  WatchPeer(watch);
  for (bool more = true; more;) {
    lowest.expires_never();
    std::string piece = co_await source->Next();
    more = !piece.empty();
    if (chunked && more) {
      piece = boost::beast::buffers_to_string(
          boost::beast::http::make_chunk(net::asio::const_buffer(piece.data(), piece.size())));
    } else if (chunked) {
      piece = boost::beast::buffers_to_string(boost::beast::http::make_chunk_last());
    }
    for (std::size_t at = 0; at < piece.size();) {
      const net::asio::const_buffer rest(piece.data() + at, piece.size() - at);
      lowest.expires_after(patience);
      const auto [error, count] = co_await stream.async_write_some(rest, net::kNoThrow);
      if (error) {
        source->End();
        co_return false;
      }
      at += count;
    }
  }
  co_return true;
}

}  // namespace pgbeacon::http
