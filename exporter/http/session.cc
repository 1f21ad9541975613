// A session is one coroutine, so what it does is read from top to bottom; every wait has a
// deadline, after which the connection is closed. Responses leave in the order of the requests: the
// next request is read when the last response has been written, so that a client which pipelines
// cannot make the server hoard.
#include "exporter/http/session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/read_size.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/none.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/text.h"
#include "exporter/http/link.h"
#include "exporter/http/query.h"
#include "exporter/http/reply.h"
#include "exporter/http/stream_writer.h"
#include "exporter/metrics/negotiate.h"

namespace pgbeacon::http {
namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using Parser = bhttp::request_parser<bhttp::string_body>;
using beast::string_view;

constexpr std::size_t kReadChunk = 4096;
constexpr std::size_t kBodyChunk = std::size_t{64} * 1024;
constexpr std::size_t kJoined = std::size_t{16} * 1024;  // a body up to that leaves with its header
constexpr int kKeepAliveSeconds = 30;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// The status of the response to a request that could not be read; 0 where nobody is there to read
/// one: closed, reset or timed out.
int StatusOf(net::error_code error) {
  if (error == bhttp::error::header_limit || error == bhttp::error::buffer_overflow) return 431;
  if (error == bhttp::error::body_limit) return 413;
  if (error == bhttp::error::bad_version) return 505;
  if (error == bhttp::error::end_of_stream || error == bhttp::error::partial_message) return 0;
  return error.category() == make_error_code(bhttp::error::bad_method).category() ? 400 : 0;
}

/// By which limit a request that could not be read failed; nothing where its client has gone.
std::optional<Ended> EndedBy(net::error_code error) {
  if (error == beast::error::timeout) return Ended::kSlowRequest;
  switch (StatusOf(error)) {
    case 0:
      return std::nullopt;
    case 413:
      return Ended::kBodyTooLarge;
    case 431:
      return Ended::kHeaderTooLarge;
    default:
      return Ended::kMalformed;
  }
}

/// Whether the body's length is told in the one way, or the two, that nobody takes for another.
bool IsFramed(const bhttp::request<bhttp::string_body>& message) {
  const std::size_t codings = message.count(bhttp::field::transfer_encoding);
  return codings == 0 ||
         (codings == 1 && beast::iequals(message[bhttp::field::transfer_encoding], "chunked"));
}

/// What came so far of a request.
struct Arrival {
  std::shared_ptr<Request> request;
  std::optional<Response> refusal;  ///< for what its header says
  std::string route = "other";
  std::function<void()> too_large;  ///< of the route
};

/// Without the body. Nothing where the request is malformed beyond what the parser sees.
std::shared_ptr<Request> ToRequest(const bhttp::request<bhttp::string_body>& message) {
  const string_view raw = message.target();
  std::optional<RequestTarget> target = ParseTarget({raw.data(), raw.size()});
  const bool host = message.version() < 11 || message.count(bhttp::field::host) == 1;
  if (!target || !host || !IsFramed(message)) return nullptr;
  auto request = std::make_shared<Request>();
  request->method = std::string(message.method_string());
  request->path = std::move(target->path);
  request->query = std::move(target->query);
  for (const auto& field : message) {
    std::string& value = request->headers[ToLower(std::string(field.name_string()))];
    if (!value.empty()) value += ", ";
    value += std::string(field.value());
  }
  request->received = SteadyClock::now();
  return request;
}

/// The header as it goes over the wire.
std::string HeaderText(const Message& message) {
  bhttp::response_serializer<bhttp::string_body> serializer(message);
  serializer.split(true);
  std::string text;
  net::error_code error;
  serializer.next(error, [&text](net::error_code&, const auto& buffers) {
    text = beast::buffers_to_string(buffers);
  });
  return text;
}

/// Lets the kernel find out that a client of a stream without news is gone.
void KeepAlive(int socket) {
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepAliveSeconds, sizeof kKeepAliveSeconds);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepAliveSeconds, sizeof kKeepAliveSeconds);
}

/// Makes a stream known while it is sent.
class Streaming {
 public:
  Streaming(Site& site, Connection& connection, std::shared_ptr<BodySource> source)
      : site_(site), connection_(connection) {
    ++site_.streams;
    connection_.stream = std::move(source);
  }
  ~Streaming() {
    --site_.streams;
    connection_.stream = nullptr;
  }
  Streaming(const Streaming&) = delete;
  Streaming& operator=(const Streaming&) = delete;

 private:
  Site& site_;
  Connection& connection_;
};

/// Session: the state of one connection.
class Session {
 public:
  Session(std::unique_ptr<Link> link, std::shared_ptr<Site> site, std::string peer, bool tls,
          bool refuse)
      : link_(std::move(link)),
        site_(std::move(site)),
        peer_(std::move(peer)),
        tls_(tls),
        refuse_(refuse),
        buffer_(site_->limits.header_bytes + kBodyChunk),
        connection_(*site_, [this] { link_->Close(); }) {}

