#include "exporter/ingest/stream_listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace pgbeacon::ingest {
namespace {

constexpr int kAcceptsPerTurn = 64;

// A sender that vanished is found out in 300 s + 5 x 30 s; one that has nothing to say may stay.
constexpr int kKeepAliveIdle = 300;
constexpr int kKeepAliveInterval = 30;
constexpr int kKeepAliveProbes = 5;

/// Connections inherit it from the socket that listens.
void KeepAlive(int socket) {
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepAliveIdle, sizeof kKeepAliveIdle);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepAliveInterval, sizeof kKeepAliveInterval);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &kKeepAliveProbes, sizeof kKeepAliveProbes);
}

template <class Array, class Reason>
auto& At(Array& counts, Reason reason) {
  return counts[static_cast<std::size_t>(reason)];
}

}  // namespace

Result<std::unique_ptr<Listener>> StreamListener::Open(SyslogListenerOptions options,
                                                       FrameSink& sink, ListenersShared& shared) {
  std::optional<net::TlsServer> tls;
  if (options.kind == ListenerKind::kTls) {
    Result<net::TlsServer> opened = net::TlsServer::Open(options.tls);
    if (!opened.ok()) return opened.error();
    tls.emplace(*std::move(opened));
  }
  Result<Bound> bound = Bind(options);
  if (!bound.ok()) return bound.error();
  if (options.kind != ListenerKind::kUnixStream) KeepAlive(bound->socket.get());
  return std::unique_ptr<Listener>(new StreamListener(std::move(options), sink, shared,
                                                      std::move(bound->socket),
                                                      std::move(bound->file), std::move(tls)));
}

StreamListener::StreamListener(SyslogListenerOptions options, FrameSink& sink,
                               ListenersShared& shared, net::Descriptor socket,
                               std::optional<net::UnixSocket> file,
                               std::optional<net::TlsServer> tls)
    : options_(std::move(options)),
      address_(file ? options_.address : net::LocalName(socket.get())),
      sink_(sink),
      shared_(shared),
      socket_(shared.executor, socket.Release()),
      file_(std::move(file)),
      tls_(std::move(tls)) {
  status_.source = options_.name;
  status_.kind = options_.kind;
  shared_.streams.push_back(this);
}

StreamListener::~StreamListener() {
  Stop();
  std::erase(shared_.streams, this);
}

void StreamListener::Start() {
  *running_ = true;
  WaitForConnections();
}

void StreamListener::Stop() {
  *running_ = false;
  net::error_code ignored;
  socket_.close(ignored);
  while (!connections_.empty()) Remove(*connections_.back(), std::nullopt);
  file_.reset();
}

ListenerStatus StreamListener::status() const {
  ListenerStatus status = status_;
  status.connections = connections_.size();
  status.handshakes = handshakes_.size();
  if (tls_) status.certificate_not_after = tls_->not_after();
  return status;
}

// ---- New connections ----

void StreamListener::WaitForConnections() {
  socket_.async_wait(net::asio::posix::stream_descriptor::wait_read,
                     [this, running = running_](const net::error_code& error) {
                       if (!error && *running) Accept();
                     });
}

void StreamListener::Accept() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    net::Descriptor socket(accept4(socket_.native_handle(), reinterpret_cast<sockaddr*>(&peer),
                                   &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      paused_ = false;
      Take(std::move(socket), net::HostOf(peer));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      OutOfFiles(errno);
      return;
    } else if (errno == EAGAIN) {
      break;
    }  // else it was the connection's own error
  }
  WaitForConnections();
}

/// The next tick tries again.
void StreamListener::OutOfFiles(int code) {
  ++At(status_.refused, Refused::kOpenFiles);
  if (!paused_) {
    spdlog::error(
        "source={}: new connections wait error=\"{}\"; raise the limit of open files (systemd: "
        "LimitNOFILE=)",
        options_.name, std::system_category().message(code));
  }
  paused_ = true;
}

