#include "exporter/net/stream_client.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "exporter/net/resolve.h"

namespace pgbeacon::net {
namespace {

using Tcp = asio::ip::tcp;

constexpr std::size_t kWaste = 4096;  // read at once and thrown away

}  // namespace

/// One connection; shared by the operations that are under way.
struct StreamClient::Link {
  Link(const any_io_executor& executor, ClientTlsContext given)
      : tls(given != nullptr),
        context(tls ? std::move(given)
                    : std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client)),
        stream(executor, *context) {}

  /// The first reason stays.
  void Close(error_code reason) {
    if (!why) why = reason;
    open = false;
    error_code ignored;
    stream.next_layer().close(ignored);
  }

  /// Reads up to the end of the connection.
  template <class Stream>
  static awaitable<void> Discard(std::shared_ptr<Link> link, Stream& stream) {
    error_code gone;
    while (!gone) {
      const auto buffer = asio::buffer(link->waste);
      const auto [failed, size] = co_await stream.async_read_some(buffer, kNoThrow);
      gone = failed;
    }
    link->Close(gone);
  }

  const bool tls;
  const ClientTlsContext context;
  asio::ssl::stream<Tcp::socket> stream;  // plain TCP uses its next layer alone
  std::array<char, kWaste> waste;
  bool open = false;
  error_code why;
};

/// Closes the link unless it goes away in time.
class StreamClient::Deadline {
 public:
  Deadline(const std::shared_ptr<Link>& link, std::chrono::milliseconds timeout)
      : armed_(std::make_shared<bool>(true)), timer_(link->stream.get_executor(), timeout) {
    timer_.async_wait([link, armed = armed_](error_code cancelled) {
      if (!cancelled && *armed) link->Close(asio::error::timed_out);
    });
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { *armed_ = false; }

 private:
  std::shared_ptr<bool> armed_;
  asio::steady_timer timer_;
};

StreamClient::StreamClient(any_io_executor executor, BlockingPool& pool, std::string host,
                           std::uint16_t port, std::optional<ClientTls> tls)
    : executor_(std::move(executor)),
      pool_(pool),
      host_(std::move(host)),
      port_(port),
      tls_(std::move(tls)) {}

StreamClient::~StreamClient() { Close(); }

bool StreamClient::open() const { return link_ && link_->open; }

void StreamClient::Close() {
  if (link_) link_->Close(asio::error::operation_aborted);
}

Error StreamClient::Failure(const Link& link, const char* what, error_code error) const {
  if (link.why) error = link.why;
  const std::string where = std::string(what) + " " + host_ + ":" + std::to_string(port_) + ": ";
  if (error == asio::error::timed_out) {
    return Error(ErrorCode::kTimeout, where + "no answer in time");
  }
  std::string why = error.message();
  if (error.category() == asio::error::get_ssl_category()) {
    SSL* session = const_cast<Link&>(link).stream.native_handle();
    const std::string untrusted = WhyUntrusted(*session);
    if (!untrusted.empty()) why = untrusted;
  }
  return Error(ErrorCode::kUnavailable, where + why);
}

Error StreamClient::failure() const {
  if (!link_) return Error(ErrorCode::kUnavailable, "not connected");
  return Failure(*link_, "connection lost to", asio::error::eof);
}

awaitable<Status> StreamClient::Connect(std::chrono::milliseconds timeout) {
  Close();
  const TimePoint until = SteadyClock::now() + timeout;
  ClientTlsContext context;
  if (tls_) {
    Result<ClientTlsContext> opened = co_await OpenClientTls(pool_, calls_, *tls_, until);
    if (!opened.ok()) co_return opened.error();
    context = *std::move(opened);
  }
  const auto link = std::make_shared<Link>(executor_, std::move(context));
  link_ = link;
  const Deadline deadline(link, timeout);
  const auto fail = [this, &link](const char* what, error_code error) {
    const Error failure = Failure(*link, what, error);
    link->Close(error);
    return failure;
  };
  if (tls_) ExpectHost(host_, *link->stream.native_handle());
  const Result<Endpoints> endpoints = co_await Resolve(pool_, calls_, host_, port_, until);
  if (link->why) co_return fail("cannot resolve", link->why);
  if (!endpoints.ok()) {
    link->Close(asio::error::host_not_found);
    co_return Error(
        endpoints.error().code,
        "cannot resolve " + host_ + ":" + std::to_string(port_) + ": " + endpoints.error().message);
  }
  Tcp::socket& socket = link->stream.next_layer();
  const auto [refused, endpoint] = co_await asio::async_connect(socket, *endpoints, kNoThrow);
  if (refused) co_return fail("cannot connect to", refused);
  error_code ignored;
  socket.set_option(Tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  if (tls_) {
    const auto [failed] =
        co_await link->stream.async_handshake(asio::ssl::stream_base::client, kNoThrow);
    if (failed) co_return fail("no TLS with", failed);
  }
  if (link->why) co_return fail("cannot connect to", link->why);
  link->open = true;
  if (tls_) {
    asio::co_spawn(executor_, Link::Discard(link, link->stream), asio::detached);
  } else {
    asio::co_spawn(executor_, Link::Discard(link, socket), asio::detached);
  }
  co_return Status();
}

awaitable<std::size_t> StreamClient::Write(std::string bytes, std::chrono::milliseconds timeout) {
  if (!open()) co_return 0;
  const std::shared_ptr<Link> link = link_;
  const Deadline deadline(link, timeout);
  const auto buffer = asio::buffer(bytes);
  std::size_t written = 0;
  error_code failed;
  if (link->tls) {
    const auto [error, size] = co_await asio::async_write(link->stream, buffer, kNoThrow);
    failed = error;
    written = size;
  } else {
    const auto [error, size] =
        co_await asio::async_write(link->stream.next_layer(), buffer, kNoThrow);
    failed = error;
    written = size;
  }
  if (failed) link->Close(failed);
  co_return written;
}

}  // namespace pgbeacon::net
