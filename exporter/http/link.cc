#include "exporter/http/link.h"

#include <openssl/err.h>

#include <array>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <utility>

namespace pgbeacon::http {
namespace {

using PlainStream = boost::beast::basic_stream<net::StreamProtocol, net::any_io_executor,
                                               boost::beast::unlimited_rate_policy>;
using TlsStream = net::asio::ssl::stream<PlainStream>;

constexpr std::size_t kScratch = 4096;
constexpr std::size_t kLingerBytes =
    std::size_t{1024} * 1024;  // read and thrown away before a close
constexpr std::chrono::seconds kLinger{1};
constexpr std::string_view kTlsExpected =
    "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    "this port speaks HTTPS\n";

/// Reads and throws away what the client still sends, for a moment: a close with bytes unread would
/// reset the connection, and the last response might not arrive.
net::awaitable<void> Linger(PlainStream& stream) {
  net::error_code ignored;
  stream.socket().shutdown(net::asio::socket_base::shutdown_send, ignored);
  stream.expires_after(kLinger);
  std::array<char, kScratch> scratch;
  const net::asio::mutable_buffer room(scratch.data(), scratch.size());
  for (std::size_t total = 0; total < kLingerBytes;) {
    const auto [error, count] = co_await stream.async_read_some(room, net::kNoThrow);
    if (error) break;
    total += count;
  }
}

class PlainLink : public Link {
 public:
  explicit PlainLink(net::StreamSocket socket) : stream_(std::move(socket)) {}

  net::awaitable<net::error_code> Begin(TimePoint) override { co_return net::error_code(); }

  net::awaitable<Moved> Read(char* to, std::size_t room, TimePoint deadline) override {
    const net::asio::mutable_buffer buffer(to, room);
    stream_.expires_at(deadline);
    const auto [error, count] = co_await stream_.async_read_some(buffer, net::kNoThrow);
    Moved moved;
    moved.error = error;
    moved.bytes = count;
    co_return moved;
  }

  net::awaitable<Moved> Write(std::string_view bytes, TimePoint deadline) override {
    const net::asio::const_buffer buffer(bytes.data(), bytes.size());
    stream_.expires_at(deadline);
    const auto [error, count] = co_await stream_.async_write_some(buffer, net::kNoThrow);
    Moved moved;
    moved.error = error;
    moved.bytes = count;
    co_return moved;
  }

  net::awaitable<void> End() override { co_await Linger(stream_); }

  net::StreamSocket& socket() override { return stream_.socket(); }
  void Close() override { stream_.close(); }

 private:
  PlainStream stream_;
};

class TlsLink : public Link {
 public:
  TlsLink(net::StreamSocket socket, net::TlsContext::Ptr tls, SSL* session)
      : tls_(std::move(tls)), stream_(PlainStream(std::move(socket)), session) {}

  net::awaitable<net::error_code> Begin(TimePoint deadline) override {
    PlainStream& plain = stream_.next_layer();
    plain.expires_at(deadline);
    const auto server = net::asio::ssl::stream_base::server;
    const auto [error] = co_await stream_.async_handshake(server, net::kNoThrow);
    const bool plain_http =
        error.category() == net::asio::error::get_ssl_category() &&
        ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST;
    if (plain_http) {
      const net::asio::const_buffer told(kTlsExpected.data(), kTlsExpected.size());
      co_await plain.async_write_some(told, net::kNoThrow);
      co_await Linger(plain);
    }
    co_return error;
  }

  net::awaitable<Moved> Read(char* to, std::size_t room, TimePoint deadline) override {
    const net::asio::mutable_buffer buffer(to, room);
    stream_.next_layer().expires_at(deadline);
    const auto [error, count] = co_await stream_.async_read_some(buffer, net::kNoThrow);
    Moved moved;
    moved.error = error;
    if (error == net::asio::ssl::error::stream_truncated) moved.error = net::asio::error::eof;
    moved.bytes = count;
    co_return moved;
  }

  net::awaitable<Moved> Write(std::string_view bytes, TimePoint deadline) override {
    const net::asio::const_buffer buffer(bytes.data(), bytes.size());
    stream_.next_layer().expires_at(deadline);
    const auto [error, count] = co_await stream_.async_write_some(buffer, net::kNoThrow);
    Moved moved;
    moved.error = error;
    moved.bytes = count;
    co_return moved;
  }

  net::awaitable<void> End() override {
    stream_.next_layer().expires_after(kLinger);
    co_await stream_.async_shutdown(net::kNoThrow);
    co_await Linger(stream_.next_layer());
  }

  net::StreamSocket& socket() override { return stream_.next_layer().socket(); }
  void Close() override { stream_.next_layer().close(); }

 private:
  const net::TlsContext::Ptr tls_;  // of the stream's session
  TlsStream stream_;
};

}  // namespace

std::unique_ptr<Link> MakeLink(net::StreamSocket socket, net::TlsContext::Ptr tls) {
  if (tls == nullptr) return std::make_unique<PlainLink>(std::move(socket));
  SSL* const session = tls->NewSession();
  if (session == nullptr) return nullptr;
  return std::make_unique<TlsLink>(std::move(socket), std::move(tls), session);
}

}  // namespace pgbeacon::http
