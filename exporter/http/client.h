// Client: HTTP/1.1 requests to one server, plain or TLS, over a connection that is kept open.
//
// Example:
//   Result<Url> url = ParseUrl("https://drain.example.com/logs?team=db");
//   Client client(executor, pool, *url, {.ca_file = "ca.pem"});
//   ClientRequest request;
//   request.method = "POST";
//   request.body = lines;
//   Result<ClientResponse> response = co_await client.Send(std::move(request), seconds(5));
//
// A body that never ends is read piece by piece instead:
//   Result<ClientResponse> begun = co_await client.Open(std::move(request), seconds(5));
//   Result<std::string> piece = co_await client.Read(seconds(45));   // empty: the end
//
// All members run on the executor's one thread; one request at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "exporter/http/url.h"
#include "exporter/net/asio.h"
#include "exporter/net/tls_client.h"

namespace pgbeacon::http {

/// Host, User-Agent and Content-Length are added; Authorization where the URL has a user.
struct ClientRequest {
  std::string method = "GET";
  std::string target;  ///< empty: the URL's
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

struct ClientResponse {
  int status = 0;
  std::map<std::string, std::string, std::less<>> headers;  ///< names in lower case
  std::string body;                                         ///< empty after Open()
};

class Client {
 public:
  /// Bodies that Send() returns are cut there.
  static constexpr std::size_t kMostBody = std::size_t{1} << 20;

  /// `pool`: for names and files, which may hang.
  Client(net::any_io_executor executor, net::BlockingPool& pool, Url url, net::ClientTls tls);
  /// Ends the connection; nothing may be waiting.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// One request and its whole response, connecting where there is no connection, all within
  /// `timeout`. A kept connection that turns out to be closed is replaced once. Errors: kTimeout,
  /// kUnavailable (refused, reset, unknown host, TLS), kInvalid (no HTTP, a certificate file of
  /// ours).
  net::awaitable<Result<ClientResponse>> Send(ClientRequest request,
                                              std::chrono::milliseconds timeout);

  /// As Send() up to the end of the response's header.
  net::awaitable<Result<ClientResponse>> Open(ClientRequest request,
                                              std::chrono::milliseconds timeout);
  /// The next piece of the body of the last Open(); empty at its end. `timeout` without a byte is
  /// an error.
  net::awaitable<Result<std::string>> Read(std::chrono::milliseconds timeout);

  /// Whether the last request had a connection to go by; where not, nobody has seen it.
  bool connected() const;

  /// Closes the connection; what waits fails with kUnavailable. The next request connects anew.
  void Close();

 private:
  struct Link;
  std::unique_ptr<Link> link_;
};

}  // namespace pgbeacon::http