void StreamListener::Take(net::Descriptor socket, std::string peer) {
  if (shared_.connections >= shared_.limits.connections) {
    ++At(status_.refused, Refused::kLimit);
    if (!std::exchange(full_, true)) {
      spdlog::warn("source={}: {} connections are open, more are refused", options_.name,
                   shared_.connections);
    }
    return;
  }
  full_ = false;
  std::unique_ptr<net::TlsSession> session;
  if (tls_) {
    Result<net::TlsSession> accepted = tls_->Accept(socket.get());
    if (!accepted.ok()) {
      ++At(status_.handshake_failures, net::TlsFailure::kOther);
      return;
    }
    session = std::make_unique<net::TlsSession>(*std::move(accepted));
    while (handshakes_.size() >= shared_.limits.handshakes) {
      HandshakeFailed(*handshakes_.front(), net::TlsFailure::kCrowded, "too many at once");
    }
  }
  auto connection = std::make_shared<StreamConnection>(*this, std::move(socket), std::move(peer),
                                                       std::move(session));
  connection->index = connections_.size();
  connections_.push_back(connection);
  ++shared_.connections;
  ++status_.accepted;
  if (tls_) connection->handshake = handshakes_.insert(handshakes_.end(), connection.get());
  connection->Start();
}

// ---- What connections tell ----

void StreamListener::HandshakeDone(StreamConnection& connection) {
  handshakes_.erase(connection.handshake);
}

void StreamListener::HandshakeFailed(StreamConnection& connection, net::TlsFailure failure,
                                     const std::string& detail) {
  std::uint64_t& count = At(status_.handshake_failures, failure);
  const auto level = count == 0 ? spdlog::level::warn : spdlog::level::debug;
  spdlog::log(level, "source={}: TLS handshake failed peer={} reason={} error=\"{}\"",
              options_.name, connection.peer(), At(net::kTlsFailureNames, failure), detail);
  ++count;
  Remove(connection, std::nullopt);
}

void StreamListener::HeldChanged(std::size_t before, std::size_t after) {
  status_.held_bytes = status_.held_bytes - before + after;
  shared_.held_bytes = shared_.held_bytes - before + after;
  while (shared_.held_bytes > shared_.limits.held_bytes) {
    StreamConnection* largest = nullptr;
    StreamListener* owner = nullptr;
    for (StreamListener* listener : shared_.streams) {
      StreamConnection* candidate = listener->Largest();
      if (candidate == nullptr) continue;
      if (largest != nullptr && largest->held() >= candidate->held()) continue;
      largest = candidate;
      owner = listener;
    }
    if (largest == nullptr) return;
    owner->Remove(*largest, Closed::kMemory);
  }
}

StreamConnection* StreamListener::Largest() {
  const auto largest = std::ranges::max_element(
      connections_, {}, [](const auto& connection) { return connection->held(); });
  return largest == connections_.end() || (*largest)->held() == 0 ? nullptr : largest->get();
}

void StreamListener::Remove(StreamConnection& connection, std::optional<Closed> reason) {
  if (reason && At(status_.closed, *reason)++ == 0) {
    spdlog::warn("source={}: connection closed peer={} reason={}", options_.name, connection.peer(),
                 At(kClosedNames, *reason));
  }
  if (connection.shaking_hands()) handshakes_.erase(connection.handshake);
  status_.held_bytes -= connection.held();
  shared_.held_bytes -= connection.held();
  --shared_.connections;
  const std::size_t index = connection.index;
  const std::shared_ptr<StreamConnection> last = std::move(connections_.back());
  connections_.pop_back();
  if (index == connections_.size()) {
    last->Close();
    return;
  }
  const std::shared_ptr<StreamConnection> removed = std::exchange(connections_[index], last);
  last->index = index;
  removed->Close();
}

// ---- Once in a while ----

void StreamListener::Tick(TimePoint now) {
  if (paused_ && *running_) Accept();
  if (tls_) RefreshCertificate();
  while (!handshakes_.empty() && now - handshakes_.front()->touched() >= shared_.limits.handshake) {
    HandshakeFailed(*handshakes_.front(), net::TlsFailure::kTimeout, "it took too long");
  }
  for (std::size_t i = connections_.size(); i-- > 0;) {  // removing fills the gap from behind
    StreamConnection& connection = *connections_[i];
    if (connection.unfinished() && now - connection.touched() >= shared_.limits.unfinished) {
      Remove(connection, Closed::kUnfinished);
    }
  }
}

void StreamListener::RefreshCertificate() {
  const Result<bool> refreshed = tls_->Refresh();
  if (!refreshed.ok()) {
    spdlog::error("source={}: {}; the certificate that was read before stays in use", options_.name,
                  refreshed.error().message);
  } else if (*refreshed) {
    spdlog::info("source={}: TLS certificate read again", options_.name);
  }
}

}  // namespace pgbeacon::ingest
