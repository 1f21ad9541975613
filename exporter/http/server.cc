#include "exporter/http/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <chrono>
#include <exception>
#include <utility>

#include "exporter/http/session.h"
#include "exporter/http/site.h"
#include "exporter/net/listening.h"

namespace pgbeacon::http {
namespace {

using net::StreamAcceptor;

constexpr std::size_t kRefusals = 64;  // connections beyond the limit that are told so
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::string_view kUnixScheme = "unix:";
constexpr unsigned kUnixMode = 0660;
constexpr int kUnsentBytes = 256 * 1024;  // of a response in the kernel: what a slow reader ties up

void LogFailure(const std::exception_ptr& failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    spdlog::error("http connection failed error={}", error.what());
  }
}

/// Closes the connections that nothing is asked over, for those who wait to be let in. Whether
/// there were any.
bool CloseIdle(Site& site) {
  bool any = false;
  for (Connection* connection : site.connections) {
    if (!connection->idle) continue;
    connection->Close();
    any = true;
  }
  return any;
}

/// Small pieces leave at once, and only so much of a large response is taken from us before the
/// client takes it. Of no effect on a unix socket.
void SetOptions(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytes, sizeof kUnsentBytes);
}

/// Accepts until the acceptor is closed. Running out of descriptors or memory passes: it waits.
net::awaitable<void> Accept(std::shared_ptr<StreamAcceptor> acceptor, std::shared_ptr<Site> site) {
  net::asio::steady_timer pause(site->executor);
  bool failing = false;
  while (acceptor->is_open()) {
    auto [error, socket] = co_await acceptor->async_accept(net::kNoThrow);
    if (!acceptor->is_open()) break;
    if (error == net::asio::error::connection_aborted) continue;
    if (error) {
      if (!failing) spdlog::error("http accept failed error={}; trying on", error.message());
      failing = true;
      if (error == net::asio::error::no_descriptors && CloseIdle(*site)) continue;
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(net::kNoThrow);
      continue;
    }
    failing = false;
    const std::size_t open = site->connections.size();
    const bool refuse = open >= site->limits.connections;
    if (refuse) site->Count(Ended::kTooManyConnections);
    if (open >= site->limits.connections + kRefusals) continue;
    SetOptions(socket.native_handle());
    net::asio::co_spawn(site->executor, RunSession(std::move(socket), site, refuse), LogFailure);
  }
}

}  // namespace

struct Server::State {
  std::shared_ptr<Site> site;
  std::vector<std::shared_ptr<StreamAcceptor>> acceptors;  // shared with their accept loops
  std::vector<std::string> addresses;                      // of each
  std::vector<net::UnixSocket> files;                      // removed with the server
};

Server::Server(net::any_io_executor executor, net::BlockingPool& pool, Limits limits,
               Observer observer)
    : state_(std::make_unique<State>()) {
  state_->site = std::make_shared<Site>();
  state_->site->executor = std::move(executor);
  state_->site->pool = &pool;
  state_->site->limits = limits;
  state_->site->observer = std::move(observer);
}

Server::~Server() {
  Stop();
  state_->site->closed = true;
  for (Connection* connection : state_->site->connections) connection->Close();
}

void Server::Route(std::string method, std::string path, Handler handler, RouteOptions options) {
  state_->site->router.Add(std::move(method), std::move(path), std::move(handler),
                           std::move(options));
}

void Server::Protect(std::shared_ptr<Guard> guard) { state_->site->guard = std::move(guard); }

bool Server::AsksCredentials() const {
  const std::shared_ptr<Guard>& guard = state_->site->guard;
  return guard != nullptr && guard->asks_credentials();
}

Status Server::Listen(const std::string& address) {
  if (!address.starts_with(kUnixScheme)) {
    Result<net::Descriptor> socket =
        net::ListenInternet(address, net::Transport::kStream, "another exporter");
    if (!socket.ok()) return socket.error();
    Listen(*std::move(socket));
    return {};
  }
  Result<net::UnixSocket> file = net::UnixSocket::Listen(address.substr(kUnixScheme.size()),
                                                         net::Transport::kStream, kUnixMode);
  if (!file.ok()) return file.error();
  Listen(file->TakeSocket());
  state_->addresses.back() = address;
  state_->files.push_back(*std::move(file));
  return {};
}

void Server::Listen(net::Descriptor socket) {
  const std::shared_ptr<Site>& site = state_->site;
  const int fd = socket.Release();
  const std::string name = net::LocalName(fd);
  auto acceptor = std::make_shared<StreamAcceptor>(site->executor, net::StreamProtocolOf(fd), fd);
  state_->acceptors.push_back(acceptor);
  state_->addresses.push_back(name.empty() ? "unix" : name);
  net::asio::co_spawn(site->executor, Accept(std::move(acceptor), site), LogFailure);
}

std::vector<std::string> Server::addresses() const { return state_->addresses; }

ConnectionFigures Server::figures() const {
  ConnectionFigures figures = state_->site->figures;
  figures.open = state_->site->connections.size();
  return figures;
}

void Server::Stop() {
  state_->site->stopping = true;
  for (const std::shared_ptr<StreamAcceptor>& acceptor : state_->acceptors) {
    net::error_code ignored;
    acceptor->close(ignored);
  }
  for (Connection* connection : state_->site->connections) {
    if (connection->stream) connection->stream->End();
    if (connection->idle) connection->Close();
  }
}

}  // namespace pgbeacon::http
