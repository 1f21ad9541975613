#include "exporter/http/client.h"

#include <algorithm>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>

#include "base/clock.h"
#include "base/text.h"
#include "exporter/metrics/process.h"
#include "exporter/net/resolve.h"
#include "exporter/net/tls_client.h"

namespace pgbeacon::http {
namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
namespace ssl = net::asio::ssl;
using Tcp = net::asio::ip::tcp;
using Plain = beast::basic_stream<Tcp, net::any_io_executor, beast::unlimited_rate_policy>;
using Secure = beast::ssl_stream<Plain>;
using Message = bhttp::request<bhttp::string_body>;
using Parser = bhttp::response_parser<bhttp::buffer_body>;

constexpr std::size_t kPiece = std::size_t{16} * 1024;
constexpr std::size_t kMostHeader = std::size_t{64} * 1024;

Message ToMessage(const Url& url, ClientRequest request) {
  Message message;
  message.version(11);
  message.method_string(request.method);
  message.target(request.target.empty() ? url.target : request.target);
  message.set(bhttp::field::host, url.Authority());
  message.set(bhttp::field::user_agent, std::string("pgbeacon/") + metrics::Version());
  if (!url.user_info.empty()) {
    message.set(bhttp::field::authorization, BasicCredentials(url.user_info));
  }
  for (const auto& [name, value] : request.headers) message.set(name, value);
  message.body() = std::move(request.body);
  message.prepare_payload();
  return message;
}

}  // namespace

/// The connection and the response that is being read from it.
struct Client::Link {
  Link(net::any_io_executor executor, net::BlockingPool& pool, Url url, net::ClientTls tls)
      : executor(std::move(executor)), pool(pool), url(std::move(url)), tls(std::move(tls)) {}

  /// A failed operation as an Error; the connection is closed.
  Error Fail(const std::string& what, net::error_code error) {
    std::string why = error.message();
    if (secure && error.category() == net::asio::error::get_ssl_category()) {
      const std::string untrusted = net::WhyUntrusted(*secure->native_handle());
      if (!untrusted.empty()) why = untrusted;
    }
    Close();
    if (error == beast::error::timeout) {
      return Error(ErrorCode::kTimeout, what + " " + url.Authority() + ": no answer in time");
    }
    const bool form = error.category() == make_error_code(bhttp::error::bad_version).category() &&
                      error != bhttp::error::end_of_stream &&
                      error != bhttp::error::partial_message;
    if (form) why = "its answer is no HTTP (" + why + ")";
    return Error(form ? ErrorCode::kInvalid : ErrorCode::kUnavailable,
                 what + " " + url.Authority() + ": " + why);
  }

  void Close() {
    ++closed;
    if (secure) beast::get_lowest_layer(*secure).close();
    if (plain) plain->close();
    open = false;
  }

  net::awaitable<Status> Connect(TimePoint deadline) {
    Close();
    plain.reset();
    secure.reset();
    buffer.clear();
    const std::uint64_t before = closed;
    const Result<net::Endpoints> endpoints =
        co_await net::Resolve(pool, calls, url.host, url.port, deadline);
    if (!endpoints.ok()) {
      co_return Error(endpoints.error().code,
                      "cannot resolve " + url.Authority() + ": " + endpoints.error().message);
    }
    net::ClientTlsContext context;
    if (url.tls) {
      Result<net::ClientTlsContext> opened =
          co_await net::OpenClientTls(pool, calls, tls, deadline);
      if (!opened.ok()) co_return opened.error();
      context = *std::move(opened);
    }
    if (closed != before) co_return Fail("cannot connect to", net::asio::error::operation_aborted);
    if (context) {
      secure = std::make_unique<Secure>(executor, *context);
      net::ExpectHost(url.host, *secure->native_handle());
    } else {
      plain = std::make_unique<Plain>(executor);
    }
    Plain& lowest = secure ? beast::get_lowest_layer(*secure) : *plain;
    lowest.expires_at(deadline);
    const auto [refused, endpoint] = co_await lowest.async_connect(*endpoints, net::kNoThrow);
    if (refused) co_return Fail("cannot connect to", refused);
    net::error_code ignored;
    lowest.socket().set_option(Tcp::no_delay(true), ignored);
    lowest.socket().set_option(net::asio::socket_base::keep_alive(true), ignored);
    if (secure) {
      const auto [failed] =
          co_await secure->async_handshake(ssl::stream_base::client, net::kNoThrow);
      if (failed) co_return Fail("no TLS with", failed);
    }
    open = true;
    co_return Status();
  }

