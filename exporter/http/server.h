// The HTTP server: listeners, limits, routing. Handlers are coroutines from request to response and
// do no HTTP themselves.
//
// Example:
//   Server server(io.get_executor(), pool, {}, {});
//   server.Route("GET", "/-/healthy", healthy);       // a named handler
//   Status listening = server.Listen("127.0.0.1:9187");
//
// All members are called on the executor's one thread, or while it does not run.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exporter/http/message.h"
#include "exporter/net/asio.h"
#include "exporter/net/descriptor.h"

namespace pgbeacon::net {
class BlockingPool;
}  // namespace pgbeacon::net

namespace pgbeacon::http {

class Guard;

/// What one client, or all of them, may take. Beyond: 431, 413, 503, or the connection is closed.
struct Limits {
  std::size_t header_bytes = std::size_t{16} * 1024;
  std::size_t body_bytes = std::size_t{1024} * 1024;
  std::size_t connections = 512;
  std::size_t streams = 256;  ///< of the connections, those whose response is a stream
  /// Between requests of a connection. Logplex ends an idle one after 144 to 159 s; were we first,
  /// a delivery could meet the close.
  std::chrono::milliseconds idle = std::chrono::minutes(3);
  /// For one request to arrive, and for a TLS handshake.
  std::chrono::milliseconds read = std::chrono::seconds(10);
  /// For the client to take any byte of a response.
  std::chrono::milliseconds write = std::chrono::seconds(30);
  /// Bytes per second that the client takes of a response (of a stream: of one piece) on average,
  /// once it has had the time of `write`; 0: any.
  std::size_t write_rate = std::size_t{16} * 1024;
};

/// Why the server refused a connection or closed it by itself (label `reason`).
enum class Ended : std::uint8_t {
  kTooManyConnections,
  kTooManyStreams,
  kHeaderTooLarge,
  kBodyTooLarge,
  kMalformed,
  kSlowRequest,  ///< the request did not arrive in time
  kSlowReader,   ///< the response was not taken in time
  kIdle,
  kTlsHandshake,
};
inline constexpr std::array<const char*, 9> kEndedNames = {
    "too_many_connections", "too_many_streams", "header_too_large", "body_too_large",
    "malformed_request",    "slow_request",     "slow_reader",      "idle",
    "tls_handshake"};

struct ConnectionFigures {
  std::size_t open = 0;
  std::array<std::uint64_t, kEndedNames.size()> ended{};
};

/// Called once per answered request, of a stream at its beginning: handler path as routed (or
/// "other"), status.
using Observer = std::function<void(std::string_view handler, int status)>;

class Server {
 public:
  /// `pool` outlives the server and every handler that is still running when the server goes.
  Server(net::any_io_executor executor, net::BlockingPool& pool, Limits limits, Observer observer);
  /// Stops and closes every connection; handlers that still run finish for nobody.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Exact path. GET routes answer HEAD too; another method on a routed path is 405 with Allow.
  void Route(std::string method, std::string path, Handler handler, RouteOptions options = {});

  /// What is asked of every connection and request from now on.
  void Protect(std::shared_ptr<Guard> guard);
  /// Whether requests need credentials.
  bool AsksCredentials() const;

  /// Opens a listener: ":9187", "127.0.0.1:9187", "[::1]:9187"; port 0 picks a free one. ":PORT" is
  /// every address of both families, as Go's net.Listen has it. "unix:/run/pgbeacon.sock" is a
  /// socket in the file system, for its owner and group.
  Status Listen(const std::string& address);

  /// Serves a stream socket that listens already.
  void Listen(net::Descriptor socket);

  /// The addresses listened on, with real ports.
  std::vector<std::string> addresses() const;

  ConnectionFigures figures() const;

  /// Stops accepting, closes idle connections and ends streams; running requests are answered.
  void Stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pgbeacon::http
