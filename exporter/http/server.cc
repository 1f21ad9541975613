#include "exporter/http/server.h"

#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "exporter/http/session.h"
#include "exporter/http/site.h"
#include "exporter/net/address.h"

namespace pgbeacon::http {
namespace {

using Tcp = net::asio::ip::tcp;
using Acceptor = Tcp::acceptor;

constexpr std::size_t kRefusals = 64;  // connections beyond the limit that are told so
constexpr std::chrono::milliseconds kAcceptPause{100};

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

/// Accepts until the acceptor is closed. Running out of descriptors or memory passes: it waits.
net::awaitable<void> Accept(std::shared_ptr<Acceptor> acceptor, std::shared_ptr<Site> site) {
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
    if (open >= site->limits.connections + kRefusals) continue;
    net::error_code ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    const bool refuse = open >= site->limits.connections;
    net::asio::co_spawn(site->executor, RunSession(std::move(socket), site, refuse), LogFailure);
  }
}

/// An acceptor that listens, or why not.
net::error_code Open(Acceptor& acceptor, const Tcp::endpoint& endpoint, bool both_families) {
  net::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (error) return error;
  acceptor.set_option(Acceptor::reuse_address(true), error);
  if (!error && endpoint.protocol() == Tcp::v6()) {
    const int alone = both_families ? 0 : 1;
    if (setsockopt(acceptor.native_handle(), IPPROTO_IPV6, IPV6_V6ONLY, &alone, sizeof alone) !=
        0) {
      error.assign(errno, boost::system::system_category());
    }
  }
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(net::asio::socket_base::max_listen_connections, error);
  if (error) {
    net::error_code ignored;
    acceptor.close(ignored);
  }
  return error;
}

/// An address literal as it is, a name by the resolver, IPv4 first.
std::optional<net::asio::ip::address> Resolve(const net::any_io_executor& executor,
                                              const std::string& host, net::error_code& error) {
  const auto literal = net::asio::ip::make_address(host, error);
  if (!error) return literal;
  Tcp::resolver resolver(executor);
  const auto found = resolver.resolve(host, "0", Tcp::resolver::flags(), error);
  if (error || found.empty()) return std::nullopt;
  for (const auto& entry : found) {
    if (entry.endpoint().address().is_v4()) return entry.endpoint().address();
  }
  return found.begin()->endpoint().address();
}

std::string Name(const Tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

Error CannotListen(const std::string& address, const net::error_code& error) {
  std::string message = "cannot listen on " + address + ": " + error.message();
  if (error == net::asio::error::address_in_use) {
    message += "; another exporter may run there: choose --web.listen-address";
  } else if (error == net::asio::error::access_denied) {
    message += "; ports below 1024 need a privilege: choose --web.listen-address";
  }
  const bool denied = error == net::asio::error::access_denied;
  return Error(denied ? ErrorCode::kDenied : ErrorCode::kUnavailable, std::move(message));
}

}  // namespace

struct Server::State {
  std::shared_ptr<Site> site;
  std::vector<std::shared_ptr<Acceptor>> acceptors;  // shared with their accept loops
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

Status Server::Listen(const std::string& address) {
  const Result<net::ListenAddress> parsed = net::ParseListenAddress(address);
  if (!parsed.ok()) return parsed.error();
  const std::shared_ptr<Site>& site = state_->site;
  auto acceptor = std::make_shared<Acceptor>(site->executor);
  net::error_code error;
  if (parsed->host.empty()) {
    error = Open(*acceptor, Tcp::endpoint(Tcp::v6(), parsed->port), true);
    if (error && error != net::asio::error::address_in_use) {
      error = Open(*acceptor, Tcp::endpoint(Tcp::v4(), parsed->port), false);
    }
  } else {
    const auto host = Resolve(site->executor, parsed->host, error);
    if (!host) return CannotListen(address, error);
    error = Open(*acceptor, Tcp::endpoint(*host, parsed->port), host->is_unspecified());
  }
  if (error) return CannotListen(address, error);
  state_->acceptors.push_back(acceptor);
  net::asio::co_spawn(site->executor, Accept(std::move(acceptor), site), LogFailure);
  return {};
}

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> names;
  for (const std::shared_ptr<Acceptor>& acceptor : state_->acceptors) {
    net::error_code error;
    const Tcp::endpoint endpoint = acceptor->local_endpoint(error);
    if (!error) names.push_back(Name(endpoint));
  }
  return names;
}

void Server::Stop() {
  state_->site->stopping = true;
  for (const std::shared_ptr<Acceptor>& acceptor : state_->acceptors) {
    net::error_code ignored;
    acceptor->close(ignored);
  }
  for (Connection* connection : state_->site->connections) {
    if (connection->stream) connection->stream->End();
    if (connection->idle) connection->Close();
  }
}

}  // namespace pgbeacon::http
