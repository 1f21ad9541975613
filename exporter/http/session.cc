// The only Beast of the project. A session is one coroutine, so what it does is read from top to
// bottom; every wait has a deadline (expires_after), after which the stream closes the socket.
// Responses leave in the order of the requests: the next request is read when the last response has
// been written, so that a client which pipelines cannot make the server hoard.
#include "exporter/http/session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <array>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/none.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/text.h"
#include "exporter/http/date.h"
#include "exporter/http/query.h"
#include "exporter/http/stream_writer.h"
#include "exporter/metrics/gzip.h"
#include "exporter/metrics/negotiate.h"
#include "exporter/net/blocking_pool.h"

namespace pgbeacon::http {
namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using Parser = bhttp::request_parser<bhttp::string_body>;
using Message = bhttp::response<bhttp::string_body>;
using beast::string_view;

constexpr std::size_t kReadChunk = 4096;
constexpr std::size_t kBodyChunk = std::size_t{64} * 1024;
constexpr std::size_t kLeastGzip = 1024;  // below, the header outweighs the gain
constexpr std::size_t kInlineGzip =
    std::size_t{1024} * 1024;  // above, the I/O thread would be held too long
constexpr std::size_t kLingerBytes =
    std::size_t{1024} * 1024;  // read and thrown away before a close
constexpr std::chrono::seconds kLinger{1};
constexpr int kKeepAliveSeconds = 30;

/// The status of the response to a request that could not be read; 0 where nobody is there to read
/// one: closed, reset or timed out.
int StatusOf(net::error_code error) {
  if (error == bhttp::error::header_limit || error == bhttp::error::buffer_overflow) return 431;
  if (error == bhttp::error::body_limit) return 413;
  if (error == bhttp::error::bad_version) return 505;
  if (error == bhttp::error::end_of_stream || error == bhttp::error::partial_message) return 0;
  return error.category() == make_error_code(bhttp::error::bad_method).category() ? 400 : 0;
}

Response Plain(int status, std::string body) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

Response Busy(std::string body) {
  Response response = Plain(503, std::move(body));
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

Response Refusal(int status) {
  std::string reason(bhttp::obsolete_reason(bhttp::int_to_status(static_cast<unsigned>(status))));
  Response response = Plain(status, std::move(reason) + "\n");
  if (status == 503) response = Busy("too many connections\n");
  return response;
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
  if (!target || !host) return nullptr;
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

/// Runs the handler; whatever it throws becomes a 500. `route` outlives the call.
net::awaitable<Response> Answer(std::shared_ptr<Site> site, std::shared_ptr<const Request> request,
                                std::string& route) {
  const Router::Match match = site->router.Find(request->method, request->path);
  route = match.route;
  if (match.handler == nullptr && match.allow.empty()) {
    co_return Plain(404, site->router.Served());
  }
  if (match.handler == nullptr) {
    Response response = Plain(405, "method not allowed; allowed: " + match.allow + "\n");
    response.headers.emplace_back("Allow", match.allow);
    co_return response;
  }
  const Handler handler = *match.handler;  // routes may be added while it runs
  std::string failure;
  try {
    Response response = co_await handler(request);
    co_return response;
  } catch (const std::exception& error) {
    failure = error.what();
  } catch (...) {
    failure = "unknown exception";
  }
  spdlog::error("http handler failed path={} error={}", route, failure);
  co_return Plain(500, "internal error\n");
}

/// Status and header, without what frames the body.
Message Head(const Response& response, unsigned version) {
  Message message(bhttp::int_to_status(static_cast<unsigned>(response.status)), version);
  message.result(static_cast<unsigned>(response.status));
  message.set(bhttp::field::date, HttpDate(std::chrono::system_clock::now()));
  message.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers) message.insert(name, value);
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless) message.set(bhttp::field::content_type, response.content_type);
  return message;
}

/// The response as a message, compressed where `gzip`; `head`: without its body.
net::awaitable<Message> Encode(std::shared_ptr<Site> site, Response response, unsigned version,
                               bool gzip, bool head) {
  Message message = Head(response, version);
  if (response.status == 204 || response.status == 304) co_return message;
  if (response.compressible) message.insert(bhttp::field::vary, "Accept, Accept-Encoding");
  if (response.compressible && gzip && response.body.size() >= kLeastGzip) {
    message.set(bhttp::field::content_encoding, "gzip");
    if (response.body.size() <= kInlineGzip || site->closed) {
      response.body = metrics::Gzip(response.body);
    } else {
      auto compress = [text = std::move(response.body)] { return metrics::Gzip(text); };
      response.body = co_await site->pool->Run(std::move(compress));
    }
  }
  message.content_length(response.body.size());
  if (!head) message.body() = std::move(response.body);
  co_return message;
}

/// Ends a connection so that the last response arrives: a close with bytes of the client unread
/// would reset it.
template <class Stream>
net::awaitable<void> Linger(Stream& stream) {
  auto& lowest = beast::get_lowest_layer(stream);
  net::error_code ignored;
  lowest.socket().shutdown(net::asio::ip::tcp::socket::shutdown_send, ignored);
  lowest.expires_after(kLinger);
  std::array<char, kReadChunk> scratch;
  for (std::size_t total = 0; total < kLingerBytes;) {
    const auto room = net::asio::buffer(scratch);
    const auto [error, count] = co_await stream.async_read_some(room, net::kNoThrow);
    if (error) break;
    total += count;
  }
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

/// Session: the state of one connection; TLS is another Stream.
template <class Stream>
class Session {
 public:
  Session(Stream stream, std::shared_ptr<Site> site, std::string peer, bool refuse)
      : stream_(std::move(stream)),
        site_(std::move(site)),
        peer_(std::move(peer)),
        refuse_(refuse),
        buffer_(site_->limits.header_bytes + kBodyChunk),
        connection_(*site_, [this] { beast::get_lowest_layer(stream_).close(); }) {}

  net::awaitable<void> Run() {
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
    if ((lingers || (answered_ && site_->stopping)) && !site_->closed) co_await Linger(stream_);
  }

 private:
  void ExpireAfter(std::chrono::milliseconds limit) {
    beast::get_lowest_layer(stream_).expires_after(limit);
  }

  /// Waits for the first byte of a request; false when the connection ends before.
  net::awaitable<bool> AwaitRequest() {
    if (buffer_.size() > 0) co_return true;
    buffer_.shrink_to_fit();
    ExpireAfter(answered_ ? site_->limits.idle : site_->limits.read);
    const auto room = buffer_.prepare(kReadChunk);
    const auto [error, count] = co_await stream_.async_read_some(room, net::kNoThrow);
    if (error) co_return false;
    buffer_.commit(count);
    co_return true;
  }

  /// One request and its response; whether another may follow.
  net::awaitable<bool> ServeRequest() {
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(site_->limits.header_bytes));
    parser.body_limit(boost::none);  // Admit() sets the route's
    ExpireAfter(site_->limits.read);
    answered_ = false;
    Arrival arrival;
    const net::error_code failed = co_await Read(parser, arrival);
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
      ExpireNever();
      response = co_await Answer(site_, arrival.request, arrival.route);
    }
    if (response.stream && site_->streams >= site_->limits.streams) {
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
    co_return sent&& keep_;
  }

  void ExpireNever() { beast::get_lowest_layer(stream_).expires_never(); }

  /// The header, and the body unless the request is refused. The arguments outlive the call.
  net::awaitable<net::error_code> Read(Parser& parser, Arrival& arrival) {
    auto [failed, header] =
        co_await bhttp::async_read_header(stream_, buffer_, parser, net::kNoThrow);
    if (failed) co_return failed;
    Admit(parser, arrival);
    if (arrival.refusal || parser.is_done()) co_return failed;
    if (beast::iequals(parser.get()[bhttp::field::expect], "100-continue")) {
      Message go_on(bhttp::status::continue_, parser.get().version());
      auto [unsent, written] = co_await bhttp::async_write(stream_, go_on, net::kNoThrow);
      if (unsent) co_return unsent;
    }
    auto [broken, body] = co_await bhttp::async_read(stream_, buffer_, parser, net::kNoThrow);
    if (broken == bhttp::error::body_limit && arrival.too_large) arrival.too_large();
    arrival.request->body = std::move(parser.get().body());
    arrival.request->received = SteadyClock::now();
    co_return broken;
  }

  /// Holds the header against the limits and the gate of its route.
  void Admit(Parser& parser, Arrival& arrival) {
    if (!refuse_) arrival.request = ToRequest(parser.get());
    if (arrival.request == nullptr) {
      arrival.refusal = Refusal(refuse_ ? 503 : 400);
      return;
    }
    Request& request = *arrival.request;
    request.peer = peer_;
    const Router::Match match = site_->router.Find(request.method, request.path);
    const RouteOptions none;
    const RouteOptions& options = match.options == nullptr ? none : *match.options;
    const std::size_t most = options.body_bytes.value_or(site_->limits.body_bytes);
    std::optional<std::uint64_t> length;
    if (const auto told = parser.content_length()) length = *told;
    if (parser.is_done()) length = 0;
    if (length && *length > most) {
      arrival.refusal = Refusal(413);
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
    ExpireAfter(site_->limits.write);
    const auto [error, count] = co_await bhttp::async_write(stream_, message, net::kNoThrow);
    answered_ = !error;
    co_return answered_;
  }

  /// The header of a streamed response.
  net::awaitable<bool> SendHead(Response response) {
    Message message = Head(response, version_);
    message.chunked(version_ >= 11);
    keep_ = keep_ && version_ >= 11 && !site_->stopping;
    message.keep_alive(keep_);
    bhttp::response_serializer<bhttp::string_body> serializer(message);
    ExpireAfter(site_->limits.write);
    const auto [error, count] =
        co_await bhttp::async_write_header(stream_, serializer, net::kNoThrow);
    answered_ = !error;
    co_return answered_;
  }

  net::awaitable<bool> SendBody(std::shared_ptr<BodySource> source) {
    const Streaming streaming(*site_, connection_, source);
    KeepAlive(beast::get_lowest_layer(stream_).socket().native_handle());
    if (site_->stopping) source->End();
    answered_ = false;
    answered_ = co_await WriteStream(stream_, source, version_ >= 11, site_->limits.write);
    co_return answered_;
  }

  Stream stream_;
  std::shared_ptr<Site> site_;
  std::string peer_;
  bool refuse_;
  beast::flat_buffer buffer_;
  Connection connection_;
  bool answered_ = false;  // the last thing on the wire is a complete response of ours
  unsigned version_ = 11;
  bool head_ = false;
  bool keep_ = false;
  bool gzip_ = false;
};

/// "127.0.0.1:51234", "[::1]:51234"; an IPv4 peer of an IPv6 socket as IPv4.
std::string PeerName(const net::asio::ip::tcp::socket& socket) {
  net::error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return {};
  const auto address = peer.address();
  const std::string port = std::to_string(peer.port());
  if (address.is_v4()) return address.to_string() + ":" + port;
  const auto v6 = address.to_v6();
  if (!v6.is_v4_mapped()) return "[" + v6.to_string() + "]:" + port;
  return make_address_v4(net::asio::ip::v4_mapped, v6).to_string() + ":" + port;
}

}  // namespace

net::awaitable<void> RunSession(net::asio::ip::tcp::socket socket, std::shared_ptr<Site> site,
                                bool refuse) {
  using PlainStream =
      beast::basic_stream<net::asio::ip::tcp, net::any_io_executor, beast::unlimited_rate_policy>;
  std::string peer = PeerName(socket);
  Session<PlainStream> session(PlainStream(std::move(socket)), std::move(site), std::move(peer),
                               refuse);
  co_await session.Run();
}

}  // namespace pgbeacon::http