  net::awaitable<void> Run() {
    const TimePoint deadline = SteadyClock::now() + site_->limits.read;
    const net::error_code failed = co_await link_->Begin(deadline);
    if (failed) {
      if (failed != net::asio::error::operation_aborted) site_->Count(Ended::kTlsHandshake);
      spdlog::debug("tls handshake failed peer={} error={}", peer_, failed.message());
      co_return;
    }
    bool keep = true;
    bool lingers = false;
    while (keep && !site_->stopping) {
      connection_.idle = true;
      const bool begun = co_await AwaitRequest();
      if (!begun) break;
      connection_.idle = false;
      keep = co_await ServeRequest();
      lingers = answered_ && !keep;
    }
    connection_.idle = true;
    if ((lingers || (answered_ && site_->stopping)) && !site_->closed) co_await link_->End();
  }

 private:
  /// Waits for the first byte of a request; false when the connection ends before.
  net::awaitable<bool> AwaitRequest() {
    if (buffer_.size() > 0) co_return true;
    buffer_.shrink_to_fit();
    const TimePoint deadline =
        SteadyClock::now() + (answered_ ? site_->limits.idle : site_->limits.read);
    const net::error_code failed = co_await ReadMore(kReadChunk, deadline);
    if (failed == beast::error::timeout) {
      site_->Count(answered_ ? Ended::kIdle : Ended::kSlowRequest);
    }
    co_return !failed;
  }

  net::awaitable<net::error_code> ReadMore(std::size_t most, TimePoint deadline) {
    const std::size_t room = beast::read_size(buffer_, most);
    if (room == 0) co_return net::error_code(bhttp::error::buffer_overflow);
    const net::asio::mutable_buffer free = buffer_.prepare(room);
    const Moved got = co_await link_->Read(static_cast<char*>(free.data()), room, deadline);
    buffer_.commit(got.bytes);
    co_return got.error;
  }

  /// Reads to the end of the header, or of the `whole` request. `parser` outlives the call.
  net::awaitable<net::error_code> Parse(Parser& parser, bool whole, TimePoint deadline) {
    parser.eager(whole);
    while (whole ? !parser.is_done() : !parser.is_header_done()) {
      if (buffer_.size() > 0) {
        net::error_code error;
        buffer_.consume(parser.put(buffer_.data(), error));
        if (error && error != bhttp::error::need_more) co_return error;
        if (whole ? parser.is_done() : parser.is_header_done()) break;
      }
      const net::error_code failed = co_await ReadMore(kBodyChunk, deadline);
      if (failed == net::asio::error::eof) co_return net::error_code(bhttp::error::partial_message);
      if (failed) co_return failed;
    }
    co_return net::error_code();
  }

  /// All of it, at the pace that the limits ask for. `bytes` outlive the call.
  net::awaitable<net::error_code> Write(std::string_view bytes) {
    Pace pace(site_->limits);
    while (!bytes.empty()) {
      const TimePoint deadline = pace.Deadline();
      const Moved put = co_await link_->Write(bytes, deadline);
      if (put.error) co_return put.error;
      pace.Took(put.bytes);
      bytes.remove_prefix(put.bytes);
    }
    co_return net::error_code();
  }

  /// One request and its response; whether another may follow.
  net::awaitable<bool> ServeRequest() {
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(site_->limits.header_bytes));
    parser.body_limit(boost::none);  // Admit() sets the route's
    answered_ = false;
    Arrival arrival;
    const net::error_code failed = co_await Read(parser, arrival);
    if (failed) {
      const std::optional<Ended> why = EndedBy(failed);
      if (why) site_->Count(*why);
    }
    if (failed && StatusOf(failed) == 0) co_return false;