  /// Sends the request and reads the response's header.
  template <class Stream>
  net::awaitable<net::error_code> Exchange(Stream& stream, const Message& message,
                                           TimePoint deadline) {
    parser.emplace();
    parser->header_limit(kMostHeader);
    parser->body_limit(boost::none);
    parser->skip(message.method() == bhttp::verb::head);
    beast::get_lowest_layer(stream).expires_at(deadline);
    const auto [unsent, written] = co_await bhttp::async_write(stream, message, net::kNoThrow);
    if (unsent) co_return unsent;
    const auto [failed, count] =
        co_await bhttp::async_read_header(stream, buffer, *parser, net::kNoThrow);
    co_return failed;
  }

  net::awaitable<Result<ClientResponse>> Open(ClientRequest request, TimePoint deadline) {
    const Message message = ToMessage(url, std::move(request));
    net::error_code failed;
    connected = false;
    for (bool again = true; again;) {
      again = open;
      if (!open) {
        const Status ready = co_await Connect(deadline);
        if (!ready.ok()) co_return ready.error();
      }
      connected = true;
      if (secure) {
        failed = co_await Exchange(*secure, message, deadline);
      } else {
        failed = co_await Exchange(*plain, message, deadline);
      }
      if (!failed) break;
      again = again && failed != beast::error::timeout;
      open = false;
    }
    if (failed) co_return Fail("no answer from", failed);
    ClientResponse response;
    response.status = parser->get().result_int();
    for (const auto& field : parser->get()) {
      response.headers[ToLower(std::string(field.name_string()))] = std::string(field.value());
    }
    EndOfBody();
    co_return response;
  }

  /// Keeps the connection for the next request, or not, where the response has been read.
  void EndOfBody() {
    if (parser && parser->is_done() && !parser->keep_alive()) Close();
  }

  template <class Stream>
  net::awaitable<net::error_code> ReadSome(Stream& stream, std::chrono::milliseconds timeout) {
    beast::get_lowest_layer(stream).expires_after(timeout);
    const auto [failed, count] =
        co_await bhttp::async_read_some(stream, buffer, *parser, net::kNoThrow);
    if (failed == bhttp::error::need_buffer) co_return net::error_code();
    co_return failed;
  }

  net::awaitable<Result<std::string>> Read(std::chrono::milliseconds timeout) {
    const TimePoint deadline = SteadyClock::now() + timeout;
    std::string piece;
    while (parser && !parser->is_done() && piece.empty()) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
      if (left.count() <= 0) co_return Fail("connection lost to", beast::error::timeout);
      piece.resize(kPiece);
      auto& body = parser->get().body();
      body.data = piece.data();
      body.size = piece.size();
      body.more = true;
      net::error_code failed;
      if (secure) {
        failed = co_await ReadSome(*secure, left);
      } else {
        failed = co_await ReadSome(*plain, left);
      }
      if (failed) co_return Fail("connection lost to", failed);
      piece.resize(kPiece - parser->get().body().size);
    }
    if (piece.empty()) EndOfBody();
    co_return piece;
  }

  net::any_io_executor executor;
  net::BlockingPool& pool;
  net::SharedCalls calls;
  Url url;
  net::ClientTls tls;
  std::uint64_t closed = 0;  // how often
  std::unique_ptr<Plain> plain;
  std::unique_ptr<Secure> secure;
  beast::flat_buffer buffer;
  std::optional<Parser> parser;
  bool open = false;
  bool connected = false;  // for the last request
};

Client::Client(net::any_io_executor executor, net::BlockingPool& pool, Url url, net::ClientTls tls)
    : link_(std::make_unique<Link>(std::move(executor), pool, std::move(url), std::move(tls))) {}

Client::~Client() = default;

net::awaitable<Result<ClientResponse>> Client::Open(ClientRequest request,
                                                    std::chrono::milliseconds timeout) {
  if (link_->parser && !link_->parser->is_done()) link_->Close();
  const TimePoint deadline = SteadyClock::now() + timeout;
  Result<ClientResponse> response = co_await link_->Open(std::move(request), deadline);
  co_return response;
}

net::awaitable<Result<std::string>> Client::Read(std::chrono::milliseconds timeout) {
  Result<std::string> piece = co_await link_->Read(timeout);
  co_return piece;
}

net::awaitable<Result<ClientResponse>> Client::Send(ClientRequest request,
                                                    std::chrono::milliseconds timeout) {
  const TimePoint deadline = SteadyClock::now() + timeout;
  Result<ClientResponse> response = co_await Open(std::move(request), timeout);
  while (response.ok()) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    Result<std::string> piece = co_await Read(left);
    if (!piece.ok()) co_return piece.error();
    if (piece->empty()) break;
    response->body.append(*piece, 0, kMostBody - response->body.size());
    if (response->body.size() == kMostBody) {
      Close();
      break;
    }
  }
  co_return response;
}

bool Client::connected() const { return link_->connected; }

void Client::Close() { link_->Close(); }

}  // namespace pgbeacon::http