    version_ = parser.is_header_done() ? parser.get().version() : 11;
    head_ = parser.is_header_done() && parser.get().method() == bhttp::verb::head;
    keep_ = false;
    gzip_ = false;
    Response response;
    if (failed) {
      response = Refusal(StatusOf(failed));
    } else if (arrival.refusal) {
      response = *std::move(arrival.refusal);
    } else {
      keep_ = parser.keep_alive();
      gzip_ = metrics::AcceptsGzip(arrival.request->Header("accept-encoding"));
      response = co_await Answer(site_, arrival.request, arrival.route);
    }
    if (response.stream && site_->streams >= site_->limits.streams) {
      site_->Count(Ended::kTooManyStreams);
      response = Busy("too many streams\n");
    }
    const int sent_status = response.status;
    const std::shared_ptr<BodySource> source = std::move(response.stream);
    bool sent = false;
    if (source) {
      sent = co_await SendHead(std::move(response));
    } else {
      sent = co_await Send(std::move(response));
    }
    if (sent && site_->observer && !site_->closed) site_->observer(arrival.route, sent_status);
    if (sent && source && !head_) sent = co_await SendBody(source);
    co_return sent ? keep_ : false;
  }

  /// The header, and the body unless the request is refused. The arguments outlive the call.
  net::awaitable<net::error_code> Read(Parser& parser, Arrival& arrival) {
    TimePoint deadline = SteadyClock::now() + site_->limits.read;
    const net::error_code failed = co_await Parse(parser, false, deadline);
    if (failed) co_return failed;
    Arrive(parser, arrival);
    if (arrival.request && site_->guard) {
      const Router::Match match =
          site_->router.Find(arrival.request->method, arrival.request->path);
      const bool own = match.options != nullptr && match.options->own_credentials;
      arrival.route = match.route;
      arrival.refusal = co_await site_->guard->Judge(arrival.request, own);
      deadline = SteadyClock::now() + site_->limits.read;
    }
    if (!arrival.refusal) Admit(parser, arrival);
    if (arrival.refusal || parser.is_done()) co_return failed;
    if (beast::iequals(parser.get()[bhttp::field::expect], "100-continue")) {
      const net::error_code unsent = co_await Write(kContinue);
      if (unsent) co_return unsent;
    }
    const net::error_code broken = co_await Parse(parser, true, deadline);
    if (broken == bhttp::error::body_limit && arrival.too_large) arrival.too_large();
    arrival.request->body = std::move(parser.get().body());
    arrival.request->received = SteadyClock::now();
    co_return broken;
  }

  /// Takes the header; a refusal where the server is full or the header is malformed.
  void Arrive(Parser& parser, Arrival& arrival) {
    if (!refuse_) arrival.request = ToRequest(parser.get());
    if (arrival.request) {
      arrival.request->peer = peer_;
      arrival.request->tls = tls_;
      return;
    }
    arrival.refusal = Refusal(refuse_ ? 503 : 400);
    if (!refuse_) site_->Count(Ended::kMalformed);
  }

  /// Holds the header against the limits and the gate of its route.
  void Admit(Parser& parser, Arrival& arrival) {
    Request& request = *arrival.request;
    const Router::Match match = site_->router.Find(request.method, request.path);
    const RouteOptions none;
    const RouteOptions& options = match.options == nullptr ? none : *match.options;
    const std::size_t most = options.body_bytes.value_or(site_->limits.body_bytes);
    std::optional<std::uint64_t> length;
    if (const auto told = parser.content_length()) length = *told;
    if (parser.is_done()) length = 0;
    if (length && *length > most) {
      arrival.refusal = Refusal(413);
      site_->Count(Ended::kBodyTooLarge);
      if (options.too_large) options.too_large();
      return;
    }
    parser.body_limit(most);
    arrival.too_large = options.too_large;
    if (!options.gate) return;
    arrival.route = match.route;
    Admission admission = options.gate(request, length);
    arrival.refusal = std::move(admission.refusal);
    request.admission = std::move(admission.held);
  }

  net::awaitable<bool> Send(Response response) {
    Message message = co_await Encode(site_, std::move(response), version_, gzip_, head_);
    if (site_->closed) co_return false;
    keep_ = keep_ && !site_->stopping;
    message.keep_alive(keep_);
    std::string text = HeaderText(message);
    std::string& body = message.body();
    if (body.size() <= kJoined) {
      text += body;
      body.clear();
    }
    net::error_code failed = co_await Write(text);
    if (!failed) failed = co_await Write(body);
    co_return Sent(failed);
  }

  /// Notes how sending a response went.
  bool Sent(net::error_code error) {
    if (error == beast::error::timeout) site_->Count(Ended::kSlowReader);
    answered_ = !error;
    return answered_;
  }

  /// The header of a streamed response.
  net::awaitable<bool> SendHead(Response response) {
    Message message = Head(response, version_, *site_);
    message.chunked(version_ >= 11);
    keep_ = keep_ && version_ >= 11 && !site_->stopping;
    message.keep_alive(keep_);
    const std::string text = HeaderText(message);
    const net::error_code failed = co_await Write(text);
    co_return Sent(failed);
  }

  net::awaitable<bool> SendBody(std::shared_ptr<BodySource> source) {
    const Streaming streaming(*site_, connection_, source);
    KeepAlive(link_->socket().native_handle());
    if (site_->stopping) source->End();
    answered_ = false;
    const net::error_code failed =
        co_await WriteStream(*link_, source, version_ >= 11, site_->limits);
    co_return Sent(failed);
  }

  const std::unique_ptr<Link> link_;
  std::shared_ptr<Site> site_;
  std::string peer_;
  bool tls_;
  bool refuse_;
  beast::flat_buffer buffer_;
  Connection connection_;
  bool answered_ = false;  // the last thing on the wire is a complete response of ours
  unsigned version_ = 11;
  bool head_ = false;
  bool keep_ = false;
  bool gzip_ = false;
};

}  // namespace

net::awaitable<void> RunSession(net::StreamSocket socket, std::shared_ptr<Site> site, bool refuse) {
  std::string peer = net::PeerName(socket.native_handle());
  net::TlsContext::Ptr tls = site->guard ? site->guard->Tls() : nullptr;
  const bool secured = tls != nullptr;
  std::unique_ptr<Link> link = MakeLink(std::move(socket), std::move(tls));
  if (link == nullptr) co_return;
  Session session(std::move(link), std::move(site), std::move(peer), secured, refuse);
  co_await session.Run();
}

}  // namespace pgbeacon::http
